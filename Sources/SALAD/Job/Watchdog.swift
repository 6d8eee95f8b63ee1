import Foundation
import MPI
import Platform
import Synchronization

/// Knows what this rank is doing, and ends all ranks when it does it for too long.
///
/// A rank that dies takes the others along (mpirun sees to it); one that hangs leaves them waiting in a collective
/// for ever. So a thread looks again and again whether there was any progress, and counts the time without: its own, each
/// look at most two seconds after the last, so that the time in which the process was stopped, suspended or not scheduled
/// does not count. Bytes that travel are progress, too: a collective over a slow link, a checkpoint on a slow disk.
public final class Watchdog: Sendable {
  /// What this rank is doing, for a person to read.
  private struct Place: Sendable {
    var activity = "starting"
    var step: Int?
    /// Without progress, in which this process could run.
    var stalled = Duration.zero
    var entered = ContinuousClock.now
    var isWatching = true
    /// Whether it may take as long as someone outside likes.
    var isPatient = false
  }

  private let place = Mutex(Place())
  /// What has been done since `takeTimes`, and for how long.
  private let times = Mutex<[String: Duration]>([:])
  /// Of the ranks that take part; nil as long as MPI starts.
  private let communicator = Mutex<Communicator?>(nil)
  private let rank: Int
  private let host: String
  private let timeout: Duration

  /// - Parameters:
  ///   - rank: this process's, as the launcher numbers it before MPI has started.
  ///   - host: this host's name, for messages.
  ///   - timeout: seconds; infinity: none.
  public init(rank: Int, host: String, timeout: Double) {
    self.rank = rank
    self.host = host
    // Thirty years are for ever, and seconds that can be counted.
    self.timeout = .seconds(min(timeout, 1e9))
  }

  /// MPI has started: all of these ranks end when this one is stuck.
  public func join(_ communicator: Communicator) {
    self.communicator.withLock { $0 = communicator }
  }

  /// Starts to watch, until `stop`.
  public func start() {
    // A job that may have no thread more goes on without being watched.
    _ = try? WorkerThread("watchdog") { [self] in
      var last = ContinuousClock.now
      var isHeard = false
      var transfers = Transfers()
      while watch(after: .now - last) {
        last = .now
        // Who ends a job kills it a second after asking: this rank's place is told before.
        Host.pause(microseconds: 200_000)
        if transfers.areGoing() { progress() }
        if !isHeard, let name = Signals.receivedName {
          isHeard = true
          StandardStreams.say("salad: \(name) received: \(whereabouts), ending as soon as that is done\n")
        }
      }
    }
  }

  public func stop() {
    place.withLock { $0.isWatching = false }
  }

  /// This rank begins something: `reducing gradients`.
  public func enter(_ activity: String, step: Int?) {
    let last = place.withLock { place in
      defer { place = Place(activity: activity, step: step) }
      return place
    }
    times.withLock { $0[last.activity, default: .zero] += .now - last.entered }
  }

  /// What waits for someone outside, as a result does that is read page by page: it may take as long as it takes.
  public func waiting<R>(_ activity: String, _ body: () throws -> R) rethrows -> R {
    let last = place.withLock { $0 }
    enter(activity, step: last.step)
    place.withLock { $0.isPatient = true }
    defer { enter(last.activity, step: last.step) }
    return try body()
  }

  /// Seconds that this rank has spent on each thing it entered and left again since the last call, by its name.
  public func takeTimes() -> [String: Double] {
    times.withLock { times in
      defer { times = [:] }
      return times.mapValues(\.inSeconds)
    }
  }

  /// This rank comes on with what it is doing. From any thread.
  public func progress() {
    place.withLock { $0.stalled = .zero }
  }

  /// `rank 2 on node7 at step 41, reducing gradients`.
  public var whereabouts: String {
    let place = place.withLock { $0 }
    let step = place.step.map { " at step \($0)" } ?? ""
    return PlainText.of("rank \(rank) on \(host)\(step), \(place.activity)")
  }

  /// - Parameter elapsed: since the last look.
  private func watch(after elapsed: Duration) -> Bool {
    let (isWatching, stalled) = place.withLock { place in
      if !place.isPatient { place.stalled += min(elapsed, .seconds(2)) }
      return (place.isWatching, place.stalled)
    }
    guard isWatching else { return false }
    guard stalled > timeout else { return true }

    let sentence = "salad: \(whereabouts): no progress for \(timeout.components.seconds) s, ending all ranks\n"
    StandardStreams.say(sentence)
    // Before MPI has started mpirun ends the others when one leaves.
    guard let communicator = communicator.withLock({ $0 }) else { Host.endProcess(ExitStatus.internalError.rawValue) }
    // Those that wait for the same have waited as long: each says where it is. One that says nothing is the one to look at.
    if communicator.size > 1 { Host.pause(microseconds: 2_000_000) }
    // The main thread sits in MPI, which may hold its lock: leave by the back door if the front one is stuck.
    _ = try? WorkerThread("back door") {
      Host.pause(microseconds: 10_000_000)
      Host.endProcess(ExitStatus.internalError.rawValue)
    }
    communicator.abort(ExitStatus.internalError.rawValue)
  }
}

/// Whether this process's bytes go on travelling. A thread's own.
struct Transfers {
  private var bytes = Host.transferredBytes
  private var looked = ContinuousClock.now

  /// Bytes a second that are progress. What the kernel's answer itself takes, four times a second, is far less.
  private static let least = 16384.0

  /// Asked at any time; answered once a second.
  mutating func areGoing() -> Bool {
    let seconds = (ContinuousClock.now - looked).inSeconds
    guard seconds >= 1 else { return false }
    let last = bytes
    bytes = Host.transferredBytes
    looked = .now
    return Double(bytes - last) >= Self.least * seconds
  }
}
