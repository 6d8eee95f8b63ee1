import Foundation

/// A patient in place before the detector: what attenuates the beam at each pixel, before anything is wrong.
struct Chest {
  let anatomy: Anatomy
  let pose: Pose
  let side: Int
  var attenuation: AttenuationMap
  /// (side, side): centimetres of air-bearing lung along the beam.
  private(set) var lung: [Double]

  init(anatomy: Anatomy, pose: Pose, side: Int) {
    (self.anatomy, self.pose, self.side) = (anatomy, pose, side)
    attenuation = AttenuationMap(side: side)
    lung = [Double](repeating: 0, count: side * side)
    addSoftTissue()
    addVessels()
    addBones()
  }

  // MARK: Soft tissue

  private mutating func addSoftTissue() {
    let step = 2 / Double(side)
    for row in 0..<side {
      for column in 0..<side {
        let (x, y) = pose.body((Double(column) + 0.5) * step - 1, (Double(row) + 0.5) * step - 1)
        let index = row * side + column
        let tissue = tissue(x, y)
        guard tissue > 0 else { continue }
        let lung = min(lungDepth(x, y), 0.9 * tissue)
        self.lung[index] = lung
        attenuation.values[index] =
          Anatomy.Attenuation.softTissue * (tissue - lung - airway(x, y)) + Anatomy.Attenuation.lung * lung
          + Anatomy.Attenuation.fluidInLung * lung * anatomy.congestion(x, y)
      }
    }
  }

  /// Centimetres of body along the beam, lungs included.
  private func tissue(_ x: Double, _ y: Double) -> Double {
    let outline = anatomy.outline(y)
    let u = x / outline.trunk
    let v = x / outline.shoulders
    let (u2, v2) = (u * u, v * v)
    let trunk = u2 < 1 ? outline.trunkDepth * (1 - u2 * u2.squareRoot()).squareRoot() : 0
    let shoulders = v2 < 1 ? outline.shouldersDepth * (1 - v2 * v2).squareRoot() : 0
    let (arm, breast) = (arm(abs(x), y), breast(abs(x), y))
    // Shoulders and arms lie on either side of the trunk, not before it: the thickest counts, without a crease.
    let (a, b, c) = (trunk * trunk, shoulders * shoulders, arm * arm)
    let thickest = (a * a + b * b + c * c).squareRoot().squareRoot()
    // What lies under the diaphragm is denser than muscle and fat.
    return thickest + breast + (trunk > 0 ? 2.0 * smoothStep((y - 0.35) / 0.35) - gas(x, y) : 0)
  }

