#!/usr/bin/env bash
# The same as train.sh under Slurm, by tools/slurm_train.sh:
#   tools/benchmarks/slurm_train.sh PARTITION JOB_NAME CONFIG CHECKPOINT WORK_DIR [arguments of tools/train.py]
set -eu
usage="usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT WORK_DIR [arguments of tools/train.py]"
partition=${1:?$usage}
job_name=${2:?$usage}
config=${3:?$usage}
checkpoint=${4:?$usage}
work_dir=${5:?$usage}
exec "$(dirname "$0")/../slurm_train.sh" "$partition" "$job_name" "$config" "$work_dir" \
    --pretrained "$checkpoint" "${@:6}"
