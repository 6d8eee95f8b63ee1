import Pages

extension ReportPage {
  /// What the numbers do not say.
  var caveats: Page.Section {
    Page.Section(id: "caveats", "Caveats", [.list(sentences)])
  }

  private var sentences: [String] {
    var sentences = [
      "Not a medical device. Nothing here says what an image shows or what is to be done; it is for research."
    ]
    if let tests = report.tests {
      let (normal, anomalous) = (report.normalScores.count, report.anomalousScores.count)
      let few = min(normal, anomalous) < 100 ? " That is few: see how wide the intervals are." : ""
      sentences.append(
        "\(Figures.count(normal, "normal test image")) and \(Figures.count(anomalous, "anomalous one")) were looked at."
          + few)
      sentences.append(
        "Which test images are normal is what the data set says, by folder or table. Wrong labels count as errors of the "
          + "model, or as its merits.")
      if tests.images.allSatisfy({ $0.facts.patient == nil }) {
        sentences.append(
          "Whose the test images are is not known: intervals take them for independent, and are too narrow where a person "
            + "has several.")
      }
      sentences.append(
        "The default form of the score (which levels, how many prototypes, how they are weighted) was chosen looking at test "
          + "images of Kermany's and NIH's chest X-rays and of knee X-rays, as docs/ablation.md of salad's sources tells. On "
          + "those data sets expect less of new images than is shown here.")
      sentences.append(
        "The best F1 is known only with hindsight: no threshold was chosen that way. The model was not selected on these "
          + "images.")
      sentences.append(
        "Kinds of anomaly that are not in this test split were not looked at; nor were other hospitals, devices and "
          + "positions.")
    }
    if report.source.hasHashedIDs {
      sentences.append(
        "The deployment keeps hashes in place of names: whether it learnt from pictures of the test split could not be seen."
      )
    } else if report.tests != nil, report.source.pictures == nil {
      sentences.append(
        "The model does not remember what its training images show: test images were compared with them by patient alone."
      )
    }
    if report.source.bankKind == .momentum {
      sentences.append("The momentum bank scored, whose rows lag behind the network.")
    }
    if let threshold = report.threshold {
      sentences.append(
        "The false-alarm rate of \(Figures.percent(threshold.falseAlarmRate)) holds on average over calibrations; of this "
          + "one, on \(Figures.count(threshold.count, "image")), it may be off by \(Figures.percent(threshold.deviation)) "
          + "(one standard deviation), and it holds for images like those alone.")
    }
    sentences.append(
      report.hasPictures
        ? "This page shows patients' pictures and names of image files: give it only to who may see them. --no-images leaves "
          + "the pictures out."
        : "This page shows names of image files, which may tell of persons.")
    return sentences
  }
}
