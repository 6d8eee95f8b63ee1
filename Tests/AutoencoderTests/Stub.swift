import Testing

@testable import Autoencoder
