/// How many threads this process may still start, found by starting them: the limits of a user (`ulimit -u`) count the
/// threads of all processes, and a control group's (`pids.max`) those of a container, where nobody may look.
public enum ThreadAllowance {
  /// At most `wanted`. Those that were started have ended when this returns.
  public static func available(_ wanted: Int) -> Int {
    let before = running
    let gate = Monitor(false)
    var threads: [WorkerThread] = []
    while threads.count < wanted,
      let thread = try? WorkerThread("salad trial", { gate.watch { $0 ? () : nil } })
    {
      threads.append(thread)
    }
    gate.update { $0 = true }
    for thread in threads { thread.join() }
    // A thread counts until the kernel has taken leave of it, a moment after it did its work.
    for _ in 0..<200 where running > before { Host.pause(microseconds: 1000) }
    return threads.count
  }

  /// Workers out of so many that threads can be had for. Each has a thread, and another that reads ahead for it; two more
  /// write checkpoints and sum gradients. The first worker is the thread that is there.
  ///
  /// - Parameter available: at most so many threads may be started; of a test.
  public static func workers(_ wanted: Int, available: (Int) -> Int = available) -> Int {
    // Where so many may be started, the rest is left to who starts them.
    let threads = min(2 * wanted + 1, 512)
    let started = available(threads)
    return started >= threads ? wanted : max(1, (started - 1) / 2)
  }

  /// Of this process, as the kernel has them; 0 where it does not say.
  private static var running: Int { (try? Folder.entries(of: "/proc/self/task").entries.count) ?? 0 }
}
