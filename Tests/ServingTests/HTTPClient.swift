import Foundation

/// An answer of a server.
struct HTTPAnswer: Sendable {
  var status: Int
  /// Names in lower case.
  var headers: [String: String]
  var body: Data

  var text: String { String(decoding: body, as: UTF8.self) }
  /// Everything that an answer may hold; nil where it is no JSON.
  var json: JSON? { try? Self.decoder.decode(JSON.self, from: body) }
  private static let decoder = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }()
  /// Of an answer to images.
  var images: [JSON] { json?.images ?? [] }

  struct JSON: Decodable {
    var images: [JSON]?
    var nearest: [JSON]?
    var name, rule, model, error, image, heatMap, id, method: String?
    var score, pValue, distance, weight: Double?
    var flagged: Bool?
    var size, row: Int?
    var coloured: [Float]?
  }
}

/// A connection to a server on this host, as simple as can be: bytes out, one answer in.
final class HTTPConnection {
  private let socket: Int32

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  init(port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Failure(description: "no connection: \(String(cString: strerror(errno)))") }
    // No test waits for ever.
    var patience = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  func send(_ bytes: Data) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      // What a server does not want to read it may refuse.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// The next answer, with a body of known length.
  func answer() throws -> HTTPAnswer {
    var bytes = Data()
    let blank = Data("\r\n\r\n".utf8)
    while true {
      if let end = bytes.range(of: blank) {
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        if status == 100 {
          bytes = Data(bytes[end.upperBound...])
          continue
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          guard let colon = line.firstIndex(of: ":") else { continue }
          headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let length = Int(headers["content-length"] ?? "") ?? 0
        var body = Data(bytes[end.upperBound...])
        while body.count < length { body += try part() }
        return HTTPAnswer(status: status, headers: headers, body: body)
      }
      bytes += try part()
    }
  }

  private func part() throws -> Data {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(socket, &buffer, buffer.count, 0)
    guard count > 0 else { throw Failure(description: count == 0 ? "closed without an answer" : "no answer in time") }
    return Data(buffer.prefix(count))
  }
}

/// Requests.
enum HTTP {
  static func request(
    _ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil
  ) -> Data {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    return Data((head + "\r\n").utf8) + (body ?? Data())
  }

  /// A form with files.
  static func form(_ files: [(name: String, content: Data)]) -> (headers: [String: String], body: Data) {
    let boundary = "----a-boundary-\(files.count)"
    var body = Data()
    for file in files {
      body += Data(
        "--\(boundary)\r\nContent-Disposition: form-data; name=\"image\"; filename=\"\(file.name)\"\r\n\r\n".utf8)
      body += file.content + Data("\r\n".utf8)
    }
    return (["Content-Type": "multipart/form-data; boundary=\(boundary)"], body + Data("--\(boundary)--\r\n".utf8))
  }
}
