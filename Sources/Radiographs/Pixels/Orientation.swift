/// How a stored picture is to be turned and mirrored to be seen upright: EXIF's and TIFF's tag 274.
struct Orientation: Equatable {
  /// 1...8; 1 is as stored.
  let value: Int

  /// - Parameter value: any other than 1...8 counts as 1.
  init(_ value: some BinaryInteger) {
    self.value = (1...8).contains(value) ? Int(value) : 1
  }

  /// Rows become columns: a picture of 30 x 20 is one of 20 x 30.
  var swapsSides: Bool { value >= 5 }

  /// The picture upright.
  func applied(to stored: Radiograph) -> Radiograph {
    if value == 1 { return stored }
    let (width, height) = swapsSides ? (stored.height, stored.width) : (stored.width, stored.height)
    var upright = stored
    upright.width = width
    upright.height = height
    upright.pixels =
      switch stored.pixels {
      case .eightBit(let values): .eightBit(turned(values, width: width, height: height))
      case .float(let values): .float(turned(values, width: width, height: height))
      }
    return upright
  }

  /// - Parameters:
  ///   - stored: row by row as stored.
  ///   - width: of the upright picture.
  ///   - height: of the upright picture.
  private func turned<Value: Numeric>(_ stored: [Value], width: Int, height: Int) -> [Value] {
    // Where the upright picture's first pixel lies, and how far it is to the one on its right and to the one below.
    let last = stored.count - 1
    let (start, right, down): (Int, Int, Int) =
      switch value {
      case 2: (width - 1, -1, width)
      case 3: (last, -1, -width)
      case 4: (last - (width - 1), 1, -width)
      case 5: (0, height, 1)
      case 6: (last - (height - 1), -height, 1)
      case 7: (last, -height, -1)
      case 8: (height - 1, height, -1)
      default: (0, 1, width)
      }
    return [Value](unsafeUninitializedCapacity: stored.count) { upright, initializedCount in
      stored.withUnsafeBufferPointer { stored in
        for y in 0..<height {
          var place = start + y * down
          for x in 0..<width {
            upright[y * width + x] = stored[place]
            place += right
          }
        }
      }
      initializedCount = stored.count
    }
  }
}
