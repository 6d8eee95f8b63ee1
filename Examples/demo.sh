#!/usr/bin/env bash
# The whole path in a few minutes: draw X-rays, train on two ranks, score on two ranks, merge the sharded bank, score
# with the merged one, and show how well anomalies are told from normal images. Everything lands in demo/.
#
# The environment may set SEED, OUT, SALAD, and sizes: TRAIN, TEST_NORMAL, TEST_ANOMALOUS (images), SIZE (pixels),
# MAX_WIDTH (channels), ROUNDS, EPOCHS (of each round).
set -euo pipefail
cd "$(dirname "$0")/.."

SALAD=${SALAD:-.build/release/salad}
SEED=${SEED:-1}
OUT=${OUT:-demo}
TRAIN=${TRAIN:-800}
TEST_NORMAL=${TEST_NORMAL:-100}
TEST_ANOMALOUS=${TEST_ANOMALOUS:-160}
SIZE=${SIZE:-128}
MAX_WIDTH=${MAX_WIDTH:-64}
ROUNDS=${ROUNDS:-1}
EPOCHS=${EPOCHS:-3}

stop() {
  echo "demo: $1" >&2
  exit 1
}
[ -x "$SALAD" ] || stop "$SALAD is not there: run make build first, or name the program in SALAD"
command -v mpirun > /dev/null || stop "mpirun is not on PATH: install openmpi-bin, or load your cluster's Open MPI module"
# mpirun refuses to run as root, as in a container, unless told twice.
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

say() { printf '\n== %s\n' "$*" >&2; }
run() {
  printf '$ %s\n' "$*" >&2
  "$@"
}
two_ranks() { run mpirun --bind-to none --oversubscribe -n 2 "$@"; }

# What an earlier demo left may go; anything else of that name may not.
[ ! -e "$OUT" ] || [ -d "$OUT/phantoms" ] || [ -z "$(ls -A "$OUT")" ] ||
  stop "$OUT is there and is no earlier demo's folder: name another one in OUT"
rm -rf "$OUT"
mkdir -p "$OUT"

say "draw synthetic chest X-rays: normal ones to train on, normal and anomalous ones to test"
run "$SALAD" phantom "$OUT/phantoms" --train "$TRAIN" --test-normal "$TEST_NORMAL" \
  --test-anomalous "$TEST_ANOMALOUS" --size "$SIZE" --seed "$SEED"

# The default method on a narrow network for six epochs, to last a minute or two.
say "train on the normal ones: two ranks, each with a replica of the network and half of the memory bank"
two_ranks "$SALAD" train --data "$OUT/phantoms" --run "$OUT/run" --size "$SIZE" --max-width "$MAX_WIDTH" \
  --rounds "$ROUNDS" --epochs-per-round "$EPOCHS" --seed "$SEED"

say "score the test images on two ranks: the bank stays sharded"
two_ranks "$SALAD" score "$OUT/run" "$OUT/phantoms/test" --csv > "$OUT/sharded.csv"

say "merge the shards into one bank, and score with that"
run "$SALAD" merge "$OUT/run" --output "$OUT/deploy"
run "$SALAD" score "$OUT/deploy" "$OUT/phantoms/test" --csv > "$OUT/merged.csv"
cmp "$OUT/sharded.csv" "$OUT/merged.csv"
echo "both gave the same $(($(wc -l < "$OUT/merged.csv") - 1)) scores, byte for byte"

say "the most anomalous images, score and path"
tail -n +2 "$OUT/merged.csv" | awk -F, '{ print $2 "  " $1 }' | sort -gr |
  # Reads to the end: a consumer that leaves early ends the pipeline by SIGPIPE, which pipefail reports.
  awk 'NR <= 5'

say "how well anomalous images are told from normal ones"
two_ranks "$SALAD" evaluate "$OUT/run" --data "$OUT/phantoms" --baseline
