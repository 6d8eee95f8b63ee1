import ParitySupport
import Testing

@testable import Autoencoder

@Suite("Parity of reconstructions")
struct ReconstructionTests {
  @Test("A reconstruction is PyTorch's, as far as float32 can tell", arguments: Fixtures.all)
  func reconstruction(path: String) throws {
    let fixture = try ParityFixture(path: path)
    let replica = try ParityInputs.replica(fixture.case)
    let batches = ParityInputs.firstStep(fixture.case)
    // Packs the weights; what it computes stays inside, so the passes are taken again on a slot of our own.
    _ = try replica.encode(
      [], imagesInStep: 1, microBatchesInStep: 1, reconstructionLoss: .l1, reconstructionWeight: 1)
    var plan = NetworkPlan(microBatch: replica.microBatch, precision: .float32, training: true)
    let network: any Network =
      switch replica.configuration.architecture {
      case .unet: try UNet(replica.configuration, plan: &plan)
      case .resnet18: try ResNet18(replica.configuration, plan: &plan)
      }
    plan.sizes.decoder = plan.decoderPart.count
    let (slot, worker) = (try Slot(count: plan.encoderPart.count), try WorkerBuffers(plan.sizes, training: true))
    slot.decoder = worker.decoder
    var rows = [Float](repeating: 0, count: replica.microBatch * replica.configuration.embeddingDimension)
    let pixels = batches.flatMap { batch in
      let isSound = batch.pixels.withUnsafeBufferPointer {
        network.encode($0, embeddings: &rows, slot: slot, shared: replica.shared, worker: worker)
          && network.decode(slot: slot, shared: replica.shared, worker: worker)
      }
      #expect(isSound)
      let output = network.reconstruction.output(slot)
      return UnsafeBufferPointer(start: output, count: plan.sizes.image).map { Double($0) }
    }
    let comparison = fixture.compare("reconstruction", pixels)
    print("\(ParityTable([comparison]))")
    #expect(comparison.isMet, "off by \(comparison.ours), allowed \(comparison.quantity.tolerance)")
  }
}
