import Foundation
import Testing

@testable import Platform

@Suite("Files")
struct FilesTests {
  @Test("A path's folder and name")
  func paths() {
    for (path, folder, name) in [
      ("a", ".", "a"), ("a/", ".", "a"), ("a/b", "a", "b"), ("a//b//", "a", "b"), ("/a", "/", "a"), ("/", "/", "/"),
      ("/a/b/c", "/a/b", "c"), ("../x", "..", "x"), ("a/\u{301}b", "a", "\u{301}b"),
    ] {
      if path != "/" { #expect(Files.name(of: path) == name) }
      #expect(Files.folder(of: path) == folder)
    }
    #expect(Files.hidden("a/b", "-writing") == "a/.b-writing")
    #expect(Files.hidden("b", ".7") == "./.b.7")
  }

  @Test("A file is replaced whole, and nothing is left beside it where that fails")
  func atomic() throws {
    try withFolder { folder in
      let path = "\(folder)/x"
      for bytes in [[1, 2], [3]] as [[UInt8]] {
        try Files.writeAtomically(bytes, to: path, unfinished: Files.hidden(path, "-writing"))
        #expect(try Files.read(path) == bytes)
      }
      try Folder.make("\(folder)/full/of/things")
      let error = #expect(throws: SystemError.self) {
        try Files.writeAtomically([4], to: "\(folder)/full", unfinished: "\(folder)/.full")
      }
      #expect(error?.operation == .move)
      #expect(try Folder.entries(of: folder).entries.map(\.name) == ["full", "x"])
    }
  }

  @Test("A folder's entries come in the order of their bytes, each with its kind")
  func entries() throws {
    try withFolder { folder in
      for name in ["ä", "Z", "a", ".h"] { try Files.write([], to: "\(folder)/\(name)") }
      try Folder.make("\(folder)/m")
      #expect(symlink("\(folder)/m", "\(folder)/n") == 0)
      #expect(mkfifo("\(folder)/p", 0o600) == 0)
      let entries = try Folder.entries(of: folder).entries
      #expect(entries.map(\.name) == [".h", "Z", "a", "m", "n", "p", "ä"])
      // A file system may not tell kinds.
      let kinds: [FileStatus.Kind] = [.file, .file, .file, .folder, .link, .other, .file]
      #expect(zip(entries, kinds).allSatisfy { $0.kind == nil || $0.kind == $1 })
      #expect(entries.allSatisfy { $0.isValid })
    }
  }

  @Test("A name that is no UTF-8 is marked")
  func invalidName() throws {
    try withFolder { folder in
      let name = Array(folder.utf8CString.dropLast()) + [CChar(bitPattern: 0x2F), CChar(bitPattern: 0xFF), 0]
      close(open(name, O_CREAT | O_WRONLY, 0o600))
      let entries = try Folder.entries(of: folder).entries
      #expect(entries.map(\.isValid) == [false])
      // By its bytes, or it would stay.
      unlink(name)
    }
  }

  @Test("Removing takes links, not what they point to, and does without what is not there")
  func removal() throws {
    try withFolder { folder in
      try Files.write([1], to: "\(folder)/kept")
      try Folder.make("\(folder)/tree/deep")
      #expect(symlink("\(folder)/kept", "\(folder)/tree/deep/link") == 0)
      try Files.remove("\(folder)/tree")
      try Files.remove("\(folder)/tree")
      #expect(try Folder.entries(of: folder).entries.map(\.name) == ["kept"])
    }
  }

  @Test("An error says operation, path and the system's reason")
  func errors() {
    let missing = #expect(throws: SystemError.self) { try Files.read("/nonexistent/a") }
    #expect(missing == SystemError(.openForReading, "/nonexistent/a", code: ENOENT))
    #expect(missing?.description == "/nonexistent/a: cannot be opened: No such file or directory")
    let full = #expect(throws: SystemError.self) { try Files.write([1], to: "/dev/full") }
    #expect(full?.description == "/dev/full: cannot be written: No space left on device")
  }
}

