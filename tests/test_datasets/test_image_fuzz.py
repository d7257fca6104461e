"""Damaged files of 12 formats: the only error that escapes says that a file is unreadable."""

import random
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import mmrcl
from mmrcl.apis.encoders import _LoadAsDataset
from mmrcl.apis.hierarchies import _thumbnail
from mmrcl.datasets import LoadImageFromFile, UnreadableImageError

from .image_files import encoded

GRAY = np.tile(np.arange(0, 240, 5, np.uint8), (32, 1))
COLOR = np.stack([GRAY, GRAY[:, ::-1], np.roll(GRAY, 9, 1)], 2)
CLEAR = np.concatenate([COLOR, GRAY[..., None]], 2)


def upside_down() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 3
    exif[0x010E] = 'a picture'
    return exif


WHOLE = {
    'JPEG': encoded(COLOR, 'JPEG', exif=upside_down()),
    'PNG': encoded(CLEAR, 'PNG', exif=upside_down()),
    '16-bit PNG': encoded(GRAY.astype(np.uint16) * 257, 'PNG'),
    'palette PNG': encoded(Image.fromarray(COLOR).quantize(8), 'PNG', transparency=3),
    'BMP': encoded(COLOR, 'BMP'),
    'PPM': encoded(COLOR, 'PPM'),
    'PGM': b'P2\n# text\n16 16 1023\n' + b' '.join(b'%d' % (4 * i) for i in range(256)) + b'\n',
    'TIFF': encoded(CLEAR, 'TIFF', compression='tiff_lzw'),
    'float TIFF': encoded((GRAY / 255).astype(np.float32), 'TIFF', compression='tiff_deflate'),
    'WebP': encoded(CLEAR, 'WEBP', exif=upside_down()),
    'GIF': encoded(Image.fromarray(COLOR).quantize(8), 'GIF', transparency=3),
    'JPEG 2000': encoded(COLOR, 'JPEG2000'),
}


def truncate(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


def flip(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 20)):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def spoil_the_header(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 6)):
        content[draw.randrange(min(80, len(content)))] = draw.randrange(256)


def write_a_large_number(content: bytearray, draw: random.Random) -> None:
    """Sizes, counts and offsets of any width may become absurd, and in text too."""
    number = draw.choice([b'\xff\xff\xff\xff', b'\x7f\xff\xff\xff', b'\xff\xff', b'\0\0', b'99999'])
    place = draw.randrange(min(120, len(content)))
    content[place : place + len(number)] = number


def splice(content: bytearray, draw: random.Random) -> None:
    other = draw.choice(list(WHOLE.values()))
    start, end = sorted(draw.randrange(len(other)) for _ in range(2))
    place = draw.randrange(len(content))
    content[place : place + draw.choice([0, end - start])] = other[start:end]


def repeat(content: bytearray, draw: random.Random) -> None:
    start, end = sorted(draw.randrange(len(content)) for _ in range(2))
    content[end:end] = content[start:end] * draw.randint(1, 3)


def swap_the_header(content: bytearray, draw: random.Random) -> None:
    content[:16] = draw.choice(list(WHOLE.values()))[:16]


MUTATIONS = (
    truncate, flip, spoil_the_header, write_a_large_number, splice, repeat, swap_the_header
)  # fmt: skip


def damaged(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents; every format and mutation in turn."""
    draw = random.Random(seed)
    names = list(WHOLE)
    for number in range(count):
        content = bytearray(WHOLE[names[number % len(names)]])
        applied = [MUTATIONS[number // len(names) % len(MUTATIONS)]]
        applied += draw.sample(MUTATIONS, draw.randint(0, 1))
        for mutate in applied:
            if content:
                mutate(content, draw)
        said = ', '.join(mutate.__name__ for mutate in applied)
        yield f'{number}: {names[number % len(names)]}, {said}', bytes(content)


def flat(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.resize((4, 4)))).permute(2, 0, 1).float()


ENCODER = mmrcl.wrap_encoder(nn.Flatten(), flat)
READERS = [
    *(
        LoadImageFromFile(imdecode_backend=backend, color_type=color_type)
        for backend in ('pillow', 'cv2')
        for color_type in ('color', 'grayscale', 'unchanged')
    ),
    _LoadAsDataset('L'),
    lambda results: ENCODER.read(results['img_path']),
]


def read_in_every_way(file: Path) -> list[bool]:
    """Whether each reader read the file; any error but one escapes."""
    found = []
    for read in READERS:
        try:
            image = read(dict(img_path=str(file)))
        except UnreadableImageError as error:
            assert str(error).startswith(f'{file} (')
            found.append(False)
        else:
            found.append(True)
            pixels = image['img'] if isinstance(image, dict) else image
            assert pixels.size if isinstance(pixels, np.ndarray) else pixels.numel()
    return found


def test_the_whole_files_are_read(tmp_path):
    for name, content in WHOLE.items():
        (tmp_path / 'whole').write_bytes(content)
        assert all(read_in_every_way(tmp_path / 'whole')), name


@pytest.mark.parametrize(
    ('count', 'seed'), [(200, 0), pytest.param(2000, 1, marks=pytest.mark.nightly)]
)
def test_no_other_error_escapes(tmp_path, count, seed):
    files, read = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        warnings.filterwarnings('ignore', module='PIL')
        for number, (name, content) in enumerate(damaged(count, seed)):
            file = tmp_path / f'{number:04d}'
            file.write_bytes(content)
            files.append(file)
            try:
                read += any(read_in_every_way(file))
            except Exception as error:
                pytest.fail(f'{name}: {type(error).__name__}: {error}')
    # The mutations must neither leave most files whole nor destroy all.
    assert count // 10 < read < count * 9 // 10
    with pytest.warns(UserWarning, match='files cannot be read and are left out'):
        features = mmrcl.extract_features(ENCODER, files)
    assert count // 10 < len(features.paths) < count
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert all(_thumbnail(str(file)).shape[2] == 3 for file in files)
