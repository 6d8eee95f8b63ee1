#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An open file, closed when its owner goes.
struct FileDescriptor: ~Copyable {
  let path: String
  // Negative once closed.
  private var number: Int32

  /// open(2). A regular file, or an error: a pipe would block and a folder has no bytes.
  init(reading path: String) throws {
    self.path = path
    // Non-blocking, or opening a pipe that nobody writes to would wait for ever.
    number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw SafetensorsError.system("cannot be opened", path: path, errno) }
  }

  /// open(2), creating or emptying the file.
  init(writing path: String) throws {
    self.path = path
    number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw SafetensorsError.system("cannot be created", path: path, errno) }
  }

  deinit { if number >= 0 { _ = close(number) } }

  /// What changes when somebody writes to a file, and not when its name is given to another one.
  struct State: Equatable, Sendable {
    /// Bytes.
    var size: Int
    /// Of the last write.
    var seconds: Int
    var nanoseconds: Int
  }

  /// fstat(2). Throws unless the file is a regular one.
  func state() throws -> State {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw SafetensorsError.system("cannot be examined", path: path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SafetensorsError(.badData, path: path, "expected a safetensors file, found a folder or device")
    }
    #if canImport(Darwin)
      let written = status.st_mtimespec
    #else
      let written = status.st_mtim
    #endif
    return State(size: Int(status.st_size), seconds: written.tv_sec, nanoseconds: written.tv_nsec)
  }

  /// mmap(2), read-only. The caller unmaps.
  func map(count: Int) throws -> UnsafeRawPointer {
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, number, 0), base != MAP_FAILED else {
      throw SafetensorsError.system("cannot be mapped into memory", path: path, errno)
    }
    return UnsafeRawPointer(base)
  }

  /// write(2) until all bytes are written.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let written = systemWrite(number, part.baseAddress, part.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw SafetensorsError.system("cannot be written", path: path, errno)
      }
      rest = rest.dropFirst(written)
    }
  }

  /// fsync(2), then close(2): some file systems tell of a full disk only here.
  consuming func finish() throws {
    guard fsync(number) == 0 else { throw SafetensorsError.system("cannot be written to the disk", path: path, errno) }
    let status = close(number)
    // Whatever close says, the descriptor is gone.
    number = -1
    guard status == 0 else { throw SafetensorsError.system("cannot be closed", path: path, errno) }
  }
}

/// The C function, which a method of the same name would hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

extension SafetensorsError {
  /// What the system refused, with the text of `code`, an errno.
  static func system(_ what: String, path: String, _ code: Int32) -> SafetensorsError {
    SafetensorsError(.inputOutput, path: path, "\(what): \(String(cString: strerror(code)))")
  }
}
