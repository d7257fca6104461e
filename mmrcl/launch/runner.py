"""Build a runner for training or testing from a checked config."""

from datetime import timedelta
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.checkpoint import latest_checkpoint
from mmrcl.errors import ConfigError

from .class_checks import check_test_classes, check_top_k, check_training_classes
from .config import HOOK_SECTIONS
from .config_checks import check_path, check_paths, check_sync_bn
from .learning_rate import scale_learning_rate
from .pretrained import check_weights, use_pretrained
from .same_data import check_clustered, check_scored, other_images_of_hooks


def start_on_cpu(config: Config) -> None:
    """Initialise the process group of a distributed run with gloo if there is no CUDA.

    mmengine's own initialisation requires CUDA, but it accepts an existing group.
    """
    if config.launcher == 'none' or torch.cuda.is_available():
        return
    check_sync_bn(config)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    config.setdefault('model_wrapper_cfg', wrapper)
    if not torch.distributed.is_initialized():
        seconds = config.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
        torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))


def prepare_training(
    config: Config,
    resume: str | None,
    amp: str | None,
    auto_scale_lr: bool,
    pretrained: str | None = None,
) -> None:
    """Apply the arguments of ``tools/train.py`` to the config.

    Args:
        config: changed in place.
        resume: a checkpoint, ``'auto'`` for the latest in the work dir, or None.
        amp: ``'float16'`` or ``'bfloat16'`` to train in mixed precision, or None.
        auto_scale_lr: scale the learning rate by the global batch.
        pretrained: the checkpoint that a benchmark starts from, see :func:`use_pretrained`.

    Raises:
        ConfigError: if the config does not support these arguments.
    """
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        if config.get(key) is None:
            raise ConfigError(f'the config has no {key}: use a config for training')
    check_clustered(config)
    check_top_k(config, 'val_evaluator')
    check_paths(config, ('model', 'train_dataloader', 'val_dataloader', *HOOK_SECTIONS))
    if resume is not None:
        config.resume = True
        config.load_from = None if resume == 'auto' else resume
    if config.get('resume') and config.get('load_from') is None:
        config.load_from = _latest(config.work_dir)
    check_path(config, 'load_from')
    use_pretrained(config, pretrained)
    if amp is not None:
        use_amp(config, amp)
    if auto_scale_lr:
        if 'base_batch_size' not in config.get('auto_scale_lr', {}):
            raise ConfigError(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config: set '
                'it to the batch size that its learning rate is for'
            )
        config.auto_scale_lr.enable = True


def _latest(work_dir: str) -> str | None:
    try:
        found = latest_checkpoint(Path(work_dir))
    except ValueError as error:
        raise ConfigError(error) from error
    return None if found is None else str(found)


def use_amp(config: Config, dtype: str) -> None:
    """Enable mixed precision, with dynamic loss scaling for ``'float16'``.

    Raises:
        ConfigError: for float16 without a GPU.
    """
    if dtype == 'bfloat16':
        for key in ('dtype', 'loss_scale', 'use_fsdp'):
            config.optim_wrapper.pop(key, None)
        config.optim_wrapper.type = 'BFloat16OptimWrapper'
        return
    if not torch.cuda.is_available():
        raise ConfigError('--amp float16 needs a GPU: remove it or use --amp bfloat16')
    config.optim_wrapper.update(type='AmpOptimWrapper', dtype=dtype)
    config.optim_wrapper.setdefault('loss_scale', 'dynamic')


def prepare_test(config: Config, checkpoint: str, transfer: bool = False) -> None:
    """Set the checkpoint to evaluate.

    Args:
        config: changed in place.
        checkpoint: the file.
        transfer: allow test images of another collection than the training's.

    Raises:
        ConfigError: if the config has no test, it is on other images, or the checkpoint lacks
            weights that it needs.
    """
    for key in ('test_dataloader', 'test_cfg'):
        if config.get(key) is None:
            raise ConfigError(f'the config has no {key}: use a config for testing')
    if not transfer:
        check_scored(config)
    check_top_k(config, 'test_evaluator')
    check_paths(config, ('model', 'test_dataloader', 'test_cfg'))
    config.load_from = checkpoint
    check_path(config, 'load_from')
    check_weights(config, checkpoint)


def build_runner(config: Config, train: bool = False, test: bool = False) -> Runner:
    """Build the runner and, for training or a test, the loop with its data.

    Raises:
        ConfigError: for classes, packages, settings or files that are missing or invalid, and for
            labels that stand for different classes.
    """
    start_on_cpu(config)
    try:
        runner = Runner.from_cfg(config)
        if train:
            _ = runner.train_loop
            scale_learning_rate(runner)
            check_training_classes(runner)
            for sentence in other_images_of_hooks(config):
                runner.logger.warning(sentence)
        if test:
            _ = runner.test_loop
            check_test_classes(runner)
        return runner
    except (FileNotFoundError, ImportError, KeyError, TypeError, ValueError) as error:
        # str() of a KeyError is its message in quotes.
        raise ConfigError(error.args[0] if isinstance(error, KeyError) else error) from error
