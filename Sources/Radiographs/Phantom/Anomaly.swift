import Foundation

/// What is wrong with a phantom chest, added to its attenuation; the folder of its images bears its name.
enum Anomaly: String, CaseIterable, Sendable {
  /// Interstitial disease of one lung: a net of thickened septa in a haze without a clear edge.
  case opacity
  /// A miliary pattern, tiny shadows all over both lungs, with up to three larger ones.
  case nodule
  /// Fluid in the pleural space, which fills the costophrenic angle and climbs along the chest wall, and the septal
  /// lines of the congestion that brought it.
  case effusion
  /// A pacemaker or a port with its catheter, and the electrodes and wires of a monitor.
  case device

  /// Adds one to a chest.
  ///
  /// - Returns: (side, side), what was added to the attenuation at each pixel, never negative; some of it is positive.
  func add(to chest: inout Chest, _ draws: inout Draws) -> [Double] {
    let before = chest.attenuation.values
    switch self {
    case .opacity: Self.addOpacity(to: &chest, &draws)
    case .nodule: Self.addNodules(to: &chest, &draws)
    case .effusion: Self.addEffusion(to: &chest, &draws)
    case .device: Self.addDevice(to: &chest, &draws)
    }
    return zip(chest.attenuation.values, before).map { $0 - $1 }
  }

  // MARK: Opacity

  private static func addOpacity(to chest: inout Chest, _ draws: inout Draws) {
    let side = Side(rawValue: draws.choice(2)) ?? .right
    let centre = spot(in: chest.anatomy, side, inset: 0.3, &draws)
    let size = draws.uniform(0.41, 0.58)
    let density = draws.uniform(0.16, 0.24)
    // Several overlapping clouds: a ragged edge and an uneven inside.
    let clouds = (0..<7).map { _ in
      (
        x: centre.x + draws.normal(0, 0.40 * size), y: centre.y + draws.normal(0, 0.45 * size),
        radius: size * draws.uniform(0.5, 1.0), density: draws.uniform(0.35, 0.75)
      )
    }
    fillLung(of: &chest) { x, y in
      guard (x < 0) == (side == .right) else { return 0 }
      var clear = 1.0
      for cloud in clouds {
        let (dx, dy) = (x - cloud.x, y - cloud.y)
        let off = (dx * dx + dy * dy) / (cloud.radius * cloud.radius)
        if off < 1 { clear *= 1 - cloud.density * (1 - off) * (1 - off) }
      }
      return density * (1 - clear)
    }
    addSepta(to: &chest, &draws) { x, y in
      let (dx, dy) = (x - centre.x, y - centre.y)
      return (x < 0) == (side == .right) && dx * dx + dy * dy < 1.2 * size * size
    }
  }

  /// Replaces a fraction of the lung's air by fluid.
  private static func fillLung(of chest: inout Chest, fraction: (_ x: Double, _ y: Double) -> Double) {
    let step = 2 / Double(chest.side)
    for row in 0..<chest.side {
      for column in 0..<chest.side {
        let index = row * chest.side + column
        guard chest.lung[index] > 0 else { continue }
        let (x, y) = chest.pose.body((Double(column) + 0.5) * step - 1, (Double(row) + 0.5) * step - 1)
        chest.attenuation.values[index] += Anatomy.Attenuation.fluidInLung * chest.lung[index] * fraction(x, y)
      }
    }
  }

  /// A place inside a lung, `inset` of the lung's width away from its edges.
  private static func spot(
    in anatomy: Anatomy, _ side: Side, inset: Double, _ draws: inout Draws
  ) -> (x: Double, y: Double) {
    let top = anatomy.apex + 0.20
    let y = draws.uniform(top, anatomy.dome[side.rawValue] - 0.10)
    // The heart hides the left lung's inner part.
    let hidden = side == .left ? 0.22 * smoothStep((y + 0.15) / 0.3) : 0.06 * smoothStep(y / 0.2)
    let (inner, outer) = (anatomy.medialEdge(y) + hidden, anatomy.cage(y))
    let across = draws.uniform(inset, 1 - inset)
    return (side.sign * (inner + across * (outer - inner)) + anatomy.turn, y)
  }

