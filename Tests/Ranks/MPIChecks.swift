import ExactSum
import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Checks of the targets `MPI` and `ExactSum`.
enum MPIChecks {
  static let all = [
    // Every collective, as it is and cut into the smallest chunks.
    Check("collectives") { facts in
      for elementsPerCall in [Int(Int32.max), 7, facts.size] {
        var world = facts.world
        world.elementsPerCall = elementsPerCall
        try collectives(world, &facts)
      }
      try splits(&facts)
      try errors(&facts)
      try exactSums(&facts)
    },
    // The last rank fails alone while the others wait.
    Check("abort") { facts in
      if facts.rank == facts.size - 1 { facts.world.abort(Int32(facts.arguments[0]) ?? 1) }
      try facts.world.barrier()
    },
    // The last rank ends without a word while the others wait.
    Check("vanish") { facts in
      if facts.rank == facts.size - 1 { _exit(3) }
      try facts.world.barrier()
    },
    // Nobody ends.
    Check("hang") { facts in
      if facts.rank == 0 { while true { sleep(1) } }
      try facts.world.barrier()
    },
    // Prints who runs where, from rank 0.
    Check("where") { facts in
      let hosts = try facts.world.gatherV(Array(facts.host.utf8), root: 0)
      let here = try facts.world.splitByHost()
      let numbers = try facts.world.gather([Int32(here.rank), Int32(here.size)], root: 0)
      for (rank, host) in hosts.enumerated() {
        print("rank \(rank) of \(facts.size) on \(String(decoding: host, as: UTF8.self))", terminator: ", ")
        print("rank \(numbers[2 * rank]) of \(numbers[2 * rank + 1]) there")
      }
    },
  ]

  private static func collectives(_ world: Communicator, _ facts: inout Facts) throws {
    let cut = "in calls of at most \(world.elementsPerCall)"
    try world.barrier()
    for count in [0, 1, 2, 20, 1000] {
      try broadcasts(world, count: count, &facts, cut)
      try reductions(world, count: count, &facts, cut)
      try gathers(world, count: count, &facts, cut)
    }
    try everyDatatype(world, &facts, cut)
  }

