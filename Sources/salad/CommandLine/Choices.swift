import ArgumentParser
import Autoencoder
import ExactSum
import MemoryBank
import Platform
import Radiographs
import SALAD

// Words that options of several verbs take.

extension Architecture: ExpressibleByArgument {}
extension BadImages: ExpressibleByArgument {}
extension CPULevel: ExpressibleByArgument {}
extension BankKind: ExpressibleByArgument {}
extension FeatureScale: ExpressibleByArgument {}
extension Fit: ExpressibleByArgument {}
extension Levels: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
extension Precision: ExpressibleByArgument {}
extension Recipe: ExpressibleByArgument {}
extension Reduction: ExpressibleByArgument {}
extension ScoreRule: ExpressibleByArgument {}
extension SmallCopyUse: ExpressibleByArgument {}
