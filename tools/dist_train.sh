#!/usr/bin/env bash
# Train on several GPUs: tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# On several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT.
# After SIGTERM, SIGUSR1 or Ctrl-C the run saves and this script ends with code 75: resume with --resume.
set -eu
config=${1:?usage: $0 CONFIG GPUS [arguments of tools/train.py]}
gpus=${2:?usage: $0 CONFIG GPUS [arguments of tools/train.py]}

# torch's launcher passes on SIGTERM alone, and has one code for all that can happen.
asked_to_leave=
trap 'asked_to_leave=yes; kill -TERM "$launcher" 2>/dev/null' TERM USR1 INT
python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}" &
launcher=$!
# A signal ends wait before the launcher has ended.
code=0
wait "$launcher" || code=$?
while kill -0 "$launcher" 2>/dev/null; do
    code=0
    wait "$launcher" || code=$?
done
[[ -n $asked_to_leave && $code -ne 0 ]] && exit 75
exit "$code"
