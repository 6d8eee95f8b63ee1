import Foundation
import Safetensors
import Testing

@testable import Autoencoder

@Suite("Model files")
struct ModelFileTests {
  private func withPath<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appending(path: "salad-\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  @Test("A model survives its file bit for bit, under PyTorch's names in the network's order")
  func model() throws {
    let replica = try smallReplica()
    replica.statisticSteps = 41
    try withPath { path in
      try replica.saveModel(to: path, metadata: [:])
      let file = try SafetensorsFile(path: path)
      #expect(
        file.tensors.prefix(6).map(\.name) == [
          "input.conv.0.weight", "input.conv.1.weight", "input.conv.1.bias", "input.conv.1.running_mean",
          "input.conv.1.running_var", "input.conv.1.num_batches_tracked",
        ])
      #expect(file.tensors.last?.name == "final.weight")
      #expect(file.tensors.first { $0.name == "d1.up.1.weight" }?.shape == [6, 6, 1, 1])
      #expect(file.tensors.first { $0.name == "defeat.weight" }?.shape == [10, 6, 1, 1])

      let other = try Replica(
        configuration: replica.configuration, microBatch: 2, workers: 1, training: false, activationLimit: 0)
      try other.loadModel(file)
      #expect(other.statisticSteps == 41)
      let images = smoothImages(2, side: 64)
      let (ours, theirs) = try images.withUnsafeBufferPointer {
        (try replica.embed($0, count: 2), try other.embed($0, count: 2))
      }
      #expect(ours == theirs)
    }
  }

  @Test("A copied state is written as it was, whatever the replica learns meanwhile")
  func copied() throws {
    func files(_ state: ReplicaState) throws -> [Data] {
      try withPath { path in
        try state.saveModel(to: path, metadata: [:])
        let model = try Data(contentsOf: URL(fileURLWithPath: path))
        try state.saveOptimizer(to: path, extra: [])
        return [model, try Data(contentsOf: URL(fileURLWithPath: path))]
      }
    }
    let replica = try smallReplica()
    let before = try files(replica.state)
    let copy = try replica.state.copied()
    let rows = try replica.encode(
      batches(smoothImages(2, side: 64), of: 2, side: 64), imagesInStep: 2, microBatchesInStep: 1,
      reconstructionLoss: .l1, reconstructionWeight: 1)
    try replica.reconstructAndBackward(embeddingGradients: rows)
    replica.update(gradients: nil, learningRate: 1e-3, weightDecay: 1e-6)
    #expect(try files(copy) == before)
    #expect(try zip(files(replica.state), before).allSatisfy { $0 != $1 })
  }

  @Test("A resnet18 has torchvision's names in the trunk, the published ones in the decoder, and the known size")
  func resnet() throws {
    let replica = try Replica(
      configuration: NetworkConfiguration(
        architecture: .resnet18, size: 64, channels: 3, maximumWidth: 1024, embeddingDimension: 1000),
      microBatch: 2, workers: 1, training: false, activationLimit: 0)
    let tensors = Dictionary(uniqueKeysWithValues: replica.layout.tensors.map { ($0.name, $0.shape) })
    #expect(tensors["encoder.conv1.weight"] == [64, 3, 7, 7])
    #expect(tensors["encoder.layer2.0.downsample.0.weight"] == [128, 64, 1, 1])
    #expect(tensors["encoder.layer4.1.bn2.running_var"] == [512])
    #expect(tensors["encoder.fc.weight"] == [1000, 512])
    #expect(tensors["decoder.decoder.2.upsampleLayer.1.weight"] == [256, 512, 1, 1])
    #expect(tensors["decoder.decoder.7.conv1.1.bias"] == [64])
    #expect(tensors["decoder.decoder.0.bnrm.num_batches_tracked"] == [])
    #expect(tensors["decoder.output.1.weight"] == [3, 64, 1, 1])
    // torchvision counts 11,689,512 parameters in its ResNet-18 of a thousand classes.
    let trunk = replica.layout.tensors.filter { tensor in
      if case .parameter = tensor.storage { tensor.name.hasPrefix("encoder.") } else { false }
    }
    #expect(trunk.reduce(0) { $0 + $1.count } == 11_689_512)
  }

  @Test("Adam goes on from its file with the same bits", arguments: Architecture.allCases)
  func optimizer(_ architecture: Architecture) throws {
    func train(_ replica: Replica, steps: Range<Int>) throws {
      for step in steps {
        let batch = batches(smoothImages(2, side: 64, seed: UInt64(step)), of: 2, side: 64)
        let rows = try replica.encode(
          batch, imagesInStep: 2, microBatchesInStep: 1, reconstructionLoss: .l1, reconstructionWeight: 1)
        try replica.reconstructAndBackward(embeddingGradients: rows)
        replica.update(gradients: nil, learningRate: 1e-3, weightDecay: 1e-6)
      }
    }
    let whole = try smallReplica(architecture)
    try train(whole, steps: 0..<4)
    let (first, second) = (try smallReplica(architecture), try smallReplica(architecture))
    try train(first, steps: 0..<2)
    try withPath { model in
      try withPath { optimizer in
        try first.saveModel(to: model, metadata: [:])
        try first.saveOptimizer(to: optimizer, extra: [])
        try second.loadModel(SafetensorsFile(path: model))
        try second.loadOptimizer(SafetensorsFile(path: optimizer))
      }
    }
    #expect(second.stepsTaken == 2)
    try train(second, steps: 2..<4)
    #expect(Array(second.shared.parameters.elements) == Array(whole.shared.parameters.elements))
    #expect(Array(second.shared.running.elements) == Array(whole.shared.running.elements))
  }

  @Test("A file of another network, or with numbers that are not finite, is refused by name")
  func refusals() throws {
    let replica = try smallReplica()
    try withPath { path in
      try smallReplica(width: 4).saveModel(to: path, metadata: [:])
      #expect(throws: SafetensorsError.self) { try replica.loadModel(SafetensorsFile(path: path)) }
    }
    let broken = try smallReplica()
    broken.shared.parameters.pointer[0] = .infinity
    try withPath { path in
      try broken.saveModel(to: path, metadata: [:])
      do {
        try replica.loadModel(SafetensorsFile(path: path))
        Issue.record("an infinite weight was loaded")
      } catch let error as AutoencoderError {
        #expect(error.kind == .badData)
        #expect(error.description.contains(path) && error.description.contains("input.conv.0.weight"))
      }
    }
  }
}
