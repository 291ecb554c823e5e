#!/usr/bin/env bash
# Shows all runs below a folder, at http://localhost:6006.
#   launch/tensorboard.sh [RUNS [FLAG...]]
set -euo pipefail
source "$(dirname "$0")/from_here.sh"
arguments 0 "$@"
exec tensorboard --logdir="${1:-runs}" "${@:2}"