  private func arm(_ x: Double, _ y: Double) -> Double {
    // A capsule from the shoulder's joint down and outwards.
    let (fromX, fromY, toX, toY, radius) = (anatomy.shoulder - 0.15, -0.42, anatomy.shoulder + 0.16, 0.75, 0.17)
    let (dx, dy) = (toX - fromX, toY - fromY)
    let t = min(max(((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy), 0), 1)
    let (offX, offY) = (x - fromX - t * dx, y - fromY - t * dy)
    let off = (offX * offX + offY * offY) / (radius * radius)
    return off < 1 ? 9 * (1 - off).squareRoot() : 0
  }

  private func breast(_ x: Double, _ y: Double) -> Double {
    guard anatomy.breast > 0 else { return 0 }
    // Fades upwards, ends in a fold below.
    let (u, v) = ((x - 0.42) / 0.36, (y - 0.22) / (y > 0.22 ? 0.26 : 0.42))
    let off = u * u + v * v
    return off < 1 ? anatomy.breast * (1 - off).squareRoot() : 0
  }

  private func gas(_ x: Double, _ y: Double) -> Double {
    guard anatomy.stomachGas > 0 else { return 0 }
    let (u, v) = ((x - 0.33) / 0.15, (y - anatomy.dome[1] - 0.13) / 0.075)
    let off = u * u + v * v
    return off < 1 ? anatomy.stomachGas * (1 - off).squareRoot() : 0
  }

  /// Centimetres of lung along the beam: the chest's inside without the heart, above the diaphragm.
  private func lungDepth(_ x: Double, _ y: Double) -> Double {
    guard y > anatomy.apex, y < 0.85 else { return 0 }
    let side: Side = x < 0 ? .right : .left
    let (inner, outer) = (anatomy.medialEdge(y), anatomy.cage(y))
    let middle = anatomy.turn * (y < 0 ? 1 : 0.5)
    let u = (2 * abs(x - middle) - outer - inner) / (outer - inner)
    guard abs(u) < 1 else { return 0 }
    // Deep behind the heart and flat towards the tip; the wall is round, the middle steep.
    let rise = smoothStep((y - anatomy.apex + 0.1) / 0.7)
    let full = anatomy.depth * (0.5 + 0.5 * rise) * (1 - u * u * abs(u)).squareRoot()
    let below = y - anatomy.diaphragm(side, x)
    // The recess behind the dome holds a little lung.
    let above = 0.86 * smoothStep(0.5 - below / 0.03) + 0.14 * smoothStep(1 - below / 0.12)
    return max(full - anatomy.heart(x, y), 0) * above
  }

  /// Centimetres of air in the windpipe.
  private func airway(_ x: Double, _ y: Double) -> Double {
    guard y < -0.02 else { return 0 }
    let centre = anatomy.spine(y) + 0.5 * anatomy.turn - 0.01
    let split = max(0, (y + 0.14) / 0.12)
    let off = (abs(x - centre) - 0.10 * split) / (0.042 - 0.014 * min(split, 1))
    return abs(off) < 1 ? 1.7 * (1 - off * off).squareRoot() * (1 - 0.4 * min(split, 1)) : 0
  }

  // MARK: Vessels

  // From each hilum, vessels fan out and fork, thinner and fainter.
  private mutating func addVessels() {
    var draws = Draws(anatomy.details)
    for side in Side.allCases {
      for branch in 0..<9 {
        // Degrees from straight up, outwards.
        let angle = 20 + 17 * Double(branch) + draws.uniform(-4, 4)
        let root = (x: side.sign * 0.15 + anatomy.turn, y: 0.0 + 0.012 * Double(branch))
        vessel(
          from: root, angle: angle, side: side, length: draws.uniform(0.34, 0.46), radius: draws.uniform(0.013, 0.019),
          forks: 2, &draws)
      }
    }
  }

  private mutating func vessel(
    from root: (x: Double, y: Double), angle: Double, side: Side, length: Double, radius: Double, forks: Int,
    _ draws: inout Draws
  ) {
    let steps = 6
    let bend = draws.uniform(-9, 9)
    var (x, y) = root
    var nodes: [AttenuationMap.Node] = []
    for step in 0...steps {
      let t = Double(step) / Double(steps)
      let thin = radius * (1 - 0.65 * t)
      nodes.append(node(x, y, radius: thin, centimetres: 70 * thin * Anatomy.Attenuation.fluidInLung))
      let direction = (angle + bend * t) * .pi / 180
      x += side.sign * sin(direction) * length / Double(steps)
      y -= cos(direction) * length / Double(steps)
    }
    attenuation.addTube(nodes)
    guard forks > 0 else { return }
    for sign in [-1.0, 1.0] {
      let start = (x: (nodes[3].x), y: nodes[3].y)
      let body = pose.body(start.x, start.y)
      vessel(
        from: body, angle: angle + bend * 0.5 + sign * draws.uniform(18, 26), side: side,
        length: length * draws.uniform(0.5, 0.7), radius: radius * 0.62, forks: forks - 1, &draws)
    }
  }

  /// Whether the beam that meets a point in body coordinates has passed through lung.
  func isLung(_ x: Double, _ y: Double) -> Bool {
    let place = pose.image(x, y)
    let column = Int(((place.x + 1) / 2 * Double(side)).rounded(.down))
    let row = Int(((place.y + 1) / 2 * Double(side)).rounded(.down))
    guard (0..<side).contains(column), (0..<side).contains(row) else { return false }
    return lung[row * side + column] > 0
  }

  /// A point of a tube given in body coordinates; `centimetres` is already an attenuation.
  func node(_ x: Double, _ y: Double, radius: Double, centimetres peak: Double) -> AttenuationMap.Node {
    let place = pose.image(x, y)
    return .init(x: place.x, y: place.y, radius: radius * pose.scale, peak: peak)
  }

  // MARK: Bones

  private mutating func addBones() {
    let bone = Anatomy.Attenuation.bone * anatomy.boneDensity
    addSpine(bone)
    for side in Side.allCases {
      for rib in 0..<11 { addRib(rib, side, bone) }
      addClavicle(side, bone)
      addShoulderBlade(side, bone)
    }
  }

  private mutating func addSpine(_ bone: Double) {
    // Vertebra and disc by turns; the processes between the vertebrae are denser.
    let pitch = 0.112
    var y = -1.3 + anatomy.spinePhase * pitch
    while y < 1.4 {
      let width = 0.066 + 0.016 * smoothStep((y + 0.6) / 1.4)
      for (from, to) in [(0.12, 0.82)] {
        let top = y + from * pitch
        let bottom = y + to * pitch
        // A block: several rods side by side would show seams, one broad flat one does not.
        attenuation.addTube(
          [
            node(anatomy.spine(top), top + width * 0.25, radius: width, centimetres: 1.3 * bone),
            node(anatomy.spine(bottom), bottom - width * 0.25, radius: width, centimetres: 1.3 * bone),
          ], section: .hollow(marrow: 0.75))
      }
      let middle = y + 0.5 * pitch
      let centre = anatomy.spine(middle) - 0.4 * anatomy.turn
      attenuation.addTube(
        [
          node(centre, middle - 0.012, radius: 0.014, centimetres: 1.0 * bone),
          node(centre, middle + 0.03, radius: 0.011, centimetres: 1.0 * bone),
        ])
      for sign in [-1.0, 1.0] {
        attenuation.addTube(
          [
            node(centre + sign * 0.03, middle - 0.01, radius: 0.016, centimetres: 0.6 * bone),
            node(centre + sign * 0.115, middle - 0.02, radius: 0.012, centimetres: 0.4 * bone),
          ])
      }
      y += pitch
    }
  }

  /// A rib is a tilted hoop: seen from the front it falls from the spine to the flank and on to the breastbone.
  private mutating func addRib(_ rib: Int, _ side: Side, _ bone: Double) {
    let level = anatomy.apex - 0.02 + anatomy.ribPhase + anatomy.ribGap * Double(rib)
    let fall = anatomy.ribFall * (0.45 + 0.55 * min(Double(rib) / 4, 1))
    let reach = anatomy.cage(level + 0.5 * fall) + 0.012
    // Floating ribs have no front; the others end in cartilage that hardly shows.
    let last = rib > 8 ? 1.75 : 2.35
    let steps = 26
    var nodes: [AttenuationMap.Node] = []
    for step in 0...steps {
      let t = Double(step) / Double(steps)
      let angle = 0.10 + (last - 0.10) * t
      let out = sin(angle)
      let x = side.sign * reach * out + anatomy.turn * (angle > 1.57 ? 0.8 : -0.4)
      // The back of a rib rises a little before it falls.
      let y = level + fall * (1 - cos(angle)) / 2 - 0.02 * sin(2 * angle) * (angle < 1.57 ? 1 : 0)
      let back = angle < 1.57 ? 1 : 0.85
      // Along the flank the beam runs through the rib lengthwise.
      let along = 1 + 0.8 * smoothStep((out - 0.82) / 0.18)
      let fade = smoothStep((1 - t) / 0.12)
      nodes.append(
        node(
          x, y, radius: anatomy.ribRadius * (0.85 + 0.15 * out) * (angle < 1.57 ? 1 : 1.1),
          centimetres: 1.7 * bone * back * along * fade))
    }
    attenuation.addTube(nodes, section: .hollow(marrow: 0.45))
  }

  private mutating func addClavicle(_ side: Side, _ bone: Double) {
    let steps = 14
    let nodes = (0...steps).map { step in
      let t = Double(step) / Double(steps)
      let x = side.sign * (0.085 + 0.60 * t) + anatomy.turn * 1.6
      // An S: convex forwards near the breastbone, hollow near the shoulder.
      let y = anatomy.apex + 0.20 - anatomy.clavicleRise * t - 0.028 * sin(2 * .pi * t)
      let radius = 0.030 - 0.010 * sin(.pi * t)
      return node(x, y, radius: radius, centimetres: 2.2 * bone)
    }
    attenuation.addTube(nodes, section: .hollow(marrow: 0.5))
  }

  private mutating func addShoulderBlade(_ side: Side, _ bone: Double) {
    let out = anatomy.shoulder - 0.16
    func line(_ points: [(Double, Double)], radius: Double, peak: Double, section: AttenuationMap.Section) {
      attenuation.addTube(
        points.map { node(side.sign * $0.0, $0.1, radius: radius, centimetres: peak * bone) }, section: section)
    }
    // The blade's edges, its spine with the acromion, the joint and the upper arm.
    line(
      [(out - 0.05, -0.40), (out - 0.13, -0.15), (out - 0.22, 0.08)], radius: 0.028, peak: 0.9,
      section: .hollow(marrow: 0.5))
    line([(out - 0.20, -0.50), (out - 0.27, -0.2), (out - 0.22, 0.08)], radius: 0.022, peak: 0.5, section: .soft)
    line([(out - 0.24, -0.42), (out - 0.02, -0.56)], radius: 0.03, peak: 0.8, section: .hollow(marrow: 0.5))
    line(
      [(out + 0.01, -0.43), (out + 0.09, -0.15), (out + 0.26, 0.5), (out + 0.3, 0.8)], radius: 0.055, peak: 2.2,
      section: .hollow(marrow: 0.45))
    line([(out + 0.0, -0.44), (out + 0.015, -0.42)], radius: 0.085, peak: 1.6, section: .hollow(marrow: 0.6))
  }
}
