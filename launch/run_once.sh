# Sourced by the scripts beside it, which are lists of runs. Two are trained at a time, each by a
# process of one thread: more steps in all than by one process of two threads (docs/performance.md).
#
#   number NAME VALUE          ends where VALUE is no whole number above 0
#   experiments NAME...        ends where gin/ lacks one of them
#   prepare RUNS DATA_DIR GB KEPT_GB   checks the folders and the free space, enters the checkout;
#                              KEPT_GB is what all runs leave under KEEP=1; the first run makes RUNS
#   wanted NAME                whether it begins with $only, the part of a list that is asked for
#   run_once FOLDER EXPERIMENT EPOCHS [FLAG...]   once fewer than two are running
#   finish                     waits for all; ends with 0, with 1 if a run failed, or with 2 if
#                              nothing is wanted
#
# A run that has all its epochs, or that another process is training, is skipped. FOLDER/status has the
# exit status, FOLDER/log.txt what was printed. Checkpoints and weights are removed when a run has ended
# with status 0; KEEP=1 keeps them, and a larger number of epochs then resumes from them.
# PROCESSES=8 trains eight at a time, as on a large GPU. TERM or Ctrl-C ends what is running; it resumes.
export TF_NUM_INTRAOP_THREADS=${TF_NUM_INTRAOP_THREADS:-1}
export TF_NUM_INTEROP_THREADS=${TF_NUM_INTEROP_THREADS:-1}
# Else the first process would take all of a GPU's memory
export TF_FORCE_GPU_ALLOW_GROWTH=${TF_FORCE_GPU_ALLOW_GROWTH:-true}
source "$(dirname "${BASH_SOURCE[0]}")/from_here.sh"
failures=$(mktemp -d)  # one entry for each message printed
trap 'rm -rf "$failures"' EXIT
trap 'stop TERM 143' TERM
trap 'stop INT 130' INT

number() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] && return
    echo "$1 must be a whole number above 0, received $2" >&2
    exit 2
}

experiments() {
    local name
    for name in "$@"; do
        [ -f "$repository/gin/$name.gin" ] || { echo "no experiment gin/$name.gin" >&2 && exit 2; }
    done
}

prepare() {
    local needed=$3 there free used
    runs=$(absolute "$1") data_dir=$(absolute "$2")
    [ -d "$data_dir" ] || { echo "DATA_DIR is not a folder: $data_dir" >&2 && exit 2; }
    [ "${KEEP:-0}" = 1 ] && needed=$4
    there=$runs used=0
    until [ -d "$there" ]; do there=$(dirname "$there"); done
    free=$(($(df -Pk "$there" | awk 'NR == 2 { print $4 }') >> 20))
    [ -d "$runs" ] && used=$(($(du -sk "$runs" | cut -f 1) >> 20))
    echo "needs up to $needed GB in $runs, which has $used GB in it and $free GB free"
    [ $((free + used)) -ge "$needed" ] || { echo "not enough space in $runs" >&2 && exit 2; }
    cd "$repository" || exit 2
}

wanted() {
    [[ $1 == "${only:-}"* ]] && some_wanted=1
}

run_once() {
    mkdir -p "$runs" || stop TERM 2
    while [ "$(jobs -rp | wc -l)" -ge "${PROCESSES:-2}" ]; do wait -n; done
    if [ ! -e "$failures/stop" ]; then train "$@" & fi
}

finish() {
    wait
    if [ -n "${only:-}" ] && [ -z "${some_wanted:-}" ]; then
        echo "no cell of $(basename "$0") begins with $only" >&2
        exit 2
    fi
    [ -z "$(ls "$failures")" ] && exit 0
    exit 1
}

stop() {  # signal, exit status
    trap '' TERM INT
    kill -TERM $(jobs -rp) 2>/dev/null
    wait
    exit "$2"
}

train() {  # in a process of its own
    local folder=$1 experiment=$2 epochs=$3 status trainer="" stopped=""
    shift 3
    trap - EXIT INT
    trap 'stopped=1; [ -z "$trainer" ] || kill -TERM "$trainer"' TERM
    has_all_epochs && return
    mkdir -p "$folder"
    exec 9>>"$folder/.once"
    flock -n 9 || return 0  # another start of the script is training it
    has_all_epochs && return
    echo "$(date +%H:%M) $folder, $epochs epochs"
    nice python -m tp_keras.train --gin_file="gin/$experiment.gin" --epochs="$epochs" \
        --data_dir="$data_dir" --run_dir="$folder" "$@" >>"$folder/log.txt" 2>&1 &
    trainer=$!
    [ -z "$stopped" ] || kill -TERM "$trainer"
    await "$trainer"
    echo "$status" >"$folder/status"
    if [ "$status" = 0 ]; then drop_weights; else report_failure; fi
}

await() {  # a signal ends `wait` before the process has ended
    wait "$1"
    status=$?
    while kill -0 "$1" 2>/dev/null; do
        wait "$1"
        status=$?
    done
}

has_all_epochs() {
    local trained=0
    [ -f "$folder/result.json" ] &&
        trained=$(sed -n 's/.*"epochs": \([0-9]*\).*/\1/p' "$folder/result.json")
    [ "${trained:-0}" -ge "$epochs" ]
}

drop_weights() {
    [ "${KEEP:-0}" = 1 ] && return
    rm -rf "$folder"/{checkpoints,best.weights.h5,last.weights.h5,network.keras}
}

report_failure() {
    local line
    line=$(tail -n 1 "$folder/log.txt")
    # An error in the data concerns every run
    if [ "$status" = 2 ] && [[ $line == *"$data_dir"* && $line != *"$folder"* ]]; then
        touch "$failures/stop"
    fi
    # The same message of many runs is printed once
    if mkdir "$failures/$(echo "$line" | cksum | tr ' ' -)" 2>/dev/null; then
        echo "  $folder ended with status $status: $line" >&2
    else
        echo "  $folder ended with status $status, as above" >&2
    fi
}