  private static func broadcasts(_ world: Communicator, count: Int, _ facts: inout Facts, _ cut: String) throws {
    for root in 0..<world.size {
      let sent = (0..<count).map { Double($0 * 10 + root) }
      var received = world.rank == root ? sent : [Double](repeating: -1, count: count)
      try world.broadcast(&received, root: root)
      facts.expect(received, equals: sent, "broadcast of \(count) from \(root) \(cut)")

      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 + root) }
      let found = try world.broadcast(bytes: world.rank == root ? bytes : [], root: root)
      facts.expect(found, equals: bytes, "broadcast of \(count) bytes from \(root), unknown elsewhere, \(cut)")
    }
  }

  private static func reductions(_ world: Communicator, count: Int, _ facts: inout Facts, _ cut: String) throws {
    // Element i on rank r is i + 1000 r.
    let mine = (0..<count).map { Int64($0 + 1000 * world.rank) }
    let ranks = Int64(world.size)
    let sum = (0..<count).map { Int64($0) * ranks + 1000 * ranks * (ranks - 1) / 2 }
    var found = mine
    try world.allReduce(&found, .sum)
    facts.expect(found, equals: sum, "all-reduced sum of \(count) \(cut)")
    found = mine
    try world.allReduce(&found, .min)
    facts.expect(found, equals: (0..<count).map { Int64($0) }, "all-reduced minimum of \(count) \(cut)")
    found = mine
    try world.allReduce(&found, .max)
    let maximum = (0..<count).map { Int64($0) + 1000 * (ranks - 1) }
    facts.expect(found, equals: maximum, "all-reduced maximum of \(count) \(cut)")

    // Two at once, so that the second starts before the first ends.
    let buffers = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 2 * count)
    defer { buffers.deallocate() }
    _ = buffers.initialize(fromContentsOf: mine + mine)
    let first = try world.startAllReduce(UnsafeMutableBufferPointer(rebasing: buffers[..<count]), .sum)
    var second = try world.startAllReduce(UnsafeMutableBufferPointer(rebasing: buffers[count...]), .max)
    while try !second.test() {}
    try second.wait()
    try first.wait()
    facts.expect(Array(buffers), equals: sum + maximum, "two non-blocking all-reductions of \(count) \(cut)")

    // Rank r gets r elements more than the first: the first gets `count`, maybe none.
    let counts = (0..<world.size).map { count + $0 }
    let total = counts.reduce(0, +)
    if total <= world.elementsPerCall {
      let part = try world.reduceScatter((0..<total).map { Int32($0) }, counts: counts, .sum)
      let start = counts[..<world.rank].reduce(0, +)
      let expected = (start..<(start + counts[world.rank])).map { Int32($0 * world.size) }
      facts.expect(part, equals: expected, "reduce-scatter of \(counts)")
    } else {
      var message = ""
      do {
        _ = try world.reduceScatter([Int32](repeating: 0, count: total), counts: counts, .sum)
      } catch {
        message = error.message
      }
      facts.expect(message.contains("\(total) elements"), "reduce-scatter of \(counts) \(cut) is refused")
    }
  }

  private static func gathers(_ world: Communicator, count: Int, _ facts: inout Facts, _ cut: String) throws {
    let blocks = (0..<world.size).map { rank in (0..<count).map { Float($0 + 1000 * rank) } }
    let all = Array(blocks.joined())
    facts.expect(try world.allGather(blocks[world.rank]), equals: all, "all-gather of \(count) each \(cut)")

    // Rank r has count - r elements, so that short ones are empty; then only the last rank has any.
    let shorter = (0..<world.size).map { rank in Array(blocks[rank].dropLast(rank)) }
    let onlyLast = (0..<world.size).map { rank in rank == world.size - 1 ? blocks[rank] : [] }
    for (name, blocks) in [("shrinking", shorter), ("only the last rank's", onlyLast)] {
      let found = try world.allGatherV(blocks[world.rank])
      facts.expect(found, equals: blocks, "all-gather of \(name) \(blocks.map(\.count)) \(cut)")
      for root in 0..<world.size {
        let found = try world.gatherV(blocks[world.rank], root: root)
        let expected = world.rank == root ? blocks : []
        facts.expect(found, equals: expected, "gather of \(name) \(blocks.map(\.count)) on \(root) \(cut)")
      }
    }
    for root in 0..<world.size {
      let found = try world.gather(blocks[world.rank], root: root)
      facts.expect(found, equals: world.rank == root ? all : [], "gather of \(count) each on \(root) \(cut)")
    }
  }

  private static func everyDatatype(_ world: Communicator, _ facts: inout Facts, _ cut: String) throws {
    func check<T: MPIDatatype & Numeric & Comparable>(_ type: T.Type, low: T, high: T) throws {
      // Each rank's share is small enough for Int8; the extremes tell a type from one of another size or sign.
      let rank = T(exactly: world.rank) ?? 0
      let sum = try world.allReduce(rank + 1, .sum)
      facts.expect(sum, equals: T(exactly: world.size * (world.size + 1) / 2) ?? 0, "sum of \(type)")
      var extremes = world.rank == 0 ? [low, high] : [0, 0]
      try world.allReduce(&extremes, .min)
      facts.expect(extremes, equals: [min(low, 0), world.size > 1 ? 0 : high], "minimum of \(type)")
      extremes = world.rank == 0 ? [low, high] : [0, 0]
      try world.allReduce(&extremes, .max)
      facts.expect(extremes, equals: [world.size > 1 ? 0 : low, high], "maximum of \(type)")
      let gathered = try world.allGather([rank, high])
      let expected: [T] = (0..<world.size).flatMap { [T(exactly: $0) ?? 0, high] as [T] }
      facts.expect(gathered, equals: expected, "all-gather of \(type) \(cut)")
    }
    try check(Float.self, low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude)
    try check(Double.self, low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude)
    try check(Int8.self, low: .min, high: .max)
    try check(UInt8.self, low: .min, high: .max)
    try check(Int32.self, low: .min, high: .max)
    try check(UInt32.self, low: .min, high: .max)
    try check(Int64.self, low: .min, high: .max)
    try check(UInt64.self, low: .min, high: .max)
  }

  private static func splits(_ facts: inout Facts) throws {
    let (world, rank, size) = (facts.world, facts.rank, facts.size)
    // Even and odd ranks, each in reverse order.
    let half = try world.split(color: rank % 2, key: -rank)
    let members = (0..<size).filter { $0 % 2 == rank % 2 }
    facts.expect(half?.size, equals: members.count, "a split has the ranks of one color")
    facts.expect(half?.rank, equals: members.reversed().firstIndex(of: rank), "a split is ordered by key")
    let sum = try half?.allReduce(Int32(rank), .sum)
    facts.expect(sum, equals: Int32(members.reduce(0, +)), "a split's all-reduce stays inside it")

    let others = try world.split(color: rank == 0 ? nil : 0, key: 0)
    facts.expect(others?.size, equals: rank == 0 ? nil : size - 1, "a rank without color joins none")
    facts.expect(try world.splitByHost().size >= 1, "ranks of one host form a communicator")
  }

  /// A failing call throws MPI's own words; nobody is aborted.
  private static func errors(_ facts: inout Facts) throws {
    guard facts.size > 1, let pair = try facts.world.split(color: facts.rank < 2 ? 0 : nil, key: 0) else { return }
    // Too little room on the other rank. The root may or may not notice.
    var values = [Int32](repeating: 1, count: pair.rank == 0 ? 8 : 4)
    do {
      try pair.broadcast(&values, root: 0)
      facts.expect(pair.rank == 0, "a truncated broadcast throws where it is truncated")
    } catch {
      facts.expect(error.function, equals: "MPI_Bcast", "an error names its function")
      facts.expect(error.rank, equals: pair.rank, "an error names its rank")
      facts.expect(error.description.contains("truncated"), "an error speaks MPI's words: \(error)")
    }
  }

  /// Sums that all ranks share have the bits of one rank that adds everything.
  private static func exactSums(_ facts: inout Facts) throws {
    let terms = 4 * facts.size
    let term = { (index: Int, element: Int) in Double(index + 1) / Double(element + 3) }
    var sums = ExactSum(count: 5, scale: .gradient)
    var alone = sums
    for index in 0..<terms {
      let values = (0..<5).map { term(index, $0) }
      values.withUnsafeBufferPointer { values in
        alone.add(values, at: 0, terms: terms)
        // Dealt in turn, so that each rank adds others' neighbours.
        if index % facts.size == facts.rank { sums.add(values, at: 0, terms: terms) }
      }
    }
    if facts.rank == facts.size - 1 { [.nan].withUnsafeBufferPointer { sums.add($0, at: 4, terms: terms) } }
    try sums.allReduce(facts.world)
    facts.expect(sums.values, equals: alone.values, "an exact sum does not depend on who adds what")
    facts.expect(sums.faults, equals: 1, "a fault of one rank is known to all")
  }
}
