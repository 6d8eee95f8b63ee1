import Foundation
import Testing

@testable import Radiographs

@Suite("Image files")
struct ImageFileTests {
  @Test("What a file is, its content says and not its name", arguments: ["a.png", "a.jpg", "a", "png"])
  func content(name: String) throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("decode").appending(path: "rgb8-23x17.png"))
    let file = try ImageFile(bytes: bytes, path: name)
    #expect(try file.size() == ImageFile.Size(width: 23, height: 17, bytesPerPixel: 1))
    let image = try file.radiograph()
    #expect(image.width == 23 && image.height == 17)
    #expect(radiographError { _ = try ImageFile(bytes: Array("text".utf8), path: name) }?.kind == .badData)
  }

  @Test("16 bits a sample take four bytes a pixel")
  func sixteenBits() throws {
    let path = try Fixtures.folder("decode").appending(path: "gray16-23x17-adam7.png").path
    #expect(try ImageFile(path).size() == ImageFile.Size(width: 23, height: 17, bytesPerPixel: 4))
  }

  @Test(
    "Which files of a folder are pictures, their suffix says in any case",
    arguments: [
      ("a.png", true), ("a.PNG", true), ("a.b.Png", true), (".png", true), ("png", false), ("a.jpg", true),
      ("a.JPEG", true), ("a.Jpe", true), ("a.tif", true), ("a.TIFF", true), ("a.gif", false), ("jpeg", false),
      ("a.png.txt", false), ("apng", false), ("", false),
    ])
  func names(name: String, isPicture: Bool) {
    #expect(ImageFile.isPicture(name) == isPicture)
  }

  @Test("The header of a picture cut short says its size, and its pixels are refused")
  func cutShort() throws {
    let bytes = try Fixtures.bytes(Fixtures.folder("decode").appending(path: "rgb8-23x17.png"))
    let file = try ImageFile(bytes: Array(bytes.dropLast(20)), path: "a.png")
    #expect(try file.size().width == 23)
    #expect(radiographError { _ = try file.radiograph() }?.kind == .badData)
  }
}
