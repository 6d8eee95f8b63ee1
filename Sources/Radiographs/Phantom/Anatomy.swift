import Foundation
import Platform

/// One patient's chest, as lengths and positions in body coordinates (see ``Pose``) and thicknesses in centimetres
/// along the beam.
struct Anatomy: Sendable {
  /// Linear attenuation per centimetre at about 70 keV.
  enum Attenuation {
    static let softTissue = 0.19
    static let lung = 0.05
    /// What cortical bone attenuates beyond the soft tissue that it displaces.
    static let bone = 0.30
    /// What a blood-filled vessel or fluid attenuates beyond the lung that it displaces.
    static let fluidInLung = softTissue - lung
  }

  // The rib cage.
  var apex: Double  // top of the lungs
  var halfWidth: Double  // of the lungs at their widest
  var depth: Double  // of the lungs, cm
  var chestWall: Double  // from the ribs to the skin
  var trunkDepth: Double  // cm
  // The diaphragm: top of each dome; its fall to the costophrenic angle.
  var dome: [Double]
  var domeFall: Double
  // The middle: how far a slightly turned patient's front lies to the side of the back.
  var turn: Double
  var heartX: Double
  var heartY: Double
  var heartLong: Double
  var heartShort: Double
  private var heartCosine: Double  // of the angle by which its long axis dips to the left
  private var heartSine: Double
  var heartDepth: Double  // cm
  var mediastinum: Double  // half width above the heart
  var aorta: Double  // radius of the knob
  // Bones.
  var ribGap: Double
  var ribFall: Double  // from the back end of a rib to its front end
  var ribRadius: Double
  var ribPhase: Double
  var boneDensity: Double
  var clavicleRise: Double
  var spineBend: Double
  var spinePhase: Double
  /// (sides, zones): how much of the air there gives way to blood and water, as gravity, posture and age have it. It is
  /// what a learned method can measure beyond the shapes: disease goes further.
  var congestion: [[Double]]
  // Soft tissue.
  var shoulder: Double
  var breast: Double  // cm, 0 for none
  var stomachGas: Double  // cm, 0 for none
  /// The stream of the small things: vessels.
  let details: CounterRandom

  init(_ draws: inout Draws, details: CounterRandom) {
    let habitus = draws.normal(0, 0.5)
    apex = draws.normal(-0.70, 0.009)
    halfWidth = draws.normal(0.70, 0.009) + 0.008 * habitus
    depth = draws.normal(14, 0.3)
    chestWall = max(0.06, 0.115 + 0.03 * habitus)
    trunkDepth = 21 + 1.4 * habitus + draws.normal(0, 0.2)
    let inspiration = draws.normal(0, 0.0125)
    dome = [0.40 + inspiration + draws.normal(0, 0.004), 0.455 + inspiration + draws.normal(0, 0.004)]
    domeFall = draws.normal(0.27, 0.01)
    turn = draws.normal(0, 0.006)
    heartX = draws.normal(0.10, 0.006)
    heartY = draws.normal(0.25, 0.0075) + 0.5 * inspiration
    heartLong = draws.normal(0.345, 0.007)
    heartShort = draws.normal(0.25, 0.005)
    let tilt = draws.normal(0.62, 0.025)
    (heartCosine, heartSine) = (cos(tilt), sin(tilt))
    heartDepth = draws.normal(9.5, 0.25)
    mediastinum = draws.normal(0.105, 0.004)
    aorta = draws.normal(0.085, 0.004)
    ribGap = draws.normal(0.118, 0.00125)
    ribFall = draws.normal(0.34, 0.01)
    ribRadius = draws.normal(0.029, 0.001)
    ribPhase = draws.normal(0, 0.006)
    boneDensity = draws.normal(1, 0.04)
    clavicleRise = draws.normal(0.10, 0.0125)
    spineBend = draws.normal(0, 0.006)
    spinePhase = draws.uniform(0, 1)
    shoulder = draws.normal(0.98, 0.015)
    breast = draws.chance(0.45) ? draws.uniform(0.8, 2.2) : 0
    stomachGas = draws.chance(0.6) ? draws.uniform(1.5, 4) : 0
    congestion = Side.allCases.map { _ in Zone.allCases.map { _ in draws.uniform(0, 0.25) } }
    self.details = details
  }
}

// MARK: Shapes

/// The two sides of the chest, as the picture shows them.
enum Side: Int, CaseIterable, Sendable {
  /// Left in the picture, as radiologists read it: the patient's right.
  case right = 0
  case left = 1
  var sign: Double { self == .right ? -1 : 1 }
}

/// A third of a lung, from the apex down.
enum Zone: Int, CaseIterable, Sendable {
  case upper, middle, lower
  /// The height of its middle in body coordinates.
  var height: Double { -0.35 + 0.36 * Double(rawValue) }
}

