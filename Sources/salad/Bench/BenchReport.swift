import Autoencoder
import Foundation

/// Everything that `salad bench` has to say.
struct BenchReport {
  let machine: MachineDescription
  /// Of activations.
  let precision: Precision
  var records: [String: BenchRecord] = [:]
  /// Of the rank that took most.
  var peakResidentBytes: Int64 = 0

  init(machine: MachineDescription, precision: Precision) {
    self.machine = machine
    self.precision = precision
  }

  /// `images_per_second` where one subject has it, `train_images_per_second` and so on.
  private var rates: [String: Double] {
    var rates: [String: Double] = [:]
    for (name, record) in records {
      if let rate = record[group: "images_per_second"]?["median"] { rates["\(name)_images_per_second"] = rate }
    }
    if rates.count == 1, let rate = rates.values.first { rates["images_per_second"] = rate }
    return rates
  }

  /// One JSON object on one line.
  func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// For people.
  func table() -> String {
    var lines = [machine.sentence, "activations: \(precision.rawValue)"]
    for (name, record) in records.sorted(by: { $0.key < $1.key }) {
      lines.append(name.replacing("_", with: " "))
      lines += record.lines(indent: "  ")
    }
    lines.append(String(format: "peak resident memory of a rank: %.2f GB", Double(peakResidentBytes) / 1e9))
    return lines.joined(separator: "\n") + "\n"
  }
}

extension BenchReport: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: BenchRecord.Name.self)
    try container.encode(machine, forKey: BenchRecord.Name("machine"))
    try container.encode(precision, forKey: BenchRecord.Name("precision"))
    try container.encode(peakResidentBytes, forKey: BenchRecord.Name("peak_resident_bytes"))
    for (name, rate) in rates { try container.encode(rate.rounded(toPlaces: 4), forKey: BenchRecord.Name(name)) }
    for (name, record) in records { try container.encode(record, forKey: BenchRecord.Name(name)) }
  }
}
