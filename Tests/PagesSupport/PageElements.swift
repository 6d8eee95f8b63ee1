import Foundation
import FoundationXML

/// What an XML parser finds in a page.
public final class PageElements: NSObject, XMLParserDelegate {
  /// Of elements, in their order.
  public private(set) var names: [String] = []
  public private(set) var attributes: [(name: String, value: String)] = []
  /// Of elements, between their tags.
  public private(set) var texts: [String] = []
  public var ids: [String] { attributes.filter { $0.name == "id" }.map(\.value) }
  private var text = ""

  /// - Throws: where the page is not well formed, and in which line.
  public init(of page: String) throws {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    guard parser.parse() else {
      throw PageFault(
        sentence: "line \(parser.lineNumber), column \(parser.columnNumber): \(parser.parserError as Any)")
    }
  }

  public struct PageFault: Error { let sentence: String }

  public func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes found: [String: String]
  ) {
    names.append(name)
    attributes += found.map { ($0.key, $0.value) }
    close()
  }

  public func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

  public func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    close()
  }

  private func close() {
    if !text.isEmpty { texts.append(text) }
    text = ""
  }
}
