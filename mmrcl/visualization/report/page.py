"""A single HTML file with a hierarchy, its images and the code that shows them."""

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.colors import to_hex
from torch import Tensor

from mmrcl.arguments import check_features, check_labels, check_levels
from mmrcl.clustering import nesting_conformity

from ..style import COLORS
from .atlas import import_pyarrow, write_atlas
from .content import (
    Retrieved,
    level_rows,
    packed,
    panel_rows,
    retrieved_rows,
    split_folder,
    tree_arrays,
)
from .curves import curve_panels
from .neighborhood import find_neighborhood, neighborhood_arrays
from .sprites import encode_sheets, sheet_layout, thumbnail, tile_order
from .tree import build_tree

__all__ = ['SIDE', 'write_report']

SIDE = 32  # pixels of a thumbnail
# In the order in which they are concatenated to one script.
SCRIPTS = (
    'data',
    'dom',
    'sprites',
    'selection',
    'layout',
    'tips',
    'map',
    'plot',
    'plot_input',
    'panel',
    'search',
    'retrieval',
    'curves',
    'main',
)


def write_report(
    path: str | Path,
    labels: Tensor,
    images: np.ndarray,
    features: Tensor | None = None,
    classes: Tensor | None = None,
    class_names: Sequence[str] | None = None,
    queries: Sequence[int] = (),
    retrieved: Sequence[Retrieved] = (),
    scalars: Sequence[Mapping[str, float]] = (),
    numbers: np.ndarray | None = None,
    title: str = 'Label hierarchy',
    about: Mapping[str, str] | None = None,
    paths: Sequence[str] | None = None,
    parquet: str | Path | None = None,
) -> Path:
    """Write a page that shows a hierarchy, to be opened from disk in any browser.

    The page needs no network and no other file. Sections without data are left out. Levels that do
    not nest are shown side by side.

    Args:
        path: the file to write.
        labels: integers >= 0 for each level, fine to coarse, without level 1, the images; shape
            (L, N).
        images: (N, H, W) gray or (N, H, W, 3) RGB, uint8; their central squares are shown, at most
            32 pixels wide.
        features: the clustered features, shape (N, d); used for prototypes, cohesion, similar
            images and the map of the images.
        classes: true classes, integers >= 0, shape (N,).
        class_names: names of the classes; without them their numbers are shown.
        queries: Q images whose retrieved keys are shown.
        retrieved: their retrieved keys, by one or more retrievers.
        scalars: scalars of the run, from :func:`mmrcl.visualization.read_scalars`.
        numbers: numbers of the images on the page, such as their indices in a larger data set,
            integers >= 0, shape (N,); by default 0 to N - 1.
        title: heading of the page.
        about: further facts below the heading.
        paths: the file of each image, N; without them the page has the images' numbers only.
        parquet: also write the images as a table for embedding-atlas to this file; needs features
            and pyarrow.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes, types or lengths of the arguments do not match, or ``parquet`` is
            given without features.
        ImportError: if ``parquet`` is given and pyarrow is not installed.
    """
    labels = check_levels(labels)
    if features is not None:
        features = check_features(features)
    if classes is not None:
        classes = check_labels(classes, 'classes', least=0)
    _check(labels, images, features, classes, class_names, paths)
    if parquet is not None:
        import_pyarrow()
        if features is None:
            raise ValueError('parquet needs the features: pass features of shape (N, d)')
    near = None if features is None else find_neighborhood(features)
    class_names = _class_names(classes, class_names)
    tree = build_tree(labels, features, classes)
    side = min(SIDE, *images.shape[1:3])
    layout = sheet_layout(side)
    seen = [np.asarray(queries, dtype=np.int64), *(row.keys.cpu().numpy() for row in retrieved)]
    early = np.concatenate([part.reshape(-1) for part in seen])
    tiles = tile_order(tree, early[early >= 0], layout.capacity)
    arrays = tree_arrays(tree) | {'tiles': tiles}
    if classes is not None:
        arrays['classes'] = classes.cpu().numpy()
    if numbers is not None:
        arrays['numbers'] = numbers
    if near is not None:
        arrays |= neighborhood_arrays(near)
    folder, names = split_folder(paths or [])
    content = {
        'title': title,
        'about': list((about or {}).items()),
        'folder': folder,
        'names': names,
        'method': '' if near is None else near.projection.method,
        'conformity': nesting_conformity(labels),
        'levels': level_rows(labels, tree, classes),
        'classNames': class_names,
        'palette': [to_hex(color) for color in COLORS],
        'sprites': layout._asdict(),
        'queries': list(queries),
        'retrieved': retrieved_rows(retrieved),
        'curves': panel_rows(curve_panels(scalars)),
        'arrays': packed(arrays),
    }
    thumbnails = np.stack([thumbnail(image, side) for image in images])
    sheets = _sheet_tags(encode_sheets(thumbnails, tiles, layout), f'image/{layout.format.lower()}')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', encoding='utf-8') as file:
        file.writelines(_page(title, content, sheets))
    if parquet is not None and near is not None:
        names_of = None if classes is None else [class_names[kind] for kind in classes.tolist()]
        if numbers is None:
            numbers = np.arange(len(images))
        write_atlas(Path(parquet), labels, thumbnails, near, numbers, paths, names_of)
    return path


