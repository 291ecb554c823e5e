#!/usr/bin/env bash
# Trains on all GPUs of this machine, or on its CPU; started again, it resumes.
#   launch/local.sh gin/imagenet_sdtp.gin [FLAG...]
set -euo pipefail
cd "$(dirname "$0")/.."
exec python -m tp_keras.train --gin_file="$1" --strategy=auto "${@:2}"
