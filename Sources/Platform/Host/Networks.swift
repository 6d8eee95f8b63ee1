/// The networks of this host, as far as processes on other hosts may be reached by them.
public struct Networks {
  /// A network that an interface is connected to.
  public struct Interface: Codable, Sendable, Hashable {
    /// `eth0`.
    public var name: String
    /// `10.0.0.0/8`; of IPv6, this host's own address.
    public var network: String

    public init(name: String, network: String) {
      self.name = name
      self.network = network
    }
  }

  private let files: KernelFiles

  /// - Parameter root: where /proc is; of a test.
  public init(root: String = "") { files = KernelFiles(root: root) }

  /// Of interfaces with an IPv4 network, in the kernel's order.
  public var connected: [Interface] {
    routes.map { Interface(name: $0.name, network: "\(Self.text($0.network))/\($0.mask.nonzeroBitCount)") }
  }

  /// Interfaces that this process's TCP connections go by, sorted by name. The loopback is none.
  public var inUse: [String] {
    let mine = sockets
    var names: Set<String> = []
    for (path, isSixth) in [("/proc/self/net/tcp", false), ("/proc/self/net/tcp6", true)] {
      for line in files.lines(of: path).dropFirst() {
        let fields = line.split(separator: " ")
        // Number, local address, remote address, state (1: established), ... inode.
        guard fields.count > 9, fields[3] == "01", mine.contains(fields[9]) else { continue }
        let address = fields[1].prefix { $0 != ":" }
        if let name = isSixth ? sixth(address) : fourth(address) { names.insert(name) }
      }
    }
    return names.sorted()
  }

  // MARK: - IPv4

  private var routes: [(name: String, network: UInt32, mask: UInt32)] {
    files.lines(of: "/proc/self/net/route").dropFirst().compactMap { line in
      // Interface, destination, gateway, flags, three counters, mask.
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count > 7, let network = Self.number(fields[1]), let mask = Self.number(fields[7]), mask != 0,
        Self.number(fields[2]) == 0
      else { return nil }
      return (String(fields[0]), network, mask)
    }
  }

  private func fourth(_ address: Substring) -> String? {
    guard let number = Self.number(address) else { return nil }
    return routes.filter { number & $0.mask == $0.network }.max { $0.mask < $1.mask }?.name
  }

  /// The kernel prints an address as this machine reads it as a number: with the first byte last.
  private static func number(_ digits: Substring) -> UInt32? { UInt32(digits, radix: 16).map { $0.byteSwapped } }

  private static func text(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { String(address >> $0 & 255) }.joined(separator: ".")
  }

  // MARK: - IPv6

  private func sixth(_ digits: Substring) -> String? {
    // Four numbers, each with its first byte last; the list of addresses has the bytes in order.
    guard digits.count == 32 else { return nil }
    let characters = Array(digits.lowercased())
    var ordered = ""
    for word in stride(from: 0, to: 32, by: 8) {
      for byte in stride(from: word + 6, through: word, by: -2) { ordered += String(characters[byte...byte + 1]) }
    }
    // An IPv4 address in the clothes of IPv6.
    if ordered.hasPrefix("00000000000000000000ffff") { return fourth(digits.suffix(8)) }
    let line = files.lines(of: "/proc/self/net/if_inet6").first { $0.hasPrefix(ordered) }
    return line.flatMap { $0.split(separator: " ").last.map(String.init) }.flatMap { $0 == "lo" ? nil : $0 }
  }

  // MARK: - This process

  /// Inodes of its sockets, as digits.
  private var sockets: Set<Substring> {
    let folder = files.root + "/proc/self/fd"
    let names = (try? Folder.entries(of: folder).entries.map(\.name)) ?? []
    return Set(
      names.compactMap { name in
        guard let target = Files.target(ofLink: "\(folder)/\(name)"), target.hasPrefix("socket:[") else { return nil }
        return target.dropFirst("socket:[".count).dropLast()
      })
  }
}