@Suite("File descriptors")
struct FileDescriptorTests {
  @Test("A pipe that somebody made non-blocking takes all bytes, and gives all, as its other end comes along")
  func nonBlocking() throws {
    try withPipe { reading, writing in
      for end in [reading, writing] { #expect(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
      let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      nonisolated(unsafe) var received: [UInt8] = []
      let reader = try WorkerThread("reader") {
        var part = [UInt8](repeating: 0, count: 50_000)
        while received.count < sent.count {
          let count = read(reading, &part, part.count)
          if count > 0 { received += part[..<count] } else { usleep(1000) }
        }
      }
      try FileDescriptor.write(sent, to: writing, path: "a pipe")
      reader.join()
      #expect(received == sent)
    }
  }

  @Test("A file is opened for what it is wanted for, and lengths are what was asked for")
  func purposes() throws {
    try withFolder { folder in
      let path = "\(folder)/x"
      #expect(throws: SystemError.self) { _ = try FileDescriptor(path, for: .changing) }
      try FileDescriptor(path, for: .writing).write([1, 2, 3])
      try FileDescriptor(path, for: .appending).write([4])
      try FileDescriptor(path, for: .changing).truncate(to: 3)
      #expect(try Files.read(path) == [1, 2, 3])
      let file = try FileDescriptor(path, for: .reading)
      let status = try file.status()
      #expect(status.kind == .file && status.size == 3)
      let mapped = try file.map(count: 3)
      #expect(Array(mapped.bytes) == [1, 2, 3])
      #expect(throws: SystemError.self) { _ = try FileDescriptor(path, for: .folder) }
      try Folder.synchronise(folder)
    }
  }

  @Test("What is no file is refused at once, and named for what it is", .timeLimit(.minutes(1)))
  func others() throws {
    try withFolder { folder in
      #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
      try Folder.make("\(folder)/folder")
      #expect(mknod("\(folder)/socket", S_IFSOCK | 0o600, 0) == 0)
      for (path, found) in [
        ("\(folder)/pipe", "a pipe"), ("\(folder)/folder", "a folder"), ("\(folder)/socket", "a socket"),
        ("/dev/zero", "a device"),
      ] {
        for purpose in [FileDescriptor.Purpose.reading, .appending, .changing, .locking] {
          let error = #expect(throws: SystemError.self) { _ = try FileDescriptor(path, for: purpose) }
          #expect(error?.description == "\(path): expected a file, found \(found)")
        }
        #expect(throws: SystemError.self) { try Files.read(path) }
      }
      // Nobody reads it.
      #expect(throws: SystemError.self) { _ = try FileDescriptor("\(folder)/pipe", for: .writing) }
      // Links to files are files, and no flag stays that would make a read return early.
      try Files.write([1], to: "\(folder)/x")
      #expect(symlink("\(folder)/x", "\(folder)/link") == 0)
      #expect(try Files.read("\(folder)/link") == [1])
    }
  }

  @Test("Whoever starts a program does not hand on its files")
  func closeOnExec() throws {
    try withFolder { folder in
      let path = "\(folder)/x"
      let file = try FileDescriptor(path, for: .writing)
      let numbers = try Folder.entries(of: "/proc/self/fd").entries.map(\.name).filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
      }
      #expect(numbers.count == 1)
      for number in numbers.compactMap({ Int32($0) }) { #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0) }
      try file.close()
    }
  }
}

/// An empty folder, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = Folder.temporary("salad-test")
  try Folder.make(folder)
  defer { try? Files.remove(folder) }
  try body(folder)
}

/// Both ends of a pipe, closed afterwards.
func withPipe(_ body: (_ reading: Int32, _ writing: Int32) throws -> Void) throws {
  var ends: [Int32] = [0, 0]
  try #require(pipe(&ends) == 0)
  defer { for end in ends { close(end) } }
  try body(ends[0], ends[1])
}
