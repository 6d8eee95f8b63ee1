import Testing

@testable import Pages

@Suite("Plots")
struct PlotTests {
  private func plot(_ layers: [Layer]) -> Plot {
    Plot(
      id: "p", title: "a < b", description: "\"d\"", x: Axis("x", 0...1), y: Axis("y", 0...10), layers: layers)
  }

  @Test("A line goes through its points, the lower left corner at the axes' lower bounds")
  func line() {
    let svg = plot([.line([.init(0, 0), .init(1, 10)], .first)]).svg.markup
    #expect(svg.contains("class=\"line a\" d=\"M62 268L464 10\""), "\(svg)")
    #expect(svg.contains("<title id=\"p-title\">a &lt; b</title><desc id=\"p-desc\">&quot;d&quot;</desc>"))
    #expect(svg.contains("role=\"img\" aria-labelledby=\"p-title p-desc\""))
  }

  @Test("Steps turn corners, a band closes, bars stand on the axis, and none without height is drawn")
  func shapes() {
    let steps = plot([.steps([.init(0, 0), .init(0.5, 10)], .first)]).svg.markup
    #expect(steps.contains("d=\"M62 268L263 268L263 10\""), "\(steps)")
    let band = plot([.band([.init(0, 0, 10), .init(1, 5, 10)], .first)]).svg.markup
    #expect(band.contains("class=\"fill a\" d=\"M62 10L464 10L464 139L62 268Z\""), "\(band)")
    let bars = plot([.bars([.init(0, 0.5, height: 5, title: "t"), .init(0.5, 1, height: 0)], .second)]).svg.markup
    #expect(bars.components(separatedBy: "<rect").count == 2)
    #expect(bars.contains("x=\"62.5\" y=\"139\" width=\"200\" height=\"129\"><title>t</title></rect>"), "\(bars)")
  }

  @Test("What lies outside, and what is no number, stays within the frame")
  func outside() {
    let svg = plot([.line([.init(-5, .nan), .init(7, .infinity)], .first), .marks([.init(.nan, 20)], .quiet)]).svg
      .markup
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    #expect(svg.contains("M62 268L464"))
  }

  @Test("The legend has the named layers")
  func legend() {
    let plot = plot([.diagonal(.quiet), .line([], .first, name: "<x>"), .marks([], .second, name: "y")])
    #expect(plot.legend.markup.components(separatedBy: "<li>").count == 3)
    #expect(plot.legend.markup.contains("&lt;x&gt;"))
    #expect(self.plot([]).legend.markup.isEmpty)
  }
}

extension String {
  fileprivate func components(separatedBy separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
