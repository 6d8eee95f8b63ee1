#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A thread for what goes on beside the main one: a worker, the writer of a checkpoint, the watchdog.
///
///     let writer = try WorkerThread("checkpoint") { ... }
///     ...
///     writer.join()
///
/// It runs whether or not anyone keeps this. Its stack has 8 MB, whatever limit the shell has set for the main thread's:
/// oneDNN and decoders need some of it.
public final class WorkerThread: Sendable {
  private let isDone: Monitor<Bool>

  /// Starts it (`pthread_create`).
  ///
  /// - Parameters:
  ///   - name: for debuggers, which see the first 15 bytes.
  ///   - body: what it does.
  /// - Throws: `SystemError` where no more threads are allowed.
  @discardableResult
  public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let isDone = Monitor(false)
    self.isDone = isDone
    let work = Unmanaged.passRetained(
      Work {
        // Without a name it works as well.
        try? FileDescriptor("/proc/thread-self/comm", for: .changing).write(Array(name.utf8.prefix(15)))
        body()
        isDone.update { $0 = true }
      })
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 8 << 20)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let code = pthread_create(
      &thread, &attributes,
      { work in
        #if canImport(Darwin)
          Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
        #else
          Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().body()
        #endif
        return nil
      }, work.toOpaque())
    guard code == 0 else {
      work.release()
      throw SystemError(.startThread, "the thread \(name)", code: code)
    }
  }

  /// Waits until `body` has returned.
  public func join() { isDone.watch { $0 ? () : nil } }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
