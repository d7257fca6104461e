"""Hooks that read the device in every step, called as the runner calls them."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmrcl.engine import NonFiniteLossHook, PreemptionHook
from mmrcl.errors import TrainingError

BATCH = dict(data_samples=[DataSample(metainfo=dict(sample_idx=7))])


class Line(BaseModel):
    """Losses of a weight, in all forms that mmengine adds up."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def forward(self, inputs: Tensor, mode: str = 'loss') -> dict[str, Any]:
        product = self.weight * inputs
        with torch.no_grad():
            share = (product > 0).float()
        return dict(share=share, loss_a=product.sum(), loss_b=[product, product[:1] ** 2])


class SkippingWrapper(OptimWrapper):
    """Skips the step on gradients that are not finite, as a loss scaler does."""

    def step(self, **kwargs: Any) -> None:
        if all(part.grad.isfinite().all() for part in self.optimizer.param_groups[0]['params']):
            super().step(**kwargs)


class Reads(TorchDispatchMode):
    """Counts the numbers that are read from tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


class Run:
    """Iterations of a model with the hook, as ``EpochBasedTrainLoop.run_iter`` does them."""

    def __init__(self, tmp_path: Any, wrapper: type[OptimWrapper], **settings: Any) -> None:
        self.model = Line()
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.wrapper = wrapper(optimizer, **settings)
        self.wrapper.initialize_count_status(self.model, 0, 100)
        self.saved: list[Tensor] = []
        self.runner: Any = SimpleNamespace(
            **dict(model=self.model, optim_wrapper=self.wrapper, iter=0, epoch=0),
            **dict(work_dir=str(tmp_path), save_checkpoint=self.save),
        )
        self.hook = NonFiniteLossHook()
        self.hook.before_train(self.runner)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.saved.append(self.model.weight.detach().clone())

    def step(self, *inputs: float) -> dict[str, Tensor]:
        self.hook.before_train_iter(self.runner, 0, BATCH)
        outputs = self.model.train_step(dict(inputs=torch.tensor(inputs)), self.wrapper)
        self.hook.after_train_iter(self.runner, 0, BATCH, outputs)
        self.runner.iter += 1
        return outputs


@pytest.mark.parametrize('spoilt', [torch.nan, torch.inf])
@pytest.mark.parametrize('wrapper', [OptimWrapper, SkippingWrapper])
@pytest.mark.parametrize('accumulation', [1, 3])
def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path, spoilt, wrapper, accumulation):
    run = Run(tmp_path, wrapper, accumulative_counts=accumulation)
    for _ in range(4):
        run.step(1.0, -1.0)
    before = run.model.weight.detach().clone()
    message = r'loss of iteration 4 is not finite \(loss_a=(nan|inf), loss_b=(nan|inf) on this'
    with pytest.raises(TrainingError, match=message):
        run.step(1.0, spoilt)
    assert torch.equal(run.model.weight, before)
    assert torch.equal(run.saved[0], before)


def test_the_logger_gets_the_numbers_of_mmengine(tmp_path):
    run, plain = Run(tmp_path, OptimWrapper), Line()
    for step in range(3):
        plain.load_state_dict(run.model.state_dict())
        inputs = 0.3 + step, -1.2
        expected = plain.parse_losses(plain(torch.tensor(inputs)))[1]
        found = run.step(*inputs)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name].item() == pytest.approx(value.item(), rel=1e-6), name
            assert not found[name].requires_grad


def test_a_step_that_is_finite_is_read_once(tmp_path):
    run = Run(tmp_path, OptimWrapper)
    with Reads() as reads:
        run.step(1.0, -1.0)
    assert reads.count == 1  # the flag, on the host


def test_several_optimisers_are_all_watched(tmp_path):
    run = Run(tmp_path, OptimWrapper)
    run.hook.after_train(run.runner)
    run.runner.optim_wrapper = OptimWrapperDict(one=run.wrapper)
    run.hook.before_train(run.runner)
    before = run.model.weight.detach().clone()
    with pytest.raises(TrainingError, match='loss of iteration 0 is not finite'):
        run.step(1.0, torch.nan)
    assert torch.equal(run.model.weight, before)


def test_evaluation_and_the_end_of_training_leave_the_hook_out(tmp_path):
    run = Run(tmp_path, OptimWrapper)
    run.model.eval()
    run.model(torch.full((2,), torch.nan))
    run.hook.after_train(run.runner)
    run.model.train()
    outputs = run.model.train_step(dict(inputs=torch.full((2,), torch.nan)), run.wrapper)
    assert outputs['loss'].isnan()


# --- signals


class Saves:
    """Stands for the checkpoint hook."""

    def __init__(self) -> None:
        self.at: list[int] = []

    def save_now(self, runner: Any) -> str:
        self.at.append(runner.iter)
        return f'iter_{runner.iter + 1}.pth'


def iterations(hook: PreemptionHook, signal_in: int, updates: set[int] | None = None) -> list[int]:
    """Iterations after which ``hook`` saves, two epochs of five with a signal in one of them."""
    saves = Saves()
    hook._checkpoint_hook = saves  # type: ignore[assignment]
    runner: Any = SimpleNamespace(
        train_dataloader=range(5),
        logger=SimpleNamespace(warning=lambda text: None),
        optim_wrapper=SimpleNamespace(should_update=lambda: updates is None or at in updates),
    )
    for at in range(10):
        runner.iter = at
        hook.before_train_iter(runner, at % 5)
        if at == signal_in:
            hook.received = signal.SIGTERM
        try:
            hook.after_train_iter(runner, at % 5)
        except SystemExit as end:
            assert end.code == 75
            break
    return saves.at


@pytest.mark.parametrize(('signal_in', 'saved_after'), [(0, 1), (3, 4), (4, 4), (8, 9), (9, 9)])
def test_a_signal_is_answered_in_the_next_iteration_and_before_an_epoch_ends(
    signal_in, saved_after
):
    assert iterations(PreemptionHook(), signal_in) == [saved_after]


def test_a_signal_waits_for_the_end_of_an_optimiser_step():
    assert iterations(PreemptionHook(), 1, updates={3, 7}) == [3]


def test_no_signal_saves_nothing():
    assert iterations(PreemptionHook(), 99) == []
