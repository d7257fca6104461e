import subprocess
import sys

from mmrcl.threads import SPIN_COUNT, limit_spinning

import pytest


def test_spinning_is_limited_unless_the_user_decides():
    environment = {}
    limit_spinning(environment)
    assert environment == {'GOMP_SPINCOUNT': str(SPIN_COUNT)}
    for chosen in ({'GOMP_SPINCOUNT': '7'}, {'OMP_WAIT_POLICY': 'ACTIVE'}):
        environment = dict(chosen)
        limit_spinning(environment)
        assert environment == chosen


@pytest.mark.parametrize(
    'tool', ['train', 'test', 'demo', 'linear_probe', 'gpu_check', 'analysis/ablation']
)
def test_tools_limit_it_before_torch_is_loaded(tool):
    """The library reads its settings once, when it is loaded."""
    code = (
        'import builtins, os, runpy, sys\n'
        'load = builtins.__import__\n'
        'def watch(name, *args, **kwargs):\n'
        '    if name.split(".")[0] in ("torch", "mmengine"):\n'
        '        print(os.environ.get("GOMP_SPINCOUNT"))\n'
        '        sys.exit()\n'
        '    return load(name, *args, **kwargs)\n'
        'builtins.__import__ = watch\n'
        f'runpy.run_path("tools/{tool}.py")\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env={})
    assert done.stdout.split() == [str(SPIN_COUNT)], done.stderr
