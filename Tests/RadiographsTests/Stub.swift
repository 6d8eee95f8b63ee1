import Testing

@testable import Radiographs
