/// The version of salad, which a run remembers: a resume wants the same.
public let saladVersion = "0.2.0"
