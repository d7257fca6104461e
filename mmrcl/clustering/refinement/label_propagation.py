"""Label propagation (Liu et al., ICLR 2019) over many small graphs at once (Sect. 4.3)."""

import torch
from torch import Tensor


def propagation_kernel(
    cosine: Tensor, valid: Tensor, alpha: float = 0.99, temperature: float = 0.1
) -> Tensor:
    """Compute the propagation ``(I - alpha S)^-1`` of each group's cosine graph.

    S is ``D^-1/2 W D^-1/2`` with ``W = exp((cosine - 1) / temperature)``. Each unit is its own
    neighbour with weight 1, so that a unit far from all others does not spread its label.

    Args:
        cosine: shape (G, n, n), symmetric.
        valid: which of the n places hold a unit, shape (G, n).
        alpha: share of a label that is passed on at each step, in (0, 1).
        temperature: temperature of the edge weights.

    Returns:
        Kernel, zero outside the valid places, symmetric, shape (G, n, n).
    """
    pair = valid[:, :, None] & valid[:, None, :]
    eye = torch.eye(cosine.shape[1], dtype=cosine.dtype, device=cosine.device)
    weight = torch.where(pair, torch.exp((cosine - 1) / temperature), 0)
    weight = torch.where(eye.bool() & pair, 1.0, weight)
    scale = weight.sum(2).clamp(min=1e-12).rsqrt()
    smooth = scale[:, :, None] * weight * scale[:, None, :]
    return torch.where(pair, torch.linalg.inv(eye - alpha * smooth), 0)


def propagation_score(kernel: Tensor) -> Tensor:
    """Scale a kernel to 1 on its diagonal: how strongly two units share a label, in [0, 1]."""
    diagonal = kernel.diagonal(dim1=1, dim2=2).clamp(min=1e-12).rsqrt()
    return diagonal[:, :, None] * kernel * diagonal[:, None, :]


def isolated_pair_score(cosine: Tensor, alpha: float = 0.99, temperature: float = 0.1) -> Tensor:
    """Compute the :func:`propagation_score` of two units without other neighbours.

    It converts a threshold given as a ``cosine`` to the scale of the score.
    """
    two = torch.ones(*cosine.shape, 2, 2, dtype=cosine.dtype, device=cosine.device)
    two[..., 0, 1] = two[..., 1, 0] = cosine
    everyone = torch.ones(*cosine.shape, 2, dtype=torch.bool, device=cosine.device)
    kernel = propagation_kernel(two.view(-1, 2, 2), everyone.view(-1, 2), alpha, temperature)
    return propagation_score(kernel)[:, 0, 1].view(cosine.shape)
