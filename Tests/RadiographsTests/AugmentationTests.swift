import Foundation
import Platform
import Testing

@testable import Radiographs

@Suite("Augmentation")
struct AugmentationTests {
  @Test("No augmentation copies exactly", arguments: [1, 2, 7, 64])
  func identity(side: Int) {
    let image = noisyImage(side: side)
    #expect(augmented(image, side: side, by: .none, epoch: 3, index: 5) == image)
  }

  @Test("A flip is the exact mirror image, half of the time", arguments: [1, 5, 8])
  func flip(side: Int) {
    let image = noisyImage(side: side)
    let mirror = (0..<side).flatMap { y in (0..<side).map { x in image[y * side + side - 1 - x] } }
    var flips = 0
    for index in 0..<1000 {
      let result = augmented(image, side: side, by: .flip, epoch: 1, index: index)
      #expect(result == image || result == mirror)
      flips += result == mirror ? 1 : 0
    }
    // The standard deviation of 1000 fair tosses is 16. One column is its own mirror.
    #expect(side == 1 ? flips == 1000 : abs(flips - 500) < 64)
  }

  @Test("A shift of whole pixels moves them exactly and leaves black behind")
  func wholeShift() {
    let side = 8
    let image = noisyImage(side: side)
    var change = ImageChange()
    change.shiftX = 3.0 / 8
    change.shiftY = -2.0 / 8
    let result = moved(image, side: side, by: change)
    for y in 0..<side {
      for x in 0..<side {
        let expected = x >= 3 && y + 2 < side ? image[(y + 2) * side + x - 3] : -1
        #expect(result[y * side + x] == expected)
      }
    }
  }

  @Test("A shift of a quarter pixel to the right blends neighbours one to three, and the border with black")
  func quarterShift() {
    var change = ImageChange()
    change.shiftX = 0.25 / 4
    let row: [Float] = [1, 0, -0.5, 0.5]
    let result = moved(row + row + row + row, side: 4, by: change)
    let expected: [Float] = [0.75 - 0.25, 0.25, -0.375, 0.375 - 0.125]
    #expect(result == expected + expected + expected + expected)
  }

  @Test("A mirrored shift is the shift of the mirror image")
  func mirroredShift() {
    let side = 6
    let image = noisyImage(side: side)
    var (mirror, both) = (ImageChange(), ImageChange())
    mirror.mirrored = true
    both.mirrored = true
    both.shiftX = 2.0 / 6
    var shift = both
    shift.mirrored = false
    let expected = moved(moved(image, side: side, by: mirror), side: side, by: shift)
    #expect(moved(image, side: side, by: both) == expected)
  }

  @Test("A positive quarter turn takes the right edge to the bottom")
  func quarterTurn() {
    let side = 5
    let image = noisyImage(side: side)
    var change = ImageChange()
    change.angle = .pi / 2
    let result = moved(image, side: side, by: change)
    for y in 0..<side {
      for x in 0..<side {
        #expect(abs(result[x * side + side - 1 - y] - image[y * side + x]) < 1e-5)
      }
    }
  }

