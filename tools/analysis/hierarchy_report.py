"""Write a learnt hierarchy as one HTML page, to be opened from disk in any browser.

The page shows the clusters of a checkpoint from coarse to fine as a zoomable tree, a map of the
images, the similar ones of each, what training pairs them with, and the curves of the run.
"""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmrcl.ablations import scalars_of
from mmrcl.checkpoint import load_weights
from mmrcl.clustering import LabelHierarchy, nearest_neighbors
from mmrcl.datasets import guard_loaders
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.launch import (
    add_trust_argument,
    check_config,
    check_overrides,
    check_path,
    check_paths,
    loading_errors,
    plain_loader,
    read_config,
)
from mmrcl.models import (
    ClusterRetriever,
    GalleryRetriever,
    LevelRetriever,
    NearestRetriever,
    RetrievalInput,
)
from mmrcl.progress import progress, stage
from mmrcl.registry import DATASETS, MODELS
from mmrcl.visualization import (
    SIDE,
    Retrieved,
    choose_clusters,
    import_pyarrow,
    read_run,
    thumbnail,
    write_report,
)

CLUSTERED = 'default_hooks.clustering.dataloader.dataset'
NEIGHBORS = 3  # nearest images, shown beside the retrieved keys
# What the retrievers do, in the words of the page.
MATCHES = {
    NearestRetriever: 'other image',
    ClusterRetriever: 'image of its coarsest cluster',
    LevelRetriever: 'image of its cluster at each level',
}
GALLERIES = {'queue': 'among the latest of the training', 'bank': 'among all images'}


class Pictures(NamedTuple):
    """Thumbnails (N, side, side[, 3]) in RGB, classes (N,), -1 where unknown, and files, if any."""

    images: np.ndarray
    classes: Tensor
    paths: list[str] | None


class Thumbnails(Dataset):
    """Small images as passed to the encoder, before normalisation."""

    def __init__(self, dataset: BaseDataset, chosen: Tensor, bgr: bool) -> None:
        self.dataset = dataset
        self.chosen = chosen
        self.bgr = bgr
        first = self._first()
        self.side = min(SIDE, *first.shape[:2])
        self.blank = np.zeros_like(thumbnail(first, self.side))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> tuple[np.ndarray, int]:
        info = self.dataset.get_data_info(int(self.chosen[place]))
        try:
            image = thumbnail(self._pixels(place), self.side)
        except OSError as error:
            print(f'an image of the page cannot be read: {error}', file=sys.stderr)
            image = self.blank
        return image, int(info.get('gt_label', -1))

    def _first(self) -> np.ndarray:
        for place in range(len(self)):
            with contextlib.suppress(OSError):
                return self._pixels(place)
        raise TrainingError(f'none of the {len(self)} images to show can be read')

    def _pixels(self, place: int) -> np.ndarray:
        pixels = self.dataset[int(self.chosen[place])]['inputs']
        if len(pixels) == 1:
            return pixels[0].numpy()
        return (pixels.flip(0) if self.bgr else pixels).permute(1, 2, 0).numpy()


def prepare(args: argparse.Namespace) -> Config:
    """Read and check the config with its overrides.

    Raises:
        ConfigError: if it has no hierarchy or no data to show, or the checkpoint does not exist.
    """
    config = read_config(args.config)
    if args.images < 1 or args.queries < 0:
        raise ConfigError('--images must be at least 1, --queries at least 0')
    if args.parquet is not None:
        try:
            import_pyarrow()
        except ImportError as error:
            raise ConfigError(f'--parquet: {error}') from error
    check_overrides(config, args.cfg_options or {}, also=['plain_train_dataloader'])
    config.merge_from_dict(args.cfg_options or {})
    check_config(config)
    if config.model.get('hierarchy') is None:
        raise ConfigError(
            f'the model of {args.config} has no hierarchy: pass a config with model.hierarchy, '
            'such as those of configs/rcl'
        )
    check_paths(Config(dict(dataloader=plain_loader(config))), ('dataloader',))
    config.load_from = str(args.checkpoint)
    check_path(config, 'load_from')
    init_default_scope(config.default_scope)
    return config


def load_model(config: Config, trust: bool) -> tuple[Any, dict[str, Any]]:
    """Load the model of the checkpoint and the checkpoint's metadata.

    Raises:
        ConfigError: if it is of another config, or was saved before the first clustering.
    """
    try:
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        state, meta = load_weights(config.load_from, trust)
        model.load_state_dict(state)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(
            f'{config.load_from} does not fit the model of the config: pass the config that it was '
            f'trained with ({reason[:300]})'
        ) from error
    if not model.hierarchy.initialized:
        raise ConfigError(
            f'{config.load_from} was saved before the images were clustered: pass a checkpoint '
            'from after the warm-up (default_hooks.clustering.warmup_epochs)'
        )
    return model, meta


def load_dataset(config: Config, images: int) -> BaseDataset:
    """Load the data set that was clustered.

    Raises:
        ConfigError: if it cannot be read, or has another number of images.
    """
    try:
        dataset = DATASETS.build(plain_loader(config).dataset)
        dataset.full_init()
        guard_loaders(dataset)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(f'{CLUSTERED} cannot be read: {error}') from error
    if len(dataset) != images:
        raise ConfigError(
            f'{CLUSTERED} has {len(dataset)} images, the hierarchy of the checkpoint {images}: '
            'set it to the data set that was clustered'
        )
    return dataset


