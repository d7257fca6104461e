"""Packaging of mmrcl and the list of its dependencies.

To keep an existing OpenMMLab (mmengine, mmcv, mmpretrain, mmdet under their upstream names), run
`pip install --no-deps -e .`, which installs this package alone. Without `--no-deps` pip would
install the onedl-* distributions below under the same import names.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

VERSION = re.search(r"__version__ = '(.+)'", Path('mmrcl/version.py').read_text())[1]

setup(
    name='mmrcl',
    version=VERSION,
    description='Self-supervised pretraining with the Relative Contrastive Loss on OpenMMLab',
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='mmrcl contributors',
    license='Apache-2.0',
    classifiers=[
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Programming Language :: Python :: 3.11',
    ],
    packages=find_packages(include=['mmrcl', 'mmrcl.*']),
    # OpenMMLab's layout, see mmrcl/zoo.py: links in a checkout, copies in a wheel.
    package_data={
        'mmrcl': [
            'py.typed',
            '.mim/model-index.yml',
            *(f'.mim/configs/**/*.{suffix}' for suffix in ('md', 'py', 'yml')),
            *(f'.mim/tools/**/*.{suffix}' for suffix in ('py', 'sh')),
            '.mim/tools/data/*.txt',
        ],
        'mmrcl.visualization.report': ['assets/*'],
    },
    # It sets up the environment of a checkout.
    exclude_package_data={'mmrcl': ['.mim/tools/install.sh']},
    entry_points={'console_scripts': ['mmrcl = mmrcl.commands:main']},
    python_requires='>=3.10',
    install_requires=[
        # The oldest version that pt-kmeans supports and that was tested: see docs/compatibility.md.
        # Some sites offer a CPU-only torch 2.13.0, which no torchvision fits: its import fails with
        # "operator torchvision::nms does not exist".
        'torch>=2.4,!=2.13.0',
        'torchvision>=0.19',
        # The maintained continuation of OpenMMLab; imported as mmengine, mmcv and mmpretrain.
        'onedl-mmengine',
        'onedl-mmcv',
        'onedl-mmpretrain',
        'numpy',
        # K-means on tensors, on any device. No release supports Python 3.10: there the K-means
        # sources raise an error that names the remedy; everything else works.
        'pt-kmeans>=0.9.2; python_version >= "3.11"',
        'scikit-learn',
        'scipy',
        # Legends below all axes.
        'matplotlib>=3.7',
    ],
    extras_require={
        # Imported as mmdet; also needs mmcv's compiled operators (see tools/install.sh).
        'detection': ['onedl-mmdetection'],
        # Needed to compile mmcv's operators without build isolation. mmcv's metadata needs
        # setuptools 80, torch rejects setuptools 82.
        'build-ops': ['setuptools>=80,<82', 'wheel', 'ninja', 'psutil'],
        # Criteria from elsewhere: models of timm, safetensors files, HOG.
        'features': ['safetensors', 'scikit-image', 'timm'],
        # Encoders for other libraries: timm's folder, and ONNX.
        'export': ['onnx', 'onnxscript', 'safetensors', 'timm'],
        # Images in Arrow and parquet files, and in LMDB. Tar shards need nothing.
        'data': ['datasets', 'lmdb'],
        'development': [
            # For `make dist`.
            'build',
            'datasets',
            'hypothesis',
            'lmdb',
            'mypy',
            # Tests compare the exported ONNX file with the encoder.
            'onnx',
            'onnxruntime',
            'onnxscript',
            'pre-commit',
            # A test reads the table that the hierarchy page writes for embedding-atlas.
            'pyarrow',
            'pytest',
            'pytest-cov',
            'pytest-timeout',
            'pytest-xdist',
            'ruff',
            'safetensors',
            'scikit-image',
            # A test opens the hierarchy page in Chromium.
            'selenium',
            # Trackers, with wandb: tests read back what a run logs.
            'tensorboard',
            # A test loads the files that tools/convert writes for timm.
            'timm',
            # For `make dist`.
            'twine',
            'wandb',
        ],
        'docs': ['furo', 'myst-nb', 'sphinx', 'sphinx-copybutton'],
    },
)