  /// Draws thickened septa, the fine lines between lobules, at random places in the lungs that `inside` admits.
  private static func addSepta(
    to chest: inout Chest, _ draws: inout Draws, where inside: (_ x: Double, _ y: Double) -> Bool
  ) {
    scatter(160, over: &chest, &draws) { chest, draws, x, y in
      let (direction, length) = (draws.uniform(0, 2 * .pi), draws.uniform(0.03, 0.07))
      let end = (x: x + length * cos(direction), y: y + length * sin(direction))
      guard inside(x, y), chest.isLung(end.x, end.y) else { return false }
      chest.attenuation.addTube([
        chest.node(x, y, radius: 0.012, centimetres: 1.1),
        chest.node(end.x, end.y, radius: 0.012, centimetres: 1.1),
      ])
      return true
    }
  }

  /// Draws something at up to `count` random places in the lungs; `draw` tells whether it drew.
  ///
  /// Where few places will do, fewer are drawn: a phantom never takes for ever.
  private static func scatter(
    _ count: Int, over chest: inout Chest, _ draws: inout Draws,
    _ draw: (inout Chest, inout Draws, _ x: Double, _ y: Double) -> Bool
  ) {
    var drawn = 0
    for _ in 0..<20 * count where drawn < count {
      let (x, y) = (draws.uniform(-0.75, 0.75), draws.uniform(-0.7, 0.8))
      if chest.isLung(x, y), draw(&chest, &draws, x, y) { drawn += 1 }
    }
  }

  // MARK: Nodules

  private static func addNodules(to chest: inout Chest, _ draws: inout Draws) {
    scatter(120, over: &chest, &draws) { chest, draws, x, y in
      let radius = draws.uniform(0.0156, 0.026)
      chest.attenuation.addTube([
        chest.node(x, y, radius: radius, centimetres: 1.4), chest.node(x + 0.003, y, radius: radius, centimetres: 1.4),
      ])
      return true
    }
    let count = draws.choice(4)
    for index in 0..<count {
      let side = Side(rawValue: draws.choice(2)) ?? .right
      let centre = spot(in: chest.anatomy, side, inset: 0.22, &draws)
      // A single one is a large one.
      let radius = count == 1 ? draws.uniform(0.095, 0.115) : draws.uniform(index == 0 ? 0.08 : 0.06, 0.105)
      let thickness = 2 * 20 * radius * draws.uniform(1.1, 1.6)
      let peak = Anatomy.Attenuation.fluidInLung * thickness
      chest.attenuation.addTube(
        [
          chest.node(centre.x, centre.y, radius: radius, centimetres: peak),
          chest.node(centre.x + 0.004, centre.y + 0.004, radius: radius, centimetres: peak),
        ])
    }
  }

  // MARK: Effusion

  private static func addEffusion(to chest: inout Chest, _ draws: inout Draws) {
    let anatomy = chest.anatomy
    let side = Side(rawValue: draws.choice(2)) ?? .right
    let level = anatomy.dome[side.rawValue] - draws.uniform(-0.02, 0.20)
    let climb = draws.uniform(0.16, 0.30)
    let density = draws.uniform(0.75, 0.95)
    fillLung(of: &chest) { x, y in
      guard (x < 0) == (side == .right) else { return 0 }
      // The meniscus: lowest in the middle of the lung, climbing steeply along the wall.
      let (inner, outer) = (anatomy.medialEdge(y), anatomy.cage(y))
      let t = (abs(x) - inner) / (outer - inner)
      let out = max(0, (t - 0.35) / 0.65)
      let surface = level - climb * out * out * out + 0.05 * max(0, 0.35 - t)
      return density * smoothStep((y - surface) / 0.09 + 0.4)
    }
    addSepta(to: &chest, &draws) { _, y in y < level }
  }

  // MARK: Devices

  private static func addDevice(to chest: inout Chest, _ draws: inout Draws) {
    if draws.chance(0.5) { addPacemaker(to: &chest, &draws) } else { addPort(to: &chest, &draws) }
    addMonitor(to: &chest, &draws)
  }

