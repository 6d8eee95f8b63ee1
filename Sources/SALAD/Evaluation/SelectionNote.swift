import MPI
import Radiographs

extension DataSelection {
  /// All ranks. A sentence for standard error where a run was trained on some views or parts of the body and these are not
  /// what is to be evaluated; nil where all is well, or nobody knows.
  ///
  /// - Parameters:
  ///   - model: a run's folder, or a deployment's, which does not remember.
  ///   - communicator: of the ranks that take part.
  public func differenceFromRun(_ model: String, communicator: Communicator) throws -> String? {
    let isRun = try communicator.broadcast(bytes: [RunDirectory.hasRun(model) ? 1 : 0], root: 0) == [1]  // all ranks
    guard isRun else { return nil }
    let directory = try agree(communicator) { try RunDirectory.open(model) }  // all ranks
    let trained = try directory.record(communicator).data.selection ?? DataSelection()  // all ranks
    func words(_ selection: DataSelection) -> [String] {
      (selection.bodyParts.isEmpty ? [] : ["--body-part \(selection.bodyParts.joined(separator: ","))"])
        + (selection.views.isEmpty ? [] : ["--view \(selection.views.joined(separator: ","))"])
    }
    guard words(trained) != words(self), !words(trained).isEmpty else { return nil }
    return
      "\(model) was trained with \(words(trained).joined(separator: " ")), which is not asked for here: give it to "
      + "evaluate on images of that kind alone"
  }
}
