#!/usr/bin/env bash
# Trains on all GPUs of this machine, or on its CPU; started again, it resumes.
#   launch/local.sh GIN_FILE [FLAG...]
set -euo pipefail
source "$(dirname "$0")/from_here.sh"
arguments 1 "$@"
exec python -m tp_keras.train --gin_file="$1" --strategy=auto "${@:2}"
