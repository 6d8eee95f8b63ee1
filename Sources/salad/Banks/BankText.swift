import SALAD

/// A bank for people, and its rows as CSV.
enum BankText {
  static func text(of bank: BankDescription) -> String {
    let models = bank.models == 1 ? "" : ", \(bank.models) models"
    var lines = [
      row(
        "bank", "\(bank.rows) rows of \(bank.features) numbers, \(bank.bank.rawValue), levels \(bank.levels)\(models)"),
      row("kind", bank.isSiteBank ? "a site's bank, without a network" : "a deployment"),
      row("encoder", bank.encoders.map { String($0.prefix(16)) }.joined(separator: ", ")),
      row(
        "patients",
        bank.patients == 0
          ? "unknown"
          : "\(bank.patients)" + (bank.rowsOfUnknown > 0 ? ", \(bank.rowsOfUnknown) rows of unknown ones" : "")),
      row(
        "carries", bank.identifying ?? (bank.hasHashedIDs ? "hashes instead of names" : "nothing that tells of persons")
      ),
      row("rule", "\(bank.scoreRule), K \(bank.topK)"),
      row("p-values from", origin(of: bank)),
      row("D", numbers(bank.medians)), row("D0^2", numbers(bank.squaredScales)),
      row("threshold", threshold(bank.threshold, bank.falseAlarmRate)),
    ]
    for (number, site) in bank.sites.enumerated() {
      lines.append(
        row(
          number == 0 ? "sites" : "",
          "\(site.name): \(site.rows) rows, D \(site.median), \(threshold(site.threshold, bank.falseAlarmRate))"))
    }
    lines.append(row("changes", bank.changes.isEmpty ? "none" : "\(bank.changes.count), the last:"))
    for change in bank.changes.suffix(5) {
      let what = change.what == "add" ? "added" : "removed"
      lines.append(
        row("", "\(change.time) \(change.by) \(what) \(change.rows) rows: \(change.rowsBefore) to \(change.rowsAfter)"))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  static func table(of rows: [BankDescription.Row]) -> String {
    "row,id,patient,site,left_out\n"
      + rows.map {
        "\($0.row),\(CSV.field($0.id)),\(CSV.field($0.patient)),\($0.site),\($0.leftOut)\n"
      }.joined()
  }

  private static func origin(of bank: BankDescription) -> String {
    switch bank.origin {
    case .leftOut: "its own rows, each left out"
    case .keptBack: "images kept back"
    case .local: "normal images of another place"
    }
  }

  private static func threshold(_ value: Double?, _ rate: Double) -> String {
    value.map { "above \($0) flagged, a false-alarm rate of \(rate)" } ?? "nothing is flagged: too few rows for \(rate)"
  }

  private static func numbers(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: ", ") }

  private static func row(_ title: String, _ text: String) -> String {
    title + String(repeating: " ", count: max(1, 15 - title.count)) + text
  }
}
