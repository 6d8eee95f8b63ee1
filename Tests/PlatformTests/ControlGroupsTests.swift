import Testing

@testable import Platform

/// Made-up control groups, as containers and batch systems make them.
@Suite("Control groups")
struct ControlGroupsTests {
  private static func groups<R>(_ files: [String: String], _ body: (ControlGroups) throws -> R) throws -> R {
    let kernel = try FakeKernel(files)
    defer { kernel.remove() }
    return try body(ControlGroups(root: kernel.root))
  }

  private static let second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

  @Test("Without control groups nothing is limited")
  func absent() throws {
    for files in [[:], ["/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": Self.second]] {
      try Self.groups(files) { groups in
        #expect(groups.memory == nil && groups.processorTime == nil && groups.cores == nil && groups.threads == nil)
        #expect(groups.hardwareThreads == nil)
      }
    }
  }

  @Test("Version 2 is read where it is mounted, and `max` is no limit")
  func secondVersion() throws {
    let files = [
      "/proc/self/cgroup": "0::/job\n", "/proc/self/mountinfo": Self.second,
      "/sys/fs/cgroup/job/memory.max": "1000000\n", "/sys/fs/cgroup/job/memory.current": "700000\n",
      "/sys/fs/cgroup/job/memory.stat": "anon 1\ninactive_file 100000\n",
      "/sys/fs/cgroup/job/cpu.max": "150000 100000\n", "/sys/fs/cgroup/job/pids.max": "32\n",
      "/sys/fs/cgroup/job/pids.current": "12\n", "/sys/fs/cgroup/job/cpuset.cpus.effective": "2-5\n",
    ]
    try Self.groups(files) { groups in
      #expect(groups.memory == 400_000 && groups.threads == 20)
      #expect(groups.processorTime == 1.5 && groups.cores == 2)
      #expect(groups.hardwareThreads == [2, 3, 4, 5])
    }
    let unlimited = files.merging([
      "/sys/fs/cgroup/job/memory.max": "max\n", "/sys/fs/cgroup/job/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/job/pids.max": "max\n",
    ]) { _, new in new }
    try Self.groups(unlimited) { groups in
      #expect(groups.memory == nil && groups.cores == nil && groups.threads == nil)
    }
  }

  @Test("Of nested groups the least counts, whichever it is")
  func nested() throws {
    let files = [
      "/proc/self/cgroup": "0::/a/b/c\n", "/proc/self/mountinfo": Self.second,
      "/sys/fs/cgroup/a/cpu.max": "50000 100000\n", "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/a/b/c/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/a/memory.max": "5000\n", "/sys/fs/cgroup/a/memory.current": "4000\n",
      "/sys/fs/cgroup/a/b/c/memory.max": "3000\n", "/sys/fs/cgroup/a/b/c/memory.current": "100\n",
      "/sys/fs/cgroup/a/cpuset.cpus.effective": "0-3\n", "/sys/fs/cgroup/a/b/c/cpuset.cpus.effective": "2-7\n",
    ]
    try Self.groups(files) { groups in
      #expect(groups.processorTime == 0.5 && groups.cores == 1)
      #expect(groups.memory == 1000)
      #expect(groups.hardwareThreads == [2, 3])
    }
  }

  @Test("Version 1 has a hierarchy for each controller, some of them together")
  func firstVersion() throws {
    let files = [
      "/proc/self/cgroup": "4:memory:/job\n3:cpuset:/job\n2:pids:/job\n1:cpu,cpuacct:/job\n0::/\n",
      "/proc/self/mountinfo": """
      31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
      33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
      34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

      """,
      "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2000\n",
      "/sys/fs/cgroup/memory/job/memory.usage_in_bytes": "1500\n",
      "/sys/fs/cgroup/memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
      // What the kernel says where there is no limit.
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
      "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpuset/job/cpuset.cpus": "1,3\n",
      // Not mounted where mountinfo says: the usual place.
      "/sys/fs/cgroup/pids/job/pids.max": "9\n", "/sys/fs/cgroup/pids/job/pids.current": "10\n",
    ]
    try Self.groups(files) { groups in
      #expect(groups.memory == 1000 && groups.cores == 3 && groups.threads == 0)
      #expect(groups.hardwareThreads == [1, 3])
    }
  }

  @Test("A container's group is found where it is mounted, under whatever path the host gave it")
  func container() throws {
    // The host's path, of which the container sees its own part as the root.
    let part = "35 30 0:31 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
    let limits = ["/sys/fs/cgroup/cpu.max": "300000 100000\n", "/sys/fs/cgroup/inner/cpu.max": "100000 100000\n"]
    for (path, mounts, cores) in [
      ("/docker/abc", part, 3), ("/docker/abc/inner", part, 1), ("/docker/abc", Self.second, 3), ("/", part, 3),
      // A process that was put there from outside of the group's name space.
      ("/../other", Self.second, 3),
    ] {
      let files = ["/proc/self/cgroup": "0::\(path)\n", "/proc/self/mountinfo": mounts].merging(limits) { $1 }
      try Self.groups(files) { #expect($0.cores == cores, "\(path)") }
    }
  }
}
