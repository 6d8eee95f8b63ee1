#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
import Synchronization

/// Threads that compute one micro-batch together: a leader, who goes through it layer by layer, and members who help with the
/// pieces that a layer is cut into.
///
///     team.open()
///     // leader                                       // each member, on a thread of its own
///     team.run(pieces: 8) { member, piece in ... }    team.serve(as: 1)
///     team.close()
///
/// Who takes which piece is left to chance; nothing that is computed may depend on it. A leader whose members do not come, for
/// want of threads or cores, does the pieces alone. Members look for work for some microseconds before they sleep: between
/// two layers that is all the time there is.
public final class Team: Sendable {
  /// T, the leader among them.
  public let size: Int
  /// Generation, pieces, next piece: what a thread takes a piece by, in one look.
  private let ticket = Atomic<UInt64>(0)
  private let done = Atomic<Int>(0)
  private let isOpen = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let bell = Monitor(0)
  private let job = Job()

  /// Written by the leader while no piece is left, read by who has taken one.
  private final class Job: @unchecked Sendable {
    var body: ((Int, Int) -> Void)?
  }

  /// - Parameter size: 1 or more.
  public init(size: Int) {
    precondition(size >= 1, "a team of \(size)")
    self.size = size
  }

  // MARK: - The leader's

  /// Before members come.
  public func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }

  /// Lets the members go.
  public func close() {
    isOpen.store(false, ordering: .sequentiallyConsistent)
    bell.update { $0 &+= 1 }
  }

  /// Calls `body(member, piece)` once for every piece in 0..<pieces and returns when all are done.
  public func run(pieces: Int, _ body: @escaping (_ member: Int, _ piece: Int) -> Void) {
    precondition(pieces < Self.limit, "\(pieces) pieces")
    if size == 1 || pieces <= 1 {
      for piece in 0..<pieces { body(0, piece) }
      return
    }
    job.body = body
    done.store(0, ordering: .relaxed)
    let generation = ticket.load(ordering: .relaxed) >> (2 * Self.bits) &+ 1
    ticket.store(
      generation << (2 * Self.bits) | UInt64(pieces) << Self.bits, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { bell.update { $0 &+= 1 } }
    while takePiece(as: 0) {}
    var looks = 0
    while done.load(ordering: .acquiring) < pieces {
      looks += 1
      // Whoever holds the last piece may wait for this core.
      if looks > Self.patience { sched_yield() }
    }
    job.body = nil
  }

  /// Calls `body(member, range)` for pieces of 0..<count of at most `piece` elements.
  public func run(elements: Int, piece: Int, _ body: @escaping (_ member: Int, _ range: Range<Int>) -> Void) {
    run(pieces: (elements + piece - 1) / piece) { member, index in
      body(member, index * piece..<min((index + 1) * piece, elements))
    }
  }

  // MARK: - A member's

  /// Takes pieces until the team is closed.
  ///
  /// - Parameter member: 1..<size, one thread's.
  public func serve(as member: Int) {
    var looks = 0
    while isOpen.load(ordering: .relaxed) {
      if takePiece(as: member) {
        looks = 0
        continue
      }
      looks += 1
      guard looks > Self.patience else { continue }
      sleepers.add(1, ordering: .sequentiallyConsistent)
      bell.watch { _ in hasWork || !isOpen.load(ordering: .sequentiallyConsistent) ? () : nil }
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      looks = 0
    }
  }

  // MARK: - Pieces

  private static let bits: UInt64 = 20
  private static let limit = 1 << bits
  /// Looks at one word, a nanosecond or two each.
  private static let patience = 20_000

  private var hasWork: Bool {
    let ticket = ticket.load(ordering: .sequentiallyConsistent)
    return Self.next(ticket) < Self.pieces(ticket)
  }

  private static func next(_ ticket: UInt64) -> Int { Int(ticket) & (limit - 1) }
  private static func pieces(_ ticket: UInt64) -> Int { Int(ticket >> bits) & (limit - 1) }

  /// Does one piece, if any is left.
  private func takePiece(as member: Int) -> Bool {
    var seen = ticket.load(ordering: .acquiring)
    while Self.next(seen) < Self.pieces(seen) {
      let (taken, now) = ticket.weakCompareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
      if taken {
        // The leader waits for this piece, and leaves the job as it is.
        job.body?(member, Self.next(seen))
        done.add(1, ordering: .releasing)
        return true
      }
      seen = now
    }
    return false
  }
}

/// Micro-batches by teams: several at once, each by a team of its own.
public final class Teams: Sendable {
  public let teams: [Team]
  private let workers: Workers

  /// - Parameters:
  ///   - count: teams.
  ///   - size: threads of each, T.
  ///   - workers: count * size.
  public init(count: Int, size: Int, workers: Workers) {
    precondition(workers.count == count * size, "\(workers.count) workers for \(count) teams of \(size)")
    teams = (0..<count).map { _ in Team(size: size) }
    self.workers = workers
  }

  /// Calls `body(team, item)` once for every item in 0..<items, on the team's leader, and returns when all are done.
  public func run(items: Int, _ body: @escaping (_ team: Int, _ item: Int) -> Void) {
    guard teams[0].size > 1 else { return workers.run(items: items, body) }
    let next = Counter()
    let (teams, others) = (teams, teams[0].size - 1)
    for team in teams { team.open() }
    // Leaders first: a member that finds no thread is not missed.
    workers.run(items: teams.count * (others + 1)) { _, place in
      guard place < teams.count else {
        let member = place - teams.count
        return teams[member / others].serve(as: 1 + member % others)
      }
      while let item = next.take(of: items) { body(place, item) }
      teams[place].close()
    }
  }

  private final class Counter: Sendable {
    private let next = Atomic(0)
    func take(of count: Int) -> Int? {
      let item = next.add(1, ordering: .relaxed).oldValue
      return item < count ? item : nil
    }
  }
}
