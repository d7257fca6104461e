"""The examples of own parts train and do what the page says."""

import importlib
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmcv import imwrite
from sklearn.datasets import load_digits
from torch.nn.functional import normalize

from mmrcl.models import SupportQueue
from mmrcl.models.retrievers import RetrievalInput

from .blocks import by_section, read_blocks, run, write_files
from .scratch import environment_of, make_scratch, narrow_resnet50, on_two_processes

BLOCKS = on_two_processes(read_blocks('extending.md'))
SECTIONS = by_section(BLOCKS)


@pytest.fixture(scope='module')
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With 64 digits in 4 folders, and the config of the page on own images for them."""
    folder = make_scratch(tmp_path_factory.mktemp('extending'))
    narrow_resnet50(folder)
    write_files(BLOCKS + read_blocks('custom_dataset.md'), folder)
    for number, image in enumerate(load_digits().images[:64]):
        scaled = (image * 15).astype(np.uint8).repeat(5, 0).repeat(5, 1)
        imwrite(scaled, str(folder / f'data/photos/writer_{number % 4}/{number}.png'))
    return folder


@pytest.fixture(scope='module')
def examples(scratch: Path) -> ModuleType:
    """The page's package; importing its modules registers them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(scratch)
        for name in ('aligned', 'band', 'folders', 'info_nce', 'linkage'):
            importlib.import_module(f'my_rcl.{name}')
        return importlib.import_module('my_rcl')


def hierarchy_of(scratch: Path, run_name: str) -> dict[str, torch.Tensor]:
    path = scratch / (scratch / 'work_dirs' / run_name / 'last_checkpoint').read_text()
    checkpoint = torch.load(path, 'cpu', weights_only=False)
    assert checkpoint['meta']['iter'] >= 2
    return checkpoint['state_dict']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('section', 'run_name'),
    [
        ('A clustering source', 'linkage'),
        ('A criterion from metadata', 'same_folder'),
        ('A retriever', 'band'),
    ],
)
def test_example_trains(section: str, run_name: str, scratch: Path):
    said = run(SECTIONS[''] + SECTIONS[section], scratch, environment_of(scratch))
    assert 'retrieval_hit_rate' in said
    state = hierarchy_of(scratch, run_name)
    assert state['hierarchy.initialized'] and state['hierarchy.labels'].shape[1] == 64
    if run_name == 'band':
        [scalars] = scratch.glob('work_dirs/band/*/vis_data/scalars.json')
        assert 'pairs/key_precision' in scalars.read_text()
    if run_name == 'same_folder':
        # Files lie sorted by folder; a cluster is named after its first image.
        assert state['hierarchy.labels'][1].tolist() == [16 * (i // 16) for i in range(64)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ('section', 'run_name', 'logged'),
    [('A loss', 'info_nce', 'patch_loss'), ('A target rule', 'aligned', 'kept: 1.0000')],
)
def test_part_of_another_method_trains(section: str, run_name: str, logged: str, scratch: Path):
    said = run(SECTIONS[''] + SECTIONS[section], scratch, environment_of(scratch))
    assert logged in said
    assert list(scratch.glob(f'work_dirs/{run_name}/epoch_*.pth'))


def test_every_block_is_run():
    assert len(SECTIONS) == 6


def test_cross_entropy_of_the_own_row(examples):
    generator = torch.Generator().manual_seed(0)
    queries, positives, negatives = (
        normalize(torch.randn(*shape, 5, generator=generator, dtype=torch.float64), dim=-1)
        for shape in ((3,), (3,), (3, 4))
    )
    terms = []
    for query, own, others in zip(queries, positives, negatives, strict=True):
        scores = [float(query @ each) / 0.2 for each in (own, *others)]
        terms.append(math.log(sum(map(math.exp, scores))) - scores[0])
    found = examples.info_nce.InfoNCELoss(0.2)(queries, positives, negatives)
    assert float(found) == pytest.approx(sum(terms) / 3, abs=1e-12)


def test_alignment_evens_the_classes(examples):
    rule = examples.aligned.AlignedTarget(3, momentum=0.0)
    logits = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    logits[:, 1] += 2
    targets = rule(logits)
    assert rule.mean.allclose(logits.softmax(1).mean(0)) and rule.mean[1] > 0.6
    shares = logits.softmax(1) / rule.mean
    assert targets.classes.allclose(shares / shares.sum(1, keepdim=True))
    assert targets.classes.mean(0).max() < 0.45 and targets.weights.eq(1).all()


def test_cuts_of_one_tree_nest(examples):
    points = normalize(torch.randn(30, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    fine, coarse = examples.linkage.LinkageSource([12, 4])(points)
    assert len(fine.unique()) == 12 and len(coarse.unique()) == 4
    same = fine[:, None] == fine
    assert (coarse[:, None] == coarse)[same].all()


def test_clusters_end_at_the_borders_of_folders(examples, scratch):
    source = examples.folders.FolderSource(
        dict(type='ImageFolder', data_root=str(scratch / 'data/photos')),
        dict(type='ClassSource', num_levels=2),
    )
    classes = torch.arange(64) % 3
    within, folders = source(torch.zeros(64, 2), classes)
    by_hand = torch.arange(64) // 16
    for a in range(64):
        assert (folders == folders[a]).equal(by_hand == by_hand[a])
        assert (within == within[a]).equal((by_hand == by_hand[a]) & (classes == classes[a]))


def test_band_of_ranks_against_sorting(examples):
    generator = torch.Generator().manual_seed(0)
    queue = SupportQueue(20, 6)
    queue.enqueue(normalize(torch.randn(15, 6, generator=generator), dim=1), torch.arange(15) % 9)
    own = normalize(torch.randn(4, 6, generator=generator), dim=1)
    given = RetrievalInput(own, torch.tensor([0, 3, 8, 30]), queue, None)
    retriever = examples.band.BandRetriever(first=2, last=4)
    seen = [set() for _ in own]
    for _ in range(60):
        keys = retriever(given)
        assert keys.found.all() and keys.in_queue.all()
        for query in range(4):
            [place] = (queue.features == keys.features[query, 0]).all(1).nonzero()
            assert keys.indices[query, 0] == queue.indices[place]
            seen[query].add(int(place))
    for query, image in enumerate(given.indices.tolist()):
        others = [place for place in range(15) if queue.indices[place] != image]
        ranked = sorted(others, key=lambda place: -float(own[query] @ queue.features[place]))
        assert seen[query] == set(ranked[1:4])


def test_a_band_beyond_the_queue_falls_back_to_the_same_image(examples):
    own = normalize(torch.randn(3, 6), dim=1)
    given = RetrievalInput(own, torch.arange(3), SupportQueue(8, 6), None)
    keys = examples.band.BandRetriever(first=1, last=2)(given)
    assert not keys.found.any() and not keys.in_queue.any()
    assert keys.features[:, 0].equal(own) and keys.indices[:, 0].tolist() == [0, 1, 2]
