import Testing

@testable import Platform

@Suite("Threads that may be started")
struct ThreadAllowanceTests {
  @Test("Where there is no limit, all are, and none is left behind")
  func unlimited() throws {
    let before = try Folder.entries(of: "/proc/self/task").entries.map(\.name)
    #expect(ThreadAllowance.available(20) == 20)
    let trials = try Folder.entries(of: "/proc/self/task").entries.map(\.name).filter { !before.contains($0) }
      .filter {
        (try? Files.read("/proc/self/task/\($0)/comm")).map { String(decoding: $0, as: UTF8.self) } == "salad trial\n"
      }
    #expect(trials.isEmpty)
  }

  @Test(
    "Workers are as many as threads can be had for: each has one that reads ahead, the first needs none of its own",
    arguments: [(8, 17, 8), (8, 16, 7), (8, 3, 1), (8, 0, 1), (1, 0, 1), (2, 5, 2), (2, 4, 1)])
  func workers(wanted: Int, available: Int, expected: Int) {
    #expect(ThreadAllowance.workers(wanted) { min($0, available) } == expected)
  }

  @Test("More workers than any machine has are not all tried")
  func many() {
    #expect(ThreadAllowance.workers(4096) { $0 < 1000 ? $0 : 0 } == 4096)
  }
}

@Suite("Limits")
struct LimitsTests {
  @Test("Files that may be opened are counted and none is left open")
  func descriptors() throws {
    let before = try Folder.entries(of: "/proc/self/fd").entries.count
    #expect(Limits.freeDescriptors(upTo: 5) == 5)
    // Other tests open files at the same time.
    #expect(try Folder.entries(of: "/proc/self/fd").entries.count < before + 100)
    #expect((Limits.openFiles ?? .max) >= 16)
  }

  @Test("A folder that takes no folders is told from one that does")
  func folders() throws {
    let folder = Folder.temporary("salad-takes-folders")
    #expect(!Folder.takesFolders(folder))
    try Folder.make(folder)
    defer { try? Files.remove(folder) }
    #expect(Folder.takesFolders(folder))
    #expect(try Folder.entries(of: folder).entries.isEmpty)
    #expect((Folder.freeBytes(of: folder) ?? 0) > 0)
    #if os(Linux)
      #expect(!Folder.takesFolders("/proc"))
    #endif
  }
}
