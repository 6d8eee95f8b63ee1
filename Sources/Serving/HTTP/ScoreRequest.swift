#if Server
  import Hummingbird
  import SALAD

  /// Images that a request brings, and what it wants to know of them.
  struct ScoreRequest {
    struct Image {
      /// As the client calls it.
      var name: String?
      var bytes: [UInt8]
    }
    var images: [Image]

    static let nearestByDefault = 5
    static let mostNearest = 1000
    static let mostName = 1024

    /// What may be in `Content-Type`, for sentences.
    static let contentTypes =
      "multipart/form-data, image/png, image/jpeg, image/tiff, application/dicom or application/octet-stream"

    /// The prototypes that a query wants: `nearest=5`.
    ///
    /// - Throws: `RequestFault` 400.
    static func nearest(query: String?) throws -> Int {
      guard let text = try parameters(query, ["nearest"])["nearest"] else { return nearestByDefault }
      guard let number = number(text), number <= mostNearest else {
        throw RequestFault(.badRequest, "expected nearest as a whole number in 0...\(mostNearest)")
      }
      return number
    }

    /// How a query wants places judged: `method=occlusion`; nil: nothing of it.
    ///
    /// - Parameter methods: that there are.
    /// - Throws: `RequestFault` 400.
    static func method(query: String?, among methods: [HeatMethod]) throws -> HeatMethod? {
      guard let text = try parameters(query, ["method"])["method"] else { return nil }
      guard let method = HeatMethod(rawValue: String(text)), methods.contains(method) else {
        throw RequestFault(
          .badRequest, "expected method as \(methods.map(\.rawValue).joined(separator: " or ")) of this model")
      }
      return method
    }

    /// The row of a model's bank that a query means: `row=17&model=65d8...`; the model may be left away.
    ///
    /// - Throws: `RequestFault` 400, or 404 where it means another model's.
    static func row(query: String?, of model: ServedModel) throws -> Int {
      let parameters = try parameters(query, ["row", "model"])
      guard let row = parameters["row"].flatMap(number), row < model.source.imageIDs.count else {
        throw RequestFault(.badRequest, "expected row as a whole number below \(model.source.imageIDs.count)")
      }
      guard parameters["model"].map({ $0 == model.identity }) ?? true else {
        throw RequestFault(.notFound, "another model scores now, whose rows are others")
      }
      return row
    }

    private static func number(_ text: Substring) -> Int? {
      text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
    }

    /// - Throws: `RequestFault` 400 where there are others, or one has no value.
    private static func parameters(_ query: String?, _ names: [String]) throws -> [String: Substring] {
      var found: [String: Substring] = [:]
      for pair in (query ?? "").split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = names.first(where: { $0 == parts[0] }), parts.count == 2 else {
          throw RequestFault(.badRequest, "expected \(names.joined(separator: " and ")) as parameters, found another")
        }
        found[name] = parts[1]
      }
      return found
    }

    /// What a content type promises: nil for one image as it is, else the boundary between several.
    ///
    /// - Throws: `RequestFault` 415 or 400.
    static func boundary(contentType: String?, encoding: String?) throws -> String? {
      guard encoding == nil || encoding?.lowercased() == "identity" else {
        throw RequestFault(
          .unsupportedMediaType, "expected a body without Content-Encoding, found one", closes: true)
      }
      guard let contentType else {
        throw RequestFault(.unsupportedMediaType, "expected Content-Type \(contentTypes), found none", closes: true)
      }
      let type = HeaderValue(contentType)
      if type.value == "multipart/form-data" {
        guard let boundary = type.parameters["boundary"], !boundary.isEmpty else {
          throw RequestFault(
            .badRequest, "expected a boundary in Content-Type multipart/form-data, found none", closes: true)
        }
        return boundary
      }
      guard type.value.hasPrefix("image/") || ["application/dicom", "application/octet-stream"].contains(type.value)
      else {
        throw RequestFault(.unsupportedMediaType, "expected Content-Type \(contentTypes), found another", closes: true)
      }
      return nil
    }

    /// - Parameter most: images that a request may bring.
    /// - Throws: `RequestFault` 400 or 413.
    init(_ body: [UInt8], boundary: String?, most: Int) throws {
      guard let boundary else {
        guard !body.isEmpty else { throw RequestFault(.badRequest, "expected an image as the body, found nothing") }
        images = [Image(name: nil, bytes: body)]
        return
      }
      let parts: [Multipart.Part]
      do {
        parts = try Multipart.parts(of: body, boundary: boundary, most: most)
      } catch {
        throw RequestFault(error.isTooMuch ? .contentTooLarge : .badRequest, "multipart/form-data: \(error.sentence)")
      }
      images = parts.filter(\.isFile).map { part in
        Image(name: (part.fileName ?? part.name).map { String($0.prefix(Self.mostName)) }, bytes: Array(part.content))
      }
      guard !images.isEmpty else {
        throw RequestFault(
          .badRequest, "multipart/form-data: expected at least one part that is a file, found none among \(parts.count)"
        )
      }
    }
  }
#endif
