"""Semi-supervised classifiers against slow literal readings of their papers in float64."""

import copy
import math
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmrcl.models import AnnealedCrossEntropyLoss, ArgmaxTarget, SharpenedTarget
from mmrcl.registry import MODELS

from ..commands import run_in_two_ranks

CLASSES = 5
COMMON = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=32),
)
TARGETS = dict(
    pseudolabel=dict(type='ArgmaxTarget'),
    fixmatch=dict(type='ArgmaxTarget', threshold=0.5),
    uda=dict(type='SharpenedTarget', temperature=0.4, threshold=0.5),
)


@pytest.fixture(autouse=True)
def start():
    """The first of ten iterations."""
    at(0)
    yield
    at(0)


def at(iteration: int) -> None:
    MessageHub.get_current_instance().update_info_dict(dict(iter=iteration, max_iters=10))


def build(kind: str = 'SemiSupervisedClassifier', **settings):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(copy.deepcopy(COMMON), type=kind, **settings))
    model.init_weights()
    for name, value in model.named_parameters():
        if name.endswith('head.fc.weight'):  # mmpretrain's deviation of 0.01 predicts nothing
            torch.nn.init.normal_(value, std=0.5)
    return model.double()


def meta(**settings):
    teacher = dict(target=dict(type='SharpenedTarget', threshold=0.5), unlabeled_weight=2.0)
    return build('MetaPseudoLabels', teacher=teacher, **settings)


def batch(views: int = 2):
    """Labelled images at the places 1, 4 and 5 of 12."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(views, 12, 3, 8, 8, generator=generator, dtype=torch.float64)
    samples = [DataSample() for _ in range(12)]
    for label, place in enumerate((1, 4, 5)):
        samples[place].set_gt_label(label)
    return list(images), samples


def part_of_batch(part: slice):
    """Of a batch whose first four images are labelled, every second of either kind, say."""
    inputs, samples = batch()
    for place in range(12):
        samples[place] = DataSample()
        if place < 4:
            samples[place].set_gt_label(place)
    places = [*range(4)[part], *range(4, 12)[part]]
    return [view[places] for view in inputs], [samples[place] for place in places]


def student_of(model) -> list[Tensor]:
    return [p for name, p in model.named_parameters() if not name.startswith('teacher.')]


def certain_meta():
    """Batch norms that take no statistics, and a teacher that draws its most probable classes."""
    model = meta(student_rate=0.2, baseline_momentum=0.25).eval()
    with torch.no_grad():
        model.teacher.head.fc.weight.mul_(1e6)
        model.teacher.head.fc.bias.copy_(1e3 * torch.arange(CLASSES))  # without features
    return model


LABELED, UNLABELED = [1, 4, 5], [0, 2, 3, 6, 7, 8, 9, 10, 11]


def literal_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Of one image: minus the sum of q log p."""
    total = sum(each.exp() for each in logits)
    return -sum(q * (each.exp() / total).log() for q, each in zip(target, logits, strict=True))


def literal_target(name: str, logits: Tensor) -> tuple[Tensor, float]:
    total = sum(each.exp() for each in logits)
    probabilities = [float(each.exp() / total) for each in logits]
    if name == 'uda':
        powers = [p ** (1 / 0.4) for p in probabilities]
        target = torch.tensor([power / sum(powers) for power in powers], dtype=torch.float64)
    else:
        target = torch.zeros(CLASSES, dtype=torch.float64)
        target[probabilities.index(max(probabilities))] = 1
    return target, float(name == 'pseudolabel' or max(probabilities) >= 0.5)


