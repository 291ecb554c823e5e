#!/usr/bin/env bash
# Trains rules that are not in the paper beside BP, FA and DFA on one problem; finished runs are
# skipped. Weights are kept: at the end it prints the command that measures angles to BP from them.
#   launch/beyond.sh PROBLEM RUNS DATA_DIR [EPOCHS]
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 3 "$@"
KEEP=1
case $1 in *_fc) gb=2 ;; mnist_lc) gb=3 ;; cifar10_lc) gb=30 ;; *) gb=150 ;; esac
problem=$1 epochs=${4:-10} rules="bp kolen_pollack sign_symmetry fa dfa frozen"
experiments $(printf "${problem}_%s " $rules)
number EPOCHS "$epochs"
prepare "$2" "$3" "$gb" "$gb"

for rule in $rules; do
    run_once "$runs/${problem}_$rule/0" "${problem}_$rule" "$epochs"
done
echo "python -m benchmarks.alignment --data_dir=$data_dir $runs/${problem}_*/0"
finish
