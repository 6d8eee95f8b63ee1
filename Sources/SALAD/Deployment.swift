import MPI
import MemoryBank

/// One model with its whole bank in one file: what `salad merge` makes of a run.
///
///     DEPLOY/model.safetensors   DEPLOY/bank.safetensors   DEPLOY/manifest.json
public enum Deployment {
  /// All ranks. Makes the folder `output` of the newest checkpoint of the run at `run`, whole or not at all.
  ///
  /// Both safetensors files are functions of weights and rows alone: any sharding gives the same bytes.
  /// The run is verified first and never changed.
  ///
  /// - Parameter bank: nil: the refreshed one where there is one, else momentum.
  /// - Returns: which bank was merged.
  /// - Throws: `SaladError` on all ranks: 64 when `output` exists, 65 when the run is damaged, 74 when the disk refuses.
  public static func merge(run: String, output: String, bank: BankKind?, communicator: Communicator) throws -> BankKind {
    fatalError("stub")
  }
}
