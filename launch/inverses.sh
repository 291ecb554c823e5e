#!/usr/bin/env bash
# Every SDTP and AO-SDTP experiment with tanh and with linear inverses, at equal epochs of the
# network; with CELL, the experiments alone whose names begin with it.
#   launch/inverses.sh RUNS DATA_DIR [CELL]
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
prepare "$1" "$2" 12 60
only=${3:-}

both() {  # experiment epochs-of-the-network
    local epochs=$2 rule=SDTP activation
    wanted "$1" || return
    case $1 in *_ao_sdtp_*) rule=AOSDTP ;; esac
    case $1 in *_alternating) epochs=$((2 * epochs)) ;; esac  # each phase counts as an epoch
    for activation in tanh linear; do
        run_once "$runs/${1}_$activation" "$1" "$epochs" \
            --gin_bindings="$rule.inverse_activation = '$activation'"
    done
}

table() {  # problem epochs-of-the-network
    for schedule in parallel alternating; do
        both "${1}_sdtp_$schedule" "$2"
        both "${1}_ao_sdtp_$schedule" "$2"
    done
}

table mnist_fc 10
both mnist_autoencoder_sdtp_parallel 5
table cifar10_fc 8
table mnist_lc 6
table cifar10_lc 2
both imagenet_sdtp 1
finish
