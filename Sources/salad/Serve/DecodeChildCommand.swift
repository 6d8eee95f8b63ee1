#if Server
  import ArgumentParser
  import Serving

  /// What `salad serve` starts itself as, to open strangers' files.
  struct DecodeChildCommand: ParsableCommand {
    static let name = "decode-child"
    static let configuration = CommandConfiguration(
      commandName: name, abstract: "Decodes images for salad serve, which starts it.", shouldDisplay: false)

    @Option(help: "Bytes that decoding an image may take.")
    var memory: Int

    func run() throws { try DecodeChild.run(memory: memory) }
  }
#endif
