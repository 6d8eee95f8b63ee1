import Foundation
import Testing

@testable import Platform

/// Made-up files of /proc/net, with the addresses as a little-endian machine prints them.
@Suite("Networks")
struct NetworksTests {
  private static let route = """
    Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
    eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0
    eth0 0000000A 00000000 0001 0 0 0 00FFFFFF 0 0 0
    docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0

    """

  private static func line(_ local: String, state: String, inode: Int) -> String {
    "   0: \(local):1F90 0300000A:0016 \(state) 00000000:00000000 00:00000000 00000000     0        0 \(inode) 1 0 100 0\n"
  }

  @Test("Networks that interfaces are connected to are told, and which this process's connections go by")
  func use() throws {
    let header = "  sl  local_address rem_address   st ...\n"
    let kernel = try FakeKernel([
      "/proc/self/net/route": Self.route,
      "/proc/self/net/tcp": header + Self.line("0200000A", state: "01", inode: 11)
        + Self.line("0100007F", state: "01", inode: 12) + Self.line("010011AC", state: "0A", inode: 13)
        + Self.line("010011AC", state: "01", inode: 99),
      "/proc/self/net/tcp6": header + Self.line("0000000000000000FFFF00000200000A", state: "01", inode: 14)
        + Self.line("000000FD000000000000000002000000", state: "01", inode: 15),
      "/proc/self/net/if_inet6": "fd000000000000000000000000000002 02 40 00 80     ib0\n",
    ])
    defer { kernel.remove() }
    try Folder.make(kernel.root + "/proc/self/fd")
    for inode in 11...15 {
      try FileManager.default.createSymbolicLink(
        atPath: "\(kernel.root)/proc/self/fd/\(inode)", withDestinationPath: "socket:[\(inode)]")
    }
    let networks = Networks(root: kernel.root)
    #expect(
      networks.connected == [
        Networks.Interface(name: "eth0", network: "10.0.0.0/24"),
        Networks.Interface(name: "docker0", network: "172.17.0.0/16"),
      ])
    // Neither the loopback, nor what listens, nor another process's.
    #expect(networks.inUse == ["eth0", "ib0"])
  }

  @Test("Without the kernel's files there are none")
  func absent() {
    #expect(Networks(root: "/no/such/root").connected.isEmpty && Networks(root: "/no/such/root").inUse.isEmpty)
  }
}
