#!/usr/bin/env bash
# Trains rules from after the paper beside BP, FA and DFA on one problem; what is finished is
# skipped. `python benchmarks/alignment.py RUNS/PROBLEM_*/0` prints errors and angles to BP.
#   launch/beyond.sh mnist_lc RUNS DATA_DIR EPOCHS
set -uo pipefail
cd "$(dirname "$0")/.."
source launch/run_once.sh
problem=$1 runs=${2:-runs} data_dir=${3:-$HOME/tensorflow_datasets} epochs=${4:-10}

for rule in bp kolen_pollack sign_symmetry fa dfa frozen; do
    run_once "$runs/${problem}_$rule/0" "${problem}_$rule" "$epochs" "$data_dir"
done
