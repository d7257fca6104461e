"""Build a runner for training or testing from a checked config."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.checkpoint import guard_mmengine, latest_checkpoint
from mmrcl.engine import PretrainingRunner, setting_errors
from mmrcl.errors import ConfigError

from .class_checks import check_test_classes, check_top_k, check_training_classes
from .config import HOOK_SECTIONS
from .config_checks import check_path, check_paths
from .learning_rate import scale_learning_rate
from .loading_errors import loading_errors
from .pretrained import check_weights, use_pretrained
from .processes import locked, on_main_process, start_processes
from .same_data import check_clustered, check_scored, other_images_of_hooks
from .schedules import unfit_schedules
from .start_checks import check_optimizer, check_sections, check_work_dir


def run_training(
    config: Config,
    resume: str | None = None,
    amp: str | None = None,
    auto_scale_lr: bool = False,
    pretrained: str | None = None,
    trust: bool = False,
) -> Runner:
    """Train from a config of :func:`load_config`, with the work dir locked.

    Args:
        config: changed in place.
        resume: see :func:`prepare_training`, as the next three.
        amp: precision.
        auto_scale_lr: learning rate.
        pretrained: checkpoint of a benchmark.
        trust: run code that checkpoints may contain.

    Returns:
        The runner after the training.

    Raises:
        ConfigError: for what is wrong before the training.
        TrainingError: for what stops it.
    """
    start_processes(config)
    with locked(config.work_dir):
        prepare_training(config, resume, amp, auto_scale_lr, pretrained, trust)
        runner = build_runner(config, train=True, trust=trust)
        with loading_errors():
            runner.train()
    return runner


def prepare_training(
    config: Config,
    resume: str | None,
    amp: str | None,
    auto_scale_lr: bool,
    pretrained: str | None = None,
    trust: bool = False,
) -> None:
    """Apply the arguments of ``tools/train.py`` to the config.

    Args:
        config: changed in place.
        resume: a checkpoint, ``'auto'`` for the latest in the work dir, or None.
        amp: ``'float16'`` or ``'bfloat16'`` to train in mixed precision, or None.
        auto_scale_lr: scale the learning rate by the global batch.
        pretrained: the checkpoint that a benchmark starts from, see :func:`use_pretrained`.
        trust: run code that this checkpoint may contain.

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
        config.load_from = on_main_process(lambda: _latest(config.work_dir))
    check_path(config, 'load_from')
    use_pretrained(config, pretrained, trust)
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


def prepare_test(
    config: Config, checkpoint: str, trust: bool = False, transfer: bool = False
) -> None:
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
    # A test needs the weights alone, also of a config that resumes.
    config.resume = False
    check_path(config, 'load_from')
    check_weights(config, checkpoint, trust)


def build_runner(
    config: Config, train: bool = False, test: bool = False, trust: bool = False
) -> Runner:
    """Build the runner, and what it needs to train or to test, so that nothing fails later.

    Args:
        config: the config, with ``work_dir`` and ``launcher``.
        train: build the training loop with its data, the optimiser, the schedules and the
            validation loop.
        test: build the test loop with its data.
        trust: run code that the checkpoints may contain which mmengine reads from now on.

    Raises:
        ConfigError: for classes, packages, settings or files that are missing or invalid, for
            labels that stand for different classes, and for a work dir that cannot be written.
    """
    check_sections(config)
    check_work_dir(config.work_dir)
    start_processes(config)
    guard_mmengine(trust)
    with setting_errors():
        runner = PretrainingRunner.from_cfg(config)
        if train:
            _prepare(runner, trust)
        if test:
            _ = runner.test_loop
            check_test_classes(runner, trust)
    return runner


def _prepare(runner: Runner, trust: bool) -> None:
    """Build what mmengine would build at the start of the training, in the same order."""
    if message := unfit_schedules(runner.cfg):
        runner.logger.warning(message)
    for message in other_images_of_hooks(runner.cfg):
        runner.logger.warning(message)
    _ = runner.train_loop
    scale_learning_rate(runner)
    check_optimizer(runner)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    # Or mmengine would scale again.
    runner.auto_scale_lr = None
    if runner.param_schedulers is not None:
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    _ = runner.val_loop
    check_training_classes(runner, trust)
