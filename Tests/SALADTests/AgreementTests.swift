import MPI
import Radiographs
import Safetensors
import Testing

@testable import SALAD

@Suite("Agreement") struct AgreementTests {
  @Test("Every rank throws the error of the lowest that failed", arguments: [1, 2, 3])
  func agreement(ranks: Int) async throws {
    try await check("agreement", ranks: ranks)
  }

  @Test("Each library's error has its exit status, and keeps its sentence")
  func statuses() throws {
    let bad = SaladError(RadiographError(kind: .badData, path: "a.png", "a.png: expected a PNG, found text"))
    #expect(bad.status == .badData && bad.description == "a.png: expected a PNG, found text")
    let full = SaladError(RadiographError(kind: .inputOutput, path: "a.png", "a.png: no room"))
    #expect(full.status == .inputOutput)

    let absent = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: "/nowhere/model.safetensors") }
    let mapped = SaladError(try #require(absent))
    #expect(mapped.status == .inputOutput)
    #expect(mapped.description == "/nowhere/model.safetensors: cannot be opened: No such file or directory")

    let own = SaladError(SaladError(.usage, "choose another"))
    #expect(own.status == .usage && own.description == "choose another")
    struct Defect: Error, CustomStringConvertible { let description = "a defect" }
    let other = SaladError(Defect())
    #expect(other.status == .internalError && other.description == "a defect")
  }
}
