#!/usr/bin/env bash
# The runs that answer the paper's question of scale, the most important first; takes days, resumes.
# With CELL, those alone whose names begin with it.
# Start it from a checkout of its own, which other work does not touch:
#   git worktree add --detach ../tp_keras_science && cd ../tp_keras_science
#   launch/science.sh RUNS DATA_DIR [CELL]
# Runs lie in RUNS/EXPERIMENT/SEED, those with other settings in RUNS/EXPERIMENT+VARIANT/SEED.
set -uo pipefail
source "$(dirname "$0")/run_once.sh"
arguments 2 "$@"
prepare "$1" "$2" 12 275
only=${3:-}
echo "revision $(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)"

cell() {  # experiment[+variant] seed forward-epochs bindings...
    local name=$1 seed=$2 epochs=$3 experiment=${1%+*}
    experiment=${experiment#longer/}
    shift 3
    wanted "$name" || return
    case $experiment in
        *_alternating) epochs=$((2 * epochs)) ;;    # each phase counts as an epoch
        *_weight_mirror) epochs=$((epochs + 1)) ;;  # the mirror alone comes first
    esac
    run_once "$runs/$name/$seed" "$experiment" "$epochs" --seed="$seed" "${@/#/--gin_bindings=}"
}

table="bp fa dfa dtp_parallel sdtp_parallel ao_sdtp_parallel dtp_alternating sdtp_alternating \
ao_sdtp_alternating"
later="kolen_pollack sign_symmetry weight_mirror ldrl fixed_dtp frozen"

# 1. MNIST FC, the table and the later rules
for seed in 0 1 2; do
    for rule in $table $later; do cell "mnist_fc_$rule" $seed 100; done
done

# From here on 5,000 examples choose, held out of the training set
held_out="data.load.validation_examples = 5000"

# 2. CIFAR-10 FC
for rule in $table; do cell "cifar10_fc_$rule" 0 50 "$held_out"; done
# The paper's AO-SDTP fits its training images: did it see crops?
cell cifar10_fc_ao_sdtp_parallel+no_augmentation 0 30 "$held_out" "data.load.crop_padding = 0" \
    "data.load.flip = None"

# 3. Does it scale? CIFAR-10 LC; angles to BP after every epoch
angles="train.callbacks = [@Diagnostics]"
scale() {  # seed
    cell cifar10_lc_bp "$1" 12 "$held_out" "$angles"
    cell cifar10_lc_sign_symmetry "$1" 12 "$held_out" "$angles"
    cell cifar10_lc_kolen_pollack+decay_3e-4 "$1" 12 "$held_out" "$angles" \
        "KolenPollack.decay = 3e-4"
    cell cifar10_lc_fa "$1" 12 "$held_out" "$angles"
    cell cifar10_lc_fa+rate_of_bp "$1" 12 "$held_out" "$angles" \
        "forward/adam.learning_rate = 0.000044"
    cell cifar10_lc_dfa "$1" 12 "$held_out" "$angles"
    cell cifar10_lc_frozen "$1" 12 "$held_out" "$angles"
}
scale 0
scale 1

# 4. CIFAR-10 LC, the paper's cells
for rule in dtp_parallel sdtp_parallel dtp_alternating sdtp_alternating ao_sdtp_parallel \
    ao_sdtp_alternating; do
    cell "cifar10_lc_$rule" 0 10 "$held_out"
done
cell cifar10_conv_bp 0 10 "$held_out"

# 5. MNIST LC
for rule in $table; do cell "mnist_lc_$rule" 0 30 "$held_out"; done
cell mnist_conv_bp 0 30 "$held_out"

# 6. Rules of 3 whose backward weights are learned, or fixed inverses
for rule in weight_mirror ldrl fixed_dtp; do
    cell "cifar10_lc_$rule" 0 12 "$held_out" "$angles"
done
cell cifar10_lc_weight_mirror 1 12 "$held_out" "$angles"

# 7. Controls of 3: BP under Kolen-Pollack's decay, 3e-4 of the weights a step, but of biases and of
# layer 1 too: Adam takes weight_decay times its learning rate; Kolen-Pollack with DTP's exact top
cell cifar10_lc_bp+decay_3e-4 0 12 "$held_out" "$angles" "forward/adam.weight_decay = 6.8182"
cell cifar10_lc_kolen_pollack+exact_top 0 12 "$held_out" "$angles" \
    "KolenPollack.decay = 3e-4" "KolenPollack.exact_top = True"

# 8. ImageNet LC, for the ten classes of a subset (DATA_DIR decides): beside each other, not the paper
for rule in bp fa dfa sdtp sign_symmetry weight_mirror; do cell "imagenet_$rule" 0 3; done

# 9. Does bfloat16 learn as float32 does? Beside the first epochs of 3 and 4
bfloat16="build.dtype = 'mixed_bfloat16'"
cell cifar10_lc_bp+bfloat16 0 3 "$held_out" "$angles" "$bfloat16"
cell cifar10_lc_sdtp_parallel+bfloat16 0 3 "$held_out" "$bfloat16"

# 10. Figures 6 and 7: autoencoders; python -m tp_keras.report --runs=RUNS draws them
for rule in bp dtp_parallel sdtp_parallel; do cell "mnist_autoencoder_$rule" 0 30; done

# A third seed of 3, if time allows
scale 2

# 11. Do the gaps of 3 and 4 close? In RUNS/longer, BP under the decay of Kolen-Pollack beside it
longer() { cell "longer/$1" 0 60 "$held_out" "$angles" "${@:2}"; }
for rule in dtp_parallel sdtp_parallel bp sign_symmetry fa dfa weight_mirror; do
    longer "cifar10_lc_$rule"
done
longer cifar10_lc_kolen_pollack+decay_1e-4 "KolenPollack.decay = 1e-4"
longer cifar10_lc_bp+decay_1e-4 "forward/adam.weight_decay = 2.2727"
longer cifar10_lc_sdtp_parallel+linear "SDTP.inverse_activation = 'linear'"
finish
