import ArgumentParser

@main struct Salad: ParsableCommand {}
