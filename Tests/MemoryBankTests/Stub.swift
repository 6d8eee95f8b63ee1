import Testing

@testable import MemoryBank
