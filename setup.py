"""Packaging of mmrcl, and the one place that lists what it depends on.

A site with its own OpenMMLab (mmengine, mmcv, mmpretrain, mmdet under their upstream names) keeps
it: `pip install --no-deps -e .` installs this package alone. Without `--no-deps` pip would put the
onedl-* distributions below over the same import names.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

VERSION = re.search(r"__version__ = '(.+)'", Path('mmrcl/version.py').read_text())[1]

setup(
    name='mmrcl',
    version=VERSION,
    description='Self-supervised pretraining with the Relative Contrastive Loss on OpenMMLab',
    author='mmrcl contributors',
    license='Apache-2.0',
    packages=find_packages(include=['mmrcl', 'mmrcl.*']),
    # OpenMMLab's layout, see mmrcl/zoo.py: links here, copies in what is built.
    package_data={
        'mmrcl': [
            'py.typed',
            '.mim/model-index.yml',
            *(f'.mim/configs/**/*.{suffix}' for suffix in ('md', 'py', 'yml')),
            *(f'.mim/tools/**/*.{suffix}' for suffix in ('py', 'sh')),
        ],
        'mmrcl.visualization.report': ['assets/*'],
    },
    # It makes the environment of a checkout.
    exclude_package_data={'mmrcl': ['.mim/tools/install.sh']},
    python_requires='>=3.10',
    install_requires=[
        # The oldest that pt-kmeans takes and that the tests ran with: see docs/compatibility.md.
        # Some sites offer a CPU-only torch 2.13, which pip prefers and no torchvision fits: its
        # import fails with "operator torchvision::nms does not exist".
        'torch>=2.4,<2.13',
        'torchvision>=0.19',
        # The maintained continuation of OpenMMLab; imported as mmengine, mmcv and mmpretrain.
        'onedl-mmengine',
        'onedl-mmcv',
        'onedl-mmpretrain',
        'numpy',
        # K-means on tensors, on any device. None of its releases runs on Python 3.10: there the
        # K-means sources ask for a newer Python, and all else works.
        'pt-kmeans>=0.9.2; python_version >= "3.11"',
        'scikit-learn',
        'scipy',
        'matplotlib',
    ],
    extras_require={
        # Imported as mmdet; also needs mmcv's compiled operators (see tools/install.sh).
        'detection': ['onedl-mmdetection'],
        # What compiling mmcv's operators without build isolation expects to find. mmcv's metadata
        # needs setuptools 80, torch refuses setuptools 82.
        'build-ops': ['setuptools>=80,<82', 'wheel', 'ninja', 'psutil'],
        'development': [
            'hypothesis',
            'mypy',
            'pre-commit',
            'pytest',
            'pytest-cov',
            'pytest-timeout',
            'pytest-xdist',
            'ruff',
            # Opens the page of a hierarchy in Chromium, in a test.
            'selenium',
            # With wandb what users watch a run with: tests read back what a run writes.
            'tensorboard',
            # Loads what tools/convert writes for it, in a test.
            'timm',
            'wandb',
        ],
        'docs': ['furo', 'myst-nb', 'sphinx', 'sphinx-copybutton'],
    },
)
