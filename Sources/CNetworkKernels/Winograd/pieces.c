#include "CNetworkKernels.h"
#include "products.h"
#include "rooms.h"
#include "transforms.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// A pass in two phases of pieces that know nothing of each other. What a piece reads of the phase before is in `shared`,
// what it works in is its thread's own. Convolutions have the bits of one thread; a weight gradient of several turns is summed
// in parts, which follow from its shape, and has its own.

// MARK: What a pass is

struct plan {
  struct turn turn;
  int64_t tiles, turns;
  int in_one_turn;
  int64_t inputs, outputs, pairs;
  /// Of the turns of a weight gradient, each summed alone.
  int64_t parts;
};

static int64_t pairs_of(int64_t blocks) { return (blocks + 1) / 2; }

/// `inputs` and `outputs` of the pass: a source gradient's are those of the convolution exchanged.
static struct plan plan_of(const ck_winograd_pass *pass) {
  struct plan plan;
  const int exchanged = pass->kind == ck_winograd_of_source;
  plan.tiles = turns(pass->images, pass->side, &plan.turn);
  plan.in_one_turn = plan.turn.count == plan.tiles;
  plan.turns = (plan.tiles + plan.turn.count - 1) / plan.turn.count;
  plan.inputs = exchanged ? pass->output_blocks : pass->input_blocks;
  plan.outputs = exchanged ? pass->input_blocks : pass->output_blocks;
  plan.pairs = pairs_of(plan.outputs);
  // Sixteen parts where their sums are small beside what they are made from.
  const int64_t most = plan.inputs * plan.outputs <= 16 ? 16 : 8;
  plan.parts = plan.turns < most ? plan.turns : most;
  return plan;
}

static struct turn turn_at(const struct plan *plan, int64_t index) {
  struct turn turn = plan->turn;
  turn.first = index * plan->turn.count;
  if (turn.count > plan->tiles - turn.first) turn.count = plan->tiles - turn.first;
  return turn;
}

/// Floats of the sums of one tile of weights at all positions, two blocks wide.
enum { weight_sums = positions * 2 * block * block };

int64_t ck_winograd_shared(const ck_winograd_pass *pass) {
  const struct plan plan = plan_of(pass);
  if (pass->kind == ck_winograd_of_weights) {
    return plan.in_one_turn ? positions * (apart(plan.inputs, plan.turn.room) + apart(plan.outputs, plan.turn.room))
                            : plan.parts * plan.inputs * plan.pairs * weight_sums;
  }
  return positions *
    (plan.in_one_turn ? apart(plan.inputs, plan.turn.room) : plan.pairs * weights_apart(plan.inputs, 2));
}

int64_t ck_winograd_own(const ck_winograd_pass *pass) {
  const struct plan plan = plan_of(pass);
  const int64_t v = positions * apart(plan.inputs, plan.turn.room);
  if (pass->kind == ck_winograd_of_weights) {
    return plan.in_one_turn ? weight_sums : v + positions * apart(plan.outputs, plan.turn.room);
  }
  return positions * apart(2, plan.turn.room) + (plan.in_one_turn ? positions * weights_apart(plan.inputs, 2) : v);
}

int64_t ck_winograd_pieces(const ck_winograd_pass *pass, int phase) {
  const struct plan plan = plan_of(pass);
  if (pass->kind == ck_winograd_of_weights) {
    if (phase == 1) return plan.inputs * plan.pairs;
    return plan.in_one_turn ? plan.inputs + plan.outputs : plan.parts;
  }
  if (phase == 0) return plan.in_one_turn ? plan.inputs : plan.pairs;
  return plan.in_one_turn ? plan.pairs : plan.turns;
}

// MARK: Pieces

ALWAYS_INLINE int width_of(const struct plan *plan, int64_t pair) { return 2 * pair + 1 < plan->outputs ? 2 : 1; }

ALWAYS_INLINE void convolve_piece(
  const ck_winograd_pass *pass, const struct plan *plan, const struct map *from, const struct weights *weights,
  const struct map *to, int phase, int64_t piece, float *own) {
  const int64_t v_stride = apart(plan->inputs, plan->turn.room), u_size = positions * weights_apart(plan->inputs, 2);
  if (phase == 0 && plan->in_one_turn) {
    transform_source(from, piece, piece + 1, &plan->turn, pass->shared, v_stride);
  } else if (phase == 0) {
    float *u = pass->shared + piece * u_size;
    if (width_of(plan, piece) == 2) {
      transform_weights(weights, 2 * piece, 2, u, weights_apart(plan->inputs, 2));
    } else {
      transform_weights(weights, 2 * piece, 1, u, weights_apart(plan->inputs, 1));
    }
  } else {
    const struct turn turn = turn_at(plan, plan->in_one_turn ? 0 : piece);
    float *m = own, *rest = m + positions * apart(2, turn.room);
    const int64_t first = plan->in_one_turn ? piece : 0, end = plan->in_one_turn ? piece + 1 : plan->pairs;
    if (!plan->in_one_turn) transform_source(from, 0, plan->inputs, &turn, rest, v_stride);
    const float *v = plan->in_one_turn ? pass->shared : rest;
    for (int64_t pair = first; pair < end; pair++) {
      float *u = plan->in_one_turn ? rest : pass->shared + pair * u_size;
      if (width_of(plan, pair) == 2) {
        convolve_blocks(v, weights, 2 * pair, 2, &turn, plan->in_one_turn, u, m, to, pass->then);
      } else {
        convolve_blocks(v, weights, 2 * pair, 1, &turn, plan->in_one_turn, u, m, to, pass->then);
      }
    }
  }
}

