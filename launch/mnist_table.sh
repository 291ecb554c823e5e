#!/usr/bin/env bash
# Trains the MNIST cells of Table 1; finished runs are skipped, interrupted ones resumed.
# Alternating cells count each phase as an epoch.
#   launch/mnist_table.sh RUNS DATA_DIR [FC_EPOCHS [LC_EPOCHS]]
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
fc_epochs=${3:-100} lc_epochs=${4:-20}
number FC_EPOCHS "$fc_epochs"
number LC_EPOCHS "$lc_epochs"
prepare "$1" "$2" 1 4

cell() {  # experiment seed epochs
    run_once "$runs/$1/$2" "$1" "$3" --seed="$2"
}

rules="sdtp_alternating dtp_alternating bp dfa fa sdtp_parallel dtp_parallel \
ao_sdtp_alternating ao_sdtp_parallel"
for rule in $rules; do cell "mnist_fc_$rule" 0 "$fc_epochs"; done
cell mnist_conv_bp 0 "$lc_epochs"
for rule in $rules; do cell "mnist_lc_$rule" 0 "$lc_epochs"; done
for seed in 1 2; do
    for rule in sdtp_alternating dtp_alternating sdtp_parallel dtp_parallel; do
        cell "mnist_fc_$rule" "$seed" "$fc_epochs"
    done
done
finish
