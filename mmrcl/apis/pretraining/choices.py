"""The choice of every setting that depends on images, machine or request, each with its reason."""

from typing import Any, NamedTuple

from mmrcl.errors import ConfigError
from mmrcl.models import backbone_config

from .defaults import DEFAULTS, Defaults, Rate
from .folder import FolderFacts
from .machine import Machine
from .request import Request

__all__ = ['METHODS', 'Choice', 'Choices', 'choose']

# Methods that differ from RCL in their retrievers alone, and the type of the retriever.
METHODS = {
    'rcl': 'SameImageRetriever and LevelRetriever',
    'instance-discrimination': 'SameImageRetriever',
    'nnclr-positive': 'NearestRetriever',
}


class Choice(NamedTuple):
    """One choice.

    Attributes:
        setting: dotted path in the config, as ``--cfg-options`` of ``tools/train.py`` takes it.
        value: what was chosen.
        reason: why, in one sentence.
    """

    setting: str
    value: Any
    reason: str


Choices = dict[str, Choice]


def choose(
    folder: FolderFacts, machine: Machine, request: Request, defaults: Defaults = DEFAULTS
) -> Choices:
    """Choose all settings.

    Args:
        folder: what is in the folder.
        machine: what the machine has.
        request: what the user asked for.
        defaults: the table of numbers.

    Returns:
        The choices by name.

    Raises:
        ConfigError: for an unknown method.
        ImportError: for a model of a library that is not installed.
        ValueError: for an unknown model, or one that does not take the images.
    """
    if request.method not in METHODS:
        raise ConfigError(f'--method {request.method} is unknown: choose {", ".join(METHODS)}')
    count = len(folder.files)
    size = _image_size(folder, machine, request, defaults)
    backbone = backbone_config(request.model, size.value).backbone['type']
    batch = _batch_size(count, size.value, machine, request, defaults)
    epochs = _epochs(count, machine, request, defaults)
    steps = epochs.value * (count // batch.value)
    found = {
        'image size': size,
        'model': Choice('model.backbone', request.model, _reason_of_model(backbone, size.value)),
        'batch size': batch,
        'processes': _processes(machine),
        'epochs': epochs,
        'learning rate': _learning_rate(batch.value, request, defaults),
        'weight decay': Choice(
            'optim_wrapper.optimizer.weight_decay',
            _rate(request, defaults).weight_decay,
            'goes with the learning rate',
        ),
        'warm-up': _warm_up(epochs.value, defaults),
        'precision': _precision(machine),
        'momentum': _momentum(steps, defaults),
        'method': Choice(
            'model.retrievers', request.method, f'positives by {METHODS[request.method]}'
        ),
        'queue': _queue(count, defaults),
        'views': _views(folder, size.value, defaults),
        'workers': _workers(machine, defaults),
        'checkpoints': Choice(
            'default_hooks.checkpoint.interval',
            max(1, epochs.value // defaults.checkpoints),
            f'epochs between two checkpoints, of {defaults.checkpoints} at most; Ctrl-C saves too',
        ),
        'kNN': _scores(folder, epochs.value, defaults),
    }
    if request.method == 'rcl':
        found |= _clusters(count, epochs.value, defaults)
    if request.init is not None:
        found['init'] = Choice('model.backbone.init_cfg', request.init, 'by --init')
    return found


def _image_size(
    folder: FolderFacts, machine: Machine, request: Request, defaults: Defaults
) -> Choice:
    setting = 'train_dataloader.dataset.pipeline.0.views.0.scale'
    sizes = defaults.sizes if machine.gpus else defaults.sizes_on_cpu
    size = max([each for each in sizes if each <= defaults.enlargement * folder.half] or sizes[:1])
    reason = f'half of the images are at least {folder.half} pixels wide and high'
    if size == sizes[-1] and folder.half > size:
        limit = 'as in the papers' if machine.gpus else 'the most that suits a machine without GPU'
        reason = f'{reason}; {limit}'
    if request.init is not None and size < defaults.init_size:
        size = defaults.init_size
        reason = f'{reason}; published encoders need {size}'
    return Choice(setting, size, reason)


def _reason_of_model(kind: str, size: int) -> str:
    if kind == 'ResNet_CIFAR':
        return f'with a 3 x 3 stem and no pooling, because images of {size} pixels are small'
    return f'{kind}, for images of {size} pixels'


def _batch_size(
    count: int, size: int, machine: Machine, request: Request, defaults: Defaults
) -> Choice:
    largest = defaults.batch_size_on_cpu
    reason = f'{largest} at most without a GPU'
    if machine.gpus:
        memory = dict(defaults.memory_per_image)
        # A 3 x 3 stem without pooling has four times the positions of an image's side.
        side = 4 * size if size <= defaults.small else size
        each = memory.get(request.model, memory['']) * (side / 224) ** 2
        fitting = int(defaults.memory_share * machine.gpu_memory / each)
        largest = min(defaults.batch_size, fitting)
        reason = f'{largest} at most in {machine.gpu_memory:.0f} GB, by an estimate'
    batch = _power_of_two(min(largest, count // defaults.fewest_steps))
    return Choice(
        'train_dataloader.batch_size', batch, f'{reason}; {count // batch} steps an epoch'
    )


def _power_of_two(most: int) -> int:
    return 1 << max(1, most.bit_length() - 1)


def _processes(machine: Machine) -> Choice:
    if machine.gpus > 1:
        reason = (
            f'one of {machine.gpus} GPUs; for all use tools/dist_train.sh OUT/config.py '
            f'{machine.gpus} --work-dir OUT --auto-scale-lr'
        )
    else:
        reason = 'the GPU' if machine.gpus else f'{machine.cores} cores; there is no GPU'
    return Choice('env_cfg', 1, reason)


def _epochs(count: int, machine: Machine, request: Request, defaults: Defaults) -> Choice:
    setting = 'train_cfg.max_epochs'
    if request.epochs is not None:
        return Choice(setting, request.epochs, 'by --epochs; all schedules follow')
    if machine.gpus:
        epochs = next(epochs for most, epochs in defaults.epochs if count <= most)
        return Choice(setting, epochs, f'for {count:,} images')
    fewest, most = defaults.epochs_on_cpu
    epochs = min(max(round(defaults.images_on_cpu / count), fewest), most)
    seen = epochs * count
    return Choice(setting, epochs, f'{seen:,} images in all, because there is no GPU')


def _rate(request: Request, defaults: Defaults) -> Rate:
    return defaults.resnet if request.model in ('resnet18', 'resnet50') else defaults.other


def _learning_rate(batch: int, request: Request, defaults: Defaults) -> Choice:
    rate, base, _ = _rate(request, defaults)
    value = rate * (batch / base) ** 0.5
    reason = f"AdamW's {rate:g} at batch {base}, by the root of the batch"
    if request.init is not None:
        value *= defaults.init_factor
        reason = f'{reason}, times {defaults.init_factor:g} for a trained encoder'
    return Choice('optim_wrapper.optimizer.lr', float(f'{value:.2g}'), reason)


def _warm_up(epochs: int, defaults: Defaults) -> Choice:
    end = min(max(1, round(defaults.warm_up * epochs)), epochs - 1)
    reason = f'epochs, {defaults.warm_up:.0%} of the training; then a cosine to 0'
    return Choice('param_scheduler', end, reason)


def _precision(machine: Machine) -> Choice:
    if machine.bfloat16:
        return Choice('optim_wrapper.type', 'bfloat16', 'the GPU computes in it')
    where = 'the GPU has no bfloat16' if machine.gpus else 'there is no GPU'
    return Choice('optim_wrapper.type', 'float32', where)


def _momentum(steps: int, defaults: Defaults) -> Choice:
    short, long = defaults.momentum
    value = long if steps >= defaults.long_training else short
    return Choice(
        'model.base_momentum', value, f'1 - m of the momentum encoder at the start; {steps:,} steps'
    )


def _queue(count: int, defaults: Defaults) -> Choice:
    share = max(round(defaults.queue_share * count), defaults.queue_least)
    length = min(share, count // 2, defaults.queue_most)
    return Choice(
        'model.queue.length',
        length,
        f"keys, {length / count:.1%} of the images (the paper's {defaults.queue_share:.1%}, at "
        f'least {defaults.queue_least:,}, at most half)',
    )


def _views(folder: FolderFacts, size: int, defaults: Defaults) -> Choice:
    words = ['crop', 'flip']
    reason = 'as for photographs'
    if folder.gray == 1:
        words.append('brightness')
        reason = 'all images are grey'
    else:
        words += ['colours', 'grey']
    if size > defaults.small:
        words += ['blur', 'solarise']
    else:
        reason = f'{reason}; no blur of images this small'
    return Choice('data_preprocessor.views', ', '.join(words), reason)


def _workers(machine: Machine, defaults: Defaults) -> Choice:
    free = machine.cores - 1 if machine.gpus else machine.cores // 2
    return Choice(
        'train_dataloader.num_workers',
        min(free, defaults.workers),
        f'processes that read images, of {machine.cores} cores',
    )


def _scores(folder: FolderFacts, epochs: int, defaults: Defaults) -> Choice:
    if folder.classes is None:
        reason = (
            'no labels: there is no --labels, and class folders are labels if every image lies in '
            f'one and they have {defaults.fewest_per_class} images each on average'
        )
        return Choice('default_hooks', 'none', reason)
    return Choice(
        'default_hooks.knn.interval',
        max(1, epochs // defaults.scores),
        f'epochs between two scores of the {len(set(folder.classes) - {None})} classes, which the '
        'training does not see',
    )


def _clusters(count: int, epochs: int, defaults: Defaults) -> Choices:
    hook = 'default_hooks.clustering'
    sizes = [size for size in defaults.mean_sizes if count >= defaults.fewest_clusters * size]
    return {
        'clusters': Choice(
            f'{hook}.source.mean_sizes',
            sizes,
            'images per cluster of each level above the images, by first neighbours of '
            "the network's keys",
        ),
        'first clusters': Choice(
            f'{hook}.warmup_epochs',
            round(defaults.cluster_warm_up * epochs),
            'epochs before them, so that keys mean something',
        ),
        'clusters anew': Choice(
            f'{hook}.recluster_interval',
            max(1, epochs // defaults.clusterings),
            'epochs between two clusterings',
        ),
    }
