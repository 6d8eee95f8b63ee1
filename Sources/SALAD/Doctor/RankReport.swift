import Platform

/// What `salad doctor` finds out about one rank and its host.
public struct RankReport: Codable, Sendable, Equatable {
  public var rank = 0
  public var host = ""
  /// Of salad.
  public var version = ""

  public var cpu = ""
  /// In use, and the best of our levels that the CPU has.
  public var instructionSet = ""
  public var bestLevel = ""
  /// Of the whole host.
  public var hardwareThreads = 1
  public var cores = 1
  /// Cores that this rank is bound to, that its host's ranks are bound to together, and that whoever started it may use.
  public var boundCores = 1
  public var hostBoundCores = 1
  public var allowedCores = 1
  /// Cores' worth of time that a control group gives it; nil: all.
  public var processorTime: Double?
  public var ranksOnHost = 1
  /// By default, and as many as threads may be started for.
  public var wantedWorkers = 1
  public var workers = 1

  /// Bytes of the host, free there, and free for this rank.
  public var hostMemory = 0
  public var freeMemory = 0
  public var memory = 0
  public var limits = Limits()

  public var oneDNN = ""
  /// nil: none is installed.
  public var blas: String?
  public var mpi = ""
  /// Open MPI's components: `ob1`, and what it may send by.
  public var transports: [String] = []
  public var interfaces: [Networks.Interface] = []
  public var interfacesInUse: [String] = []
  /// What the user told Open MPI about them.
  public var interfacesIncluded: String?
  public var interfacesExcluded: String?

  /// Seconds by which this rank's clock is ahead of rank 0's.
  public var clockSkew = 0.0
  /// Of 8 bytes, seconds; of a gradient, bytes a second. nil with one rank.
  public var allReduceLatency: Double?
  public var allReduceBandwidth: Double?
  /// Whether the sums were right.
  public var sumIsRight = true
  /// Floating-point operations a second of a matrix product by all workers, all ranks at the same time; nil without BLAS.
  public var productRate: Double?

  public var run: RunFolder?
  public var data: Data?

  /// What the shell or the batch system allows a process; nil: anything.
  public struct Limits: Codable, Sendable, Equatable {
    public var addressSpace: Int?
    public var data: Int?
    public var fileSize: Int?
    public var openFiles: Int?
    public var threads: Int?
    /// Bytes of memory that the narrowest of them leaves.
    public var memoryLeft: Int?

    enum CodingKeys: String, CodingKey {
      case data, threads
      case addressSpace = "address_space"
      case fileSize = "file_size"
      case openFiles = "open_files"
      case memoryLeft = "memory_left"
    }
  }

  /// The folder of `--run` as this rank sees it.
  public struct RunFolder: Codable, Sendable, Equatable {
    public var path = ""
    /// Whether what rank 0 wrote there was read here.
    public var isShared = false
    /// Why it cannot be read or written here.
    public var reason: String?
    public var freeBytes: Int?
    /// Bytes a second, all ranks writing at the same time, until the disk had them; seconds of an fsync of 4 kB.
    public var writeRate: Double?
    public var syncTime: Double?

    enum CodingKeys: String, CodingKey {
      case path, reason
      case isShared = "is_shared"
      case freeBytes = "free_bytes"
      case writeRate = "write_bytes_per_second"
      case syncTime = "fsync_seconds"
    }
  }

  /// The data set of `--data` as this rank sees it.
  public struct Data: Codable, Sendable, Equatable {
    public var path = ""
    public var images = 0
    /// SHA-256 of the training images' names and sizes.
    public var listing = ""
    /// Why it cannot be read here.
    public var reason: String?
    /// What `config.json` of a run would say; nil where the ranks see different images.
    public var fingerprint: String?
    /// What that of `--run` says, where there is one.
    public var fingerprintOfRun: String?

    enum CodingKeys: String, CodingKey {
      case path, images, listing, reason, fingerprint
      case fingerprintOfRun = "fingerprint_of_run"
    }
  }

  public init() {}

  enum CodingKeys: String, CodingKey {
    case rank, host, version, cpu, cores, workers, memory, limits, blas, mpi, transports, interfaces, run, data
    case instructionSet = "instruction_set"
    case bestLevel = "best_cpu_level"
    case hardwareThreads = "hardware_threads"
    case boundCores = "bound_cores"
    case hostBoundCores = "host_bound_cores"
    case allowedCores = "allowed_cores"
    case processorTime = "processor_time"
    case ranksOnHost = "ranks_on_host"
    case wantedWorkers = "wanted_workers"
    case hostMemory = "host_memory_bytes"
    case freeMemory = "free_memory_bytes"
    case oneDNN = "onednn"
    case interfacesInUse = "interfaces_in_use"
    case interfacesIncluded = "interfaces_included"
    case interfacesExcluded = "interfaces_excluded"
    case clockSkew = "clock_skew_seconds"
    case allReduceLatency = "all_reduce_latency_seconds"
    case allReduceBandwidth = "all_reduce_bytes_per_second"
    case sumIsRight = "sum_is_right"
    case productRate = "product_flops"
  }
}
