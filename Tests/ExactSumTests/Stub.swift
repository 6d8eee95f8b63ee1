import Testing

@testable import ExactSum
