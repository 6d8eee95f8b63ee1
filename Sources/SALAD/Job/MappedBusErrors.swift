import MPI
import Platform
import Safetensors

extension BusErrors {
  /// From now on a bus error in these floats ends this process with a sentence and status 74, and mpirun ends the other
  /// ranks. Of several calls the last counts: a command scores with one bank.
  static func explain(in floats: MappedFloats, _ communicator: Communicator) {
    let place = communicator.size > 1 ? "rank \(communicator.rank) on \(Host.name): " : ""
    let first = floats.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    explain(
      at: first..<first + UInt(floats.count * MemoryLayout<Float>.stride),
      by:
        "salad: \(place)\(PlainText.of(floats.path)): expected \(floats.count) floats as long as they are in use, found some gone: the "
        + "file was cut short, or what stores it failed\n",
      status: ExitStatus.inputOutput.rawValue)
  }
}
