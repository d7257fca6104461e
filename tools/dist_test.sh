#!/usr/bin/env bash
# Score a checkpoint on several GPUs: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT (or MASTER_PORT).
set -eu
usage="usage: $0 CONFIG CHECKPOINT GPUS [arguments of tools/test.py]"
config=${1:?$usage}
checkpoint=${2:?$usage}
gpus=${3:?$usage}
exec python "$(dirname "$0")/dist_run.py" --nproc_per_node="$gpus" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
