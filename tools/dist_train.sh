#!/usr/bin/env bash
# Train on several GPUs: tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT (or MASTER_PORT).
# After SIGTERM, SIGUSR1 or Ctrl-C the run saves and this script ends with code 75: resume with --resume.
# It ends with 128 plus the number of the signal if nothing could be saved, as before the first step.
set -eu
config=${1:?usage: $0 CONFIG GPUS [arguments of tools/train.py]}
gpus=${2:?usage: $0 CONFIG GPUS [arguments of tools/train.py]}
exec python "$(dirname "$0")/dist_run.py" --nproc_per_node="$gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
