"""Arguments of the linear probe on cached features."""

import argparse
import runpy
from pathlib import Path

import pytest
import torch

from mmrcl.errors import ConfigError
from mmrcl.evaluation import Schedule, Setting, fit_linear_probes

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


def test_a_file_that_holds_no_features_is_refused(tmp_path):
    (tmp_path / 'features.pt').write_text('garbage')
    read_cache = runpy.run_path(str(ROOT / 'tools/linear_probe.py'))['read_cache']
    with pytest.raises(ConfigError, match=r'--features: .*features.pt is no file of features'):
        read_cache(tmp_path / 'features.pt', {})


@pytest.mark.parametrize('setting', [Setting(float('nan'), 0.0), Setting(0.1, float('inf'))])
def test_probes_refuse_settings_that_are_no_finite_numbers(setting):
    features, labels = torch.randn(8, 4), torch.arange(8) % 2
    with pytest.raises(ValueError, match='settings: .* must have finite numbers'):
        fit_linear_probes(features, labels, 2, [setting], Schedule(epochs=1))
