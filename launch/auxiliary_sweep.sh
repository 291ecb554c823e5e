#!/usr/bin/env bash
# Figure 4: AO-SDTP's error against its auxiliary output size, CIFAR-10 FC and LC; size 0 is SDTP.
# Finished runs are skipped; `python -m tp_keras.report --runs=RUNS` draws the figure.
#   launch/auxiliary_sweep.sh RUNS DATA_DIR [EPOCHS [SCHEDULE]]
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
epochs=${3:-500} schedule=${4:-parallel}
number EPOCHS "$epochs"
experiments "cifar10_fc_sdtp_$schedule"
prepare "$1" "$2" 12 45

for net in fc lc; do
    run_once "$runs/${net}_$schedule/0" "cifar10_${net}_sdtp_$schedule" "$epochs"
    for size in 32 64 128 256 512 1000; do
        run_once "$runs/${net}_$schedule/$size" "cifar10_${net}_ao_sdtp_$schedule" "$epochs" \
            --gin_bindings="AOSDTP.auxiliary_units = $size"
    done
done
finish
