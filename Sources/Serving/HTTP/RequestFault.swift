#if Server
  import Hummingbird

  /// Why a request is not answered as it would like: a status and one sentence.
  struct RequestFault: Error {
    var status: HTTPResponse.Status
    var sentence: String
    /// Beside those of every answer.
    var headers = HTTPFields()
    /// Whether the rest of the request is not worth reading.
    var closes = false

    init(
      _ status: HTTPResponse.Status, _ sentence: String, headers: HTTPFields = HTTPFields(), closes: Bool = false
    ) {
      (self.status, self.sentence, self.headers, self.closes) = (status, sentence, headers, closes)
    }

    /// There is no room for now: comes again in a second.
    static func busy(_ sentence: String, closes: Bool = false) -> RequestFault {
      RequestFault(.tooManyRequests, sentence, headers: [.retryAfter: "1"], closes: closes)
    }
  }

  extension ImageFault {
    /// Of a request whose only image this became of.
    var status: HTTPResponse.Status {
      switch self {
      case .unreadable: .unprocessableContent
      case .tooLarge: .contentTooLarge
      case .late: .gatewayTimeout
      case .noModel: .serviceUnavailable
      case .failed: .internalServerError
      }
    }
  }
#endif
