"""Draw a data set of glyphs: the same characters in many free fonts, without a shared layout.

    python tools/data/draw_glyphs.py --fonts data/fonts --out data/glyphs

The fonts are those of the Debian packages in tools/data/glyph_fonts.txt, unpacked in data/fonts as
configs/ablations/README.md shows, or others, such as installed ones in /usr/share/fonts. An image
is one character of one font; size, position, slant, ink and paper are drawn from the seed. A font
takes part with the scripts of which it has every character. Fonts of the same outlines count once.
Fonts of one design, by name or by outlines, are all in the train split or all in the test split.

OUT/glyphs.npz is read by mmrcl.datasets.Glyphs. OUT/fonts.csv lists the fonts and their licences.
The same fonts, seed and version of Pillow give the same file.
"""

import argparse
import csv
import logging
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageFont, ImageOps
from scipy.sparse.csgraph import connected_components

from mmrcl.errors import ConfigError
from mmrcl.progress import progress

# One of those characters that have the same shape at another size, in another case or script:
# no Latin c beside C, no Greek A.
SCRIPTS = {
    'latin': 'ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijmnqrtyÁÄÉËÓÖÚÜÑáäéëñ',
    'greek': 'ΓΔΘΛΞΠΣΦΨΩαβγδεζηθλμξσςωάέήώ',
    'cyrillic': 'БДЖЗИЙЛЦЧШЩЪЫЭЄЮЯбЂђЋЉЊЏ',
    'hebrew': 'אבגדהוזחטכלמנסעפצקרשתךףץ',
}
SUFFIXES = ('.ttf', '.otf')
PACKAGES = 'tools/data/glyph_fonts.txt'
TEST_SHARE = 0.2
FONTS_PER_DESIGN = 4
# Mean correlation of two fonts' outlines from which they count as one font, or as one design.
SAME_FONT = 0.97
SAME_DESIGN = 0.94
# Median correlation of upper and lower case from which a font has small capitals only.
SMALL_CAPITALS = 0.8
# Pixels of an em, and of the side of an outline to be compared.
EM = 96
SIDE = 16
# Longest side in images, slant in pixels per row, and least difference of ink and paper.
SPANS = (0.45, 0.9)
SLANTS = (-0.3, 0.3)
CONTRAST = 96


class Font(NamedTuple):
    """A font and what it draws.

    Attributes:
        file: its file.
        family: its name without the style.
        style: as in 'Bold Italic'.
        outlines: of each character, (characters, SIDE * SIDE), of mean 0 and norm 1; those of
            scripts in which it takes no part are 0.
    """

    file: Path
    family: str
    style: str
    outlines: np.ndarray

    def draws(self) -> np.ndarray:
        """Return which characters it draws: (characters,) bool."""
        return self.outlines.any(1)


def class_hierarchy(characters: str) -> np.ndarray:
    """Return numbers of base character, letter and script: (3, characters) int64.

    The base character has no accent and the letter no case either, both by Unicode.
    """
    bases = [unicodedata.normalize('NFD', each)[0] for each in characters]
    letters = [base.casefold() for base in bases]
    scripts = [unicodedata.name(each).split()[0] for each in characters]
    return np.stack([np.unique(each, return_inverse=True)[1] for each in (bases, letters, scripts)])


def open_font(file: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, EM, layout_engine=ImageFont.Layout.BASIC)


