import Foundation
import RanksSupport
import Testing

extension CommandTests {
  @Suite("A deployment in use")
  struct BankInUseTests {
    @Test("A bank that is written into while it scores ends the command by a sentence, without another score")
    func writtenInto() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      let bank = deploy + "/bank.safetensors"
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      let whole = try bytes(of: bank)
      // Long enough that the change meets it in the midst.
      let score = ["score", deploy] + [String](repeating: sample.data + "/test", count: 500) + ["--csv"]
      // The file is cut away before its rows are looked up, or between a search and its end: a bus error or none.
      for (length, statuses) in [(whole.count, [65]), (0, [65, 74])] as [(Int, Set<Int32>)] {
        try whole.write(to: URL(fileURLWithPath: bank))
        let once = Once()
        let result = try await Salad.run(score) { salad in
          guard hasMapped(bank, salad) else { return }
          once {
            let file = FileHandle(forWritingAtPath: bank)
            file?.truncateFile(atOffset: UInt64(length))
            if length > 0 { file?.write(Data([whole[0]])) }
          }
        }
        #expect(statuses.contains(result.status), "\(result)")
        let sentences = result.errors.split(separator: "\n").filter { $0.hasPrefix("salad: ") }
        #expect(sentences.count { $0.contains(bank) && $0.contains("expected") } == 1, "\(result.errors)")
        // Rows of blocks that were done before are whole, and of the bank as it was.
        #expect(result.output.isEmpty || result.output.hasSuffix("\n"))
        #expect(result.output.utf8.count { $0 == 10 } < 500 * 21)
      }
    }

    @Test("A deployment whose files are replaced by name while it scores goes on with those that it opened")
    func replacedByName() async throws {
      let sample = try Sample.copy()
      defer { sample.remove() }
      let deploy = sample.path("deploy")
      let bank = deploy + "/bank.safetensors"
      try await Salad.succeed(["merge", sample.run, "--output", deploy])
      let score = ["score", deploy] + [String](repeating: sample.data + "/test", count: 200) + ["--csv"]
      let expected = try await Salad.succeed(score).output
      let once = Once()
      let result = try await Salad.run(score) { salad in
        guard hasMapped(bank, salad) else { return }
        once { _ = rename(deploy + "/model.safetensors", bank) }
      }
      #expect(!FileManager.default.fileExists(atPath: deploy + "/model.safetensors"))
      #expect(result.status == 0 && result.output == expected, "\(result.status) \(result.errors)")
    }
  }
}
