internal import CMPI

// Every method here is collective. Counts may be zero and may exceed 2^31 - 1: long buffers travel in several calls of
// at most `elementsPerCall` elements.

// MARK: Barrier, broadcast

extension Communicator {
  /// Returns when all ranks have called it (`MPI_Barrier`).
  public func barrier() throws(MPIError) {
    try check(MPI_Barrier(handle), "MPI_Barrier")
  }

  /// Copies the root's elements to all ranks (`MPI_Bcast`). The count is equal on all ranks.
  public func broadcast<T: MPIDatatype>(
    _ buffer: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) {
    precondition((0..<size).contains(root), "root is \(root), expected 0 ..< \(size)")
    for chunk in chunks(of: buffer.count) {
      let piece = UnsafeMutableBufferPointer(rebasing: buffer[chunk])
      try check(
        MPI_Bcast(piece.baseAddress, Int32(piece.count), T.datatype.handle, Int32(root), handle), "MPI_Bcast")
    }
  }

  /// Copies the root's elements to all ranks (`MPI_Bcast`). The count is equal on all ranks.
  public func broadcast<T: MPIDatatype>(_ values: inout [T], root: Int) throws(MPIError) {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try broadcast(buffer, root: root)
    }
  }

  /// The root's bytes on all ranks, whatever their number: first the count travels, then the bytes (`MPI_Bcast`).
  ///
  /// - Parameters:
  ///   - bytes: what the root sends; ignored on the other ranks.
  ///   - root: the rank that sends.
  public func broadcast(bytes: [UInt8], root: Int) throws(MPIError) -> [UInt8] {
    var count = [Int64(bytes.count)]
    try broadcast(&count, root: root)
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count[0]))
    try broadcast(&result, root: root)
    return result
  }
}

// MARK: Reductions

extension Communicator {
  /// Combines the ranks' buffers element by element, in place (`MPI_Allreduce` with `MPI_IN_PLACE`).
  ///
  /// The count is equal on all ranks, and so is the result.
  public func allReduce<T: MPIDatatype>(
    _ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReduceOperation
  ) throws(MPIError) {
    for chunk in chunks(of: buffer.count) {
      let piece = UnsafeMutableBufferPointer(rebasing: buffer[chunk])
      try check(
        MPI_Allreduce(
          CMPI_IN_PLACE(), piece.baseAddress, Int32(piece.count), T.datatype.handle, operation.handle, handle),
        "MPI_Allreduce")
    }
  }

  /// Combines the ranks' arrays element by element, in place (`MPI_Allreduce`). The count is equal on all ranks.
  public func allReduce<T: MPIDatatype>(_ values: inout [T], _ operation: ReduceOperation) throws(MPIError) {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try allReduce(buffer, operation)
    }
  }

  /// The ranks' values combined (`MPI_Allreduce`).
  public func allReduce<T: MPIDatatype>(_ value: T, _ operation: ReduceOperation) throws(MPIError) -> T {
    var values = [value]
    try allReduce(&values, operation)
    return values[0]
  }

  /// Starts to combine the ranks' buffers in place, and returns at once (`MPI_Iallreduce`).
  ///
  /// Nobody may touch the buffer, and it must live, until ``Request/wait()`` returns. The count is equal on all ranks.
  public func startAllReduce<T: MPIDatatype>(
    _ buffer: UnsafeMutableBufferPointer<T>, _ operation: ReduceOperation
  ) throws(MPIError) -> Request {
    var requests: [MPI_Request?] = []
    for chunk in chunks(of: buffer.count) {
      let piece = UnsafeMutableBufferPointer(rebasing: buffer[chunk])
      var request: MPI_Request?
      try check(
        MPI_Iallreduce(
          CMPI_IN_PLACE(), piece.baseAddress, Int32(piece.count), T.datatype.handle, operation.handle, handle,
          &request),
        "MPI_Iallreduce")
      requests.append(request)
    }
    return Request(requests, rank: rank)
  }

  /// Combines the ranks' arrays element by element and gives each rank its consecutive part (`MPI_Reduce_scatter`).
  ///
  /// - Parameters:
  ///   - values: as many on every rank as `counts` sum to, at most `elementsPerCall`.
  ///   - counts: how many elements each rank gets, equal on all ranks.
  ///   - operation: how values are combined.
  /// - Returns: `counts[rank]` elements.
  /// - Throws: `MPIError` on all ranks, without a call, when there are more elements than one call carries.
  public func reduceScatter<T: MPIDatatype>(
    _ values: [T], counts: [Int], _ operation: ReduceOperation
  ) throws(MPIError) -> [T] {
    let total = counts.reduce(0, +)
    precondition(
      counts.count == size && total == values.count && counts.allSatisfy { $0 >= 0 },
      "\(values.count) values for counts \(counts) on \(size) ranks")
    guard total <= elementsPerCall else {
      throw MPIError(
        function: "MPI_Reduce_scatter", code: MPI_ERR_COUNT, rank: rank,
        message: "\(total) elements are more than the \(elementsPerCall) that one call carries, scatter them in parts")
    }
    let received = UnsafeMutableBufferPointer<T>.allocate(capacity: counts[rank])
    defer { received.deallocate() }
    try check(
      MPI_Reduce_scatter(
        values, received.baseAddress, counts.map(Int32.init), T.datatype.handle, operation.handle, handle),
      "MPI_Reduce_scatter")
    return Array(received)
  }
}

