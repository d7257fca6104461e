"""CPC: its loss, contexts and directions, read literally, and the patches it takes."""

import itertools

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmrcl.models import BatchPatch, ContextNetwork, CPCHead, PatchPredictionLoss
from mmrcl.registry import MODELS

from .test_rcl import merged

ROWS, COLUMNS = 3, 4
LOSS = dict(type='mmrcl.PatchPredictionLoss', scale=0.3)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def places(targets) -> list[tuple[int, int, int]]:
    """Image, row and column of each patch."""
    return list(itertools.product(*(range(targets.shape[axis]) for axis in (0, 2, 3))))


def literal(predictions, targets, scale) -> torch.Tensor:
    """Eq. 2, patch by patch; ``predictions`` are those of the last rows."""
    above = targets.shape[2] - predictions.shape[2]
    terms = []
    for image, row, column in places(predictions):
        scaled = scale * predictions[image, :, row, column]
        weights = {
            place: (scaled @ targets[place[0], :, place[1], place[2]]).exp()
            for place in places(targets)
        }
        terms.append(-(weights[image, row + above, column] / sum(weights.values())).log())
    return torch.stack(terms).mean()


@pytest.mark.parametrize('offset', [1, 2])
@pytest.mark.parametrize('scale', [0.1, 1.0])
def test_loss(offset, scale):
    targets = draw(2, 5, ROWS, COLUMNS, seed=1)
    predictions = draw(2, 5, ROWS - offset, COLUMNS)
    single = [part.float().requires_grad_() for part in (predictions, targets)]
    double = [part.clone().requires_grad_() for part in (predictions, targets)]
    found, expected = PatchPredictionLoss(scale)(*single), literal(*double, scale)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    found.backward()
    expected.backward()
    for first, second in zip(single, double, strict=True):
        assert torch.allclose(first.grad.double(), second.grad, rtol=1e-4, atol=1e-6)
        assert second.grad.abs().max() > 1e-3


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_loss_is_in_float32_under_autocast(dtype):
    predictions, targets = draw(2, 5, 2, 4).float(), draw(2, 5, 3, 4, seed=1).float()
    expected = PatchPredictionLoss()(predictions, targets)
    with torch.autocast('cpu', dtype):
        assert torch.equal(PatchPredictionLoss()(predictions, targets), expected)


def positive(network):
    """Make all weights positive, so that no ReLU hides what reaches it."""
    for parameter in network.parameters():
        parameter.data.abs_()
    return network


@pytest.mark.parametrize('blocks', [1, 2, 4])
def test_context_sees_its_row_and_those_above(blocks):
    torch.manual_seed(0)
    network = positive(ContextNetwork(channels=6, hid_channels=16, num_blocks=blocks).double())
    latents = draw(1, 6, 4, 5).abs().requires_grad_()
    contexts = network(latents)
    assert contexts.shape == latents.shape
    for row, column in itertools.product(range(4), range(5)):
        (gradient,) = torch.autograd.grad(
            contexts[0, :, row, column].sum(), latents, retain_graph=True
        )
        seen = gradient[0].abs().sum(0) > 0
        for other, side in itertools.product(range(4), range(5)):
            near = row - blocks <= other <= row and abs(side - column) <= blocks
            assert seen[other, side] == near, (row, column, other, side)


def head(**changes) -> CPCHead:
    torch.manual_seed(0)
    settings = dict(in_channels=6, hid_channels=16, num_blocks=3, out_channels=5, offsets=[1, 2])
    return CPCHead(loss=LOSS, **settings | changes).double()


def predicted(part: CPCHead, latents: torch.Tensor):
    """Direction, offset and predictions where their targets are; NaN where there is none."""
    for turns, direction in enumerate(part.directions):
        for offset, found in zip(
            part.offsets, direction(latents.rot90(turns, (2, 3))), strict=True
        ):
            missing = found.new_full((*found.shape[:2], offset, found.shape[3]), torch.nan)
            yield turns, offset, torch.cat([missing, found], 2).rot90(-turns, (2, 3))


def test_head_averages_four_directions_and_all_offsets():
    part, latents = head(), draw(2, 6, ROWS, COLUMNS)
    targets = part.targets(latents)
    means = []
    for _, _, found in predicted(part, latents):
        terms = []
        for image, row, column in places(found):
            prediction = 0.3 * found[image, :, row, column]
            if prediction.isnan().any():
                continue
            weights = {
                place: (prediction @ targets[place[0], :, place[1], place[2]]).exp()
                for place in places(targets)
            }
            terms.append(-(weights[image, row, column] / sum(weights.values())).log())
        means.append(sum(terms) / len(terms))
    assert len(means) == 8
    expected = sum(means) / 8
    assert part.loss(latents).item() == pytest.approx(expected.item(), rel=1e-6)