def glyph(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """Draw a character in white on black, cut to its ink; a blank one has no pixels."""
    mask = font.getmask(character, mode='L')
    image = Image.frombytes('L', mask.size, bytes(mask))
    return image.crop(image.getbbox() or (0, 0, 0, 0))


def outline(image: Image.Image) -> np.ndarray:
    """Bring a glyph to one size, mean 0 and norm 1: (SIDE * SIDE,) float32."""
    square = ImageOps.pad(image, (max(image.size),) * 2)
    pixels = np.float32(square.resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()
    centred = pixels - pixels.mean()
    return centred / np.linalg.norm(centred)


def read_font(file: Path, scripts: Sequence[str]) -> Font:
    """Read a font and the outlines of the scripts in which it takes part.

    Raises:
        OSError: if the file cannot be read.
        TTLibError: if it is no font.
    """
    with TTFont(file, lazy=True) as tables:
        mapped = tables.getBestCmap() or {}
    font = open_font(file)
    parts = []
    for characters in map(SCRIPTS.__getitem__, scripts):
        complete = all(ord(each) in mapped for each in characters)
        drawn = outlines_of_script(font, characters) if complete else None
        parts.append(np.zeros((len(characters), SIDE**2), 'f4') if drawn is None else drawn)
    return Font(file, *font.getname(), np.concatenate(parts))


def outlines_of_script(font: ImageFont.FreeTypeFont, characters: str) -> np.ndarray | None:
    """Return the outlines, None if some glyph is a placeholder or the lower case small capitals."""
    glyphs = [glyph(font, each) for each in characters]
    distinct = {(each.size, each.tobytes()) for each in glyphs}
    if len(distinct) < len(glyphs) or not all(each.width for each in glyphs):
        return None
    outlines = np.stack([outline(each) for each in glyphs])
    by_name = dict(zip(characters, outlines, strict=True))
    likeness = [
        upper @ by_name[name.lower()]
        for name, upper in by_name.items()
        if name != name.lower() in by_name
    ]
    return None if likeness and np.median(likeness) > SMALL_CAPITALS else outlines


def read_fonts(folders: Sequence[Path], scripts: Sequence[str]) -> list[Font]:
    """Read all fonts below the folders that take part with a script.

    Raises:
        ConfigError: if there is none.
    """
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise ConfigError(f'--fonts {missing[0]} is not a folder')
    files = [
        file
        for folder in folders
        for file in sorted(folder.rglob('*'))
        if file.suffix.lower() in SUFFIXES and not file.is_symlink()
    ]
    fonts = []
    for file in progress(files, 'reading the fonts'):
        try:
            fonts.append(read_font(file, scripts))
        except (OSError, TTLibError) as error:
            print(f'{file} is left out: {error}', file=sys.stderr)
    fonts = [font for font in fonts if font.draws().any()]
    if not fonts:
        raise ConfigError(
            f'no font with all characters of {" or ".join(scripts)} in '
            f'{", ".join(map(str, folders))}: unpack the Debian packages listed in {PACKAGES} '
            'there, or choose other --scripts'
        )
    return fonts


def similarities(fonts: Sequence[Font]) -> np.ndarray:
    """Return the mean correlation of outlines over the characters that two fonts share, or 0."""
    outlines = np.stack([font.outlines.ravel() for font in fonts])
    draws = np.float32([font.draws() for font in fonts])
    return outlines @ outlines.T / np.maximum(draws @ draws.T, 1)


def distinct_fonts(fonts: Sequence[Font]) -> list[Font]:
    """Keep of fonts with the same outlines the first that draws the most characters."""
    fonts = sorted(fonts, key=lambda font: -font.draws().sum())
    _, numbers = connected_components(similarities(fonts) > SAME_FONT)
    return [fonts[i] for i in np.sort(np.unique(numbers, return_index=True)[1])]


def designs(fonts: Sequence[Font]) -> np.ndarray:
    """Return numbers of designs, shared by fonts of one family name or nearly the same outlines."""
    families = np.array([font.family for font in fonts])
    alike = similarities(fonts) > SAME_DESIGN
    return connected_components(alike | (families[:, None] == families))[1]


def split_fonts(rng: np.random.Generator, fonts: Sequence[Font]) -> dict[str, list[Font]]:
    """Draw which designs are for the test, and a few fonts of each design.

    Raises:
        ConfigError: if a split lacks a character.
    """
    numbers = designs(fonts)
    order = rng.permutation(numbers.max() + 1)
    tests = set(order[: max(1, round(TEST_SHARE * len(order)))])
    splits: dict[str, list[Font]] = {'train': [], 'test': []}
    for number in order:
        members = rng.permutation(np.flatnonzero(numbers == number))[:FONTS_PER_DESIGN]
        splits['test' if number in tests else 'train'] += [fonts[i] for i in members]
    for split, members in splits.items():
        if not members or not np.any([font.draws() for font in members], 0).all():
            raise ConfigError(
                f'{len(order)} designs are too few: the {split} split has no font for some '
                f'character. Add fonts, those of {PACKAGES}, or choose other --scripts'
            )
    return splits


def draw_image(rng: np.random.Generator, glyph: Image.Image, size: int) -> np.ndarray:
    """Draw a glyph somewhere in an image: (size, size) uint8."""
    slant = rng.uniform(*SLANTS)
    shift = abs(slant) * glyph.height
    # From pixels of the result to those of the glyph.
    affine = (1, slant, -shift if slant > 0 else 0, 0, 1, 0)
    box = (glyph.width + int(shift), glyph.height)
    slanted = glyph.transform(box, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    scale = rng.uniform(*SPANS) * size / max(slanted.size)
    width, height = (max(1, round(scale * side)) for side in slanted.size)
    left, top = rng.integers(0, (size - width + 1, size - height + 1))
    coverage = np.zeros((size, size))
    coverage[top : top + height, left : left + width] = slanted.resize((width, height))
    paper = rng.uniform(0, 255 - CONTRAST)
    ink = rng.uniform(paper + CONTRAST, 255)
    if rng.random() < 0.5:
        ink, paper = paper, ink
    return np.uint8(np.rint(paper + (ink - paper) / 255 * coverage))


def draw_split(
    rng: np.random.Generator, fonts: Sequence[Font], characters: str, size: int
) -> dict[str, np.ndarray]:
    """Draw each character of each font once, in random order."""
    images, labels, numbers = [], [], []
    for number, font in enumerate(progress(fonts, 'drawing')):
        opened = open_font(font.file)
        for label in np.flatnonzero(font.draws()):
            images.append(draw_image(rng, glyph(opened, characters[label]), size))
            labels.append(label)
            numbers.append(number)
    order = rng.permutation(len(images))
    columns = {'images': images, 'labels': labels, 'fonts': numbers}
    return {name: np.array(column)[order] for name, column in columns.items()}


def package_copyright(file: Path) -> Path | None:
    """Find the copyright file of the Debian package of a font, unpacked or installed."""
    roots = [folder for folder in file.parents if (folder / 'usr/share/doc').is_dir()]
    found = sorted(roots[0].glob('usr/share/doc/*/copyright')) if roots else []
    if len(found) > 1 and shutil.which('dpkg-query'):
        command = ['dpkg-query', '--search', str(file)]
        owner = subprocess.run(command, capture_output=True, text=True).stdout.partition(':')[0]
        found = [path for path in found if path.parent.name == owner]
    return found[0] if len(found) == 1 else None


def licence(copyright_file: Path) -> str:
    """Read the short names of the licences of a package."""
    text = copyright_file.read_text(errors='replace')
    names = re.findall(r'^License:[ \t]*(\S.*)$', text, re.MULTILINE)
    return '; '.join(dict.fromkeys(names)) or f'see {copyright_file.parent.name}/copyright'


def write_fonts(path: Path, splits: dict[str, list[Font]]) -> None:
    """List the fonts, the packages that they come from and their licences."""
    with path.open('w', newline='') as file:
        table = csv.writer(file, lineterminator='\n')
        table.writerow(['split', 'font', 'family', 'style', 'file', 'package', 'licence'])
        for split, fonts in splits.items():
            for number, font in enumerate(fonts):
                source = package_copyright(font.file.resolve())
                origin = (source.parent.name, licence(source)) if source else ('', 'unknown')
                table.writerow([split, number, font.family, font.style, font.file.name, *origin])


def draw_set(args: argparse.Namespace) -> Path:
    """Draw both splits and write them."""
    characters = ''.join(SCRIPTS[script] for script in args.scripts)
    rng = np.random.default_rng(args.seed)
    splits = split_fonts(rng, distinct_fonts(read_fonts(args.fonts, args.scripts)))
    arrays: dict[str, Any] = {
        'classes': list(characters),
        'class_hierarchy': class_hierarchy(characters),
    }
    for split, fonts in splits.items():
        drawn = draw_split(rng, fonts, characters, args.size)
        arrays |= {f'{split}_{name}': column for name, column in drawn.items()}
        print(f'{split}: {len(drawn["images"]):,} images of {len(fonts)} fonts')
    args.out.mkdir(parents=True, exist_ok=True)
    write_fonts(args.out / 'fonts.csv', splits)
    path, partial = args.out / 'glyphs.npz', args.out / 'partial.npz'
    np.savez_compressed(partial, **arrays)
    return partial.replace(path)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--fonts', type=Path, nargs='+', required=True, help='folders of fonts')
    parser.add_argument('--out', type=Path, required=True, help='folder to write')
    parser.add_argument('--scripts', nargs='+', choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument('--size', type=int, default=32, help='side in pixels (%(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of all draws (%(default)s)')
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    if args.size < SIDE:
        raise ConfigError(f'--size {args.size} is too small: set at least {SIDE} pixels')
    if len(set(args.scripts)) < len(args.scripts):
        raise ConfigError(f'--scripts {" ".join(args.scripts)} names one twice: name each once')
    if args.seed < 0:
        raise ConfigError(f'--seed {args.seed} must be at least 0')
    if (args.out / 'glyphs.npz').exists():
        raise ConfigError(f'{args.out}/glyphs.npz exists already: choose another --out')


def main() -> None:
    logging.getLogger('fontTools').setLevel(logging.ERROR)
    args = parse_args()
    try:
        check(args)
        path = draw_set(args)
    except ConfigError as error:
        sys.exit(f'error: {error}')
    print(f'written: {path}')


if __name__ == '__main__':
    main()
