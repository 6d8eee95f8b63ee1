#if Server
  /// Why an image has no score.
  enum ImageFault: Error, Sendable, Equatable {
    /// It is no whole and sound picture, for the reason of the sentence.
    case unreadable(String)
    /// It has more pixels or bytes than it may have.
    case tooLarge(String)
    /// Its time was over before its turn came.
    case late
    /// There is no model that could score it for the moment.
    case noModel(String)
    /// What was to score it, or to decode it, failed.
    case failed(String)

    /// For the answer.
    var sentence: String {
      switch self {
      case .unreadable(let sentence), .tooLarge(let sentence), .noModel(let sentence), .failed(let sentence): sentence
      case .late: "the image's turn did not come in time: try again, or send fewer at once"
      }
    }
  }
#endif
