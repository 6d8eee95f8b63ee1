#if Server
  import SALAD

  /// Where a server listens.
  public struct ListenAddress: Sendable {
    /// A name or an address.
    public var host: String
    /// 0: any that is free.
    public var port: Int

    public init(host: String, port: Int) {
      (self.host, self.port) = (host, port)
    }

    /// Whether only this host can reach it.
    public var isLoopback: Bool { Self.isLoopback(host) }

    static func isLoopback(_ host: String) -> Bool {
      if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
      let parts = host.split(separator: ".", omittingEmptySubsequences: false)
      return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// As the beginning of an address: `http://127.0.0.1:8080`.
    func url(port: Int) -> String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
  }
#endif
