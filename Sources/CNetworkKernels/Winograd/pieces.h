#pragma once
#include "passes.h"

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
  int64_t inputs, outputs, groups;
  /// Of the turns of a weight gradient, each summed alone.
  int64_t parts;
};

/// Blocks of outputs that are computed together, so many of them.
struct group {
  int64_t first;
  int wide;
};

ALWAYS_INLINE int64_t groups_of(int64_t outputs) {
  int64_t groups = 0;
  for (int64_t o = 0; o < outputs; o += wide_of(outputs - o)) groups++;
  return groups;
}

ALWAYS_INLINE struct group group_at(const struct plan *plan, int64_t index) {
  int64_t o = 0;
  for (; index; index--) o += wide_of(plan->outputs - o);
  return (struct group){o, wide_of(plan->outputs - o)};
}

/// `inputs` and `outputs` of the pass: a source gradient's are those of the convolution exchanged.
ALWAYS_INLINE struct plan plan_of(const ck_winograd_pass *pass) {
  struct plan plan;
  const int exchanged = pass->kind == ck_winograd_of_source;
  plan.tiles = turns(pass->images, pass->side, &plan.turn);
  plan.in_one_turn = plan.turn.count == plan.tiles;
  plan.turns = (plan.tiles + plan.turn.count - 1) / plan.turn.count;
  plan.inputs = exchanged ? pass->output_blocks : pass->input_blocks;
  plan.outputs = exchanged ? pass->input_blocks : pass->output_blocks;
  plan.groups = groups_of(plan.outputs);
  // Sixteen parts where their sums are small beside what they are made from.
  const int64_t most = plan.inputs * plan.outputs <= 16 ? 16 : 8;
  plan.parts = plan.turns < most ? plan.turns : most;
  return plan;
}

ALWAYS_INLINE struct turn turn_at(const struct plan *plan, int64_t index) {
  struct turn turn = plan->turn;
  turn.first = index * plan->turn.count;
  if (turn.count > plan->tiles - turn.first) turn.count = plan->tiles - turn.first;
  return turn;
}

/// Floats of the sums of one tile of weights at all positions.
enum { weight_sums = positions * block * block };

static int64_t shared_size(const ck_winograd_pass *pass) {
  const struct plan plan = plan_of(pass);
  if (pass->kind == ck_winograd_of_weights) {
    return plan.in_one_turn ? positions * (apart(plan.inputs, plan.turn.room) + apart(plan.outputs, plan.turn.room))
                            : plan.parts * plan.inputs * plan.outputs * weight_sums;
  }
  return positions *
    (plan.in_one_turn ? apart(plan.inputs, plan.turn.room) : plan.outputs * weights_apart(plan.inputs, 1));
}

static int64_t own_size(const ck_winograd_pass *pass) {
  const struct plan plan = plan_of(pass);
  const int64_t v = positions * apart(plan.inputs, plan.turn.room);
  if (pass->kind == ck_winograd_of_weights) {
    return plan.in_one_turn ? most_wide * weight_sums : v + positions * apart(plan.outputs, plan.turn.room);
  }
  return positions * apart(most_wide, plan.turn.room) +
    (plan.in_one_turn ? positions * weights_apart(plan.inputs, most_wide) : v);
}

static int64_t piece_count(const ck_winograd_pass *pass, int phase) {
  const struct plan plan = plan_of(pass);
  if (pass->kind == ck_winograd_of_weights) {
    if (phase == 1) return plan.inputs * plan.groups;
    return plan.in_one_turn ? plan.inputs + plan.outputs : plan.parts;
  }
  if (phase == 0) return plan.in_one_turn ? plan.inputs : plan.groups;
  return plan.in_one_turn ? plan.groups : plan.turns;
}

// MARK: Pieces

ALWAYS_INLINE void convolve_piece(
  const ck_winograd_pass *pass, const struct plan *plan, const struct map *from, const struct weights *weights,
  const struct map *to, int phase, int64_t piece, float *own) {
  const int64_t v_stride = apart(plan->inputs, plan->turn.room), u_size = positions * weights_apart(plan->inputs, 1);
  if (phase == 0 && plan->in_one_turn) {
    transform_source(from, piece, piece + 1, &plan->turn, pass->shared, v_stride);
  } else if (phase == 0) {
    const struct group group = group_at(plan, piece);
    transform_weights(
      weights, group.first, group.wide, pass->shared + group.first * u_size, weights_apart(plan->inputs, group.wide));
  } else if (plan->in_one_turn) {
    float *m = own, *u = m + positions * apart(most_wide, plan->turn.room);
    convolve_next(pass->shared, weights, group_at(plan, piece).first, &plan->turn, 1, u, m, to, pass->then);
  } else {
    const struct turn turn = turn_at(plan, piece);
    float *m = own, *v = m + positions * apart(most_wide, turn.room);
    transform_source(from, 0, plan->inputs, &turn, v, v_stride);
    for (int64_t o = 0; o < plan->outputs; o += wide_of(plan->outputs - o))
      convolve_next(v, weights, o, &turn, 0, pass->shared + o * u_size, m, to, pass->then);
  }
}

/// Of the turns first ..< end, all sums; `sums` is (inputs, groups, positions, block, wide, block).
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
        for (int64_t o = 0; o < plan->outputs; o += wide_of(plan->outputs - o))
          add_products(
            v + p * v_stride + b * turn.room * block, z + p * z_stride + o * turn.room * block, &turn,
            sums + (b * plan->outputs + o) * weight_sums, p, wide_of(plan->outputs - o));
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
  const int64_t all = plan->inputs * plan->outputs * weight_sums;
  if (phase == 0) {
    const int64_t first = plan->turns * piece / plan->parts, end = plan->turns * (piece + 1) / plan->parts;
    sum_part(plan, from, gradient, first, end, pass->shared + piece * all, own);
    return;
  }
  const int64_t b = piece / plan->groups;
  const struct group group = group_at(plan, piece % plan->groups);
  float *sums = own;
  if (plan->in_one_turn) {
    for (int p = 0; p < positions; p++)
      add_products(
        v + p * v_stride + b * plan->turn.room * block, z + p * z_stride + group.first * plan->turn.room * block,
        &plan->turn, sums, p, group.wide);
  } else {
    sums = pass->shared + (b * plan->outputs + group.first) * weight_sums;
    for (int64_t part = 1; part < plan->parts; part++) {
      const float *more = sums + part * all;
      for (int64_t i = 0; i < group.wide * weight_sums; i += block) {
        LANES(sums + i) = LANES(sums + i) + LANES(more + i);
      }
    }
  }
  const int64_t tile = 9 * block * block;
  transform_weight_sums(
    sums, group.wide, pass->weight_gradient + (group.first * plan->inputs + b) * tile, plan->inputs * tile);
}

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