  @Test("Any affine equals its definition, pixel by pixel", arguments: [1, 3, 16, 33])
  func definition(side: Int) {
    let image = noisyImage(side: side)
    let wild = Augmentation(
      flip: true, rotation: 180, scale: 0.6, shift: 1.5, contrast: 0, brightness: 0, gamma: 0, noise: 0)
    for index in 0..<40 as Range<UInt64> {
      let change = ImageChange(of: wild, CounterRandom(11, index))
      let result = moved(image, side: side, by: change)
      let expected = definedMove(image, side: side, by: change)
      #expect(zip(result, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  @Test("Draws fill their ranges and never leave them")
  func ranges() {
    let strengths = Augmentation(
      flip: true, rotation: 8, scale: 0.1, shift: 0.035, contrast: 0.25, brightness: 0.17, gamma: 0.3, noise: 0)
    let changes = (0..<4000).map { ImageChange(of: strengths, CounterRandom(2, $0)) }
    func check(_ values: [Double], _ range: ClosedRange<Double>) {
      let width = range.upperBound - range.lowerBound
      #expect(values.allSatisfy(range.contains))
      #expect(values.min()! < range.lowerBound + 0.01 * width)
      #expect(values.max()! > range.upperBound - 0.01 * width)
    }
    check(changes.map(\.angle), -8 * .pi / 180...8 * .pi / 180)
    check(changes.map(\.scale), 0.9...1.1)
    check(changes.map(\.shiftX), -0.035...0.035)
    check(changes.map(\.shiftY), -0.035...0.035)
    check(changes.map(\.contrast), 0.75...1.25)
    check(changes.map(\.brightness), -0.17...0.17)
    check(changes.map { log($0.exponent) }, -0.3...0.3)
    let correlation = changes.map { $0.shiftX * $0.shiftY }.reduce(0, +) / 4000 / (0.035 * 0.035 / 3)
    #expect(abs(correlation) < 0.1)
  }

  @Test("One change's strength leaves the other draws alone")
  func independence() {
    let random = CounterRandom(4)
    let few = ImageChange(of: .flip, random)
    var expected = ImageChange(of: .standard, random)
    #expect(few.mirrored == expected.mirrored)
    var strengths = Augmentation.standard
    strengths.rotation = 0
    strengths.gamma = 0.2
    let other = ImageChange(of: strengths, random)
    expected.angle = 0
    expected.exponent = other.exponent
    #expect(other == expected)
  }

  @Test("Seed, epoch and image index decide the pixels, in any order of asking")
  func determinism() {
    let image = noisyImage(side: 16)
    var strengths = Augmentation.standard
    strengths.gamma = 0.2
    strengths.noise = 0.05
    func result(_ epoch: Int, _ index: Int, seed: UInt64 = 7) -> [Float] {
      augmented(image, side: 16, by: strengths, epoch: epoch, index: index, seed: seed)
    }
    let forwards = (0..<20).map { result($0 / 5, $0 % 5) }
    let backwards = (0..<20).reversed().map { result($0 / 5, $0 % 5) }
    #expect(forwards == backwards.reversed())
    #expect(Set(forwards).count == 20)
    #expect(result(0, 0) != result(0, 0, seed: 8))
  }

  @Test("Contrast, brightness, gamma and noise keep pixels in -1...1")
  func intensityRange() {
    let image = noisyImage(side: 16)
    let strengths = Augmentation(
      flip: true, rotation: 20, scale: 0.5, shift: 0.5, contrast: 0.9, brightness: 0.9, gamma: 1, noise: 0.5)
    for index in 0..<200 {
      let result = augmented(image, side: 16, by: strengths, epoch: 0, index: index)
      #expect(result.allSatisfy { (-1...1).contains($0) })
    }
  }

  @Test("Contrast and brightness are x c + b, clamped; gamma acts on the 0...1 scale and keeps black and white")
  func intensity() {
    func adjusted(_ pixels: [Float], _ set: (inout ImageChange) -> Void) -> [Float] {
      var (change, result) = (ImageChange(), pixels)
      set(&change)
      result.withUnsafeMutableBufferPointer { change.adjustIntensity($0) }
      return result
    }
    let pixels: [Float] = [-1, -0.5, 0, 0.5, 1]
    let scaled = adjusted(pixels) {
      $0.contrast = 1.25
      $0.brightness = 0.125
    }
    #expect(scaled == [-1, -0.5, 0.125, 0.75, 1])
    #expect(adjusted(pixels) { $0.exponent = 2 } == [-1, -0.875, -0.5, 0.125, 1])
  }

  @Test("Noise has the asked deviation")
  func noise() {
    var strengths = Augmentation.none
    strengths.noise = 0.1
    let side = 101
    let gray = [Float](repeating: 0, count: side * side)
    let result = augmented(gray, side: side, by: strengths, epoch: 0, index: 0).map(Double.init)
    let mean = result.reduce(0, +) / Double(result.count)
    let variance = result.map { $0 * $0 }.reduce(0, +) / Double(result.count)
    #expect(abs(mean) < 0.005)
    #expect(abs(variance.squareRoot() - 0.1) < 0.003)
  }

  // MARK: - Helpers

  private func noisyImage(side: Int) -> [Float] {
    let random = CounterRandom(seed: 1, name: "image")
    return (0..<side * side).map { Float(random.uniform(UInt64($0), in: -1...1)) }
  }

  private func augmented(
    _ image: [Float], side: Int, by augmentation: Augmentation, epoch: Int, index: Int, seed: UInt64 = 7
  ) -> [Float] {
    var result = [Float](repeating: .nan, count: image.count)
    image.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer {
        augmentation.apply(to: source, side: side, into: $0, seed: seed, epoch: epoch, imageIndex: index)
      }
    }
    return result
  }

  private func moved(_ image: [Float], side: Int, by change: ImageChange) -> [Float] {
    var result = [Float](repeating: .nan, count: image.count)
    image.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { change.move(source, side: side, into: $0) }
    }
    return result
  }

  /// The affine map in double, each of the four taps tested against the border.
  private func definedMove(_ image: [Float], side: Int, by change: ImageChange) -> [Float] {
    func tap(_ x: Int, _ y: Int) -> Double {
      (0..<side).contains(x) && (0..<side).contains(y) ? Double(image[y * side + x]) : -1
    }
    let centre = Double(side - 1) / 2
    return (0..<side * side).map { index in
      let x = Double(index % side) - centre - change.shiftX * Double(side)
      let y = Double(index / side) - centre - change.shiftY * Double(side)
      let turnedX = (cos(change.angle) * x + sin(change.angle) * y) / change.scale
      let turnedY = (cos(change.angle) * y - sin(change.angle) * x) / change.scale
      let fromX = (change.mirrored ? -turnedX : turnedX) + centre
      let fromY = turnedY + centre
      let (left, top) = (Int(floor(fromX)), Int(floor(fromY)))
      let (right, down) = (fromX - floor(fromX), fromY - floor(fromY))
      let upper = (1 - right) * tap(left, top) + right * tap(left + 1, top)
      let lower = (1 - right) * tap(left, top + 1) + right * tap(left + 1, top + 1)
      return Float((1 - down) * upper + down * lower)
    }
  }
}
