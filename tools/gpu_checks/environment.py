"""What is installed, and what the machine has, against what the ImageNet config asks for."""

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
import torch.distributed as dist

from .results import Check, Finding, Place

# Distributions by the name of their module; OpenMMLab's have two.
PACKAGES = {
    'torchvision': ['torchvision'],
    'mmengine': ['onedl-mmengine', 'mmengine'],
    'mmcv': ['onedl-mmcv', 'mmcv', 'mmcv-lite'],
    'mmpretrain': ['onedl-mmpretrain', 'mmpretrain'],
    'numpy': ['numpy'],
    'scikit-learn': ['scikit-learn'],
    'pt_kmeans': ['pt-kmeans'],
}
OPTIONAL = 'pt_kmeans'
# Of configs/_base_/datasets/imagenet_bs512_byol.py: bytes of two views of an image in 8 bits.
VIEWS = 2 * 3 * 224 * 224


def found_version(distributions: list[str]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return 'missing'


def versions(place: Place) -> Finding:
    found = {name: found_version(names) for name, names in PACKAGES.items()}
    figures = {'torch': torch.__version__, **found}
    absent = [name for name, each in found.items() if each == 'missing' and name != OPTIONAL]
    remedy = f'install {", ".join(absent)}: the checks that need them are skipped'
    return Finding(not absent, figures, remedy)


def driver_version() -> str:
    if shutil.which('nvidia-smi') is None:
        return 'unknown'
    command = ['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return (done.stdout.split() or ['unknown'])[0]


def gpus(place: Place) -> Finding:
    place.need_gpu('this')
    devices = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    figures = {
        'GPUs': [f'{device.name} {device.total_memory / 2**30:.0f} GiB' for device in devices],
        'CUDA': torch.version.cuda,
        'driver': driver_version(),
        'cuDNN': torch.backends.cudnn.version(),
        'NCCL': nccl_version(),
        'bfloat16': min(device.major for device in devices) >= 8,
    }
    alike = len({device.name for device in devices}) == 1
    remedy = (
        'use GPUs of one kind with bfloat16 (Ampere or newer) and a torch with NCCL: unlike GPUs '
        'let the hierarchies of the ranks differ; without bfloat16 use --amp float16'
    )
    return Finding(
        bool(alike and figures['bfloat16'] and dist.is_nccl_available()), figures, remedy
    )


def nccl_version() -> str:
    if not dist.is_nccl_available():
        return 'missing'
    return '.'.join(map(str, torch.cuda.nccl.version()))


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def processes() -> int:
    """Return the number of training processes that this machine takes, one a GPU."""
    return max(torch.cuda.device_count(), 1)


def host(place: Place) -> Finding:
    """Compare cores with the loaders' workers, and shared memory with the batches they hold."""
    from .steps import RCL, shipped

    loader = shipped(RCL).train_dataloader
    workers = loader.num_workers * processes()
    waiting = workers * (loader.get('prefetch_factor') or 2)
    needed = waiting * loader.batch_size * VIEWS / 2**30
    shared = shutil.disk_usage('/dev/shm').total / 2**30 if Path('/dev/shm').exists() else 0.0
    figures = {
        'cores': cores(),
        'workers of the ImageNet config': workers,
        '/dev/shm [GiB]': shared,
        'needed there [GiB]': needed,
    }
    remedy = (
        'enlarge /dev/shm (docker run --shm-size or --ipc=host), or set fewer '
        'train_dataloader.num_workers; give each worker a core'
    )
    return Finding(place.judge(shared >= needed and cores() >= workers), figures, remedy)


CHECKS: dict[str, Check] = {
    'versions': versions,
    'GPUs': gpus,
    'cores and shared memory': host,
}
