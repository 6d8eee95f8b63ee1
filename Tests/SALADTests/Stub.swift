import Testing

@testable import SALAD
