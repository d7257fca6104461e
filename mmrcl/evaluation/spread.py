"""Two measures of the spread of projections, which fall when an encoder collapses."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_tensor

__all__ = ['effective_rank', 'mean_deviation']


@torch.no_grad()
def effective_rank(features: Tensor, epsilon: float = 1e-7) -> float:
    r"""Compute the effective number of directions that features span.

    It is RankMe (Garrido et al., 2023, Eq. 1), with the singular values
    :math:`\sigma_k` of the N x d features, neither centred nor normalised:

    .. math::
        \exp\Big(-\sum_k p_k \log p_k\Big), \qquad
        p_k = \frac{\sigma_k}{\sum_j \sigma_j} + \epsilon

    It is min(N, d) if all singular values are equal, and 1 if all features are
    multiples of one vector or zero.

    Args:
        features: (N, d); computed in float64.
        epsilon: The paper's 1e-7, for singular values of zero.

    Returns:
        The effective rank; NaN if a feature is NaN or Inf.
    """
    features = _checked(features)
    if not features.isfinite().all():
        return float('nan')
    sigma = torch.linalg.svdvals(features.double())
    share = sigma / sigma.sum().clamp(min=torch.finfo(sigma.dtype).tiny) + epsilon
    return float((-share * share.log()).sum().exp())


@torch.no_grad()
def mean_deviation(features: Tensor) -> float:
    r"""Compute the mean standard deviation of unit features, times :math:`\sqrt d`.

    Each feature is divided by its norm; the standard deviation over the N
    features of each dimension is averaged over the d dimensions. It is about 1,
    the maximum, for features spread uniformly over the sphere, and 0 for equal
    ones (SimSiam, Chen and He, 2021, Sect. 4.1 and Fig. 2, without the factor).

    Args:
        features: (N, d); computed in float64.

    Returns:
        The deviation in [0, 1]; NaN if a feature is NaN or Inf.
    """
    features = _checked(features)
    unit = normalize(features.double(), dim=1)
    return float(unit.std(dim=0, correction=0).mean() * features.shape[1] ** 0.5)


def _checked(features: Tensor) -> Tensor:
    features = check_tensor(features, 'features')
    if features.ndim != 2 or not features.numel():
        raise ValueError(f'features of shape {tuple(features.shape)} must be (N, d), not empty')
    return features