def retrieve(model: Any, queries: Tensor) -> list[Retrieved]:
    """Retrieve keys for the images (Q,), by the model's retrievers and as nearest of the bank."""
    hierarchy: LabelHierarchy = model.hierarchy
    features = hierarchy.bank[queries].float()
    found = []
    for retriever in getattr(model, 'retrievers', ()):
        if isinstance(retriever, GalleryRetriever):
            keys = retriever(RetrievalInput(features, queries, model.queue, hierarchy))
            cosines = (keys.features @ features[:, :, None])[..., 0]
            found.append(
                Retrieved(retriever_name(retriever), keys.indices.where(keys.found, -1), cosines)
            )
    count = min(NEIGHBORS + 1, len(hierarchy.bank))
    cosines, keys = nearest_neighbors(features, hierarchy.bank, count)
    # The stable sort moves the query itself to the end and keeps the others in order.
    others_first = (keys == queries[:, None]).int().argsort(dim=1, stable=True)[:, : count - 1]
    nearest = [part.gather(1, others_first) for part in (keys, cosines)]
    return [*found, Retrieved('Nearest of all images', *nearest)]


def retriever_name(retriever: GalleryRetriever) -> str:
    """Describe which images a retriever finds; one that is not mmrcl's has its own name."""
    match = MATCHES.get(type(retriever), f'image by {type(retriever).__name__}')
    return f'{retriever.select.capitalize()} {match}, {GALLERIES[retriever.gallery]}'


def read_pictures(config: Config, dataset: BaseDataset, chosen: Tensor) -> Pictures:
    """Read thumbnails and classes of the chosen images (N,)."""
    bgr = any(config.data_preprocessor.get(key) for key in ('to_rgb', 'bgr_to_rgb'))
    loader = DataLoader(
        Thumbnails(dataset, chosen, bgr),
        batch_size=256,
        num_workers=plain_loader(config).get('num_workers', 0),
        collate_fn=list,
    )
    items = [item for batch in progress(loader, 'Reading images') for item in batch]
    images, classes = zip(*items, strict=True)
    infos = [dataset.get_data_info(int(index)) for index in chosen]
    paths = [info['img_path'] for info in infos] if 'img_path' in infos[0] else None
    return Pictures(np.stack(images), torch.tensor(classes), paths)


def facts(config: Config, meta: dict[str, Any], chosen: int, total: int) -> dict[str, str]:
    """Collect the facts about the run for the head of the page."""
    checkpoint = Path(config.load_from)
    shown = f'{total:,}' if chosen == total else f'{chosen:,} of {total:,}, in whole clusters'
    about = {
        'Run': checkpoint.resolve().parent.name,
        'Checkpoint': checkpoint.name,
        'Data set': plain_loader(config).dataset.type,
        'Clustered': clustered_space(config),
        'Images': shown,
        'Seed': str(meta.get('seed', '')),
        'Code': str(meta.get('mmrcl_commit', ''))[:12],
    }
    return {name: value for name, value in about.items() if value}


def clustered_space(config: Config) -> str:
    """Name the features that the clustering hook of the config clusters, '' without a hook."""
    hook = (config.get('default_hooks') or {}).get('clustering')
    space = '' if hook is None else hook.get('space', 'projection')
    return str(space['type'] if isinstance(space, dict) else space)


def write(args: argparse.Namespace, config: Config, model: Any, meta: dict, dataset: Any) -> Path:
    """Choose the images to show, retrieve keys and write the page."""
    torch.manual_seed(0)
    hierarchy: LabelHierarchy = model.hierarchy
    chosen = choose_clusters(hierarchy.labels, args.images)
    queries = chosen[torch.randperm(len(chosen))[: args.queries]]
    retrieved = retrieve(model, queries)
    keys = torch.cat([row.keys.flatten() for row in retrieved])
    chosen = torch.cat([chosen, keys[keys >= 0]]).unique()
    place = torch.full((hierarchy.num_samples + 1,), -1)  # the last entry is for "none"
    place[chosen] = torch.arange(len(chosen))
    pictures = read_pictures(config, dataset, chosen)
    run = Path(config.load_from).parent
    known = int(pictures.classes.min()) >= 0
    with stage('Writing the page'):
        return write_report(
            args.out or args.checkpoint.with_name('hierarchy_report.html'),
            hierarchy.labels[:, chosen],
            pictures.images,
            features=hierarchy.bank[chosen],
            classes=pictures.classes if known else None,
            class_names=dataset.metainfo.get('classes'),
            queries=place[queries].tolist(),
            retrieved=[row._replace(keys=place[row.keys]) for row in retrieved],
            scalars=[] if scalars_of(run) is None else read_run(run),
            numbers=chosen.numpy(),
            title=Path(args.config).stem,
            about=facts(config, meta, len(chosen), hierarchy.num_samples),
            paths=pictures.paths,
            parquet=args.parquet,
        )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config whose model has a hierarchy')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of that config')
    parser.add_argument(
        '--out',
        type=Path,
        help='file to write, hierarchy_report.html beside the checkpoint if none',
    )
    parser.add_argument(
        '--images', type=int, default=50_000, help='images at most, drawn as whole clusters'
    )
    parser.add_argument('--queries', type=int, default=24, help='examples of pairs')
    parser.add_argument(
        '--parquet', type=Path, help='also write the images as a table for embedding-atlas'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings that override the config',
    )
    add_trust_argument(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        config = prepare(args)
        model, meta = load_model(config, args.trust_checkpoint)
        dataset = load_dataset(config, model.hierarchy.num_samples)
    except ConfigError as error:
        sys.exit(f'error: {error}')
    try:
        with loading_errors():
            path = write(args, config, model, meta, dataset)
    except (OSError, TrainingError) as error:
        sys.exit(f'error: {error}')
    print(f'written: {path} ({path.stat().st_size / 1e6:.1f} MB)')


if __name__ == '__main__':
    main()
