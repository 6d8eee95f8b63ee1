import Pages

extension ReportPage {
  /// The same scores by what is known of images.
  var subgroups: Page.Section {
    guard let groups = report.evaluation?.subgroups, !groups.isEmpty else {
      return Page.Section(
        id: "subgroups", "Subgroups",
        [
          .paragraph(
            "Nothing is known of the test images' views, sexes, ages, devices or studies: a table beside them may tell "
              + "(layout csv), and DICOM files do.")
        ])
    }
    let named =
      (groups.studies.map { [("all studies", $0)] } ?? [])
      + groups.named.flatMap { title, groups in groups.map { ("\(title) \($0.name)", $0) } }
    let rows = named.map { title, group in
      [
        title, Figures.count(group.countNormal), Figures.count(group.countAnomalous),
        group.averagePrecision.map { Figures.fixed($0, 3) } ?? "", group.auroc.map { Figures.fixed($0, 3) } ?? "",
        group.aurocInterval.map(Figures.range) ?? "",
      ]
    }
    return Page.Section(
      id: "subgroups", "Subgroups",
      [
        .table(
          Table(
            "By what is known of the images",
            heads: ["group", "normal", "anomalous", "AP", "AUROC", "95 % interval of AUROC"], rows: rows)),
        .paragraph(
          "Small groups differ by chance; where many are looked at, some look bad or good for no reason. Without a value: one "
            + "of the classes is missing."),
      ])
  }
}
