#!/usr/bin/env bash
# The same as train.sh on several GPUs, by tools/dist_train.sh:
#   tools/benchmarks/dist_train.sh CONFIG CHECKPOINT GPUS [arguments of tools/train.py]
set -eu
usage="usage: $0 CONFIG CHECKPOINT GPUS [arguments of tools/train.py]"
config=${1:?$usage}
checkpoint=${2:?$usage}
gpus=${3:?$usage}
exec "$(dirname "$0")/../dist_train.sh" "$config" "$gpus" --pretrained "$checkpoint" "${@:4}"
