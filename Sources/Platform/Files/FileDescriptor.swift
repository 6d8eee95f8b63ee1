#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An open file, closed when its owner goes.
///
/// Reads and writes are whole: a signal's interruption, a pipe that is full, and a call that did a part of its work are
/// no errors here. Programs that are started do not inherit it.
public struct FileDescriptor: ~Copyable, Sendable {
  public enum Purpose: Sendable {
    case reading
    /// What is there is emptied.
    case writing
    case appending
    /// What is there stays, and must be there.
    case changing
    case locking
    /// To force its names to the disk.
    case folder
  }

  public let path: String
  // Negative once closed.
  private var number: Int32

  /// open(2), which never waits for whoever has a pipe's other end: what is no file is refused, unless it is to be
  /// written from its beginning.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - purpose: what it is opened for.
  ///   - permissions: of a file that is made, before the process's mask.
  public init(_ path: String, for purpose: Purpose, permissions: UInt32 = 0o666) throws(SystemError) {
    let (operation, flags): (SystemError.Operation, Int32) =
      switch purpose {
      case .reading: (.openForReading, O_RDONLY)
      case .writing: (.openForWriting, O_WRONLY | O_CREAT | O_TRUNC)
      case .appending: (.openForWriting, O_WRONLY | O_CREAT | O_APPEND)
      case .changing: (.openForWriting, O_WRONLY)
      case .locking: (.openForLocking, O_RDWR | O_CREAT)
      case .folder: (.openForReading, O_RDONLY | O_DIRECTORY)
      }
    self.path = path
    switch purpose {
    case .folder, .writing:
      number = try SystemError.check(operation, path) { open(path, flags | O_CLOEXEC | O_NONBLOCK, permissions) }
    case .reading, .appending, .changing, .locking:
      number = try Self.openFile(path, operation, flags, permissions)
    }
  }

  /// One that whoever started this process has opened for it.
  ///
  /// - Parameters:
  ///   - number: of the descriptor.
  ///   - name: for sentences.
  public init(inherited number: Int32, name: String) {
    path = name
    self.number = number
  }

  /// A file's descriptor; an error that tells what is found instead.
  private static func openFile(
    _ path: String, _ operation: SystemError.Operation, _ flags: Int32, _ permissions: UInt32
  ) throws(SystemError) -> Int32 {
    do throws(SystemError) {
      let number = try SystemError.check(operation, path) { open(path, flags | O_CLOEXEC | O_NONBLOCK, permissions) }
      var status = stat()
      guard fstat(number, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
        // For file systems to which it means something for files as well.
        _ = fcntl(number, F_SETFL, flags & O_APPEND)
        return number
      }
      _ = systemClose(number)
      throw SystemError(operation, path, found: FileStatus(status))
    } catch {
      guard error.found == nil, let status = try? FileStatus(path) else { throw error }
      // A socket, a pipe without readers, or a folder.
      guard status.kind == .file else { throw SystemError(operation, path, found: status) }
      // A file that is elsewhere for the moment, on tape or lent to a client of the network, is worth waiting for.
      guard error.code == EAGAIN || error.code == EWOULDBLOCK else { throw error }
      return try SystemError.check(operation, path) { open(path, flags | O_CLOEXEC, permissions) }
    }
  }

  deinit { if number >= 0 { _ = systemClose(number) } }

  /// fstat(2).
  public func status() throws(SystemError) -> FileStatus {
    var status = stat()
    try SystemError.check(.examine, path) { fstat(number, &status) }
    return FileStatus(status)
  }

  // MARK: - Reading

  /// read(2) until the buffer is full or the file ends.
  ///
  /// - Returns: bytes read.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    var count = 0
    while count < buffer.count {
      let part = try readPart(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      if part == 0 { break }
      count += part
    }
    return count
  }

  /// Calls `body` with the file's bytes to the end, a mebibyte at a time.
  public func readChunks(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try readPart(into: buffer)
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// The rest of the file.
  public func readAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    try readChunks { bytes += $0 }
    return bytes
  }

  /// One read(2); 0 at the end.
  private func readPart(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    while true {
      do {
        return try SystemError.check(.read, path) { systemRead(number, buffer.baseAddress, buffer.count) }
      } catch {
        guard Self.waitIfBusy(number, for: POLLIN, error) else { throw error }
      }
    }
  }