/// Adds the products of a turn's tiles at `position`; v and z are those of block `b` and the pair's first.
ALWAYS_INLINE void add_products(
  const float *v, const float *z, const struct turn *turn, float *sums, int position, const int wide) {
  outer_products(v, z, turn, sums + position * wide * block * block, wide);
}

/// Of the turns first ..< end, all sums; `sums` is (inputs, pairs, positions, 16, 2, 16).
ALWAYS_INLINE void sum_part(
  const struct plan *plan, const struct map *from, const struct map *gradient, int64_t first, int64_t end, float *sums,
  float *own) {
  const int64_t v_stride = apart(plan->inputs, plan->turn.room), z_stride = apart(plan->outputs, plan->turn.room);
  float *v = own, *z = v + positions * v_stride;
  for (int64_t index = first; index < end; index++) {
    struct turn turn = turn_at(plan, index);
    transform_source(from, 0, plan->inputs, &turn, v, v_stride);
    transform_gradient(gradient, 0, plan->outputs, &turn, z, z_stride);
    // The part's first turn sets the sums.
    turn.first = index - first;
    for (int p = 0; p < positions; p++)
      for (int64_t b = 0; b < plan->inputs; b++)
        for (int64_t pair = 0; pair < plan->pairs; pair++) {
          float *place = sums + (b * plan->pairs + pair) * weight_sums;
          const float *vp = v + p * v_stride + b * turn.room * block;
          const float *zp = z + p * z_stride + 2 * pair * turn.room * block;
          if (width_of(plan, pair) == 2) {
            add_products(vp, zp, &turn, place, p, 2);
          } else {
            add_products(vp, zp, &turn, place, p, 1);
          }
        }
  }
}

ALWAYS_INLINE void weight_piece(
  const ck_winograd_pass *pass, const struct plan *plan, const struct map *from, const struct map *gradient, int phase,
  int64_t piece, float *own) {
  const int64_t v_stride = apart(plan->inputs, plan->turn.room), z_stride = apart(plan->outputs, plan->turn.room);
  float *v = pass->shared, *z = v + positions * v_stride;
  if (phase == 0 && plan->in_one_turn) {
    if (piece < plan->inputs) {
      transform_source(from, piece, piece + 1, &plan->turn, v, v_stride);
    } else {
      transform_gradient(gradient, piece - plan->inputs, piece - plan->inputs + 1, &plan->turn, z, z_stride);
    }
    return;
  }
  const int64_t all = plan->inputs * plan->pairs * weight_sums;
  if (phase == 0) {
    const int64_t first = plan->turns * piece / plan->parts, end = plan->turns * (piece + 1) / plan->parts;
    sum_part(plan, from, gradient, first, end, pass->shared + piece * all, own);
    return;
  }
  const int64_t b = piece / plan->pairs, pair = piece % plan->pairs;
  const int wide = width_of(plan, pair);
  float *sums = own;
  if (plan->in_one_turn) {
    for (int p = 0; p < positions; p++) {
      const float *vp = v + p * v_stride + b * plan->turn.room * block;
      const float *zp = z + p * z_stride + 2 * pair * plan->turn.room * block;
      if (wide == 2) {
        add_products(vp, zp, &plan->turn, sums, p, 2);
      } else {
        add_products(vp, zp, &plan->turn, sums, p, 1);
      }
    }
  } else {
    sums = pass->shared + piece * weight_sums;
    for (int64_t part = 1; part < plan->parts; part++) {
      const float *more = sums + part * all;
      for (int64_t i = 0; i < positions * wide * block * block; i += block) {
        LANES(sums + i) = LANES(sums + i) + LANES(more + i);
      }
    }
  }
  float *tile = pass->weight_gradient + (2 * pair * plan->inputs + b) * 9 * block * block;
  if (wide == 2) {
    transform_weight_sums(sums, 2, tile, plan->inputs * 9 * block * block);
  } else {
    transform_weight_sums(sums, 1, tile, plan->inputs * 9 * block * block);
  }
}

// MARK: Versions for what activations are stored as

ALWAYS_INLINE void run_piece(const ck_winograd_pass *pass, const int bfloat16, int phase, int64_t piece, float *own) {
  const struct plan plan = plan_of(pass);
  const struct map from = {(void *)pass->source, plan.inputs, pass->side, bfloat16};
  if (pass->kind == ck_winograd_of_weights) {
    const struct map gradient = {(void *)pass->gradient, plan.outputs, pass->side, bfloat16};
    weight_piece(pass, &plan, &from, &gradient, phase, piece, own);
  } else {
    const int64_t side = pass->then && pass->then->pools ? pass->side / 2 : pass->side;
    const struct map to = {pass->destination, plan.outputs, side, bfloat16};
    const struct weights weights = {pass->weights, plan.inputs, plan.outputs, pass->kind == ck_winograd_of_source};
    convolve_piece(pass, &plan, &from, &weights, &to, phase, piece, own);
  }
}

AVX512 static void run_piece_of_floats(const ck_winograd_pass *pass, int phase, int64_t piece, float *own) {
  run_piece(pass, 0, phase, piece, own);
}

AVX512 static void run_piece_of_bfloat16(const ck_winograd_pass *pass, int phase, int64_t piece, float *own) {
  run_piece(pass, 1, phase, piece, own);
}

void ck_winograd_piece(const ck_winograd_pass *pass, int phase, int64_t piece, float *own) {
  (pass->layout == ck_blocks_of_16_bfloat16 ? run_piece_of_bfloat16 : run_piece_of_floats)(pass, phase, piece, own);
}
