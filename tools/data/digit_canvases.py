"""Write a small detection set: scikit-learn's digits on canvases, with instance masks.

Digits of varying size are placed on a noisy grey gradient and may overlap; later ones hide earlier
ones. A digit consists of the pixels of its enlarged image of at least a quarter of white, its mask
of those that remain visible. Train canvases show digits of the split 'train' of
mmrcl.datasets.Digits, val canvases those of 'test'. Annotations are in COCO format with
uncompressed run-length masks; an annotation's sample_idx is the index of its digit in the split.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import mmcv
import numpy as np

from mmrcl.datasets import Digits
from mmrcl.errors import ConfigError

SPLITS = {'train': 'train', 'val': 'test'}
MIN_INK = 64
SIDES = (12, 26)
COUNTS = (3, 6)
MIN_VISIBLE = 0.75
TRIES = 20


class Placement(NamedTuple):
    """A digit on a canvas; pixels below MIN_INK do not belong to it."""

    image: np.ndarray
    label: int
    sample_idx: int
    top: int
    left: int

    def mask(self, size: int) -> np.ndarray:
        """Return all its pixels on the canvas, hidden or not: (size, size) bool."""
        whole = np.zeros((size, size), dtype=bool)
        side = len(self.image)
        ink = self.image >= MIN_INK
        whole[self.top : self.top + side, self.left : self.left + side] = ink
        return whole


def place(rng: np.random.Generator, digits: Sequence[dict], size: int) -> list[Placement]:
    """Place digits in painting order, so that enough of each remains visible."""
    placements: list[Placement] = []
    for _ in range(rng.integers(COUNTS[0], COUNTS[1] + 1)):
        for _ in range(TRIES):
            candidate = _draw_placement(rng, digits, size)
            if _all_visible([*placements, candidate], size):
                placements.append(candidate)
                break
    return placements


def _draw_placement(rng: np.random.Generator, digits: Sequence[dict], size: int) -> Placement:
    digit = digits[rng.integers(len(digits))]
    side = int(rng.integers(SIDES[0], SIDES[1] + 1))
    top, left = rng.integers(0, size - side + 1, 2).tolist()
    image = mmcv.imresize(digit['img'], (side, side), interpolation='bicubic')
    return Placement(image, digit['gt_label'], digit['sample_idx'], top, left)


def _all_visible(placements: list[Placement], size: int) -> bool:
    return all(
        visible.sum() >= MIN_VISIBLE * placement.mask(size).sum()
        for visible, placement in zip(visible_masks(placements, size), placements, strict=True)
    )


def visible_masks(placements: list[Placement], size: int) -> list[np.ndarray]:
    """Compute the visible pixels of each digit below later ones: (size, size) bool."""
    hidden = np.zeros((size, size), dtype=bool)
    masks = []
    for placement in reversed(placements):
        masks.append(placement.mask(size) & ~hidden)
        hidden |= masks[-1]
    return masks[::-1]


def background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a linear grey gradient of random direction with noise: (size, size) uint8."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    slope = rng.uniform(0, 40) * (np.cos(angle) * rows + np.sin(angle) * columns)
    grey = rng.uniform(10, 50) + slope + rng.normal(0, 8, (size, size))
    return grey.clip(0, 255).astype(np.uint8)


def paint(canvas: np.ndarray, placements: list[Placement]) -> np.ndarray:
    """Paint the digits on a copy of the canvas, one after another."""
    canvas = canvas.copy()
    for placement in placements:
        side = len(placement.image)
        below = canvas[placement.top :, placement.left :][:side, :side]
        np.copyto(below, placement.image, where=placement.image >= MIN_INK)
    return canvas


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """Encode a mask as COCO's uncompressed run lengths of 0 and 1 in turn, column by column."""
    flat = mask.ravel(order='F')
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff([0, *changes, flat.size]).tolist()
    return {'size': list(mask.shape), 'counts': [0, *counts] if flat[0] else counts}


