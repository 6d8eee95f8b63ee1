import Pages

extension ReportPage {
  private var heat: String {
    report.examples.method == .local
      ? "it is unlike normal images at the same place (docs/explain.md: that is not what is ill)"
      : "painting over lowers the score, on a scale of its own"
  }

  /// The ends of the test split, and of the bank.
  var images: Page.Section {
    let examples = report.examples
    var blocks: [Block] = []
    if !report.hasPictures {
      blocks.append(.paragraph("Pictures were left out of this page (--no-images)."))
    } else if let absence = examples.absence {
      blocks.append(.notice("Pictures of training images are missing: \(absence)."))
    }
    if !examples.mostAnomalous.isEmpty {
      if report.hasPictures {
        blocks.append(
          .paragraph(
            "Each with a heat map, which tells where \(heat); and with the normal images that it was compared with. What "
              + "weighs most counts most."))
      }
      blocks += [
        .paragraph("The test images with the highest scores. A normal one among them is a false alarm worth a look."),
        .cards(examples.mostAnomalous),
        .paragraph("The test images with the lowest scores. An anomalous one among them was missed."),
        .cards(examples.mostNormal),
      ]
    }
    if !examples.oddest.isEmpty {
      blocks += [
        .paragraph(
          "The training images that lie farthest from the others, each left out. What does not belong to the normal ones, "
            + "a wrong label or a broken picture, is to be found here."),
        .cards(examples.oddest),
      ]
    }
    return Page.Section(id: "images", "Images at both ends", blocks)
  }
}
