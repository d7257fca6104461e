import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR

from mmrcl.datasets import stratified_subset
from mmrcl.evaluation import Schedule, Setting, accuracy, fit_linear_probes, sweep_linear_probes

GRID = [Setting(lr, decay) for lr in (0.01, 0.3, 2.0) for decay in (0.0, 1e-2)]


def clouds(seed: int, views: int | None = None, n: int = 60, d: int = 5, classes: int = 4):
    """Overlapping classes, (n, d) or (views, n, d), in float64."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    centres = torch.randn(classes, d, generator=generator, dtype=torch.float64)
    shape = (n, d) if views is None else (views, n, d)
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    return centres[labels] + noise, labels


def literal(features, labels, num_classes, setting, schedule):
    """One classifier by torch's own parts."""
    views = features if features.ndim == 3 else features[None]
    layer = torch.nn.Linear(features.shape[-1], num_classes, dtype=features.dtype)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(
        layer.parameters(),
        lr=setting.lr,
        weight_decay=setting.weight_decay,
        momentum=schedule.momentum,
        nesterov=True,
    )
    steps = -(-len(labels) // schedule.batch_size) * schedule.epochs
    cosine = CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(schedule.seed)
    for epoch in range(schedule.epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(schedule.batch_size):
            optimizer.zero_grad()
            F.cross_entropy(layer(views[epoch % len(views)][batch]), labels[batch]).backward()
            optimizer.step()
            cosine.step()
    return layer


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 50),
    batch_size=st.integers(1, 60),
    epochs=st.integers(1, 5),
    views=st.none() | st.integers(1, 3),
    momentum=st.sampled_from([0.5, 0.9]),
)
def test_equals_one_classifier_at_a_time(seed, n, batch_size, epochs, views, momentum):
    features, labels = clouds(seed, views, n)
    schedule = Schedule(epochs, batch_size, momentum, seed)
    probes = fit_linear_probes(features, labels, 4, GRID, schedule)
    assert len(probes) == len(GRID)
    for setting, probe in zip(GRID, probes, strict=True):
        layer = literal(features, labels, 4, setting, schedule)
        torch.testing.assert_close(probe.weight, layer.weight.detach(), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(probe.bias, layer.bias.detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize('views', [None, 2])
def test_setting_is_chosen_on_held_out_images_and_fitted_on_all(views):
    plain, labels = clouds(0, n=200)
    shown = plain if views is None else torch.stack([plain + 0.1, plain * 1.1])
    schedule = Schedule(epochs=4, batch_size=16, seed=3)
    extra = dict(views=shown) if views else {}
    sweep = sweep_linear_probes(plain, labels, 4, GRID, schedule, held_out=0.25, **extra)
    held = stratified_subset(labels, 0.25, seed=3)
    left = torch.tensor([i for i in range(200) if i not in held.tolist()])
    fitted = fit_linear_probes(shown[..., left, :], labels[left], 4, GRID, schedule)
    expected = [accuracy(probe.predict(plain[held]), labels[held]) for probe in fitted]
    assert sweep.accuracies == pytest.approx(expected)
    losses = [float(F.cross_entropy(p.logits(plain[held]), labels[held])) for p in fitted]
    assert sweep.losses == pytest.approx(losses)
    assert sweep.best == min(range(len(GRID)), key=lambda i: losses[i])
    (whole,) = fit_linear_probes(shown, labels, 4, [GRID[sweep.best]], schedule)
    assert torch.equal(sweep.probe.weight, whole.weight)


def test_a_setting_that_diverges_harms_no_other_and_is_not_chosen():
    features, labels = clouds(0)
    wild = Setting(1e30, 1e30)
    alone, together = ([GRID[2]], [wild, GRID[2]])
    schedule = Schedule(epochs=5, batch_size=8)
    sweep = sweep_linear_probes(features, labels, 4, together, schedule)
    assert sweep.best == 1
    assert (sweep.accuracies[0], sweep.losses[0]) == (0, float('inf'))
    assert sweep.accuracies[1:] == sweep_linear_probes(features, labels, 4, alone, schedule)[0]


def test_single_and_half_precision_agree_with_double():
    features, labels = clouds(0, n=200)
    schedule = Schedule(epochs=5, batch_size=32)
    exact = fit_linear_probes(features.half().double(), labels, 4, GRID, schedule)
    for dtype in (torch.float32, torch.float16):
        narrow = fit_linear_probes(features.half().to(dtype), labels, 4, GRID, schedule)
        for one, other in zip(narrow, exact, strict=True):
            assert one.weight.dtype == torch.float32
            torch.testing.assert_close(one.weight.double(), other.weight, rtol=1e-4, atol=1e-4)


def test_the_seed_decides_and_nothing_else():
    features, labels = clouds(0)
    first, again, other = (
        fit_linear_probes(features, labels, 4, GRID, Schedule(2, 16, seed=seed))[3].weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_bad_input_is_refused():
    features, labels = clouds(0)
    with pytest.raises(ValueError, match='num_classes'):
        fit_linear_probes(features, labels, 3, GRID, Schedule())
    with pytest.raises(ValueError, match='held_out=1.0 leaves none of 60 images'):
        sweep_linear_probes(features, labels, 4, GRID, Schedule(), held_out=1.0)
    with pytest.raises(ValueError, match='fraction'):
        sweep_linear_probes(features, labels, 4, GRID, Schedule(), held_out=0.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_gpu_agrees_with_cpu():
    features, labels = clouds(0, n=200)
    schedule = Schedule(epochs=5, batch_size=32)
    here = fit_linear_probes(features, labels, 4, GRID, schedule)
    there = fit_linear_probes(features.cuda(), labels, 4, GRID, schedule)
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(one.weight, other.weight.cpu(), rtol=1e-8, atol=1e-10)
