from types import SimpleNamespace

import pytest
import torch

from mmrcl import device_copies
from mmrcl.device_copies import HostCopy, to_device


class Event:
    """Stands for the event of a device, whose copies arrive when it is waited for."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def record(self) -> None:
        self.said.append('record')

    def synchronize(self) -> None:
        self.said.append('synchronize')


class OnDevice:
    """Stands for a tensor on a GPU."""

    is_cuda = True

    def to(self, device: str, non_blocking: bool) -> torch.Tensor:
        assert device == 'cpu' and non_blocking
        return torch.tensor([1.0, 2.0])


def test_a_copy_of_the_host_is_there_at_once():
    values = torch.tensor([3, 4])
    assert HostCopy(values).read().tolist() == [3, 4]
    assert torch.equal(to_device(values, torch.device('cpu')), values)


def test_a_copy_of_the_device_is_waited_for_when_it_is_read(monkeypatch):
    event = Event()
    monkeypatch.setattr(device_copies.torch.cuda, 'Event', lambda: event)
    copy = HostCopy(OnDevice())  # type: ignore[arg-type]
    assert event.said == ['record']
    assert copy.read().tolist() == [1, 2]
    assert event.said == ['record', 'synchronize']


def test_to_a_gpu_goes_pinned_memory():
    pinned = SimpleNamespace(to=lambda device, non_blocking: (device, non_blocking))
    values = SimpleNamespace(pin_memory=lambda: pinned)
    device = torch.device('cuda')
    assert to_device(values, device) == (device, True)  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_copies_to_a_gpu_and_back():
    values = torch.arange(1000)
    there = to_device(values, torch.device('cuda'))
    assert there.is_cuda
    assert torch.equal(HostCopy(there * 2).read(), values * 2)
