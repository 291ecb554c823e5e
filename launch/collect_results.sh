#!/usr/bin/env bash
# Copies what a finished run measured (no weights, no events) and writes the report beside it.
#   launch/collect_results.sh RUNS RESULTS
set -euo pipefail
source "$(dirname "$0")/from_here.sh"
arguments 2 "$@"
runs=$(realpath "$1") results=$2
mkdir -p "$results"
find "$runs" -name result.json -printf '%h\n' | sort | while read -r run; do
    folder=$results/${run#"$runs"/}
    mkdir -p "$folder"
    cp "$run"/{epochs.csv,result.json} "$folder"
    # Where this machine keeps its files is nobody's business; gin breaks long values after =
    sed -zE "s#(_dir = )(\\\\\n +)?'[^'\n]*'#\1'...'#g" "$run/operative.gin" >"$folder/operative.gin"
done
python -m tp_keras.report --runs="$results" --out="$results/report"
