"""Folders of small coloured pictures of mixed sizes, some transparent, in class folders."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(
    folder: Path, count: int = 52, classes: int = 2, sides: tuple[int, int] = (14, 22)
) -> Path:
    """Noise that is brighter in the channel of its class; every seventh is transparent."""
    draw = np.random.default_rng(0)
    for index in range(count):
        label = index % classes
        height, width = draw.integers(*sides, 2).tolist()
        pixels = draw.integers(0, 90, (height, width, 4), dtype=np.uint8)
        pixels[..., label % 3] += 150
        if index % 7:
            pixels = pixels[..., :3]
        file = folder / f'class {label}' / f'picture {index:03d}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return folder
