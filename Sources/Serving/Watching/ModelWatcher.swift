#if Server
  import Logging
  import SALAD
  import ServiceLifecycle

  /// Notices when another deployment is at the path of the one that is served - moved there, or behind a link that points
  /// elsewhere now - and has it take over.
  ///
  /// The new one is loaded and tests itself beside the old one, which scores meanwhile. One that is broken is refused, and
  /// looked at again when its files change.
  struct ModelWatcher: Service {
    let path: String
    /// Of what is served.
    let state: FolderState
    let interval: Duration
    let load: @Sendable () throws -> ServedModel
    /// Has another model take over.
    let replace: @Sendable (ServedModel) -> Void
    let metrics: ServerMetrics
    let log: Logger

    func run() async throws {
      try? await cancelWhenGracefulShutdown { try await watch() }
    }

    private func watch() async throws {
      // Loaded or refused.
      var known: FolderState? = state
      while true {
        try await Task.sleep(for: interval)
        guard let found = FolderState(path), found != known else { continue }
        known = found
        do {
          let model = try await onThread("loading", load)
          // What changed while it was loaded is another one.
          guard FolderState(path) == found else {
            known = nil
            continue
          }
          replace(model)
        } catch {
          // Of one that was being copied here when it was loaded: its next state is tried.
          metrics.refusedSwap()
          log.error(
            "another model was refused, the old one stays",
            metadata: ["path": "\(path)", "reason": "\(SaladError(error).description)"])
        }
      }
    }
  }
#endif
