import MPI
import Platform
import Safetensors

/// Compares a folder with what its manifest says of it.
struct Verification {
  let folder: String
  let files: [Manifest.File]
  /// Threads of this rank.
  var workers = 1

  /// All ranks. Every file is there with its bytes and its SHA-256, and no other safetensors file is.
  ///
  /// The ranks share the files between them; the error is about the first of them that is not as it must be, whatever
  /// the number of ranks.
  ///
  /// - Throws: `SaladError` 65 on all ranks, naming the file that is missing, truncated, altered or foreign.
  func run(_ communicator: Communicator) throws {
    let fault = firstFault(rank: communicator.rank, ranks: communicator.size)
    let first = try communicator.allReduce(Int64(fault?.index ?? files.count), .min)  // all ranks
    try agree(communicator) {  // all ranks
      if let fault, fault.index == first { throw fault.error }
      if communicator.isRoot { try refuseStrangers() }
    }
  }

  /// A file that is not as it must be.
  struct Fault: Error {
    let index: Int
    let error: any Error
  }

  /// Local. The first of this rank's files that is not as it must be; the workers share them.
  func firstFault(rank: Int, ranks: Int) -> Fault? {
    let mine = Array(stride(from: rank, to: files.count, by: ranks))
    do {
      try forEachConcurrently(mine.count, workers: workers) { place in
        do {
          try check(files[mine[place]])
        } catch {
          throw Fault(index: mine[place], error: error)
        }
      }
      return nil
    } catch {
      return error as? Fault
    }
  }

  /// Local. Throws unless the file is the one that the manifest means.
  func check(_ file: Manifest.File) throws {
    let path = "\(folder)/\(file.name)"
    let status = try? FileStatus(path)
    guard let status, status.kind == .file else {
      throw SaladError(
        .badData,
        "\(path): expected this file, which \(Manifest.fileName) lists, found \(status?.kindInWords ?? "none")")
    }
    let size = status.size
    guard size == file.bytes else {
      throw SaladError(
        .badData,
        "\(path): expected \(file.bytes) bytes as \(Manifest.fileName) says, found "
          + (try twin(of: path, size: size).map { "the content of \($0.name)" }
            ?? "\(size): \(reason(path, isShorter: size < file.bytes))"))
    }
    let found = try FileSystem.digest(path, stopping: true).sha256
    guard found == file.sha256 else {
      let twin = files.first { $0.sha256 == found }
      throw SaladError(
        .badData,
        "\(path): expected the SHA-256 \(file.sha256.prefix(16))... as \(Manifest.fileName) says, found "
          + (twin.map { "the content of \($0.name)" } ?? "\(found.prefix(16))...: it was altered or is foreign"))
    }
  }

  /// The file that this one's content is of; only one of its length is worth reading it all.
  private func twin(of path: String, size: Int) throws -> Manifest.File? {
    guard files.contains(where: { $0.bytes == size }) else { return nil }
    let found = try FileSystem.digest(path, stopping: true).sha256
    return files.first { $0.sha256 == found }
  }

  /// Why a file has another length: one that is whole in itself was not cut.
  private func reason(_ path: String, isShorter: Bool) -> String {
    guard let file = try? SafetensorsFile(path: path) else { return "it was \(isShorter ? "truncated" : "extended")" }
    let bank = file.tensors.first { $0.name == BankTensor.name && file.tensors.count == 1 }
    return "it is foreign" + (bank.map { ": its bank is \($0.shape)" } ?? "")
  }

  /// Local. Throws when there is a safetensors file that the manifest does not list.
  func refuseStrangers() throws {
    let known = Set(files.map(\.name))
    for name in try FileSystem.names(in: folder) where name.hasSuffix(".safetensors") && !known.contains(name) {
      throw SaladError(
        .badData, "\(folder)/\(name): expected only files that \(Manifest.fileName) lists, found this foreign one")
    }
  }
}
