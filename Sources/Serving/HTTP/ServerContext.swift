#if Server
  import Hummingbird
  import NIOCore
  import NIOHTTPTypes

  /// A request's connection, beside what Hummingbird knows of it.
  struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = CoreRequestContextStorage(source: source)
      channel = source.channel
    }

    /// Asks a client that waits for it for the body: curl does so before it sends a megabyte or more.
    func askForBody() async throws {
      try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
    }

    /// Closes the connection soon: the answer gets time to arrive, and nobody reads for ever what is left of the request.
    func closeSoon() {
      channel.eventLoop.scheduleTask(in: .seconds(2)) { [channel] in channel.close(promise: nil) }
    }
  }
#endif