// MARK: Exchanges

// These start and return at once. Nobody may touch the buffers, and they must live, until `Request.wait` returns. One call
// carries them, so that no place in them is beyond `elementsPerCall`.

extension Communicator {
  /// Starts to send each rank its part of `sent`, and to put what each rank sends here into its place (`MPI_Ialltoallv`).
  ///
  /// - Parameters:
  ///   - sent: values for other ranks; untouched until the request is complete.
  ///   - parts: what each rank gets of `sent`, empty for none.
  ///   - received: where other ranks' values go, complete with the request.
  ///   - places: of `received`, as many elements as that rank sends here.
  public func startAllToAll<T: MPIDatatype>(
    _ sent: UnsafeBufferPointer<T>, parts: [Range<Int>], into received: UnsafeMutableBufferPointer<T>,
    places: [Range<Int>]
  ) throws(MPIError) -> Request {
    requireOneCall(parts, of: sent.count)
    requireOneCall(places, of: received.count)
    let lengths = Lengths(parts, places)
    var request: MPI_Request?
    try check(
      MPI_Ialltoallv(
        sent.baseAddress, lengths.counts(0), lengths.displacements(0), T.datatype.handle, received.baseAddress,
        lengths.counts(1), lengths.displacements(1), T.datatype.handle, handle, &request),
      "MPI_Ialltoallv")
    return Request([request], rank: rank, lengths: lengths)
  }

  /// Starts to give all ranks each rank's part of a buffer, in place (`MPI_Iallgatherv` with `MPI_IN_PLACE`).
  ///
  /// - Parameters:
  ///   - buffer: this rank's part at its place; the others' are there once the request is complete.
  ///   - parts: of the buffer, one a rank, equal on all ranks.
  public func startAllGather<T: MPIDatatype>(
    _ buffer: UnsafeMutableBufferPointer<T>, parts: [Range<Int>]
  ) throws(MPIError) -> Request {
    requireOneCall(parts, of: buffer.count)
    let lengths = Lengths(parts)
    var request: MPI_Request?
    try check(
      MPI_Iallgatherv(
        CMPI_IN_PLACE(), 0, T.datatype.handle, buffer.baseAddress, lengths.counts(0), lengths.displacements(0),
        T.datatype.handle, handle, &request),
      "MPI_Iallgatherv")
    return Request([request], rank: rank, lengths: lengths)
  }

  private func requireOneCall(_ ranges: [Range<Int>], of count: Int) {
    precondition(
      ranges.count == size && ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= count },
      "ranges \(ranges) of \(count) elements on \(size) ranks")
    precondition(count <= elementsPerCall, "\(count) elements, and one call carries \(elementsPerCall)")
  }
}

// MARK: Gathers

// A gather travels in rounds of at most `elementsPerCall` elements over all ranks together, since MPI's displacements
// have 32 bits as well. All but the longest gathers are one round.

extension Communicator {
  /// The ranks' blocks, all of one size, in rank order, on all ranks (`MPI_Allgather`).
  public func allGather<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [T] {
    try gatherEqual(values, root: nil)
  }

  /// The ranks' blocks, all of one size, in rank order, on `root` (`MPI_Gather`). Empty elsewhere.
  public func gather<T: MPIDatatype>(_ values: [T], root: Int) throws(MPIError) -> [T] {
    precondition((0..<size).contains(root), "root is \(root), expected 0 ..< \(size)")
    return try gatherEqual(values, root: root)
  }

