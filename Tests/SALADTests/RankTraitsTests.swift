import Testing

@testable import SALAD

@Suite("Rank traits") struct RankTraitsTests {
  private let traits = RankTraits(arguments: ["salad", "train", "--seed", "1", "--run", "run"])

  @Test("Ranks that are alike have nothing to say")
  func alike() throws {
    #expect(try RankTraits.compare([traits]) == RankTraits.Differences())
    var elsewhere = traits
    elsewhere.host = "node02"
    #expect(try RankTraits.compare([traits, elsewhere, traits]) == RankTraits.Differences())
  }

  @Test("What would be other work is refused, with the first rank that differs and in what")
  func refused() throws {
    let changes: [(String, (inout RankTraits) -> Void)] = [
      ("rank 0 on node01 has \(saladVersion), rank 2 on node02 has 0.0.1", { $0.version = "0.0.1" }),
      ("rank 0 on node01 has little-endian, rank 2 on node02 has big-endian", { $0.byteOrder = "big-endian" }),
      ("rank 0 on node01 has --seed 1, rank 2 on node02 has --seed 2", { $0.arguments[2] = "2" }),
      ("rank 0 on node01 has train --seed, rank 2 on node02 has score run", { $0.arguments = ["score", "run"] }),
      ("rank 0 on node01 has run, rank 2 on node02 has run --resume", { $0.arguments.append("--resume") }),
      ("rank 0 on node01 has train --seed, rank 2 on node02 has none", { $0.arguments = [] }),
    ]
    for (words, change) in changes {
      var (first, other) = (traits, traits)
      first.host = "node01"
      other.host = "node02"
      change(&other)
      let error = #expect(throws: SaladError.self) { try RankTraits.compare([first, first, other, other]) }
      #expect(error?.status == .usage)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  @Test("What may change the last bits is named")
  func noted() throws {
    let changes: [(String, (inout RankTraits) -> Void)] = [
      ("the ranks' CPUs differ", { $0.instructionSet = "sse2" }),
      ("the ranks' MPI libraries differ", { $0.mpi = "Another MPI 1.0" }),
      ("the ranks' libraries differ", { $0.oneDNN = "oneDNN 9.0.0" }),
      ("the ranks' C libraries differ", { $0.cLibrary = "musl 1.2" }),
    ]
    for (words, change) in changes {
      var other = traits
      change(&other)
      let sentences = try RankTraits.compare([traits, other]).warnings
      #expect(sentences.count == 1 && sentences[0].contains(words) && sentences[0].contains("rank 1 on \(traits.host)"))
    }
  }

  @Test("Ranks on different CPUs are told how to compute alike, and that they do")
  func levels() throws {
    var (more, less) = (traits, traits)
    (more.instructionSet, more.bestLevel) = ("avx512_bf16", .avx512BFloat16)
    (less.instructionSet, less.bestLevel) = ("avx2", .avx2)
    let apart = try RankTraits.compare([more, more, less])
    #expect(apart.notes.isEmpty && apart.warnings.count == 1)
    #expect(apart.warnings.first?.hasSuffix("give --cpu avx2 for the same bits on all") == true)

    more.instructionSet = "avx2"
    let alike = try RankTraits.compare([more, more, less])
    #expect(alike.warnings.isEmpty && alike.notes.count == 1)
    #expect(alike.notes.first?.hasSuffix("all compute with avx2, and so the same bits") == true)
  }

  @Test("What a rank may have of its own is not compared")
  func own() {
    let arguments = [
      "salad", "train", "--workers", "3", "--seed=1", "--data=/here", "--cache-memory", "1G", "--resume",
    ]
    #expect(RankTraits(arguments: arguments).arguments == ["train", "--seed=1", "--resume"])
  }
}
