from collections import deque

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.models import SupportQueue


@given(length=st.integers(1, 17), sizes=st.lists(st.integers(0, 25), max_size=8))
def test_equal_to_a_deque(length, sizes):
    queue, expected = SupportQueue(length, 2), deque(maxlen=length)
    count = 0
    for size in sizes:
        indices = torch.arange(count, count + size)
        queue.enqueue(torch.stack([indices, -indices], 1).float(), indices)
        expected.extend(indices.tolist())
        count += size
    filled = queue.indices >= 0
    assert sorted(queue.indices[filled].tolist()) == sorted(expected)
    assert torch.equal(queue.features[filled, 0].long(), queue.indices[filled])
    assert torch.equal(queue.features[filled, 1].long(), -queue.indices[filled])
    if len(expected) == length:
        oldest_first = queue.indices.roll(-int(queue.pointer))
        assert oldest_first.tolist() == list(expected)


def test_buffers_stay_where_they_are():
    queue = SupportQueue(4, 3)
    before = {name: buffer.data_ptr() for name, buffer in queue.named_buffers()}
    for start in range(0, 9, 3):
        queue.enqueue(torch.ones(3, 3), torch.arange(start, start + 3))
    assert before == {name: buffer.data_ptr() for name, buffer in queue.named_buffers()}


def test_a_loss_that_keeps_the_queue_for_its_backward_pass_is_an_error():
    queue = SupportQueue(4, 3)
    query = torch.ones(2, 3, requires_grad=True)
    logits = (query @ queue.features.T).square().sum()
    queue.enqueue(torch.zeros(4, 3), torch.arange(4))
    with pytest.raises(RuntimeError, match='modified by an inplace operation'):
        logits.backward()


@given(st.integers(1, 17), st.integers(1, 4), st.lists(st.integers(0, 9), max_size=12))
def test_batches_of_a_step_are_written_as_one(length, interval, sizes):
    parted, whole = SupportQueue(length, 2), SupportQueue(length, 2)
    parted.interval = interval
    count, waiting = 0, []
    for size in sizes:
        waiting.append(torch.arange(count, count + size))
        parted.enqueue(torch.stack([waiting[-1]] * 2, 1).float(), waiting[-1])
        count += size
        if len(waiting) == interval:
            indices = torch.cat(waiting)
            whole.enqueue(torch.stack([indices] * 2, 1).float(), indices)
            waiting = []
        assert torch.equal(parted.indices, whole.indices)
        assert torch.equal(parted.features, whole.features)


def test_state_travels():
    source, target = SupportQueue(5, 2), SupportQueue(5, 2)
    source.enqueue(torch.rand(3, 2), torch.tensor([4, 8, 1]))
    target.load_state_dict(source.state_dict())
    for queue in (source, target):
        queue.enqueue(torch.full((4, 2), 7.0), torch.arange(4))
    assert torch.equal(source.features, target.features)
    assert torch.equal(source.indices, target.indices)


def test_wrong_length():
    with pytest.raises(ValueError, match='model.queue.length=0'):
        SupportQueue(0)
