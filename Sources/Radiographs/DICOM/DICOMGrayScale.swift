import Foundation

/// From stored values to gray: the modality's table or line, then the table or window of values of interest.
///
/// Everything is in double; a picture of at most 16 bits looks its pixels up in a table of all values.
struct DICOMGrayScale {
  /// A table: the entry of the first value, and of those that follow.
  struct Table {
    var first: Int
    var entries: [Int]
    /// The largest that its bits could hold.
    var largest: Double

    subscript(value: Double) -> Double {
      // A value below the first has the first entry, one beyond the last the last.
      let place = max(0, min(value - Double(first), Double(entries.count - 1)))
      return Double(entries[Int(place)])
    }
  }

  enum Function: String { case linear = "LINEAR", exact = "LINEAR_EXACT", sigmoid = "SIGMOID" }

  enum Interest {
    case table(Table)
    case window(centre: Double, width: Double, Function)
    /// The picture's own darkest and brightest values, but for a hundredth of it on either side.
    case percentiles
  }

  let modalityTable: Table?
  let slope: Double
  let intercept: Double
  let interest: Interest
  let isInverted: Bool

  /// Of the pixels, on either side.
  static let percentile = 0.01

  init(_ data: DICOMDataSet, _ picture: DICOMPicture) throws(DICOMFault) {
    modalityTable = try Self.table(data, .modalityTable, isSigned: picture.isSigned)
    let slopes = data.decimals(.rescaleSlope)
    let intercepts = data.decimals(.rescaleIntercept)
    slope = slopes.first ?? 1
    intercept = intercepts.first ?? 0
    guard slope != 0, abs(slope) < 1e12, abs(intercept) < 1e12 else {
      throw .damaged("a rescale slope of \(slope) and intercept of \(intercept)")
    }
    interest = try Self.interest(data, picture)
    isInverted = picture.isInverted
  }

  private static func interest(_ data: DICOMDataSet, _ picture: DICOMPicture) throws(DICOMFault) -> Interest {
    if let table = try table(data, .grayTable, isSigned: picture.isSigned) { return .table(table) }
    let name = data.text(.windowFunction) ?? Function.linear.rawValue
    guard let function = Function(rawValue: name) else {
      throw .refused("expected a window function LINEAR, LINEAR_EXACT or SIGMOID, found \(DICOMPicture.plain(name))")
    }
    guard let centre = data.decimals(.windowCentre).first, let width = data.decimals(.windowWidth).first,
      width >= (function == .linear ? 1 : .leastNormalMagnitude), abs(centre) < 1e12, width < 1e12
      // A window that shows nothing is none.
    else { return .percentiles }
    return .window(centre: centre, width: width, function)
  }

  /// The table of a sequence's first item; nil where there is none.
  private static func table(
    _ data: DICOMDataSet, _ tag: DICOMDataSet.Tag, isSigned: Bool
  ) throws(DICOMFault) -> Table? {
    guard let sequence = data.element(tag) else { return nil }
    let item = try data.reader.firstItem(of: sequence)
    func find(_ tag: DICOMDataSet.Tag) -> DICOMElement? { item.first { $0.tag == tag.rawValue } }
    guard let descriptor = find(.tableDescriptor), let entries = find(.tableData) else { return nil }
    let numbers = try data.reader.words(descriptor)
    guard numbers.count >= 3, let value = entries.value else { throw .damaged("a table without a descriptor") }
    // The number of entries and their bits are unsigned, whatever the representation; 0 is 65,536.
    let count = numbers[0] & 0xFFFF == 0 ? 1 << 16 : numbers[0] & 0xFFFF
    let first = try data.reader.words(descriptor, isSigned: isSigned)[1]
    let bits = numbers[2] & 0xFFFF
    guard (1...16).contains(bits) else { throw .damaged("a table of \(bits) bits") }
    let bytes = data.reader.bytes
    let found: [Int]
    if bits <= 8, value.count < 2 * count, value.count >= count {
      found = bytes[value].prefix(count).map(Int.init)
    } else {
      var unsigned = entries
      unsigned.representation = "US"
      found = Array(try data.reader.words(unsigned).prefix(count))
    }
    guard found.count == count else { throw .damaged("a table of \(found.count) entries where \(count) are announced") }
    return Table(first: first, entries: found, largest: Double((1 << bits) - 1))
  }

  // MARK: Values

  /// What the modality measured.
  func measured(_ stored: Int) -> Double {
    if let modalityTable { return modalityTable[Double(stored)] }
    return Double(stored) * slope + intercept
  }

  /// 0...1 of a measured value.
  ///
  /// - Parameter limits: the values that become 0 and 1 where no table and no window tells.
  func gray(_ measured: Double, limits: ClosedRange<Double>) -> Float {
    let gray: Double =
      switch interest {
      case .table(let table): table[measured] / table.largest
      case .window(let centre, let width, .linear):
        // PS3.3 C.11.2.1.2: a window of 1 is a threshold.
        if measured <= centre - 0.5 - (width - 1) / 2 {
          0
        } else if measured > centre - 0.5 + (width - 1) / 2 {
          1
        } else {
          (measured - (centre - 0.5)) / (width - 1) + 0.5
        }
      case .window(let centre, let width, .exact): (measured - centre) / width + 0.5
      case .window(let centre, let width, .sigmoid): 1 / (1 + exp(-4 * (measured - centre) / width))
      case .percentiles:
        limits.upperBound > limits.lowerBound
          ? (measured - limits.lowerBound) / (limits.upperBound - limits.lowerBound) : 0
      }
    let clamped = min(max(gray, 0), 1)
    return Float(isInverted ? 1 - clamped : clamped)
  }

  /// The values that `percentile` of the pixels lie below or at, and above: the nearest ranks.
  ///
  /// - Parameter counted: measured values, and how many pixels have them.
  static func limits(_ counted: [(value: Double, count: Int)]) -> ClosedRange<Double> {
    let sorted = counted.sorted { $0.value < $1.value }
    guard let first = sorted.first, let last = sorted.last else { return 0...0 }
    let total = sorted.reduce(0) { $0 + $1.count }
    let skipped = Int(Double(total) * percentile)
    func end(_ values: some Sequence<(value: Double, count: Int)>) -> Double? {
      var passed = 0
      for (value, count) in values {
        passed += count
        if passed > skipped { return value }
      }
      return nil
    }
    let (low, high) = (end(sorted) ?? first.value, end(sorted.reversed()) ?? last.value)
    // All but a few pixels may be alike.
    return low < high ? low...high : first.value...last.value
  }
}
