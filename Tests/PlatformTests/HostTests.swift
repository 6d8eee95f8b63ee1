import Foundation
import Testing

@testable import Platform

@Suite("Host")
struct HostTests {
  #if os(Linux)
    @Test("The kernel tells of this process's memory and cores")
    func kernel() {
      #expect(Host.residentMemory > 0 && Host.residentMemory <= Host.peakResidentMemory)
      #expect(Host.availableMemory > 0)
      #expect(Host.hardwareThreads(of: "self").count == Host.activeHardwareThreads)
      #expect(Host.hardwareThreads(of: "none").isEmpty)
      #expect((1...Host.activeHardwareThreads).contains(Host.activeCores))
    }

    @Test("The kernel counts what is written, also into a pipe or socket")
    func transfers() throws {
      let before = Host.transferredBytes
      try #require(before > 0)
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data(repeating: 1, count: 50_000))
      #expect(Host.transferredBytes >= before + 50_000)
    }
  #endif

  @Test("Memory that cannot be had is told with the limit that is in the way, if one is")
  func memoryError() {
    let limit = MemoryLimit(name: "address space (ulimit -v)", allowed: 1_000_000_000, used: 950_000_000)
    #expect(limit.left == 50_000_000)
    #expect(
      MemoryError(wanted: 100_000_000, limit: limit).description
        == "100 MB more of memory cannot be had: a process may take 1.00 GB of address space (ulimit -v), this one has "
        + "950 MB")
    // A host that has no more is not helped by raising a limit that is far away.
    let far = MemoryLimit(name: "data (ulimit -d)", allowed: 1 << 40, used: 1 << 30)
    #expect(MemoryError(wanted: 1 << 30, limit: far).limit == nil)
    #expect(MemoryError(wanted: 1 << 30, limit: nil).description.hasSuffix("the host has no more"))
  }

  @Test(
    "Bytes are read in three digits",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9_994, "9.99 kB"), (9_996, "10.0 kB"), (99_960, "100 kB"),
      (1_250_000_000, "1.25 GB"), (1_040_000, "1.04 MB"), (999_600, "1.00 MB"), (.max, "9.22 EB"),
    ])
  func bytes(count: Int, expected: String) {
    #expect(ByteText.of(count) == expected)
  }
}

@Suite("Cores")
struct CoresTests {
  @Test(
    "A list of hardware threads is read as Linux writes it",
    arguments: [("0-1", [0, 1]), ("0-2,5,7-8\n", [0, 1, 2, 5, 7, 8]), ("3", [3]), ("", []), ("x", [])])
  func list(list: String, expected: [Int]) {
    #expect(Cores.numbers(list: list) == expected)
  }

  @Test("Hardware threads of one core count once, whichever of them may be used")
  func siblings() throws {
    // Two cores of two threads each as Intel numbers them, two as AMD does, and one that tells nothing.
    let kernel = try FakeKernel([
      "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,4\n",
      "/sys/devices/system/cpu/cpu4/topology/thread_siblings_list": "0,4\n",
      "/sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1,5\n",
      "/sys/devices/system/cpu/cpu5/topology/core_cpus_list": "1,5\n",
      "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list": "2-3\n",
      "/sys/devices/system/cpu/cpu3/topology/thread_siblings_list": "2-3\n",
    ])
    defer { kernel.remove() }
    func count(_ threads: [Int]) -> Int { Cores.physical(of: threads, root: kernel.root) }
    #expect(count([0, 1, 2, 3, 4, 5]) == 3)
    #expect(count([0, 4]) == 1)
    #expect(count([4]) == 1)
    #expect(count([4, 5, 3]) == 3)
    #expect(count([6, 7]) == 2)
    #expect(count([]) == 0)
  }
}

/// Files of /proc and /sys that a test makes up, below a folder of its own.
struct FakeKernel {
  let root: String

  init(_ files: [String: String]) throws {
    root = Folder.temporary("salad-fake-kernel")
    for (path, text) in files {
      try Folder.make(Files.folder(of: root + path))
      try Files.write(Array(text.utf8), to: root + path)
    }
  }

  func remove() { try? Files.remove(root) }
}
