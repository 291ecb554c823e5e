#!/usr/bin/env bash
# What the paper leaves open, one change at a time: SDTP and DTP on MNIST FC, parallel, 10 epochs.
# Finished runs are skipped; `python launch/ablation_table.py RUNS` prints the table.
#   launch/ablation.sh RUNS DATA_DIR
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
prepare "$1" "$2" 1 2

run() {  # rule name bindings...
    local rule=$1 name=$2
    shift 2
    run_once "$runs/$rule/$name" "mnist_fc_${rule}_parallel" 10 "${@/#/--gin_bindings=}"
}

for rule in sdtp dtp; do
    class=${rule^^}
    run $rule "Table 5"
    run $rule "inverse tanh" "$class.inverse_activation = 'tanh'"
    run $rule "inverse linear" "$class.inverse_activation = 'linear'"
    run $rule "inverse tanh, inverse beta_1 0.9" "$class.inverse_activation = 'tanh'" \
        "inverse/adam.beta_1 = 0.9"
    run $rule "batch 128" "data.load.batch_size = 128"
    run $rule "batch 256" "data.load.batch_size = 256"
    run $rule "mean over units" "$class.reduction = 'mean'"
    run $rule "beta_2 0.999, both" "forward/adam.beta_2 = 0.999" "inverse/adam.beta_2 = 0.999"
    run $rule "standardised input" "data.load.scaling = 'standardised'"
    run $rule "epsilon as in Adam's paper" "forward/adam.epsilon_form = 'paper'" \
        "inverse/adam.epsilon_form = 'paper'"
done
finish
