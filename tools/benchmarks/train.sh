#!/usr/bin/env bash
# Train a config of configs/benchmarks from a pretraining checkpoint, and score it:
#   tools/benchmarks/train.sh CONFIG CHECKPOINT [arguments of tools/train.py]
# CHECKPOINT is a file as the pretraining wrote it, or the word random for random initialisation.
set -eu
usage="usage: $0 CONFIG CHECKPOINT [arguments of tools/train.py]"
config=${1:?$usage}
checkpoint=${2:?$usage}
exec python "$(dirname "$0")/../train.py" "$config" --pretrained "$checkpoint" "${@:3}"