/// 1 above 1, 0 below 0, smooth between.
func smoothStep(_ t: Double) -> Double {
  let t = min(max(t, 0), 1)
  return t * t * (3 - 2 * t)
}

extension Anatomy {
  // Where the lungs would meet their lowest point, were there no diaphragm.
  private static let base = 0.80
  // The lungs' tips lie beside the midline.
  private static let tip = 0.27

  /// Half the width of the rib cage's inside at a height.
  func cage(_ y: Double) -> Double {
    let s = (y - apex) / (Self.base - apex)
    if s <= 0 { return Self.tip }
    // Widens like an egg down to three quarters of its height, then barely narrows.
    let t = min(s / 0.78, 1)
    let opening = (1 - (1 - t) * (1 - t) * (1 - 0.35 * t)).squareRoot()
    return Self.tip + (halfWidth - Self.tip) * opening - 0.03 * smoothStep((s - 0.8) / 0.6)
  }

  /// Where a lung ends towards the middle.
  func medialEdge(_ y: Double) -> Double {
    let s = (y - apex) / 0.22
    if s <= 0 { return Self.tip }
    let t = min(s, 1)
    return Self.tip - (Self.tip - mediastinum + 0.03) * (1 - (1 - t) * (1 - t)).squareRoot()
  }

  /// Height of the diaphragm's upper surface.
  func diaphragm(_ side: Side, _ x: Double) -> Double {
    let centre = 0.34
    let out = abs(x) - centre
    let reach = out > 0 ? halfWidth - centre : centre - 0.05
    let t = out / reach
    return dome[side.rawValue] + (out > 0 ? domeFall * t * t * (0.55 + 0.45 * t * t) : 0.10 * t * t)
  }

  /// The fraction of the air that has given way to blood and water at a place in the lungs.
  func congestion(_ x: Double, _ y: Double) -> Double {
    let zones = congestion[(x < 0 ? Side.right : .left).rawValue]
    return Zone.allCases.reduce(0) { sum, zone in
      let off = (y - zone.height) / 0.2
      return sum + zones[zone.rawValue] * exp(-off * off)
    }
  }

  /// Half the width of the trunk with its shoulders, and how thick it is there in cm.
  func outline(_ y: Double) -> (trunk: Double, trunkDepth: Double, shoulders: Double, shouldersDepth: Double) {
    let ribs = cage(y)
    let waist = smoothStep((y - 0.3) / 0.6)
    let top = smoothStep((y - apex + 0.30) / 0.30)
    let trunk = 0.20 + (ribs + chestWall - 0.20 - 0.01 * waist) * top
    let thick = trunkDepth * (0.62 + 0.38 * smoothStep((y - apex + 0.12) / 0.75)) * (1 + 0.04 * waist)
    // Sloping from the neck, rounded at the joint, ending in the armpit's fold.
    let slope = smoothStep((y - apex + 0.22) / 0.34)
    let fold = 1 - smoothStep((y + 0.22) / 0.30)
    let shoulders = 0.16 + (shoulder - 0.16) * slope
    return (trunk, thick, shoulders * (0.75 + 0.25 * fold), 12 * (0.12 + 0.88 * fold) * (0.5 + 0.5 * slope))
  }

  /// The horizontal place of the backbone.
  func spine(_ y: Double) -> Double { spineBend * sin(2.2 * y + 0.5) - 0.5 * turn }

  /// The heart's, the aorta's and the great vessels' chord in cm at a point.
  func heart(_ x: Double, _ y: Double) -> Double {
    let (dx, dy) = (x - heartX - turn, y - heartY)
    let (u, v) = ((heartCosine * dx + heartSine * dy) / heartLong, (heartCosine * dy - heartSine * dx) / heartShort)
    let r = u * u + v * v
    var chord = r < 1 ? heartDepth * (1 - r).squareRoot() : 0
    let (ax, ay) = (x - 0.085 - turn, y + 0.20)
    let a = (ax * ax + ay * ay) / (aorta * aorta)
    if a < 1 { chord = max(chord, 6.5 * (1 - a).squareRoot()) }
    // The left heart border's waist: pulmonary trunk and auricle.
    let (px, py) = ((x - 0.09 - turn) / 0.125, (y - 0.0) / 0.17)
    let p = px * px + py * py
    if p < 1 { chord = max(chord, 6 * (1 - p).squareRoot()) }
    // The right atrium.
    let (qx, qy) = ((x + 0.055 - turn) / 0.165, (y - 0.24) / 0.24)
    let q = qx * qx + qy * qy
    if q < 1 { chord = max(chord, 7 * (1 - q).squareRoot()) }
    return chord
  }
}