  private static func addPacemaker(to chest: inout Chest, _ draws: inout Draws) {
    let anatomy = chest.anatomy
    let sign = draws.chance(0.8) ? 1.0 : -1.0
    let (x, y) = (sign * draws.uniform(0.42, 0.52), anatomy.apex + draws.uniform(0.36, 0.46))
    let tilt = draws.uniform(-0.5, 0.5)
    let (c, s) = (0.055 * cos(tilt), 0.055 * sin(tilt))
    chest.attenuation.addTube(
      [
        chest.node(x - c, y - s, radius: 0.075, centimetres: 1.6),
        chest.node(x + c, y + s, radius: 0.075, centimetres: 1.6),
      ], section: .hollow(marrow: 0.3))
    // The lead follows the vein under the collar bone, then down through the right atrium into the right ventricle.
    addWire(
      through: [
        (x - c * 0.8, y - 0.07), (sign * 0.34, anatomy.apex + 0.26), (sign * 0.12, anatomy.apex + 0.27),
        (-0.07, anatomy.apex + 0.42), (-0.10, 0.05), (-0.04, 0.30), (0.10, 0.37), (anatomy.heartX + 0.14, 0.36),
      ], radius: 0.0196, peak: 1.26, to: &chest)
  }

  private static func addPort(to chest: inout Chest, _ draws: inout Draws) {
    let anatomy = chest.anatomy
    let sign = draws.chance(0.7) ? -1.0 : 1.0
    let (x, y) = (sign * draws.uniform(0.36, 0.48), anatomy.apex + draws.uniform(0.38, 0.50))
    chest.attenuation.addTube(
      [
        chest.node(x, y, radius: 0.06, centimetres: 1.4), chest.node(x + 0.01, y, radius: 0.06, centimetres: 1.4),
      ], section: .hollow(marrow: 0.25))
    addWire(
      through: [
        (x, y - 0.05), (sign * 0.36, anatomy.apex + 0.20), (sign * 0.20, anatomy.apex + 0.16),
        (sign * 0.07 - 0.02, anatomy.apex + 0.30), (-0.08, -0.12), (-0.09, draws.uniform(0.0, 0.15)),
      ], radius: 0.021, peak: 1.26, to: &chest)
  }

  private static func addMonitor(to chest: inout Chest, _ draws: inout Draws) {
    for sign in [-1.0, 1.0] {
      let (x, y) = (sign * draws.uniform(0.35, 0.5), draws.uniform(-0.38, -0.2))
      electrode(x, y, to: &chest)
      addWire(
        through: [
          (x, y), (x * 0.8 + draws.uniform(-0.05, 0.05), 0.1), (x * 0.5, 0.45 + draws.uniform(-0.1, 0.1)),
          (sign * 0.1, 0.8), (0, 1.3),
        ], radius: 0.0182, peak: 1.26, to: &chest)
    }
    let (x, y) = (draws.uniform(0.3, 0.55), draws.uniform(0.25, 0.45))
    electrode(x, y, to: &chest)
    addWire(
      through: [(x, y), (x * 0.8, 0.62), (0.15, 0.85), (0.02, 1.3)], radius: 0.0182, peak: 1.26, to: &chest)
  }

  private static func electrode(_ x: Double, _ y: Double, to chest: inout Chest) {
    chest.attenuation.addTube(
      [chest.node(x, y, radius: 0.04, centimetres: 1.2), chest.node(x, y + 0.008, radius: 0.04, centimetres: 1.2)],
      section: .hollow(marrow: 0.2))
  }

  /// A wire through points in body coordinates, bent smoothly (Catmull and Rom's spline).
  private static func addWire(
    through points: [(x: Double, y: Double)], radius: Double, peak: Double, to chest: inout Chest
  ) {
    var nodes: [AttenuationMap.Node] = []
    for index in 0..<points.count - 1 {
      let p0 = points[max(index - 1, 0)]
      let (p1, p2) = (points[index], points[index + 1])
      let p3 = points[min(index + 2, points.count - 1)]
      for step in 0..<8 {
        let t = Double(step) / 8
        func spline(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
          0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
        }
        nodes.append(
          chest.node(
            spline(p0.x, p1.x, p2.x, p3.x), spline(p0.y, p1.y, p2.y, p3.y), radius: radius, centimetres: peak))
      }
    }
    if let last = points.last { nodes.append(chest.node(last.x, last.y, radius: radius, centimetres: peak)) }
    chest.attenuation.addTube(nodes)
  }
}
