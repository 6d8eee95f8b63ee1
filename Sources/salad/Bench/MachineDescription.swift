import Autoencoder
import Foundation
import MPI
import MemoryBank
import Platform

/// What the numbers were measured on.
struct MachineDescription: Encodable {
  let cpu: String
  /// Of this host.
  let cores: Int
  let instructionSet: String
  let blas: String
  let oneDNN: String
  let ranks: Int
  /// Of each rank.
  let workers: Int
  /// Of all ranks' matrix products at the same time.
  let peakGflops: Double

  enum CodingKeys: String, CodingKey {
    case cpu, cores, blas, ranks, workers
    case instructionSet = "instruction_set"
    case oneDNN = "onednn"
    case peakGflops = "peak_gflops"
  }

  /// All ranks. Takes a second: the peak is measured.
  init(workers: Int, communicator: Communicator) throws {
    cpu = Host.cpu("model name") ?? "unknown CPU"
    cores = Host.hardwareThreads
    instructionSet = OneDNN.instructionSet
    let product = try PeakProduct()
    blas = product.library
    oneDNN = OneDNN.version
    ranks = communicator.size
    self.workers = workers
    try communicator.barrier()  // all ranks
    peakGflops = try communicator.allReduce(product.operationsPerSecond(workers: workers), .sum) / 1e9  // all ranks
  }

  var sentence: String {
    "\(cpu), \(cores) cores, \(instructionSet), oneDNN \(oneDNN), \(blas): \(ranks) rank\(ranks == 1 ? "" : "s") of "
      + "\(workers) worker\(workers == 1 ? "" : "s"), " + String(format: "matrix product %.0f GFLOP/s", peakGflops)
  }
}
