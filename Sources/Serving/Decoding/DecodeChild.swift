#if Server
  import Platform
  import Radiographs

  /// The process that opens strangers' files: it decodes what its server hands it, one picture after the other, and may
  /// crash of any of them.
  public enum DecodeChild {
    /// Answers until the server is gone.
    ///
    /// - Parameter memory: bytes that decoding may take.
    public static func run(memory: Int) throws {
      Confinement.closeInherited(but: ChildProcess.descriptor)
      let server = FileDescriptor(inherited: ChildProcess.descriptor, name: "the server")
      Confinement.begin(memory: memory)
      while let request = try question(from: server) {
        Confinement.allow(processorSeconds: request.seconds)
        var bytes = [UInt8](repeating: 0, count: request.bytes)
        guard try bytes.withUnsafeMutableBytes({ try server.read(into: $0) }) == request.bytes else { return }
        try server.write(answer(request, bytes).message)
      }
    }

    /// nil where there is no more.
    private static func question(from server: borrowing FileDescriptor) throws -> DecodeRequest? {
      try read(DecodeRequest.headSize, from: server).map(DecodeRequest.init(head:))
    }

    private static func read(_ count: Int, from server: borrowing FileDescriptor) throws -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: count)
      return try bytes.withUnsafeMutableBytes { try server.read(into: $0) } == count ? bytes : nil
    }

    /// A picture as the network wants it, or what is wrong with it.
    static func answer(_ request: DecodeRequest, _ bytes: [UInt8]) -> DecodeReply {
      do {
        let file = try ImageFile(bytes: bytes, path: "image")
        let size = try file.size()
        let (pixels, overflow) = size.width.multipliedReportingOverflow(by: size.height)
        guard !overflow, pixels <= request.mostPixels else {
          let sentence =
            "image: expected at most \(request.mostPixels) pixels, found \(size.width) x \(size.height)"
          return DecodeReply(kind: .tooLarge, sentence: sentence)
        }
        let picture = try file.radiograph()
        let (kind, prepared) = DecodeMessage.bytes(of: request.preparation(picture))
        return DecodeReply(
          kind: kind, pixels: prepared, content: request.wantsContent ? PictureHash(picture).content : 0)
      } catch let error as RadiographError {
        return DecodeReply(kind: error.kind == .badData ? .unreadable : .failed, sentence: error.description)
      } catch {
        return DecodeReply(kind: .failed, sentence: "\(error)")
      }
    }
  }
#endif
