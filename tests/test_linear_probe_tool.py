"""Arguments of the linear probe on cached features."""

import argparse
import runpy
from pathlib import Path

import pytest

from mmrcl.errors import ConfigError

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs/benchmarks/linear/resnet18_1xb128-linear-sgd-coslr-90e_digits.py'


@pytest.mark.parametrize(
    'case', [dict(lrs=[float('nan')]), dict(lrs=[0.1, float('inf')]), dict(weight_decays=[-1.0])]
)
def test_settings_that_are_no_finite_numbers_are_refused(case):
    arguments = dict(
        config=str(CONFIG), checkpoint='random', cfg_options=None, launcher='none', local_rank=0,
        work_dir=None, trust_checkpoint=False, lrs=[0.1], weight_decays=[0.0], views=0,
    )  # fmt: skip
    prepare = runpy.run_path(str(ROOT / 'tools/linear_probe.py'))['prepare']
    with pytest.raises(ConfigError, match='--lrs must be finite'):
        prepare(argparse.Namespace(**(arguments | case)))
