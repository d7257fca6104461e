"""Glyphs of the fonts that matplotlib ships: each image shows the character that it names."""

import csv
import importlib.util
import shutil
import sys
import unicodedata
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from mmrcl.datasets import Glyphs

TOOL = Path(__file__).parents[1] / 'tools/data/draw_glyphs.py'
spec = importlib.util.spec_from_file_location('draw_glyphs', TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

FONTS = Path(matplotlib.get_data_path()) / 'fonts/ttf'
SANS, BOLD, SERIF, MONO = (
    FONTS / f'DejaVu{name}.ttf' for name in ('Sans', 'Sans-Bold', 'Serif', 'SansMono')
)
SYMBOLS = FONTS / 'cmsy10.ttf'
LATIN = tool.SCRIPTS['latin']
SPLITS = ('train', 'test')


@pytest.fixture(scope='module')
def fonts(tmp_path_factory) -> Path:
    """A folder as an unpacked Debian package, with three designs and symbols."""
    root = tmp_path_factory.mktemp('fonts')
    folder = root / 'usr/share/fonts'
    folder.mkdir(parents=True)
    for file in (SANS, BOLD, SERIF, MONO, SYMBOLS):
        shutil.copy(file, folder)
    copyright_file = root / 'usr/share/doc/fonts-some/copyright'
    copyright_file.parent.mkdir(parents=True)
    copyright_file.write_text('Files: *\nLicense: OFL-1.1\n text\nFiles: x\nLicense: OFL-1.1\n')
    return root


@pytest.fixture(scope='module')
def drawn(fonts, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp('glyphs') / 'set'
    draw(fonts, out)
    return out


def draw(fonts: Path, out: Path, *options: object) -> None:
    """What the command line does."""
    words = [TOOL, '--fonts', fonts, '--out', out, '--scripts', 'latin', 'greek', *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(word) for word in words])
        tool.main()


def changed(path: Path, characters: dict[str, str]) -> Path:
    """DejaVu Sans with other glyphs, or none, for some characters."""
    font = TTFont(SANS)
    for table in font['cmap'].tables:
        for character, name in characters.items():
            table.cmap.pop(ord(character), None)
            if name:
                table.cmap[ord(character)] = name
    font.save(path)
    return path


def test_characters_differ_and_their_levels_are_nested():
    characters = ''.join(tool.SCRIPTS.values())
    assert len(set(characters)) == len(characters)
    bases, letters, scripts = tool.class_hierarchy(characters)
    number = {character: i for i, character in enumerate(characters)}
    for one, other, base, letter, script in (
        ('Á', 'Ä', True, True, True),
        ('Á', 'á', False, True, True),
        ('A', 'B', False, False, True),
        ('ς', 'σ', False, True, True),
        ('Й', 'И', True, True, True),
        ('A', 'Σ', False, False, False),
    ):
        same = [level[number[one]] == level[number[other]] for level in (bases, letters, scripts)]
        assert same == [base, letter, script], (one, other)
    for fine, coarse in ((range(len(characters)), bases), (bases, letters), (letters, scripts)):
        assert len(set(zip(fine, coarse, strict=True))) == len(set(fine))
    assert [len(set(level)) for level in (bases, letters, scripts)] == [112, 87, 4]


def test_a_set_has_each_character_of_each_font_once_and_designs_on_one_side(drawn):
    rows = list(csv.DictReader((drawn / 'fonts.csv').open()))
    assert {row['licence'] for row in rows} == {'OFL-1.1'}
    assert {row['package'] for row in rows} == {'fonts-some'}
    assert sorted(row['file'] for row in rows) == sorted(
        file.name for file in (SANS, BOLD, SERIF, MONO)
    )
    families = {split: {row['family'] for row in rows if row['split'] == split} for split in SPLITS}
    assert families['train'] and families['test']
    assert not families['train'] & families['test']
    classes = LATIN + tool.SCRIPTS['greek']
    with np.load(drawn / 'glyphs.npz') as arrays:
        for split in SPLITS:
            count = sum(row['split'] == split for row in rows)
            pairs = list(zip(arrays[f'{split}_fonts'], arrays[f'{split}_labels'], strict=True))
            assert len(set(pairs)) == len(pairs) == count * len(classes)
            assert arrays[f'{split}_images'].shape == (len(pairs), 32, 32)
            assert arrays[f'{split}_images'].dtype == np.uint8
    dataset = Glyphs(str(drawn), split='test')
    assert dataset.metainfo['classes'] == list(classes)
    assert np.array_equal(dataset.metainfo['class_hierarchy'], tool.class_hierarchy(classes))


def test_an_image_shows_the_character_of_its_label(drawn):
    """Of all characters of its font, unslanted, most images are most like their own."""
    rows = list(csv.DictReader((drawn / 'fonts.csv').open()))
    with np.load(drawn / 'glyphs.npz') as arrays:
        images, labels, fonts = (
            arrays[f'train_{name}'][:60] for name in ('images', 'labels', 'fonts')
        )
        classes = ''.join(arrays['classes'])
    files = [row['file'] for row in rows if row['split'] == 'train']
    outlines = {
        file: tool.read_font(FONTS / file, ['latin', 'greek']).outlines for file in set(files)
    }
    right = 0
    for image, label, font in zip(images, labels, fonts, strict=True):
        paper = int(np.bincount(image.ravel()).argmax())
        ink = Image.fromarray(np.abs(image.astype(int) - paper).astype(np.uint8))
        alike = outlines[files[font]] @ tool.outline(ink.crop(ink.getbbox()))
        right += label in np.argsort(-alike)[:5]
    assert right >= 50, (right, classes)


def test_same_seed_same_bytes(fonts, drawn, tmp_path):
    draw(fonts, tmp_path / 'again')
    draw(fonts, tmp_path / 'other', '--seed', 1)
    for name, same in (('again', True), ('other', False)):
        found = (tmp_path / name / 'glyphs.npz').read_bytes()
        assert (found == (drawn / 'glyphs.npz').read_bytes()) == same


@pytest.mark.parametrize(
    'characters',
    [
        {'B': ''},  # missing
        {'B': '.notdef', 'D': '.notdef'},  # placeholders
        {'B': 'space'},  # blank
        {'a': 'A'},  # capitals for lower case
    ],
)
def test_a_font_takes_no_part_in_a_script_that_it_lacks_a_part_of(tmp_path, characters):
    font = tool.read_font(changed(tmp_path / 'a.ttf', characters), ['latin', 'greek'])
    expected = np.repeat([False, True], [len(LATIN), len(tool.SCRIPTS['greek'])])
    assert np.array_equal(font.draws(), expected)
    assert not tool.read_font(SYMBOLS, ['latin', 'greek']).draws().any()


def test_small_capitals_are_no_lower_case(monkeypatch):
    whole = tool.glyph

    def small_capitals(font, character):
        image = whole(font, character.upper())
        return image.resize((image.width * 3 // 4, 50)) if character.islower() else image

    font = tool.open_font(SANS)
    assert tool.outlines_of_script(font, LATIN) is not None
    monkeypatch.setattr(tool, 'glyph', small_capitals)
    assert tool.outlines_of_script(font, LATIN) is None


def random_font(rng, family, parts):
    """A font that draws the characters of ``parts``."""
    outlines = rng.normal(size=(6, tool.SIDE**2))
    outlines -= outlines.mean(1, keepdims=True)
    outlines /= np.linalg.norm(outlines, axis=1, keepdims=True)
    return tool.Font(Path(family), family, 'Regular', outlines * np.isin(range(6), parts)[:, None])


def test_similarity_is_the_mean_correlation_over_shared_characters():
    rng = np.random.default_rng(0)
    fonts = [random_font(rng, 'ab'[i % 2], p) for i, p in enumerate(([0, 1, 2], [1, 2, 3], [4, 5]))]
    found = tool.similarities(fonts)
    for i, one in enumerate(fonts):
        for j, other in enumerate(fonts):
            shared = [k for k in range(6) if one.outlines[k].any() and other.outlines[k].any()]
            pairs = [np.corrcoef(one.outlines[k], other.outlines[k])[0, 1] for k in shared]
            assert found[i, j] == pytest.approx(np.mean(pairs) if pairs else 0, abs=1e-10)


def test_the_same_outlines_under_two_names_are_one_font_and_similar_ones_one_design():
    rng = np.random.default_rng(0)
    first, second = random_font(rng, 'a', range(6)), random_font(rng, 'b', range(6))
    part = first._replace(family='c', outlines=first.outlines * (np.arange(6) < 3)[:, None])
    assert tool.distinct_fonts([part, first, second]) == [first, second]
    mixed = 0.95 * first.outlines + (1 - 0.95**2) ** 0.5 * second.outlines
    like = first._replace(family='d', outlines=mixed)
    namesake = random_font(rng, 'b', range(6))
    assert len(tool.distinct_fonts([first, second, like, namesake])) == 4
    numbers = tool.designs([first, second, like, namesake])
    assert numbers[0] == numbers[2] != numbers[1] == numbers[3]


def test_place_size_slant_and_contrast_are_drawn_and_nothing_is_cut_off():
    bar = Image.new('L', (12, 80), 255)
    borders, slopes, spans, brighter = set(), [], [], 0
    for seed in range(300):
        image = tool.draw_image(np.random.default_rng(seed), bar, 32).astype(float)
        paper = image[0, 0] if image[0, 0] == image[-1, -1] else np.median(image)
        ink = image.flat[np.abs(image - paper).argmax()]
        assert abs(ink - paper) >= tool.CONTRAST - 1
        brighter += ink > paper
        cover = (image - paper) / (ink - paper)
        rows, columns = np.nonzero(cover > 0.02)
        span = max(np.ptp(rows), np.ptp(columns)) + 1
        spans.append(span)
        # A share of the area of the bar, whatever the slant.
        scale = span / 80
        assert cover.sum() == pytest.approx(12 * 80 * scale**2, rel=0.2)
        ends = (rows.min(), columns.min(), 31 - rows.max(), 31 - columns.max())
        borders |= {side for side, end in enumerate(ends) if end == 0}
        centres = cover[rows.min() : rows.max() + 1] @ np.arange(32)
        centres /= cover[rows.min() : rows.max() + 1].sum(1)
        slopes.append(np.polyfit(np.arange(len(centres)), centres, 1)[0])
    assert borders == {0, 1, 2, 3}
    assert 100 < brighter < 200
    assert min(spans) == 14 and max(spans) == 29
    assert min(slopes) < -0.25 and max(slopes) > 0.25 and abs(np.mean(slopes)) < 0.05


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--size', 8], '--size 8 is too small: set at least 16 pixels'),
        (['--seed', -1], '--seed -1 must be at least 0'),
        (['--scripts', 'greek', 'greek'], '--scripts greek greek names one twice: name each once'),
        (['--fonts', 'nowhere'], '--fonts nowhere is not a folder'),
    ],
)
def test_settings_that_cannot_work_stop_with_a_sentence(fonts, tmp_path, options, sentence):
    with pytest.raises(SystemExit, match=sentence):
        draw(fonts, tmp_path / 'set', *options)
    assert not (tmp_path / 'set').exists()


def test_too_few_fonts_and_a_set_that_exists_are_refused(fonts, drawn, tmp_path):
    with pytest.raises(SystemExit, match='no font .* latin or greek .*glyph_fonts.txt'):
        draw(tmp_path, tmp_path / 'set')
    shutil.copy(SANS, tmp_path)
    shutil.copy(BOLD, tmp_path)
    (tmp_path / 'broken.ttf').write_text('no font')
    with pytest.raises(SystemExit, match='1 designs are too few'):
        draw(tmp_path, tmp_path / 'set')
    with pytest.raises(SystemExit, match='exists already: choose another --out'):
        draw(fonts, drawn)


def test_every_character_has_a_name_of_its_script():
    for script, characters in tool.SCRIPTS.items():
        assert {unicodedata.name(each).split()[0].lower() for each in characters} == {script}
