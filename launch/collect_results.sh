#!/usr/bin/env bash
# Copies what a finished run measured (no weights, no events) and writes the report beside it.
# Links are named and skipped, and never written through: a record is what lies in the run's folder.
#   launch/collect_results.sh RUNS RESULTS
set -euo pipefail
source "$(dirname "$0")/from_here.sh"
arguments 2 "$@"
runs=$(realpath "$1") results=$2

# A record's file in its place; what stood there is replaced, a link too
put() {
    [[ ! -d $2 || -L $2 ]] || { echo "error: $2 is a folder" >&2; exit 1; }
    mv -fT "$1" "$2"
}

# A folder of records, no part of which is a link
folder_for() {
    local folder=$results part
    mkdir -p "$results"
    while IFS= read -r -d / part; do
        folder=$folder/$part
        [[ ! -L $folder ]] || { echo "error: $folder is a link" >&2; exit 1; }
        mkdir -p "$folder"
    done <<<"$1/"
}

find "$runs" -name result.json -type f -printf '%h\0' | sort -z | while IFS= read -r -d '' run; do
    name=${run#"$runs"}
    name=${name#/}
    folder_for "$name"
    folder=$results/$name
    for file in result.json epochs.csv operative.gin diagnostics.csv trial.json; do
        [[ -L $run/$file ]] && echo "skipped $run/$file: a link" >&2
        [[ -f $run/$file && ! -L $run/$file ]] || continue
        copy=$(mktemp "$folder/.XXXXXX")
        if [[ $file == operative.gin ]]; then
            # Without folders of this machine; gin breaks long values after =
            sed -zE "s#(_dir = )(\\\\\n +)?'[^'\n]*'#\1'...'#g" "$run/$file" >"$copy"
        else
            cp "$run/$file" "$copy"
        fi
        chmod 644 "$copy"
        put "$copy" "$folder/$file"
    done
done
python -m tp_keras.report --runs="$results" --out="$results/report"
