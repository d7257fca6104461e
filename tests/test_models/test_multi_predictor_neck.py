import pytest
import torch
from torch import nn

from mmrcl.models import MultiPredictorNeck


def separate(neck: MultiPredictorNeck) -> nn.ModuleList:
    """H plain MLPs with the weights of ``neck``."""
    mlps = nn.ModuleList()
    for i in range(neck.num_predictors):
        rows = slice(i * neck.hid_channels, (i + 1) * neck.hid_channels)
        mlp = nn.Sequential(
            nn.Linear(neck.in_channels, neck.hid_channels),
            nn.BatchNorm1d(neck.hid_channels),
            nn.ReLU(),
            nn.Linear(neck.hid_channels, neck.out_channels),
        ).double()
        mlp[0].weight.data.copy_(neck.fc1.weight[rows])
        mlp[0].bias.data.copy_(neck.fc1.bias[rows])
        mlp[1].weight.data.copy_(neck.bn.weight[rows])
        mlp[1].bias.data.copy_(neck.bn.bias[rows])
        mlp[3].weight.data.copy_(neck.weight[i].T)
        mlp[3].bias.data.copy_(neck.bias[i, 0])
        mlps.append(mlp)
    return mlps


@pytest.mark.parametrize('num', [1, 2, 3, 4])
def test_equal_to_separate_mlps(num):
    torch.manual_seed(num)
    neck = MultiPredictorNeck(5, 7, 4, num, dict(type='BN1d')).double()
    neck.bn.weight.data.uniform_(0.5, 2)
    neck.bn.bias.data.uniform_(-1, 1)
    mlps = separate(neck)
    inputs = [torch.randn(9, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    inputs[1].data.copy_(inputs[0])
    batched = neck(inputs[0])
    one_by_one = torch.stack([mlp(inputs[1]) for mlp in mlps])
    assert batched.shape == (num, 9, 4)
    assert torch.allclose(batched, one_by_one, atol=1e-12)

    weight = torch.randn_like(batched)
    (batched * weight).sum().backward()
    (one_by_one * weight).sum().backward()
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-12)
    for i, mlp in enumerate(mlps):
        rows = slice(i * 7, (i + 1) * 7)
        pairs = [
            (neck.fc1.weight.grad[rows], mlp[0].weight.grad),
            (neck.fc1.bias.grad[rows], mlp[0].bias.grad),
            (neck.bn.weight.grad[rows], mlp[1].weight.grad),
            (neck.bn.bias.grad[rows], mlp[1].bias.grad),
            (neck.weight.grad[i].T, mlp[3].weight.grad),
            (neck.bias.grad[i, 0], mlp[3].bias.grad),
            (neck.bn.running_mean[rows], mlp[1].running_mean),
            (neck.bn.running_var[rows], mlp[1].running_var),
        ]
        for ours, theirs in pairs:
            assert torch.allclose(ours, theirs, atol=1e-12)
    neck.eval()
    mlps.eval()
    assert torch.allclose(neck(inputs[0]), torch.stack([m(inputs[0]) for m in mlps]), atol=1e-12)


def test_initialised_like_separate_linear_layers():
    torch.manual_seed(0)
    neck = MultiPredictorNeck(64, 256, 32, 3, dict(type='BN1d'))
    second = nn.Linear(256, 32)
    bound = 1 / 256**0.5
    for parameter in (neck.weight, neck.bias, second.weight, second.bias):
        assert parameter.abs().max() <= bound
    assert neck.weight.std().item() == pytest.approx(second.weight.std().item(), rel=0.05)


def test_wrong_number():
    with pytest.raises(ValueError, match='num_predictors=0'):
        MultiPredictorNeck(num_predictors=0)
