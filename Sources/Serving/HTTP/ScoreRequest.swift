#if Server
  import Hummingbird

  /// Images that a request brings, and what it wants to know of them.
  struct ScoreRequest {
    struct Image {
      /// As the client calls it.
      var name: String?
      var bytes: [UInt8]
    }
    var images: [Image]
    /// Prototypes to name of each image.
    var nearest: Int

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
      var nearest = nearestByDefault
      for pair in (query ?? "").split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0] == "nearest" else {
          throw RequestFault(.badRequest, "expected nearest as the only parameter, found another")
        }
        guard parts.count == 2, parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(parts[1]),
          number <= mostNearest
        else { throw RequestFault(.badRequest, "expected nearest as a whole number in 0...\(mostNearest)") }
        nearest = number
      }
      return nearest
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
    init(_ body: [UInt8], boundary: String?, nearest: Int, most: Int) throws {
      self.nearest = nearest
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
