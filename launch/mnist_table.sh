#!/usr/bin/env bash
# Trains the MNIST cells of Table 1 one after another; what is finished is skipped, what was
# interrupted is taken up again.
#   launch/mnist_table.sh RUNS DATA_DIR FC_EPOCHS LC_EPOCHS
set -uo pipefail
cd "$(dirname "$0")/.."
runs=${1:-runs} data_dir=${2:-$HOME/tensorflow_datasets} fc_epochs=${3:-100} lc_epochs=${4:-20}

cell() {  # experiment seed epochs
    local folder=$runs/$1/$2
    [ -f "$folder/result.json" ] && return
    echo "$(date +%H:%M) $1 seed $2, $3 epochs"
    mkdir -p "$folder"
    nice python -m tp_keras.train --gin_file="gin/$1.gin" --seed="$2" --epochs="$3" \
        --data_dir="$data_dir" --run_dir="$folder" >>"$folder/log.txt" 2>&1 ||
        echo "  ended with status $?, see $folder/log.txt"
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
