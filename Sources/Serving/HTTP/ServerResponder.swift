#if Server
  import Hummingbird
  import Logging
  import SALAD

  /// Answers requests: which path does what.
  struct ServerResponder: HTTPResponder {
    typealias Context = ServerContext

    let engine: ScoringEngine
    /// On another lane.
    let explaining: ScoringEngine
    let pool: DecodePool
    let bodies: BodyReader
    let metrics: ServerMetrics
    /// nil: whoever reaches the server may use it.
    let token: AccessToken?
    /// How long a request may take from its whole body to its answer.
    let patience: Duration
    let log: Logger
    /// Pictures of normal images: few at a time.
    let showing = Turnstile(most: 16)

    private enum Endpoint: String, CaseIterable {
      case page = "/"
      case description = "/openapi.json"
      case health = "/health"
      case live = "/health/live"
      case ready = "/health/ready"
      case metrics = "/metrics"
      case model = "/v1/model"
      case score = "/v1/score"
      case explain = "/v1/explain"
      case normal = "/v1/normal"

      var takesImages: Bool { self == .score || self == .explain }
      var methods: [HTTPRequest.Method] { takesImages ? [.post] : [.get, .head] }
      /// What tells of images or of load.
      var wantsToken: Bool { takesImages || [.metrics, .model, .normal].contains(self) }
    }

    func respond(to request: Request, context: ServerContext) async throws -> Response {
      let start = ContinuousClock.now
      let endpoint = Endpoint(rawValue: request.uri.path)
      var response: Response
      do {
        response = try await answer(request, at: endpoint, context)
      } catch let fault as RequestFault {
        response = try Self.json(ErrorAnswer(error: fault.sentence), fault.status)
        for field in fault.headers { response.headers[field.name] = field.value }
        if fault.closes {
          response.headers[.connection] = "close"
          context.closeSoon()
        }
      }
      response.headers[.xContentTypeOptions] = "nosniff"
      if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
      let length = response.body.contentLength
      if request.method == .head {
        response = response.createHeadResponse()
        response.headers[.contentLength] = length.map { "\($0)" }
      }
      metrics.answered(endpoint?.rawValue ?? "other", status: response.status.code, after: .now - start)
      // Of probes there are many, and nobody wants to read of each.
      log.log(
        level: endpoint?.takesImages ?? false ? .info : .debug, "answered",
        metadata: [
          "method": "\(request.method)", "path": "\(endpoint?.rawValue ?? "other")",
          "status": "\(response.status.code)",
          "milliseconds": "\(Int((.now - start) / .milliseconds(1)))",
        ])
      return response
    }

    private func answer(_ request: Request, at endpoint: Endpoint?, _ context: ServerContext) async throws -> Response {
      try checkHost(request)
      guard let endpoint else { throw RequestFault(.notFound, "there is nothing at this path: see /openapi.json") }
      guard endpoint.methods.contains(request.method) else {
        let allowed = endpoint.methods.map(\.rawValue).joined(separator: ", ")
        throw RequestFault(
          .methodNotAllowed, "expected \(allowed), found \(request.method)", headers: [.allow: allowed], closes: true)
      }
      if endpoint.wantsToken, let token, !token.admits(request.headers[.authorization]) {
        throw RequestFault(
          .unauthorized, "expected Authorization: Bearer and the server's token", headers: [.wwwAuthenticate: "Bearer"],
          closes: true)
      }
      switch endpoint {
      case .page: return Self.page
      case .description:
        return Response(
          status: .ok, headers: [.contentType: "application/json"],
          body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
      case .live, .health, .ready: return try health(endpoint)
      case .metrics:
        return Response(
          status: .ok, headers: [.contentType: PrometheusFactory.contentType],
          body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.factory.text())))
      case .model: return try Self.json(try model().description)
      case .score: return try await score(request, context)
      case .explain: return try await explain(request, context)
      case .normal: return try await normal(request)
      }
    }

    /// A page of another site that has its own name point at this host (DNS rebinding) would read what it must not: where no
    /// token keeps it away, only names of this host are answered.
    private func checkHost(_ request: Request) throws {
      guard token == nil, let authority = request.head.authority else { return }
      var host = authority.lowercased()[...]
      if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
        host = host[..<colon]
      }
      guard ListenAddress.isLoopback(String(host)) else {
        throw RequestFault(
          .misdirectedRequest, "expected a name of this host such as localhost as Host, found another", closes: true)
      }
    }

    private func model() throws -> ServedModel {
      do {
        return try engine.queue.model.get()
      } catch {
        throw RequestFault(error.status, error.sentence, headers: [.retryAfter: "5"])
      }
    }

    private func health(_ endpoint: Endpoint) throws -> Response {
      let answer =
        switch engine.queue.model {
        case .success(let model): HealthAnswer(ready: true, model: model.identity)
        case .failure(let fault): HealthAnswer(ready: false, reason: fault.sentence)
        }
      return try Self.json(answer, answer.ready || endpoint == .live ? .ok : .serviceUnavailable)
    }

    private func score(_ request: Request, _ context: ServerContext) async throws -> Response {
      let nearest = try ScoreRequest.nearest(query: request.uri.query)
      let wanted = try await images(request, context)
      let outcomes = await engine.score(wanted.map(\.bytes), nearest: nearest, deadline: .now + patience)
      guard let outcomes else {
        throw RequestFault.busy("the queue of \(engine.queue.most) images has no room for these: try again")
      }
      let answers = zip(wanted, outcomes).map { ImageAnswer(name: $0.name, $1) }
      return try Self.json(ScoreAnswer(images: answers), Self.status(of: outcomes))
    }

    private func explain(_ request: Request, _ context: ServerContext) async throws -> Response {
      let method = try ScoreRequest.method(query: request.uri.query, among: model().methods)
      let wanted = try await images(request, context)
      guard wanted.count == 1 else {
        throw RequestFault(.badRequest, "expected one image to explain, found \(wanted.count)")
      }
      let outcomes = await explaining.score(
        wanted.map(\.bytes), nearest: 0, method: method, deadline: .now + patience)
      switch outcomes?.first {
      case nil:
        throw RequestFault.busy(
          "the queue of \(explaining.queue.most) images to be explained has no room for this: try again")
      case .failure(let fault): throw RequestFault(fault.status, fault.sentence)
      case .success(let image):
        guard let heat = image.heat else { throw RequestFault(.internalServerError, "the image was not explained") }
        return try Self.json(HeatAnswer(image, heat))
      }
    }

    /// What the network sees of a normal image, as PNG.
    private func normal(_ request: Request) async throws -> Response {
      let model = try model()
      let row = try ScoreRequest.row(query: request.uri.query, of: model)
      guard let normal = model.normal else {
        throw RequestFault(
          .notFound, "pictures of normal images are not at hand: the server was started without --images")
      }
      guard showing.begin() else { throw RequestFault.busy("other pictures are being read: try again") }
      defer { showing.end() }
      let most = bodies.mostBytes
      guard let bytes = try await onThread("reading", { normal.bytes(ofRow: row, most: most) }) else {
        throw RequestFault(.notFound, "the picture of this normal image is not at hand")
      }
      let result = await withCheckedContinuation { continuation in
        pool.add(
          DecodePool.Job(
            bytes: bytes, preparation: model.preparation, deadline: .now + patience, wantsContent: true
          ) { continuation.resume(returning: $0) })
      }
      switch result {
      case .failure(.late): throw RequestFault(.gatewayTimeout, ImageFault.late.sentence)
      // The client is not to blame.
      case .failure: throw RequestFault(.notFound, "the picture of this normal image cannot be read")
      case .success(let decoded):
        guard normal.isPicture(decoded.content, ofRow: row) else {
          throw RequestFault(.notFound, "the file of this normal image shows another picture than the one that trained")
        }
        metrics.showedNormal()
        return Response(
          status: .ok, headers: [.contentType: "image/png"],
          body: ResponseBody(byteBuffer: ByteBuffer(bytes: try decoded.picture.png(path: "normal image"))))
      }
    }

    /// The images that a request brings.
    private func images(_ request: Request, _ context: ServerContext) async throws -> [ScoreRequest.Image] {
      let boundary = try ScoreRequest.boundary(
        contentType: request.headers[.contentType], encoding: request.headers[.contentEncoding])
      _ = try model()
      let body = try await bodies.read(request, context)
      return try ScoreRequest(body, boundary: boundary, most: engine.queue.most).images
    }

    /// 200 where any image has a score; else what became of the first one.
    private static func status(of outcomes: [ImageWork.Outcome]) -> HTTPResponse.Status {
      for outcome in outcomes { if case .success = outcome { return .ok } }
      guard case .failure(let fault)? = outcomes.first else { return .ok }
      return fault.status
    }

    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok) throws -> Response {
      Response(
        status: status, headers: [.contentType: "application/json"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONText.line(value))))
    }

    private static var page: Response {
      // Nothing but itself, its server and pictures that the user chose.
      let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob: data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      return Response(
        status: .ok,
        headers: [
          .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy, .cacheControl: "no-cache",
        ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.page_html)))
    }
  }
#endif
