# Sourced by the scripts beside it: trains an experiment unless its run has had its epochs; with more
# of them a finished run goes on.
#   run_once FOLDER EXPERIMENT EPOCHS DATA_DIR [FLAG...]
# Leaves the exit status in FOLDER/status and what was printed in FOLDER/log.txt. A run that another
# process is at is passed over, so that a script may be started once for each core.
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

run_once() {
    local folder=$1 experiment=$2 epochs=$3 data_dir=$4 status=0 trained=0
    shift 4
    [ -f "$folder/result.json" ] &&
        trained=$(sed -n 's/.*"epochs": \([0-9]*\).*/\1/p' "$folder/result.json")
    [ "$trained" -ge "$epochs" ] && return
    echo "$(date +%H:%M) $folder, $epochs epochs"
    mkdir -p "$folder"
    nice python -m tp_keras.train --gin_file="gin/$experiment.gin" --epochs="$epochs" \
        --data_dir="$data_dir" --run_dir="$folder" "$@" >>"$folder/log.txt" 2>&1 || status=$?
    echo $status >"$folder/status"
    [ $status = 0 ] || echo "  ended with status $status: $(tail -n 1 "$folder/log.txt")"
}
