import Radiographs
import Testing

@Suite("Exposure")
struct ExposureTests {
  private func applied(_ exposure: Exposure, to pixels: [Float]) -> [Float] {
    var pixels = pixels
    pixels.withUnsafeMutableBufferPointer { exposure.apply(to: $0) }
    return pixels
  }

  @Test("None leaves every pixel as it is")
  func none() {
    let pixels: [Float] = [-1, -0.3, 0, 0.7, 1]
    #expect(applied(Exposure(), to: pixels) == pixels)
  }

  @Test("Contrast turns about middle gray, brightness moves, both are clamped; gamma keeps black and white")
  func closedForms() {
    #expect(applied(Exposure(brightness: 0.25), to: [-1, 0, 0.5, 1]) == [-0.75, 0.25, 0.75, 1])
    #expect(applied(Exposure(contrast: 2), to: [-0.75, -0.25, 0, 0.5]) == [-1, -0.5, 0, 1])
    #expect(applied(Exposure(exponent: 2), to: [-1, 0, 1]) == [-1, -0.5, 1])
  }

  @Test("The others differ from each other")
  func others() {
    let pixels: [Float] = [-0.8, -0.4, 0.1, 0.6]
    #expect(Set(Exposure.others.map { applied($0, to: pixels) }).count == Exposure.others.count)
  }
}
