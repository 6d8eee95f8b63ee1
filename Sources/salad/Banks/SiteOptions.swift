import ArgumentParser
import SALAD

/// Which hospital's normal images a score is taken against.
struct SiteOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Score against this site's rows alone, and judge by them. (default: all rows)", valueName: "name"))
  var site: String?

  @Flag(help: "With --site: score against all rows, and judge by what that site's score among them.")
  var againstAll = false

  func validate() throws {
    guard !againstAll || site != nil else {
      throw ValidationError("--against-all goes with --site: give the site that judges, or leave it away")
    }
  }

  /// What scores.
  ///
  /// - Throws: `SaladError` 64 where there is no such site.
  func source(_ source: ModelSource) throws -> ModelSource {
    guard let site, !againstAll else { return source }
    return try source.restricted(toSite: site)
  }

  /// The rows that judge, where not all that score do.
  ///
  /// - Throws: `SaladError` 64 where there is no such site.
  func judges(of source: ModelSource) throws -> Range<Int>? {
    guard let site, againstAll else { return nil }
    return try source.rows(ofSite: site)
  }

  /// What determines scores, by name.
  var settings: [String: String] {
    site.map { ["--site": againstAll ? "\($0), against all" : $0] } ?? [:]
  }
}
