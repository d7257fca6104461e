#!/usr/bin/env bash
# Creates or repairs ./.venv; quick when there is nothing to do.
#
#   light   pretraining and evaluation: mmcv without its compiled operators
#   full    also detection and development: mmcv's operators, mmdet, test and lint tools
#
# PYTHON picks the interpreter (default: the one .venv has, or python3). MAX_JOBS and CFLAGS reach
# the compilation of mmcv's operators, PIP_CONSTRAINT (such as tools/oldest.txt) reaches pip.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
python=$venv/bin/python
stamp=$venv/installed # written last, so a .venv without one was interrupted

say() { printf '==> %s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
pip() { "$python" -m pip --disable-pip-version-check --quiet "$@"; }
version_of() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }
imports() { "$python" -c "import $1" >/dev/null 2>&1; }

kind=${1:-}
[[ $kind == light || $kind == full ]] || fail 'choose an environment: light or full.'

# The folder counts because the editable install and the scripts in .venv/bin hold its path.
wanted="$kind $({ cat setup.py mmrcl/version.py tools/install.sh; pwd; } | cksum)"
# pip would keep what was installed under other constraints, so those make another environment.
# Several are files or addresses between spaces, as for pip; an address counts by its name.
# shellcheck disable=SC2086
read_constraints() {
    echo "${PIP_CONSTRAINT:-}"
    cat ${PIP_CONSTRAINT:-} </dev/null 2>/dev/null || true
}
constraints=$(read_constraints | cksum)
wanted+=" under $constraints"
found=$(cat "$stamp" 2>/dev/null || true)

usable() {
    [[ $found == *" under $constraints" ]] && version_of "$python" >/dev/null &&
        [[ -z ${PYTHON:-} || $(version_of "$python") == "$(version_of "$PYTHON")" ]]
}

if usable && [[ $found == "$wanted" || $found == "${wanted/#light/full}" ]]; then
    exit 0
fi

check_python() {
    version_of "$1" >/dev/null || fail "$1 does not run; name another interpreter, PYTHON=python3.x."
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$1 is Python $(version_of "$1"), mmrcl needs 3.10 or newer: PYTHON=python3.x."
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$1 cannot make environments; on Debian and Ubuntu install its python3-venv package."
}

check_compiler() {
    command -v "${CXX:-c++}" >/dev/null ||
        fail "mmcv's operators need a C++ compiler: no ${CXX:-c++} here (Debian, Ubuntu: install g++)."
    "$python" -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' 2>/dev/null ||
        fail "mmcv's operators need Python.h (Debian, Ubuntu: install python3-dev)."
}

check_index() {
    local scratch
    scratch=$(mktemp -d)
    pip download --no-deps --dest "$scratch" wheel >/dev/null 2>&1 ||
        fail "pip finds no package index: check the network, or pip's settings (pip config list)."
    rm -r "$scratch"
}

make_venv() {
    check_python "${PYTHON:-python3}"
    say "Making $venv (seconds)."
    rm -rf "$venv"
    "${PYTHON:-python3}" -m venv "$venv"
}

install_light() {
    say 'Installing mmrcl with PyTorch, mmengine, mmcv and mmpretrain (2 to 5 minutes, 5 GB).'
    pip install --editable .
    imports 'torch, torchvision, mmpretrain, sklearn, scipy' ||
        fail "the installed packages do not import together: try '$python -c \"import mmpretrain\"'."
}

install_full() {
    say 'Installing mmrcl with PyTorch, OpenMMLab and the tools for development (3 to 6 minutes, 6 GB).'
    pip install --editable '.[detection,build-ops,development,docs]'
    imports mmcv.ops || compile_ops
    imports 'mmdet.apis' || fail "mmdet does not import: try '$python -c \"import mmdet.apis\"'."
}

# pip's build isolation hides torch from mmcv's setup.py, which then silently builds no operators;
# pip caches that wheel and would reuse it without --no-cache-dir.
compile_ops() {
    say "Compiling mmcv's operators (7 to 15 minutes on 2 cores)."
    # Where it sees a GPU, mmcv insists on a CUDA toolkit; without one compile for the CPU alone.
    command -v nvcc >/dev/null || export CUDA_VISIBLE_DEVICES=
    ! imports 'torch; assert torch.__version__ >= "2.14"' || ask_for_cpp20
    # CFLAGS replaces Python's own flags, whose debug information would double the time.
    MAX_JOBS=${MAX_JOBS:-$(getconf _NPROCESSORS_ONLN)} CFLAGS=${CFLAGS:--O1} \
        pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps onedl-mmcv
    imports mmcv.ops || fail "mmcv was compiled but has no operators: try '$python -c \"import mmcv.ops\"'."
}

# mmcv 2.3.6 compiles as C++17, whatever the caller's flags; the headers of torch 2.14 need C++20.
ask_for_cpp20() {
    local compiler=$PWD/$venv/bin/c++20
    # shellcheck disable=SC2016
    printf '#!/usr/bin/env bash\nexec %s "${@/#-std=c++17/-std=c++20}"\n' "${CXX:-c++}" >"$compiler"
    chmod +x "$compiler"
    export CXX=$compiler NVCC_APPEND_FLAGS=-std=c++20
}

usable || make_venv
check_index
[[ $kind == light ]] || check_compiler
rm -f "$stamp"
"install_$kind"
echo "$wanted" >"$stamp"
say "$venv is ready ($kind)."
