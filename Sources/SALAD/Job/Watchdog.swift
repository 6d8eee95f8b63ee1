import Foundation
import MPI
import Platform
import Synchronization

/// Knows what this rank is doing, and ends all ranks when it does it for too long.
///
/// A rank that dies takes the others along (mpirun sees to it); one that hangs leaves them waiting in a collective
/// for ever. So a thread looks every second whether there was any progress in the last `timeout` seconds.
public final class Watchdog: Sendable {
  /// What this rank is doing, for a person to read.
  private struct Place: Sendable {
    var activity = "starting"
    var step: Int?
    var since = ContinuousClock.now
    var entered = ContinuousClock.now
    var isWatching = true
  }

  private let place = Mutex(Place())
  /// What has been done since `takeTimes`, and for how long.
  private let times = Mutex<[String: Duration]>([:])
  private let communicator: Communicator
  private let host: String
  private let timeout: Duration

  /// - Parameters:
  ///   - communicator: of the ranks that take part.
  ///   - host: this host's name, for messages.
  ///   - timeout: seconds.
  public init(communicator: Communicator, host: String, timeout: Double) {
    self.communicator = communicator
    self.host = host
    self.timeout = .seconds(timeout)
  }

  /// Starts to watch, until `stop`.
  public func start() {
    Thread.detachNewThread { [self] in
      while watch() { Thread.sleep(forTimeInterval: 1) }
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

  /// Seconds that this rank has spent on each thing it entered and left again since the last call, by its name.
  public func takeTimes() -> [String: Double] {
    times.withLock { times in
      defer { times = [:] }
      return times.mapValues(\.inSeconds)
    }
  }

  /// This rank comes on with what it is doing. From any thread.
  public func progress() {
    place.withLock { $0.since = .now }
  }

  /// `rank 2 on node7 at step 41, reducing gradients`.
  public var whereabouts: String {
    let place = place.withLock { $0 }
    let step = place.step.map { " at step \($0)" } ?? ""
    return "rank \(communicator.rank) on \(host)\(step), \(place.activity)"
  }

  private func watch() -> Bool {
    let (isWatching, since) = place.withLock { ($0.isWatching, $0.since) }
    guard isWatching else { return false }
    guard ContinuousClock.now - since > timeout else { return true }

    let sentence = "salad: \(whereabouts): no progress for \(timeout.components.seconds) s, ending all ranks\n"
    StandardStreams.say(sentence)
    // The main thread sits in MPI, which may hold its lock: leave by the back door if the front one is stuck.
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 10)
      _exit(ExitStatus.internalError.rawValue)
    }
    communicator.abort(ExitStatus.internalError.rawValue)
  }
}
