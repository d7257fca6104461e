"""Losses and memories of two processes are those of the whole batch in one."""

import copy
import json
from pathlib import Path

import pytest
import torch

from mmrcl.models import FeatureBank, NearestNeighborLoss, NoiseContrastiveLoss

from ..commands import run_in_two_ranks
from .shared_steps import ALGORITHMS, train


@pytest.fixture(scope='module')
def ranks_folder(tmp_path_factory):
    """What two processes write of their halves of the batches."""
    folder = tmp_path_factory.mktemp('ranks')
    run_in_two_ranks(Path(__file__).with_name('two_processes.py'), folder)
    return folder


@pytest.fixture(scope='module')
def ranks(ranks_folder):
    return [json.loads((ranks_folder / f'{rank}.json').read_text()) for rank in (0, 1)]


@pytest.mark.slow
def test_nnclr_loss_of_two_processes_is_that_of_the_whole_batch(ranks):
    """Values and, averaged as DDP does, gradients."""
    generator = torch.Generator().manual_seed(0)
    predictions, neighbors = torch.randn(2, 8, 5, generator=generator)
    weight = torch.eye(5, requires_grad=True)
    whole = NearestNeighborLoss(0.1)(predictions @ weight, neighbors)
    whole.backward()
    assert sum(rank['loss'] for rank in ranks) / 2 == pytest.approx(whole.item(), rel=1e-5)
    mean = torch.tensor([rank['gradient'] for rank in ranks]).mean(0)
    assert torch.allclose(mean, weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_bank_and_constant_of_two_processes_are_those_of_the_whole_batch(ranks):
    features, neighbors = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0))
    both = torch.stack([features, neighbors], 1)
    noise = NoiseContrastiveLoss(0.5)
    noise(features, neighbors, both)
    torch.manual_seed(0)
    bank = FeatureBank(8, 5)
    # The images of the ranks are 0, 2, 4, 6 and 1, 3, 5, 7.
    bank.update(torch.tensor([0, 2, 4, 6, 1, 3, 5, 7]), features)
    for rank in ranks:
        assert rank['log_mean'] == pytest.approx(noise.log_mean.item(), rel=1e-5)
        assert torch.allclose(torch.tensor(rank['bank']), bank.features, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize('name', ALGORITHMS)
def test_training_in_two_processes_is_that_of_the_whole_batches(name, ranks_folder):
    """Labels, centroids and trained negatives too, which the ranks move without a copy."""
    model = ALGORITHMS[name]()
    before = copy.deepcopy(model.state_dict())
    rebalanced = train(model, model, 0, 1)
    first, second = (torch.load(ranks_folder / f'{name}_{rank}.pth') for rank in (0, 1))
    for key, value in model.state_dict().items():
        assert first[key].equal(second[key]), key
        assert torch.allclose(first[key], value, rtol=1e-3, atol=1e-5), key
    memory = {'ODC': 'hierarchy.labels', 'ClusterClassifier': 'head.fc.weight'}
    moved = memory.get(name, 'queue.features')
    assert not first[moved].allclose(before[moved])
    assert rebalanced > 0 or name != 'ODC'