@pytest.mark.parametrize('views', [1, 2])
@pytest.mark.parametrize('name', TARGETS)
def test_losses_are_the_literal_ones(name, views):
    model = build(target=TARGETS[name], unlabeled_weight=3.0)
    reference = copy.deepcopy(model)
    inputs, samples = batch(views)
    found = model.loss(inputs if views == 2 else inputs[0], samples)

    logits = reference(
        torch.cat([inputs[0][LABELED], *(view[UNLABELED] for view in inputs)]), mode='tensor'
    )
    supervised = sum(
        literal_cross_entropy(each, torch.eye(CLASSES)[label])
        for label, each in enumerate(logits[:3])
    )
    weak, strong = logits[3:12], logits[-9:]
    total, kept = 0, 0
    for of_weak, of_strong in zip(weak, strong, strict=True):
        target, weight = literal_target(name, of_weak.detach())
        total += weight * literal_cross_entropy(of_strong, target)
        kept += weight
    assert torch.allclose(found['loss_labeled'], supervised / 3)
    assert torch.allclose(found['loss_unlabeled'], 3 * total / 9)
    assert float(found['kept']) == pytest.approx(kept / 9)
    assert 0 < kept < 9 or name == 'pseudolabel'

    (found['loss_labeled'] + found['loss_unlabeled']).backward()
    (supervised / 3 + 3 * total / 9).backward()
    for mine, other in zip(model.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(mine.grad, other.grad, atol=1e-10)


def test_gradient_is_that_of_the_divergence_of_uda():
    logits = torch.randn(6, CLASSES, dtype=torch.float64, requires_grad=True)
    targets = SharpenedTarget(0.4, 0.0)(torch.randn(6, CLASSES, dtype=torch.float64)).classes
    divergence = sum(
        (q * (q.log() - p.log())).sum() for q, p in zip(targets, logits.softmax(1), strict=True)
    )
    (expected,) = torch.autograd.grad(divergence, logits)
    (found,) = torch.autograd.grad(cross_entropy(logits, targets, reduction='sum'), logits)
    assert torch.allclose(found, expected)


@pytest.mark.parametrize('target', [ArgmaxTarget(0.6), SharpenedTarget(0.5, 0.6)])
def test_confidence_is_that_before_sharpening(target):
    logits = torch.tensor([[0.59, 0.41], [0.61, 0.39], [0.3, 0.7]]).log()
    assert target(logits).weights.tolist() == [0, 1, 1]


def test_weight_rises_during_the_ramp():
    model = build(target=TARGETS['pseudolabel'], ramp=(0.2, 0.6))
    found = []
    for iteration in range(10):
        at(iteration)
        model.eval()
        found.append(float(model.loss(*batch())['loss_unlabeled'].detach()))
    factors = [value / found[-1] for value in found]
    assert factors == pytest.approx([0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1])


@pytest.mark.parametrize('schedule', ['linear', 'log', 'exp'])
@pytest.mark.parametrize('iteration', [0, 3, 9])
def test_annealed_loss_is_the_literal_one(schedule, iteration):
    at(iteration)
    t = iteration / 10
    alpha = dict(linear=t, log=1 - math.exp(-5 * t), exp=math.exp((t - 1) * 5))[schedule]
    threshold = alpha * (1 - 1 / CLASSES) + 1 / CLASSES
    generator = torch.Generator().manual_seed(iteration)
    logits = 4 * torch.randn(40, CLASSES, generator=generator, dtype=torch.float64)
    classes = torch.arange(40) % CLASSES
    kept = []
    for label, each in zip(classes, logits, strict=True):
        loss = literal_cross_entropy(each, torch.eye(CLASSES)[label])
        if math.exp(-loss) <= threshold:
            kept.append(loss)
    assert 0 < len(kept) < 40
    found = AnnealedCrossEntropyLoss(schedule)(logits, classes, avg_factor=40)
    assert torch.allclose(found, sum(kept) / len(kept))


def test_annealed_loss_of_no_image_is_zero():
    loss = AnnealedCrossEntropyLoss()(9 * torch.eye(3), torch.arange(3), avg_factor=3)
    assert float(loss) == 0


def drawn_by(model, inputs, seed: int) -> tuple[Tensor, Tensor]:
    """The teacher's predictions for the strong views, and the classes it draws."""
    images = torch.cat([inputs[0][LABELED], inputs[0][UNLABELED], inputs[1][UNLABELED]])
    logits = model.teacher(images)[-9:]
    torch.manual_seed(seed)
    return logits, logits.detach().softmax(1).multinomial(1)[:, 0]


def slow_step(model, inputs, eta: float, seed: int):
    """Algorithm 1 with a second student, into which the moved parameters are loaded."""
    logits, drawn = drawn_by(model, inputs, seed)
    student = student_of(model)
    moved = copy.deepcopy(model)
    predictions = model(torch.cat([inputs[1][UNLABELED], inputs[0][LABELED]]))[:9]
    loss = sum(
        literal_cross_entropy(each, torch.eye(CLASSES)[label])
        for each, label in zip(predictions, drawn, strict=True)
    )
    (loss / 9).backward()
    others = student_of(moved)
    with torch.no_grad():
        for other, own in zip(others, student, strict=True):
            other -= eta * own.grad
    after = sum(
        literal_cross_entropy(each, torch.eye(CLASSES)[label])
        for label, each in enumerate(moved(inputs[0][LABELED]))
    )
    (after / 3).backward()
    feedback = eta * sum(
        (other.grad * own.grad).sum() for other, own in zip(others, student, strict=True)
    )
    of_drawn = sum(
        literal_cross_entropy(each, torch.eye(CLASSES)[label])
        for each, label in zip(logits, drawn, strict=True)
    )
    return loss / 9, feedback, of_drawn / 9


def test_step_of_meta_pseudo_labels_is_the_literal_one():
    model = meta(student_rate=0.2, baseline_momentum=0.25)
    model.baseline.fill_(0.5)
    reference = copy.deepcopy(model)
    inputs, samples = batch()
    torch.manual_seed(3)
    found = model.loss(inputs, samples)
    loss, feedback, of_drawn = slow_step(reference, inputs, 0.2, seed=3)
    baseline = 0.75 * 0.5 + 0.25 * feedback
    assert torch.allclose(found['feedback'], feedback)
    assert abs(feedback) > 1e-3
    assert torch.allclose(model.baseline, baseline)
    assert torch.allclose(found['loss_student'], loss)
    assert torch.allclose(found['loss_feedback'], (feedback - baseline) * of_drawn)

    sum(value for name, value in found.items() if 'loss' in name).backward()
    student = dict(reference.named_parameters())
    for name, value in model.named_parameters():
        if not name.startswith('teacher.'):
            assert torch.allclose(value.grad, student[name].grad, atol=1e-10), name
    other = meta()
    losses = other.teacher.loss(inputs, samples)
    logits, drawn = drawn_by(other, inputs, seed=3)
    feedback_loss = (feedback - baseline) * cross_entropy(logits, drawn)
    (losses['loss_labeled'] + losses['loss_unlabeled'] + feedback_loss).backward()
    pairs = zip(model.teacher.parameters(), other.teacher.parameters(), strict=True)
    assert all(torch.allclose(mine.grad, own.grad, atol=1e-10) for mine, own in pairs)


def test_feedback_is_how_much_a_small_step_helps():
    model = meta(student_rate=1e-4)
    inputs, samples = batch()
    losses = model.loss(inputs, samples)
    student = student_of(model)
    gradients = torch.autograd.grad(losses['loss_student'], student)
    before = cross_entropy(model(inputs[0][LABELED]), torch.arange(3))
    with torch.no_grad():
        for value, gradient in zip(student, gradients, strict=True):
            value -= 1e-4 * gradient
    after = cross_entropy(model(inputs[0][LABELED]), torch.arange(3))
    assert float(losses['feedback']) == pytest.approx(float(before - after), rel=0.02)


def loss_after_a_step(model, image: Tensor, label: int, labeled: Tensor, eta: float) -> Tensor:
    """The student's loss of the labelled images after it learnt a class for one image."""
    moved = copy.deepcopy(model)
    gradients = torch.autograd.grad(
        cross_entropy(moved(image), torch.tensor([label])), student_of(moved)
    )
    with torch.no_grad():
        for value, gradient in zip(student_of(moved), gradients, strict=True):
            value -= eta * gradient
        return cross_entropy(moved(labeled), torch.arange(3))


def test_expected_feedback_is_the_teachers_gradient_of_the_students_loss(monkeypatch):
    """Over all classes that the teacher can draw for one image, each by its probability."""
    model = meta(student_rate=1e-4, baseline_momentum=0.01).eval()
    inputs, samples = batch()
    places = [*LABELED, 0]
    views, samples = [view[places] for view in inputs], [samples[place] for place in places]
    teacher = list(model.teacher.parameters())
    drawn = model.teacher(views[1][3:]).softmax(1)[0]
    found = [torch.zeros_like(value) for value in teacher]
    expected = 0
    for label in range(CLASSES):
        monkeypatch.setattr(Tensor, 'multinomial', lambda *_, k=label: torch.tensor([[k]]))
        model.baseline.zero_()
        loss = model.loss(views, samples)['loss_feedback'] * drawn[label].detach()
        for total, gradient in zip(found, torch.autograd.grad(loss, teacher), strict=True):
            total += gradient / 0.99  # the baseline takes a hundredth
        expected += drawn[label] * loss_after_a_step(model, views[1][3:], label, views[0][:3], 1e-4)
    for mine, own in zip(found, torch.autograd.grad(expected, teacher), strict=True):
        assert torch.allclose(mine, own, rtol=0.02, atol=1e-3 * float(own.abs().max()))
    assert max(float(value.abs().max()) for value in found) > 1e-8


@pytest.mark.slow
def test_two_processes_make_the_step_of_the_whole_batch(tmp_path):
    model = certain_meta()
    losses = model.loss(*part_of_batch(slice(None)))
    losses['loss_student'].backward()
    run_in_two_ranks(Path(__file__).with_name('two_semisup_processes.py'), tmp_path)
    assert abs(losses['feedback']) > 1e-4
    for rank in (0, 1):
        found = torch.load(tmp_path / f'{rank}.pth')
        assert torch.allclose(found['feedback'], losses['feedback'])
        assert torch.allclose(found['baseline'], model.baseline)
        for mine, own in zip(found['gradients'], student_of(model), strict=True):
            assert torch.allclose(mine, own.grad, atol=1e-10)


def test_feedback_leaves_no_trace_in_the_student():
    model = meta()
    reference = copy.deepcopy(model)
    inputs, samples = batch()
    model.loss(inputs, samples)
    reference(torch.cat([inputs[1][UNLABELED], inputs[0][LABELED]]))
    for mine, other in zip(
        (model.backbone, model.head), (reference.backbone, reference.head), strict=True
    ):
        for name, value in mine.state_dict().items():
            assert value.equal(other.state_dict()[name]), name


def test_feedback_is_summed_in_full_precision():
    model, (inputs, samples) = meta().float(), batch()
    inputs = [view.float() for view in inputs]
    with torch.autocast('cpu', torch.bfloat16):
        assert model.loss(inputs, samples)['feedback'].dtype == torch.float32
    with (
        torch.autocast('cpu', torch.float16),
        pytest.raises(ValueError, match='small ones would become 0: set optim_wrapper.type='),
    ):
        model.loss(inputs, samples)


def test_student_is_what_predicts():
    model = meta().eval()
    inputs, _ = batch()
    before = model.predict(inputs[0])[0].pred_score
    with torch.no_grad():
        for value in model.teacher.parameters():
            value.zero_()
    assert model.predict(inputs[0])[0].pred_score.equal(before)


def test_wrong_settings_are_refused():
    for settings, message in [
        (dict(unlabeled_weight=-1), 'unlabeled_weight=-1 must not be negative'),
        (dict(ramp=(0.6, 0.1)), 'ramp=.* must be two shares of the training'),
        (dict(target=dict(type='ArgmaxTarget', threshold=1)), 'threshold=1 must be at least 0'),
        (dict(target=dict(type='SharpenedTarget', temperature=0)), 'temperature=0 must be above 0'),
    ]:
        with pytest.raises(ValueError, match=message):
            build(**dict(dict(target=TARGETS['fixmatch']), **settings))
    with pytest.raises(ValueError, match='student_rate=0 must be above 0'):
        meta(student_rate=0)
    with pytest.raises(ValueError, match='baseline_momentum=2 must be above 0'):
        meta(baseline_momentum=2)
    with pytest.raises(ValueError, match='schedule=.* must be one of linear, log, exp'):
        AnnealedCrossEntropyLoss('cosine')


def test_batches_that_do_not_fit_are_refused():
    model = build(target=TARGETS['fixmatch'])
    inputs, samples = batch()
    with pytest.raises(ValueError, match='a weak and a strong view, not 3 views: set'):
        model.loss([*inputs, inputs[0]], samples)
    views = [view[LABELED] for view in inputs]
    with pytest.raises(ValueError, match='a batch of 3 images has no unlabelled one: set'):
        model.loss(views, [samples[place] for place in LABELED])
    with pytest.raises(ValueError, match='a batch of 9 images has no labelled one: set'):
        model.loss([view[UNLABELED] for view in inputs], [samples[place] for place in UNLABELED])