  // MARK: - Writing

  /// write(2) until all bytes are written.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    try Self.write(bytes, to: number, path: path)
  }

  public func write(_ bytes: [UInt8]) throws(SystemError) {
    try Self.write(bytes, to: number, path: path)
  }

  /// write(2) until all bytes are written, to a descriptor that somebody else owns.
  static func write(_ bytes: [UInt8], to number: Int32, path: String) throws(SystemError) {
    let result = bytes.withUnsafeBytes { bytes -> Result<Void, SystemError> in
      do throws(SystemError) {
        return .success(try write(bytes, to: number, path: path))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to number: Int32, path: String) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      do {
        rest = rest.dropFirst(
          try SystemError.check(.written, path) { systemWrite(number, part.baseAddress, part.count) })
      } catch {
        guard waitIfBusy(number, for: POLLOUT, error) else { throw error }
      }
    }
  }

  /// poll(2) after EAGAIN: whoever shares a pipe or terminal may have made it non-blocking.
  ///
  /// - Returns: whether to try again.
  private static func waitIfBusy(_ number: Int32, for event: Int32, _ error: SystemError) -> Bool {
    guard error.code == EAGAIN || error.code == EWOULDBLOCK else { return false }
    var request = pollfd(fd: number, events: Int16(event), revents: 0)
    // Its own errors are the next call's.
    _ = poll(&request, 1, -1)
    return true
  }

  /// Cuts or lengthens the file to so many bytes: ftruncate(2).
  public func truncate(to count: Int) throws(SystemError) {
    try SystemError.check(.shorten, path) { ftruncate(number, off_t(count)) }
  }

  /// Forces what was written to the disk: fsync(2).
  public func synchronise() throws(SystemError) {
    do {
      try SystemError.check(.synchronise, path) { fsync(number) }
    } catch {
      // Some file systems cannot force a folder, and say so by EINVAL.
      if error.code != EINVAL { throw error }
    }
  }

  /// close(2), which on some file systems is the first to tell of a full disk.
  public consuming func close() throws(SystemError) {
    let status = systemClose(number)
    let code = errno
    // Whatever close says, the descriptor is gone.
    number = -1
    guard status == 0 || code == EINTR else { throw SystemError(.close, path, code: code) }
  }

  // MARK: - Locks and maps

  /// Takes the process's exclusive lock of the file (fcntl, F_SETLK), which the kernel gives back when the process ends or
  /// closes any descriptor of the file.
  ///
  /// - Returns: false when another process holds it.
  public func tryLock() throws(SystemError) -> Bool {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    do {
      try SystemError.check(.lock, path) { fcntl(number, F_SETLK, &lock) }
      return true
    } catch {
      guard error.code == EAGAIN || error.code == EACCES else { throw error }
      return false
    }
  }

  /// Whether another process holds the file's exclusive lock (fcntl, F_GETLK); none is taken.
  public func isLockedByAnother() throws(SystemError) -> Bool {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    try SystemError.check(.lock, path) { fcntl(number, F_GETLK, &lock) }
    return lock.l_type != Int16(F_UNLCK)
  }

  /// Takes a lock of the open file (flock(2)), which ends with this value: any number have a shared one, or one the other.
  ///
  /// - Returns: false where others' locks forbid it.
  public func tryLockOpenFile(shared: Bool) throws(SystemError) -> Bool {
    do {
      try SystemError.check(.lock, path) { flock(number, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
      return true
    } catch {
      guard error.code == EWOULDBLOCK else { throw error }
      return false
    }
  }

  /// mmap(2), read-only, of the file's first bytes.
  public func map(count: Int) throws(SystemError) -> MappedFile {
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, number, 0), base != MAP_FAILED else {
      throw SystemError(.map, path, code: errno)
    }
    return MappedFile(bytes: UnsafeRawBufferPointer(start: base, count: count))
  }
}

/// A file in memory, unmapped when its owner goes.
public struct MappedFile: ~Copyable, @unchecked Sendable {
  // @unchecked: nobody writes to it.
  public let bytes: UnsafeRawBufferPointer

  fileprivate init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}

// The C functions, which the methods above would hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