def _check(
    labels: Tensor,
    images: np.ndarray,
    features: Tensor | None,
    classes: Tensor | None,
    class_names: Sequence[str] | None,
    paths: Sequence[str] | None,
) -> None:
    if labels.ndim != 2 or not labels.numel() or int(labels.min()) < 0:
        raise ValueError(
            f'labels of shape {tuple(labels.shape)} must be integers >= 0 of shape (levels, '
            'images), at least (1, 1): make each noise point a cluster of its own'
        )
    arguments = {'images': images, 'features': features, 'classes': classes, 'paths': paths}
    for name, part in arguments.items():
        if part is not None and len(part) != labels.shape[1]:
            raise ValueError(f'{len(part)} {name} do not fit labels of {labels.shape[1]} images')
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)):
        raise ValueError(
            f'images are {images.dtype} of shape {images.shape}: pass uint8, gray (N, H, W) or RGB '
            '(N, H, W, 3)'
        )
    if classes is not None and class_names is not None and int(classes.max()) >= len(class_names):
        raise ValueError(
            f'{len(class_names)} class_names do not cover class {int(classes.max())}: pass a name '
            'for each class'
        )


def _class_names(classes: Tensor | None, names: Sequence[str] | None) -> list[str]:
    if classes is None:
        return []
    return [str(i) for i in range(int(classes.max()) + 1)] if names is None else list(names)


def _sheet_tags(sheets: Iterable[bytes], kind: str) -> Iterator[str]:
    """Wrap each sheet in an element that the browser reads as text and does not execute."""
    for number, sheet in enumerate(sheets):
        text = base64.b64encode(sheet).decode()
        yield f'<script type="{kind}" id="sheet-{number}">{text}</script>\n'


def _page(title: str, content: dict[str, Any], sheets: Iterator[str]) -> Iterator[str]:
    """Yield the page in pieces: the script runs before the sheets after the first are read."""
    assets = files(__package__) / 'assets'
    script = '\n'.join((assets / f'{name}.js').read_text('utf-8') for name in SCRIPTS)
    template = Template((assets / 'template.html').read_text('utf-8'))
    # Escape '<', so that no text of the data can close the script element.
    data = json.dumps(content, separators=(',', ':'), allow_nan=False).replace('<', '\\u003c')
    yield template.substitute(
        title=html.escape(title),
        style=(assets / 'report.css').read_text('utf-8'),
        data=data,
        first_sheet=next(sheets),
        script=script,
    )
    yield from sheets
    yield '</body>\n</html>\n'
