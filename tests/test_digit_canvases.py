"""The small detection set: masks are what one sees, and val shows no digit of train."""

import importlib.util
import json
import sys
from pathlib import Path

import mmcv
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcl.datasets import Digits

TOOL = Path(__file__).parents[1] / 'tools/data/digit_canvases.py'
spec = importlib.util.spec_from_file_location('digit_canvases', TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

SIZE = 48
DIGITS = list(Digits(split='train'))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('canvases')
    write(folder)
    return folder


def write(folder: Path, *options: object) -> None:
    """What the command line does."""
    words = [TOOL, folder, '--train', 6, '--val', 4, '--size', SIZE, *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(word) for word in words])
        tool.main()


def load(folder: Path, split: str) -> dict:
    return json.loads((folder / 'annotations' / f'{split}.json').read_text())


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob('*') if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def decode(segmentation: dict) -> np.ndarray:
    """Literally: so many zeros, so many ones and so on, down one column after the other."""
    pixels = [step % 2 for step, length in enumerate(segmentation['counts']) for _ in range(length)]
    return np.array(pixels, dtype=bool).reshape(segmentation['size'], order='F')


def owners_by_pixel(placements: list) -> np.ndarray:
    """The number of the digit seen at each pixel, -1 for the background, pixel by pixel."""
    owners = np.full((SIZE, SIZE), -1)
    for number, placement in enumerate(placements):
        for row, line in enumerate(placement.image):
            for column, value in enumerate(line):
                if value >= 64:
                    owners[placement.top + row, placement.left + column] = number
    return owners


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_masks_are_the_pixels_that_a_painter_leaves_visible(seed):
    rng = np.random.default_rng(seed)
    placements = tool.place(rng, DIGITS, SIZE)
    owners = owners_by_pixel(placements)
    canvas = tool.background(rng, SIZE)
    painted = tool.paint(canvas, placements)
    assert np.array_equal(painted[owners < 0], canvas[owners < 0])
    assert len(placements) >= 1
    for number, (placement, mask) in enumerate(
        zip(placements, tool.visible_masks(placements, SIZE), strict=True)
    ):
        assert np.array_equal(mask, owners == number)
        assert mask.sum() >= 0.75 * (placement.image >= 64).sum()
        note = tool.annotate(placement, mask)
        assert np.array_equal(decode(note['segmentation']), mask)
        left, top, width, height = note['bbox']
        inside = mask[top : top + height, left : left + width]
        assert inside.sum() == mask.sum() == note['area']
        # Tight: no edge can move inwards.
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
        for row, column in zip(*np.nonzero(mask), strict=True):
            value = placement.image[row - placement.top, column - placement.left]
            assert painted[row, column] == value


masks = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.lists(
        st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
    ).map(lambda bits: np.array(bits).reshape(shape))
)


@given(masks)
def test_run_lengths_give_the_mask_back(mask):
    assert np.array_equal(decode(tool.run_lengths(mask)), mask)


def test_run_lengths_are_read_by_coco():
    coco = pytest.importorskip('pycocotools.mask')
    rng = np.random.default_rng(0)
    for _ in range(100):
        mask = rng.random(rng.integers(1, 6, 2)) < 0.5
        code = coco.frPyObjects(tool.run_lengths(mask), *mask.shape)
        assert np.array_equal(coco.decode(code), mask)


def test_the_set_is_coco_s_and_its_ids_are_unique(folder):
    for split, count in (('train', 6), ('val', 4)):
        parts = load(folder, split)
        assert '--seed 0' in parts['info']['command']
        assert parts['info']['seed'] == 0
        assert [category['name'] for category in parts['categories']] == list('0123456789')
        assert [image['id'] for image in parts['images']] == list(range(1, count + 1))
        ids = [note['id'] for note in parts['annotations']]
        # pycocotools takes the id 0 of a match for no match.
        assert ids == list(range(1, len(ids) + 1))
        assert {note['image_id'] for note in parts['annotations']} == set(range(1, count + 1))
        for image in parts['images']:
            pixels = mmcv.imread(str(folder / split / image['file_name']), flag='unchanged')
            assert pixels.shape == (SIZE, SIZE) == (image['height'], image['width'])
            assert pixels.dtype == np.uint8


def test_what_a_mask_covers_is_the_digit_that_it_names_and_val_has_none_of_train(folder):
    shown = {}
    for split, source in (('train', 'train'), ('val', 'test')):
        digits = Digits(split=source)
        parts = load(folder, split)
        for note in parts['annotations']:
            digit = digits[note['sample_idx']]
            assert digit['gt_label'] == note['category_id']
            pixels = mmcv.imread(str(folder / split / f'{note["image_id"]:06d}.png'), 'unchanged')
            assert is_shown(digit['img'], pixels, decode(note['segmentation']))
            shown.setdefault(split, set()).add(digit['img'].tobytes())
    everywhere = {item['img'].tobytes() for item in DIGITS}
    assert not shown['val'] & everywhere
    assert shown['train'] <= everywhere


def is_shown(digit: np.ndarray, pixels: np.ndarray, mask: np.ndarray) -> bool:
    """Whether the digit, at some size and place, has the values that the mask covers."""
    rows, columns = np.nonzero(mask)
    for side in range(12, 27):
        image = mmcv.imresize(digit, (side, side), interpolation='bicubic')
        for top in range(max(0, rows.max() + 1 - side), rows.min() + 1):
            for left in range(max(0, columns.max() + 1 - side), columns.min() + 1):
                if np.array_equal(image[rows - top, columns - left], pixels[rows, columns]):
                    return True
    return False


def test_same_seed_same_bytes_and_another_set_is_not_overwritten(folder, tmp_path, capsys):
    before = contents(folder)
    write(tmp_path / 'again')
    assert contents(tmp_path / 'again') == before
    write(folder)
    assert 'is there already' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='use another folder'):
        write(folder, '--seed', 1)
    assert contents(folder) == before
    write(tmp_path / 'other', '--seed', 1)
    other = contents(tmp_path / 'other')
    assert all(other[name] != before[name] for name in before)


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--size', 20], '--size 20 is too small'),
        (['--val', 0], 'must be at least 1 canvas'),
        (['--seed', -1], 'must be at least 0'),
    ],
)
def test_settings_that_cannot_work_stop_with_a_sentence(tmp_path, options, sentence):
    with pytest.raises(SystemExit, match=sentence):
        write(tmp_path / 'set', *options)
    assert not (tmp_path / 'set').exists()
