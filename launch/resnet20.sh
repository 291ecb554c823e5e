#!/usr/bin/env bash
# ResNet-20 on the first 10,000 images of CIFAR-10 by each of six rules, three epochs, seed 0.
#   launch/resnet20.sh RUNS DATA_DIR
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
prepare "$1" "$2" 1 1

for rule in bp fa sign_symmetry kolen_pollack dfa dtp_parallel; do
    run_once "$runs/$rule" "cifar10_resnet20_$rule" 3 \
        --gin_bindings="data.load.train_split = 'train[:10000]'"
done
finish