def test_predictions_come_from_one_side_and_from_a_distance():
    """From above, the right, below and the left, no nearer than the offset."""
    part, latents = positive(head()), draw(1, 6, ROWS, COLUMNS).abs().requires_grad_()
    sides = [
        lambda row, column, place: row - place[0],
        lambda row, column, place: place[1] - column,
        lambda row, column, place: place[0] - row,
        lambda row, column, place: column - place[1],
    ]
    for turns, offset, found in predicted(part, latents):
        for row, column in itertools.product(range(ROWS), range(COLUMNS)):
            prediction = found[0, :, row, column]
            if prediction.isnan().any():
                continue
            (gradient,) = torch.autograd.grad(prediction.sum(), latents, retain_graph=True)
            seen = [tuple(place) for place in gradient[0].abs().sum(0).nonzero().tolist()]
            distances = [sides[turns](row, column, place) for place in seen]
            assert min(distances) == offset, (turns, row, column)


def build(**changes):
    torch.manual_seed(0)
    parts = dict(
        type='CPC',
        grid=(3, 3),
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            in_channels=1,
            stem_channels=4,
            base_channels=4,
            norm_cfg=dict(type='GN', num_groups=1),
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='CPCHead',
            in_channels=32,
            hid_channels=8,
            num_blocks=1,
            out_channels=8,
            offsets=[1, 2],
            loss=dict(type='PatchPredictionLoss'),
        ),
        data_preprocessor=dict(
            type='ViewsDataPreprocessor',
            mean=[0.0],
            std=[1.0],
            views=[
                [dict(type='BatchPatch', top=top, left=left, scale=8)]
                for top in (0, 4, 8)
                for left in (0, 4, 8)
            ],
        ),
    )
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(merged(parts, changes))


def images(count: int = 4, size: int = 16) -> dict:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, 1, size, size), generator=generator, dtype=torch.uint8)
    samples = [DataSample(metainfo=dict(view_key=(0, 0, index))) for index in range(count)]
    return dict(inputs=pixels, data_samples=samples)


def test_step_sees_one_patch_at_a_time():
    model, data = build(), images()
    loss = model.loss(**model.data_preprocessor(data, True))['loss']
    rows = []
    for pixels in data['inputs'].float():
        grid = [
            model.backbone(pixels[None, :, top : top + 8, left : left + 8])[0].mean((2, 3))[0]
            for top in (0, 4, 8)
            for left in (0, 4, 8)
        ]
        rows.append(torch.stack([torch.stack(grid[i : i + 3], 1) for i in (0, 3, 6)], 1))
    expected = model.head.loss(torch.stack(rows))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_every_trained_parameter_gets_a_gradient():
    model = build()
    model.loss(**model.data_preprocessor(images(), True))['loss'].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_changes_the_loss_little(dtype):
    model = build()
    data = model.data_preprocessor(images(), True)
    expected = model.loss(**data)['loss']
    with torch.autocast('cpu', dtype):
        loss = model.loss(**data)['loss']
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.02)


def test_parts_that_do_not_fit():
    data = build().data_preprocessor(images(), True)
    with pytest.raises(ValueError, match=r'CPC takes 12 views .* model.grid=\(3, 4\), not 9'):
        build(grid=(3, 4)).loss(**data)
    with pytest.raises(ValueError, match=r'offsets=\[3\] leads out of model.grid=\(3, 3\): set a'):
        build(head=dict(offsets=[3]))
    with pytest.raises(ValueError, match=r'set model.head.in_channels=32'):
        build(head=dict(in_channels=16)).loss(**data)
    with pytest.raises(ValueError, match='offsets=.* must be numbers of at least 1'):
        head(offsets=[0])
    with pytest.raises(ValueError, match='scale=0 must be above 0'):
        PatchPredictionLoss(0)


def test_patches_that_do_not_fit():
    model = build()
    with pytest.raises(ValueError, match='to row 8 and column 16, but images have 15 x 15 pixels'):
        model.data_preprocessor(images(size=15), True)
    for wrong in (dict(top=-1, left=0, scale=8), dict(top=0, left=0, scale=0)):
        with pytest.raises(ValueError, match='BatchPatch: top=.*must be at least'):
            BatchPatch(**wrong)
