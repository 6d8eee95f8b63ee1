import Pages

extension ReportPage {
  /// Images as points, in the plane in which the bank's rows spread most.
  var map: Page.Section {
    guard let map = report.map else {
      return Page.Section(
        id: "map", "Map of the images",
        [.paragraph("The bank's rows span no plane: there are fewer than three, or they do not differ.")])
    }
    func points(anomalous: Bool) -> [Layer.Point] {
      guard let tests = report.tests else { return [] }
      let all = tests.images.indices.filter { tests.images[$0].isAnomalous == anomalous }
      let shown = min(all.count, Self.mostPoints)
      return (0..<shown).map { place in
        let index = all[place * all.count / shown]
        return Layer.Point(
          map.tests[index].x, map.tests[index].y,
          title: "\(tests.images[index].path), score \(Figures.fixed(tests.scores[index], 3))")
      }
    }
    let bank = map.bank.map { Layer.Point($0.x, $0.y) }
    let (normal, anomalous) = (points(anomalous: false), points(anomalous: true))
    var layers: [Layer] = [.marks(bank, .quiet, name: "training images")]
    if !anomalous.isEmpty { layers.append(.marks(anomalous, .second, name: "anomalous test images")) }
    if !normal.isEmpty { layers.append(.marks(normal, .first, name: "normal test images")) }
    let all = bank + normal + anomalous
    let shares = map.plane.shares
    let shown = map.rows.count < map.total ? "\(Figures.count(map.rows.count)) of \(Figures.count(map.total))" : "all"
    let chart = Chart(
      Plot(
        id: "plane", title: "Two principal components",
        description: "\(Figures.count(bank.count, "training image")), \(Figures.count(normal.count)) normal and "
          + "\(Figures.count(anomalous.count)) anomalous test images as points.",
        x: Axis("first component", over: all.map(\.x), isNumbered: false),
        y: Axis("second component", over: all.map(\.y), isNumbered: false), layers: layers, height: 440),
      caption: "The features of \(shown) training images, seen along the two directions in which these differ most: "
        + "\(Figures.percent(shares[0])) and \(Figures.percent(shares[1])) of their variance. Images that look near one "
        + "another here may lie apart in the other directions; scores look at all of them."
        + (report.source.models.count > 1 ? " Features of the first model." : ""))
    return Page.Section(id: "map", "Map of the images", [.charts([chart])])
  }

  /// Of each class.
  private static let mostPoints = 1000
}
