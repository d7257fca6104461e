"""What the page of a hierarchy is made from, against a literal reading of labels and images."""

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import adjusted_mutual_info_score

from mmrcl.visualization import Retrieved, write_report
from mmrcl.visualization.report import neighborhood
from mmrcl.visualization.report.content import level_rows, packed, split_folder
from mmrcl.visualization.report.curves import MAX_POINTS, curve_panels
from mmrcl.visualization.report.neighborhood import find_neighborhood, neighborhood_arrays
from mmrcl.visualization.report.sprites import encode_sheets, sheet_layout, thumbnail, tile_order
from mmrcl.visualization.report.tree import build_tree


def random_labels(seed: int, levels: int, images: int, nested: bool) -> torch.Tensor:
    """Labels (L, N), fine to coarse, with gaps between their numbers."""
    generator = torch.Generator().manual_seed(seed)
    fine = torch.randint(0, images, (images,), generator=generator)
    rows = [3 * fine]
    for _ in range(levels - 1):
        draw = torch.randint(0, images // 2, (3 * images,), generator=generator)
        rows.append(3 * draw[rows[-1]] if nested else 3 * draw[:images])
    return torch.stack(rows)


def random_features(seed: int, images: int) -> torch.Tensor:
    return torch.randn(images, 5, generator=torch.Generator().manual_seed(seed))


def clusters(tree, level: int) -> dict[int, list[int]]:
    """Members of each cluster of a level, as the tree has them."""
    nodes = np.flatnonzero(tree.level == level)
    return {int(tree.label[node]): sorted(tree.members(node).tolist()) for node in nodes}


seeds = st.integers(0, 2**16)
shapes = st.tuples(st.integers(1, 3), st.integers(3, 40))


@given(seeds, shapes, st.booleans())
def test_every_level_has_the_clusters_of_its_labels(seed, shape, nested):
    labels = random_labels(seed, *shape, nested)
    tree = build_tree(labels)
    for level, row in enumerate(labels.tolist(), 2):
        literal = {c: [i for i, other in enumerate(row) if other == c] for c in row}
        assert clusters(tree, level) == literal


@given(seeds, shapes)
def test_children_divide_their_parent_the_larger_first(seed, shape):
    tree = build_tree(random_labels(seed, *shape, nested=True))
    assert sorted(tree.order.tolist()) == list(range(shape[1]))
    for node in np.flatnonzero(tree.children):
        kids = range(tree.first_child[node], tree.first_child[node] + tree.children[node])
        held = np.concatenate([tree.members(kid) for kid in kids])
        assert held.tolist() == tree.members(node).tolist()
        assert sorted((-tree.size[kid], tree.label[kid]) for kid in kids) == [
            (-tree.size[kid], tree.label[kid]) for kid in kids
        ]
    leaves = np.flatnonzero(tree.children == 0)
    assert tree.size[leaves].sum() == shape[1]
    assert tree.level[0] == 0 and set(tree.level[1:]) == set(range(2, shape[0] + 2))


def test_levels_that_do_not_nest_lie_side_by_side():
    labels = torch.tensor([[0, 0, 2, 2], [0, 1, 1, 0]])
    tree = build_tree(labels)
    assert tree.level.tolist() == [0, 0, 0, 2, 2, 3, 3]
    assert tree.label.tolist() == [0, 2, 3, 0, 2, 0, 1]
    assert tree.size.tolist() == [8, 4, 4, 2, 2, 2, 2]
    assert tree.children.tolist() == [2, 2, 2, 0, 0, 0, 0]
    assert [sorted(tree.members(node).tolist()) for node in range(1, 7)] == [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
        [0, 1],
        [2, 3],
        [0, 3],
        [1, 2],
    ]


@given(seeds, shapes, st.booleans())
def test_prototypes_and_cohesion_by_brute_force(seed, shape, nested):
    features = random_features(seed, shape[1])
    tree = build_tree(random_labels(seed, *shape, nested), features)
    unit = torch.nn.functional.normalize(features, dim=1).double()
    for node in range(len(tree.size)):
        members = tree.members(node)
        center = sum(unit[i] for i in members)
        cosines = {int(i): float(unit[i] @ center / center.norm()) for i in members}
        assert cosines[int(tree.prototype[node])] == pytest.approx(max(cosines.values()), abs=1e-5)
        mean = np.mean([cosines[int(i)] for i in members])
        assert tree.cohesion[node] == pytest.approx(mean, abs=1e-5)
        if not tree.children[node]:
            ordered = [cosines[int(i)] for i in members]
            assert ordered == pytest.approx(sorted(ordered, reverse=True), abs=1e-5)


@given(seeds, shapes)
def test_majority_and_purity_literally(seed, shape):
    labels = random_labels(seed, *shape, nested=True)
    kinds = torch.randint(0, 4, (shape[1],), generator=torch.Generator().manual_seed(seed))
    tree = build_tree(labels, classes=kinds)
    for node in range(len(tree.size)):
        held = kinds[tree.members(node)].tolist()
        majority = max(set(held), key=lambda kind: (held.count(kind), -kind))
        assert (tree.majority[node], tree.agreeing[node]) == (majority, held.count(majority))
    for row, partition in zip(level_rows(labels, tree, kinds), labels, strict=True):
        groups = [kinds[partition == label].tolist() for label in partition.unique()]
        best = [max(group.count(kind) for kind in group) for group in groups]
        several = [(b, len(g)) for b, g in zip(best, groups, strict=True) if len(g) > 1]
        assert row['purity'] == pytest.approx(sum(best) / shape[1])
        if several:
            right, total = map(sum, zip(*several, strict=True))
            assert row['purity_without_singletons'] == pytest.approx(right / total)
        else:
            assert row['purity_without_singletons'] is None
        assert row['ami'] == pytest.approx(adjusted_mutual_info_score(kinds, partition))
        assert row['clusters'] == len(groups)


@pytest.mark.parametrize(('side', 'channels'), [(8, 0), (16, 3), (28, 0), (32, 3)])
def test_sheets_decode_to_the_images(side, channels):
    tail = (3,) if channels else ()
    generator = np.random.default_rng(0)
    ramp = np.linspace(0, 1, side)[:, None] * np.linspace(0.3, 1, side)
    tints = generator.integers(40, 256, (1100, 1, 1, *tail))
    images = (ramp[..., None] * tints if tail else ramp * tints).astype(np.uint8)
    layout = sheet_layout(side)
    order = generator.permutation(len(images))
    sheets = [np.asarray(Image.open(io.BytesIO(s))) for s in encode_sheets(images, order, layout)]
    assert len(sheets) == -(-len(images) // layout.capacity)
    errors = []
    for tile, image in enumerate(order):
        number, slot = divmod(tile, layout.capacity)
        y, x = (layout.pitch * part for part in divmod(slot, layout.columns))
        found = sheets[number][y : y + side, x : x + side].astype(int)
        assert found.shape == images[image].shape
        errors.append(np.abs(found - images[image]).mean())
    assert max(errors) < (1e-9 if layout.format == 'PNG' else 6)


def test_thumbnails_are_central_squares():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = [255, 0, 9]
    assert thumbnail(wide, 5).tolist() == np.full((5, 5, 3), [255, 0, 9]).tolist()
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert thumbnail(gray, 8).tolist() == gray.tolist()
    assert thumbnail(gray, 16).shape == (16, 16)


def test_the_first_sheet_holds_what_is_seen_first():
    tree = build_tree(random_labels(0, 2, 30, nested=True), random_features(0, 30))
    order = tile_order(tree, np.array([7, 3, 7]), capacity=10)
    assert sorted(order.tolist()) == list(range(30))
    assert order[:2].tolist() == [7, 3]
    first = dict.fromkeys([7, 3, *tree.prototype.tolist()])
    assert order[:10].tolist() == list(first)[:10]
    rest = [image for image in tree.order.tolist() if image not in order[:10]]
    assert order[10:].tolist() == rest


def test_curves_are_sorted_into_panels():
    rows = [
        {'loss': 3.0, 'lr': 0.1, 'iter': 5, 'epoch': 1, 'step': 5},
        {'loss': 2.0, 'lr': 0.1, 'iter': 10, 'epoch': 1, 'step': 10},
        {'knn/top1': 0.5, 'epoch': 1, 'step': 10},
        {'hierarchy/level_2/mean_size': 2.0, 'hierarchy/level_3/mean_size': 4.0, 'step': 10},
        {'hierarchy/level_3/mean_size': float('nan'), 'step': 20},
        {'hierarchy/nesting_conformity': 0.9, 'step': 20},
    ]
    panels = {panel.title: panel.lines for panel in curve_panels(rows)}
    assert list(panels) == [
        'Loss and its parts',
        'kNN accuracy',
        'Hierarchy: mean size',
        'Hierarchy: nesting conformity',
    ]
    assert panels['Loss and its parts'] == [('loss', [0.5, 1.0], [3.0, 2.0])]
    assert panels['Hierarchy: mean size'] == [
        ('level 2', [1.0], [2.0]),
        ('level 3', [1.0], [4.0]),
    ]
    assert panels['Hierarchy: nesting conformity'] == [('nesting conformity', [2.0], [0.9])]


def test_long_curves_are_thinned_and_keep_their_end():
    rows = [{'loss': float(i), 'iter': i, 'epoch': i, 'step': i} for i in range(1, 5001)]
    (line,) = curve_panels(rows)[0].lines
    assert len(line.x) <= MAX_POINTS
    assert (line.x[-1], line.y[-1]) == (5000, 5000)
    assert set(np.diff(line.x)) == {9.0}


@pytest.mark.parametrize(('highest', 'kind'), [(255, 'u1'), (256, '<u2'), (1 << 20, '<u4')])
def test_arrays_are_packed_in_the_narrowest_type(highest, kind):
    values = np.array([0, 7, highest])
    out = packed({'name': values})['name']
    assert out['type'] == f'Uint{8 * np.dtype(kind).itemsize}Array'
    assert np.frombuffer(base64.b64decode(out['base64']), kind).tolist() == values.tolist()


@pytest.mark.parametrize(('seed', 'count'), [(0, 40), (1, 40), (2, 13), (3, 5), (4, 2)])
def test_similar_images_by_brute_force(monkeypatch, seed, count):
    monkeypatch.setattr(neighborhood, '_ROWS', 7)
    features = random_features(seed, count)
    found = find_neighborhood(features)
    assert found.nearest.shape == found.cosines.shape == (count, min(12, count - 1))
    unit = torch.nn.functional.normalize(features.double(), dim=1)
    for image in range(count):
        cosines = [(float(unit[image] @ unit[other]), other) for other in range(count)]
        literal = sorted((each for each in cosines if each[1] != image), reverse=True)[:12]
        assert found.nearest[image].tolist() == [other for _, other in literal]
        assert found.cosines[image] == pytest.approx([value for value, _ in literal], abs=1e-5)


def test_the_map_keeps_proportions_and_cosines_become_bytes():
    near = find_neighborhood(random_features(0, 40))
    arrays = neighborhood_arrays(near)
    assert arrays['nearest'].tolist() == near.nearest.reshape(-1).tolist()
    assert arrays['cosines'] / 255 == pytest.approx(near.cosines.clip(0).reshape(-1), abs=0.002)
    places = np.stack([arrays['x'], arrays['y']], 1)
    assert places.min(0).tolist() == [0, 0] and places.max() == 65_535
    points = near.projection.points - near.projection.points.min(0)
    np.testing.assert_allclose(places / 65_535, points / points.max(), atol=1e-5)


def test_one_image_has_no_similar_ones():
    near = find_neighborhood(torch.ones(1, 3))
    assert near.nearest.shape == (1, 0)
    assert {name: len(part) for name, part in neighborhood_arrays(near).items()} == {
        'nearest': 0,
        'cosines': 0,
        'x': 1,
        'y': 1,
    }


@pytest.mark.parametrize(
    ('paths', 'folder', 'names'),
    [
        (['/a/b/c/1.png', '/a/b/2.png'], '/a/b', ['c/1.png', '2.png']),
        (['/1.png', '/b/2.png'], '/', ['1.png', 'b/2.png']),
        (['/a/bc/1.png', '/a/bd/1.png'], '/a', ['bc/1.png', 'bd/1.png']),
        (['a/1.png'], 'a', ['1.png']),
        (['1.png', 'b/2.png'], '', ['1.png', 'b/2.png']),
        (['/a/1.png', 'a/2.png'], '', ['/a/1.png', 'a/2.png']),
        ([], '', []),
    ],
)
def test_the_folder_of_all_files_is_split_off(paths, folder, names):
    assert split_folder(paths) == (folder, names)


def test_a_table_for_embedding_atlas(tmp_path):
    arrow = pytest.importorskip('pyarrow.parquet', reason='pip install pyarrow')
    features = random_features(0, 6)
    paths = [f'/photos/{name}.jpg' for name in 'abcdef']
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.full((6, 8, 8), 40, np.uint8)
    write_small(
        tmp_path / 'page.html',
        images=images,
        features=features,
        classes=torch.tensor([0, 0, 1, 1, 0, 1]),
        class_names=['cat', 'dog'],
        numbers=np.arange(6) + 10,
        paths=paths,
        parquet=tmp_path / 'new' / 'table.parquet',
    )
    rows = arrow.read_table(tmp_path / 'new' / 'table.parquet').to_pylist()
    assert [row['file'] for row in rows] == paths
    assert [row['number'] for row in rows] == list(range(10, 16))
    assert [row['class'] for row in rows] == ['cat', 'cat', 'dog', 'dog', 'cat', 'dog']
    assert [row['cluster_level_2'] for row in rows] == [f'L2-{c}' for c in (0, 0, 2, 2, 4, 5)]
    assert [row['cluster_level_3'] for row in rows] == [f'L3-{c}' for c in (0, 0, 0, 0, 4, 4)]
    near = find_neighborhood(features)
    assert [[row['x'], row['y']] for row in rows] == near.projection.points.tolist()
    for row, images_near, cosines in zip(rows, near.nearest, near.cosines, strict=True):
        assert row['neighbors']['ids'] == images_near.tolist()
        assert row['neighbors']['distances'] == pytest.approx((1 - cosines).tolist())
    shown = [np.asarray(Image.open(io.BytesIO(row['image']['bytes']))) for row in rows]
    assert [int(each[0, 0]) for each in shown] == images[:, 0, 0].tolist()


def test_a_table_needs_features_and_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(ImportError, match='pip install pyarrow'):
        write_small(tmp_path / 'page.html', parquet=tmp_path / 'table.parquet')
    monkeypatch.setattr('mmrcl.visualization.report.page.import_pyarrow', lambda: None)
    with pytest.raises(ValueError, match='parquet needs the features'):
        write_small(tmp_path / 'page.html', parquet=tmp_path / 'table.parquet')
    assert not list(tmp_path.iterdir())


class Elements(HTMLParser):
    """Start tags of a page, and the text of its data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.data = ''
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        if self.tags and self.tags[-1][1].get('id') == 'data':
            self.data += text


EVIL = '</script><img src=x onerror=alert(1)>&"\''


def write_small(path, **changes):
    images = np.zeros((6, 8, 8), np.uint8)
    labels = torch.tensor([[0, 0, 2, 2, 4, 5], [0, 0, 0, 0, 4, 4]])
    return write_report(path, **(dict(labels=labels, images=images) | changes))


def test_nothing_of_the_data_becomes_markup(tmp_path):
    path = write_small(
        tmp_path / 'new' / 'page.html',
        classes=torch.tensor([0, 0, 1, 1, 0, 1]),
        class_names=[EVIL, 'dog'],
        title=EVIL,
        about={EVIL: EVIL},
        paths=[EVIL] * 6,
        queries=[0],
        retrieved=[Retrieved(EVIL, torch.tensor([[1]]), torch.tensor([[0.5]]))],
    )
    page = Elements(path.read_text('utf-8'))
    assert not any(tag == 'img' for tag, _ in page.tags)
    content = json.loads(page.data)
    assert content['classNames'][0] == content['title'] == content['retrieved'][0]['name'] == EVIL
    assert content['about'] == [[EVIL, EVIL]]
    assert content['folder'] + '/' + content['names'][0] == EVIL


def test_a_page_without_classes_features_and_run_has_none(tmp_path):
    text = write_small(tmp_path / 'page.html').read_text('utf-8')
    content = json.loads(Elements(text).data)
    assert content['classNames'] == content['curves'] == content['retrieved'] == []
    assert {'majority', 'agreeing', 'cohesion', 'classes', 'x'}.isdisjoint(content['arrays'])
    assert 'purity' not in content['levels'][0]


def test_a_page_asks_for_nothing_else(tmp_path):
    page = write_small(tmp_path / 'page.html').read_text('utf-8')
    addresses = {address for address in re.findall(r'(?:https?:)?//[\w.-]+\.\w+', page)}
    assert addresses == {'http://www.w3.org'}  # The name of SVG, never fetched.
    assert "default-src 'none'" in page
    for tag, attributes in Elements(page).tags:
        assert tag != 'script' or 'src' not in attributes


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        (
            {'labels': torch.tensor([[0, -1, 0, 0, 0, 0]])},
            'make each noise point a cluster of its own',
        ),
        ({'labels': torch.zeros(6, dtype=torch.long)}, r'shape \(levels, images\)'),
        ({'images': np.zeros((5, 8, 8), np.uint8)}, '5 images do not fit labels of 6 images'),
        ({'features': torch.zeros(7, 2)}, '7 features do not fit labels of 6 images'),
        ({'paths': ['a.png']}, '1 paths do not fit labels of 6 images'),
        ({'images': np.zeros((6, 8, 8))}, 'float64 of shape'),
        (
            {'classes': torch.arange(6), 'class_names': ['a', 'b']},
            '2 class_names do not cover class 5',
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_small(tmp_path / 'page.html', **changes)
    assert not (tmp_path / 'page.html').exists()


def test_the_package_ships_what_the_page_is_made_of(tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, 'setup.py', '-q', 'build', '--build-base', str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    built = {path.name for path in tmp_path.glob('lib/mmrcl/visualization/report/assets/*')}
    source = root / 'mmrcl/visualization/report/assets'
    assert built == {path.name for path in source.iterdir()} > {'template.html', 'report.css'}