  /// The ranks' blocks, of any size (0 allowed), one array a rank, on all ranks (`MPI_Allgatherv`).
  ///
  /// The counts travel first (`MPI_Allgather`).
  public func allGatherV<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [[T]] {
    try gatherAny(values, root: nil)
  }

  /// The ranks' blocks, of any size (0 allowed), one array a rank, on `root` (`MPI_Gatherv`). Empty elsewhere.
  ///
  /// The counts travel first, to all ranks (`MPI_Allgather`): the number of rounds follows from them.
  public func gatherV<T: MPIDatatype>(_ values: [T], root: Int) throws(MPIError) -> [[T]] {
    precondition((0..<size).contains(root), "root is \(root), expected 0 ..< \(size)")
    return try gatherAny(values, root: root)
  }

  /// - Parameter root: who receives, nil for all.
  private func gatherEqual<T: MPIDatatype>(_ values: [T], root: Int?) throws(MPIError) -> [T] {
    let receives = root == nil || root == rank
    let count = values.count
    let result = UnsafeMutableBufferPointer<T>.allocate(capacity: receives ? size * count : 0)
    defer { result.deallocate() }

    let perRound = min(count, elementsPerCall / size)
    let inOneRound = perRound == count
    let received =
      inOneRound ? result : UnsafeMutableBufferPointer<T>.allocate(capacity: receives ? size * perRound : 0)
    defer { if !inOneRound { received.deallocate() } }

    for start in stride(from: 0, to: count, by: max(perRound, 1)) {
      let piece = min(perRound, count - start)
      let length = Int32(piece)
      try values.withUnsafeBufferPointer { (sent) throws(MPIError) in
        let source = sent.baseAddress.map { $0 + start }
        if let root {
          try check(
            MPI_Gather(
              source, length, T.datatype.handle, received.baseAddress, length, T.datatype.handle, Int32(root), handle),
            "MPI_Gather")
        } else {
          try check(
            MPI_Allgather(
              source, length, T.datatype.handle, received.baseAddress, length, T.datatype.handle, handle),
            "MPI_Allgather")
        }
      }
      if receives && !inOneRound {
        for other in 0..<size {
          let block = received[(other * piece)..<((other + 1) * piece)]
          _ = result[(other * count + start)...].update(fromContentsOf: block)
        }
      }
    }
    return Array(result)
  }

  /// - Parameter root: who receives, nil for all.
  private func gatherAny<T: MPIDatatype>(_ values: [T], root: Int?) throws(MPIError) -> [[T]] {
    let receives = root == nil || root == rank
    let counts = try allGather([Int64(values.count)]).map(Int.init)
    let longest = counts.max() ?? 0

    // An equal share a round and rank, unless everything fits into one round.
    let inOneRound = counts.reduce(0, +) <= elementsPerCall
    let perRound = inOneRound ? longest : elementsPerCall / size
    let capacity = counts.reduce(0) { $0 + min($1, perRound) }
    let received = UnsafeMutableBufferPointer<T>.allocate(capacity: receives ? capacity : 0)
    defer { received.deallocate() }

    var result: [[T]] = []
    if receives {
      result = counts.map { count in
        var block: [T] = []
        block.reserveCapacity(count)
        return block
      }
    }
    for start in stride(from: 0, to: longest, by: max(perRound, 1)) {
      let pieces = counts.map { max(0, min(perRound, $0 - start)) }
      var displacements: [Int] = []
      var total = 0
      for piece in pieces {
        displacements.append(total)
        total += piece
      }
      let lengths = pieces.map(Int32.init)
      let offsets = displacements.map(Int32.init)
      try values.withUnsafeBufferPointer { (sent) throws(MPIError) in
        let source = sent.baseAddress.map { $0 + min(start, sent.count) }
        if let root {
          try check(
            MPI_Gatherv(
              source, lengths[rank], T.datatype.handle, received.baseAddress, lengths, offsets, T.datatype.handle,
              Int32(root), handle),
            "MPI_Gatherv")
        } else {
          try check(
            MPI_Allgatherv(
              source, lengths[rank], T.datatype.handle, received.baseAddress, lengths, offsets, T.datatype.handle,
              handle),
            "MPI_Allgatherv")
        }
      }
      if receives {
        for other in 0..<size {
          result[other].append(contentsOf: received[displacements[other]..<(displacements[other] + pieces[other])])
        }
      }
    }
    return result
  }

  /// 0 ..< count, cut into ranges of at most `elementsPerCall`.
  private func chunks(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: elementsPerCall).map { $0..<min($0 + elementsPerCall, count) }
  }
}