def annotate(placement: Placement, visible: np.ndarray) -> dict[str, Any]:
    """Make the COCO annotation of an instance, without the ids."""
    rows, columns = np.nonzero(visible)
    top, left = rows.min(), columns.min()
    box = [left, top, columns.max() + 1 - left, rows.max() + 1 - top]
    return {
        'category_id': placement.label,
        'bbox': [int(edge) for edge in box],
        'area': int(visible.sum()),
        'segmentation': run_lengths(visible),
        'iscrowd': 0,
        'sample_idx': placement.sample_idx,
    }


def write_split(folder: Path, split: str, canvases: int, size: int, info: dict[str, Any]) -> None:
    """Write the canvases below folder/split, and folder/annotations/split.json."""
    rng = np.random.default_rng([info['seed'], list(SPLITS).index(split)])
    digits = list(Digits(split=SPLITS[split]))
    images, annotations = [], []
    for image_id in range(1, canvases + 1):
        name = f'{image_id:06d}.png'
        placements = place(rng, digits, size)
        mmcv.imwrite(paint(background(rng, size), placements), str(folder / split / name))
        images.append({'id': image_id, 'file_name': name, 'width': size, 'height': size})
        for placement, visible in zip(placements, visible_masks(placements, size), strict=True):
            ids = {'id': len(annotations) + 1, 'image_id': image_id}
            annotations.append(ids | annotate(placement, visible))
    categories = [{'id': digit, 'name': str(digit)} for digit in range(10)]
    parts = {'info': info, 'images': images, 'annotations': annotations, 'categories': categories}
    path = annotation_file(folder, split)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(parts))


def annotation_file(folder: Path, split: str) -> Path:
    return folder / 'annotations' / f'{split}.json'


def write_set(folder: Path, sizes: dict[str, int], info: dict[str, Any]) -> None:
    """Write all splits to a temporary folder, and rename it when complete."""
    partial = folder.with_name(f'{folder.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    for split in SPLITS:
        write_split(partial, split, sizes[split], sizes['size'], info)
    partial.replace(folder)


def is_there(folder: Path, info: dict[str, Any]) -> bool:
    """Return whether the folder contains exactly this set.

    Raises:
        ConfigError: if it contains anything else.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return False
    try:
        found = [json.loads(annotation_file(folder, split).read_text()) for split in SPLITS]
    except (OSError, ValueError):
        found = []
    if not found or any(part['info'] != info for part in found):
        raise ConfigError(
            f'{folder} holds something else than the requested set: use another folder, or delete '
            'it if you do not need it'
        )
    return True


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, help='folder to write')
    parser.add_argument('--train', type=int, default=200, help='train canvases (%(default)s)')
    parser.add_argument('--val', type=int, default=100, help='val canvases (%(default)s)')
    parser.add_argument('--size', type=int, default=64, help='their side in pixels (%(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of all draws (%(default)s)')
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    if min(args.train, args.val) < 1:
        raise ConfigError('--train and --val must be at least 1 canvas')
    if args.size < SIDES[1]:
        raise ConfigError(f'--size {args.size} is too small: set at least {SIDES[1]} pixels')
    if args.seed < 0:
        raise ConfigError(f'--seed {args.seed} must be at least 0')


def main() -> None:
    args = parse_args()
    options = {name: getattr(args, name) for name in ('train', 'val', 'size', 'seed')}
    command = ' '.join(f'--{name} {value}' for name, value in options.items())
    info = {
        'description': "scikit-learn's handwritten digits on canvases",
        'seed': args.seed,
        'command': f'python tools/data/digit_canvases.py {command}',
    }
    try:
        check(args)
        if is_there(args.folder, info):
            print(f'{args.folder} is there already')
            return
    except ConfigError as error:
        sys.exit(f'error: {error}')
    write_set(args.folder, options, info)
    print(f'written: {args.folder}')


if __name__ == '__main__':
    main()
