#if Server
  import Metrics

  /// What a server counts, and the names under which `/metrics` tells it.
  struct ServerMetrics: Sendable {
    let factory: PrometheusFactory
    private let batchSizes: Recorder
    private let decodeFailures: Counter
    private let childrenEnded: Counter
    private let images: Counter
    private let queue: Gauge
    private let explained: Counter
    private let explanations: Gauge
    private let normalImages: Counter
    private let swaps: Counter
    private let refusedSwaps: Counter
    private let watched: Counter

    init() {
      factory = PrometheusFactory(
        help: [
          "salad_requests_total": "Requests answered, by endpoint and status.",
          "salad_request_seconds": "From a request's head to its answer, by endpoint.",
          "salad_images_scored_total": "Images that have a score.",
          "salad_batch_images": "Images that were scored together.",
          "salad_queue_images": "Images that wait for their score, or are being decoded or scored.",
          "salad_images_explained_total": "Images that have a heat map.",
          "salad_explanations_waiting": "Images that wait for their heat map, or are being explained.",
          "salad_normal_images_total": "Pictures of normal images that were shown.",
          "salad_decode_failures_total": "Images that could not be read.",
          "salad_decode_children_ended_total": "Decoding children that crashed or were ended, and replaced.",
          "salad_model_swaps_total": "Models that took the place of another.",
          "salad_model_swaps_refused_total": "Models that were refused, so that the old one stayed.",
          "salad_watched_images_total": "Images of the watched folder that have a row.",
        ],
        bounds: [
          "salad_request_seconds": [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
          "salad_batch_images": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
        ])
      batchSizes = Recorder(label: "salad_batch_images", dimensions: [], aggregate: true, factory: factory)
      decodeFailures = Counter(label: "salad_decode_failures_total", factory: factory)
      childrenEnded = Counter(label: "salad_decode_children_ended_total", factory: factory)
      images = Counter(label: "salad_images_scored_total", factory: factory)
      queue = Gauge(label: "salad_queue_images", dimensions: [], factory: factory)
      explained = Counter(label: "salad_images_explained_total", factory: factory)
      explanations = Gauge(label: "salad_explanations_waiting", dimensions: [], factory: factory)
      normalImages = Counter(label: "salad_normal_images_total", factory: factory)
      swaps = Counter(label: "salad_model_swaps_total", factory: factory)
      refusedSwaps = Counter(label: "salad_model_swaps_refused_total", factory: factory)
      watched = Counter(label: "salad_watched_images_total", factory: factory)
    }

    func answered(_ endpoint: String, status: Int, after duration: Duration) {
      Counter(
        label: "salad_requests_total", dimensions: [("endpoint", endpoint), ("status", "\(status)")], factory: factory
      ).increment()
      let (seconds, attoseconds) = duration.components
      Timer(label: "salad_request_seconds", dimensions: [("endpoint", endpoint)], factory: factory)
        .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func scored(_ count: Int) {
      batchSizes.record(count)
      images.increment(by: count)
    }

    func queued(_ count: Int) { queue.record(count) }
    func explained(_ count: Int) { explained.increment(by: count) }
    func explaining(_ count: Int) { explanations.record(count) }
    func showedNormal() { normalImages.increment() }
    func notDecoded() { decodeFailures.increment() }
    func childEnded() { childrenEnded.increment() }
    func swapped() { swaps.increment() }
    func refusedSwap() { refusedSwaps.increment() }
    func scoredWatched(_ count: Int) { watched.increment(by: count) }
  }
#endif
