import Autoencoder
import MemoryBank
import Radiographs

extension Setting {
  /// The settings in the order in which they are set and listed: one that another one follows comes before it.
  static let table: [(Group, [Setting])] = [
    (
      .network,
      [
        .choice("architecture", \.architecture, "The autoencoder: unet, or a resnet18 trunk.") {
          // A recipe's levels are its network's.
          if !$0.has($1.levels) { $1.levels = $0.defaultLevels }
        },
        .oneOf(
          "size", \.size, [64, 128, 256, 512],
          "Side of the square that images are resized to: 64, 128, 256 or 512."),
        .oneOf("channels", \.channels, [1, 3], "1, or 3 which repeats the gray channel.").rare,
        .whole("max_width", \.maximumWidth, 1...1024, "Most channels of any level: small networks.").rare,
        .whole("embedding_dimension", \.embeddingDimension, 2...4096, "Length of an embedding.").rare,
        .choice(
          "centre", \.centre,
          """
          Keep what all images have in common out of the embeddings, by batch normalisation, or not. Without it \
          training from scratch hardly starts at 128 pixels and more.
          """
        ).rare,
      ]
    ),
    (
      .images,
      [
        .choice("fit", \.fit, "How images that are not square become so."),
        .number(
          "border_mask", \.borderMask, absent: 0, in: 0...0.25, "in 0...0.25",
          """
          Cover such a part of the width at the left and right, and of the height above and below, with black, for \
          letters burned in there; remembered by the run.
          """
        ).byDefault("0"),
        .whole(
          "grey_range", \.greyRange, absent: 65535, 255...65535,
          "White in 16-bit files: 4095 where the scanner has 12 bits; remembered by the run."
        ).byDefault("the bits that the largest value of the training images needs"),
        .choice(
          "bad_images", \.badImages,
          "What to do about an image that cannot be read: end, or leave it out and name it."),
      ]
    ),
    (
      .augmentation,
      [
        .augmentation("augmentation", "Random changes to training images; the strengths below override it."),
        .onOrOff("flip", \.augmentation.flip, "Mirror every other image.").rare,
        .number(
          "rotation", \.augmentation.rotation, in: 0...180, "of degrees in 0...180", "Turn by up to so many degrees."
        ).rare,
        .number(
          "scale", \.augmentation.scale, in: 0..<1, "of at least 0 and below 1", "Scale by up to such a fraction."
        ).rare,
        .number(
          "shift", \.augmentation.shift, in: 0...1, "in 0...1", "Shift by up to such a fraction of the side."
        ).rare,
        .number(
          "contrast", \.augmentation.contrast, in: 0..<1, "of at least 0 and below 1",
          "Change the contrast by up to such a fraction."
        ).rare,
        .number(
          "brightness", \.augmentation.brightness, in: 0...2, "in 0...2",
          "Change the brightness by up to so much of -1...1."
        ).rare,
        .number(
          "gamma", \.augmentation.gamma, in: 0..<1, "of at least 0 and below 1",
          "Bend the gray scale: an exponent up to exp(this)."
        ).rare,
        .number(
          "noise", \.augmentation.noise, in: 0...2, "in 0...2", "Deviation of the noise added, on the -1...1 scale."
        ).rare,
      ]
    ),
    (
      .training,
      [
        // Batch normalisation over one image would leave nothing of it.
        .whole(
          "micro_batch", \.microBatch, 2...4096, "Images that one worker computes together; divides the batch."
        ).rare,
        .whole(
          "threads_per_micro_batch", \.threadsPerMicroBatch, absent: 1, 1...256,
          """
          Threads that compute one micro-batch together, for more cores than a step has micro-batches. From 2 on the last bits \
          are others than those of 1, and the same whatever the number.
          """
        ).byDefault("1").rare,
        .whole("batch_size", \.batchSize, 2...1_048_576, "Images in a step, over all ranks."),
        .whole("rounds", \.rounds, 0...10_000, "Rounds with anchors; one without comes before them."),
        .whole("epochs_per_round", \.epochsPerRound, 1...1_000_000, "Epochs in each round."),
        .number(
          "learning_rate", \.learningRate, in: Ranges.positive, "above 0, in 1e-30...1e30", "Adam's step size."),
        .choice(
          "learning_rate_decay", \.learningRateDecay,
          "Keep the step size, or let it fall to zero within each round."
        ).rare,
        .number(
          "weight_decay", \.weightDecay, in: Ranges.notNegative, "of at least 0 and at most 1e30",
          "L2 decay of every parameter."
        ).rare,
        .choice("reconstruction_loss", \.reconstructionLoss, "Mean absolute or squared error.").rare,
        .number(
          "reconstruction_weight", \.reconstructionWeight, in: Ranges.notNegative, "of at least 0 and at most 1e30",
          "Weight of the reconstruction loss."
        ).rare,
        .number(
          "aggregation_weight", \.aggregationWeight, in: Ranges.notNegative, "of at least 0 and at most 1e30",
          "Weight of the instance and aggregation losses."
        ).rare,
        .choice(
          "precision", \.precision,
          """
          What activations are stored and multiplied as: float32, or bfloat16, faster where the CPU has instructions \
          for it, in half the memory. Weights and sums stay float32.
          """),
        .choice(
          "reduction", \.reduction,
          """
          How gradients are summed: exact, where the number of ranks changes no bit; float32, two thirds of the bytes \
          without that promise; or bfloat16, a third of the bytes and gradients of 8 significant bits.
          """
        ).rare,
        .seed("seed", \.seed, "Determines every random draw."),
      ]
    ),
    (
      .bank,
      [
        .choice(
          "bank_start", \.bankStart,
          "What prototypes start as: the embeddings of a first pass over the images, or random vectors."
        ).rare,
        .number(
          "temperature", \.temperature, in: Ranges.positive, "above 0, in 1e-30...1e30",
          "Temperature of the softmax over prototypes."
        ).rare,
        .number(
          "momentum", \.momentum, in: 0..<1, "of at least 0 and below 1",
          "How much of a prototype stays when its image is seen again."
        ).rare,
        .number(
          "anchor_rate", \.anchorRate, in: 0...1, "in 0...1",
          "Fraction of the images that each round adds to the anchors."
        ).rare,
        .whole("neighbours", \.neighbours, 1...1_000_000, "Neighbours of an anchor.").rare,
      ]
    ),
    (
      .scoring,
      [
        .levels(
          "levels", \.levels, "z, or stages of the encoder between commas, such as e3,e4,e5",
          """
          What describes an image to the bank that scores: stages of the encoder between commas, whose maps are \
          averaged (unet: e1 to e6, resnet18: layer1 to layer4), or z, the bottleneck.
          """
        ).byDefault(Levels.defaults).rare,
        .choice(
          "feature_scale", \.featureScale,
          "Whether levels' means are compared as they are (linear) or by their square roots (root)."
        ).rare,
        .number(
          "exposure_damping", \.exposureDamping, absent: 0, in: 0...1, "in 0...1",
          """
          How much of the direction in which brightness, contrast and gamma move levels' means is taken out of them: 0 \
          nothing, 1 all.
          """
        ).rare,
        .choice("score_rule", \.scoreRule, "The rule that scores, remembered by the run.").rare,
        .whole("top_k", \.topK, 1...10_000_000, "Prototypes looked up when scoring, remembered by the run."),
        .number(
          "score_temperature", \.scoreTemperature, in: Ranges.positive, "above 0, in 1e-30...1e30",
          "How evenly the nearest prototypes count: as multiples of the bank's own squared distances."
        ).rare,
      ]
    ),
    (
      .calibration,
      [
        .number(
          "validation_fraction", \.validationFraction, absent: 0, in: 0..<1, "of at least 0 and below 1",
          """
          Fraction of the normal images, by patient, that is kept back from training: their scores give p-values and a \
          threshold.
          """
        ).byDefault("0"),
        .seed(
          "validation_seed", \.validationSeed, absent: { $0.seed },
          """
          Determines which images those are, the same ones whatever --seed: trainings that are to score together need \
          it.
          """
        ).rare,
        .number(
          "false_alarm_rate", \.falseAlarmRate, absent: Configuration.defaultFalseAlarmRate,
          in: Double.leastNonzeroMagnitude..<1, "above 0 and below 1",
          "Fraction of normal images that may be flagged, remembered by the run."),
      ]
    ),
  ]
}
