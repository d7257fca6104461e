#!/usr/bin/env bash
# Score a checkpoint on several GPUs: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -eu
usage="usage: $0 CONFIG CHECKPOINT GPUS [arguments of tools/test.py]"
config=${1:?$usage}
checkpoint=${2:?$usage}
gpus=${3:?$usage}
exec python "$(dirname "$0")/dist_run.py" \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
