import Foundation
import Testing

/// What the targets' files import, and what `Package.swift` declares: the compiler finds a module that is not declared, too.
@Suite("Imports")
struct ImportsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../.."
  ).standardized

  /// A target with Swift files.
  private struct Target {
    let name: String
    let declared: Set<String>
    let imports: [String: [String]]
  }

  /// The toolchain's own, which nobody declares.
  private static let toolchain: Set = [
    "Foundation", "FoundationEssentials", "FoundationXML", "Synchronization", "Testing",
  ]
  private static let system: Set = ["Glibc", "Musl", "Darwin", "Dispatch"]
  /// Programs that tests start, declared so that they are built.
  private static let programs: Set = ["salad", "ranks"]

  private static func targets() throws -> [Target] {
    let package = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
      .replacing(#/ *\/\/[^\n]*/#, with: "")
      // A dependency of a trait is one like the others.
      .replacing(#/\.target\(name: ("\w+"), condition: \.when\(traits: \["\w+"\]\)\)/#) { "\($0.output.1)" }
      .replacing(#/, condition: \.when\(traits: \["\w+"\]\)/#, with: "")
    // One target from its name to the next one's.
    let starts = package.matches(of: #/\.(target|executableTarget|testTarget)\(\s*name: "(\w+)"/#)
    let ends = starts.dropFirst().map(\.range.lowerBound) + [package.endIndex]
    return try zip(starts, ends).compactMap { start, end in
      let text = package[start.range.upperBound..<end]
      let name = String(start.output.2)
      let list = text.firstMatch(of: #/dependencies: \[((?:[^\[\]])*)\]/#)?.output.1 ?? ""
      let names = list.replacing(#/package: "[^"]*"/#, with: "").matches(of: #/"(\w+)"/#).map {
        String($0.output.1)
      }
      let folder =
        text.firstMatch(of: #/path: "([^"]+)"/#).map { String($0.output.1) }
        ?? (start.output.1 == "testTarget" ? "Tests/" : "Sources/") + name
      let imports = try imports(in: root.appending(path: folder))
      return imports.isEmpty ? nil : Target(name: name, declared: Set(names), imports: imports)
    }
  }

  /// Modules that each Swift file below a folder imports.
  private static func imports(in folder: URL) throws -> [String: [String]] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".swift")
    }
    var imports: [String: [String]] = [:]
    for name in names {
      let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      imports[name] = text.matches(
        of: #/(?m)^ *(?:@\w+ |public |internal )*import (?:struct |func )?(\w+)/#
      )
      .map { String($0.output.1) }
    }
    return imports
  }

  @Test(
    "Every module that a target imports is declared, and every one that is declared is imported")
  func declarations() throws {
    let targets = try Self.targets()
    #expect(targets.count > 20)
    var wrong: [String] = []
    for target in targets {
      let imported = Set(target.imports.values.joined()).subtracting(Self.toolchain).subtracting(
        Self.system)
      wrong += imported.subtracting(target.declared).map {
        "\(target.name) imports \($0), which it does not declare"
      }
      let unused = target.declared.subtracting(imported).subtracting(Self.programs)
      wrong += unused.map { "\(target.name) declares \($0), which it does not import" }
    }
    #expect(wrong.isEmpty)
  }

  @Test("Nothing but Platform asks the system")
  func floor() throws {
    // Tests start programs, break pipes and limit resources themselves.
    let targets = try Self.targets().filter {
      !$0.name.hasSuffix("Tests") && !["Platform", "RanksSupport", "ranks"].contains($0.name)
    }
    let wrong = targets.flatMap { target in
      target.imports.filter { !Self.system.isDisjoint(with: $0.value) }.map {
        "\(target.name)/\($0.key)"
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test("The system's names appear in Platform only, though Foundation shows them to all")
  func names() throws {
    let calls =
      #/\b(?:errno|strerror|fsync|ftruncate|mmap|munmap|madvise|isatty|getpid|getppid|gethostname|usleep|sigaction|pthread_\w+|fcntl|opendir|readdir|lstat|mkdir|rmdir|unlink|getenv|setenv|_exit|clock_gettime|FileHandle|FileManager|ProcessInfo|NSCondition|NSLock|Thread|DispatchQueue|DispatchSemaphore|print|fputs)\b *[(.,)]/#
    let sources = Self.root.appending(path: "Sources")
    let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter {
      $0.hasSuffix(".swift") && !$0.hasPrefix("Platform/")
    }
    #expect(files.count > 100)
    var wrong: [String] = []
    for file in files {
      let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
      let code = text.replacing(#/"(?:\\.|[^"\\\n])*"/#, with: "\"\"").replacing(
        #/\/\/[^\n]*/#, with: "")
      wrong += code.matches(of: calls).map { "\(file): \($0.output)" }
    }
    #expect(wrong.isEmpty)
  }
}
