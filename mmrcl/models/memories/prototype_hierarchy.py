"""Prototypes of clusters at several granularities (Li et al., ICLR 2021, Sect. 3.2 and 3.3)."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import Groups, LabelHierarchy, group_rows, segment_mean
from mmrcl.registry import MODELS


class Prototypes(NamedTuple):
    """Prototypes of one granularity.

    Attributes:
        centers: c, L2-normalised, shape (K, d).
        concentrations: phi, shape (K,).
        targets: index of the prototype of each requested image, shape (n,).
    """

    centers: Tensor
    concentrations: Tensor
    targets: Tensor


@MODELS.register_module()
class PrototypeHierarchy(LabelHierarchy):
    """A label hierarchy with the prototype of each cluster, computed at each clustering.

    A prototype is the normalised mean m of the bank's features v' of its Z images. By Eq. 12 its
    concentration is ``phi = sum ||v' - m|| / (Z log(Z + alpha))``, and phi is scaled so that its
    mean at a level is the temperature. Beyond the paper, phi is first clamped to the 10 % and 90 %
    quantiles of its level; clusters of one image, or of identical images, count as the loosest.

    :meth:`set_labels` computes the prototypes from the bank, so call ``set_bank`` first. They stay
    fixed until the next clustering, while the bank is updated. They are buffers too.

    Args:
        temperature: mean of phi at each level.
        alpha: alpha of Eq. 12, keeps the phi of small clusters from becoming too small.
        **kwargs: arguments of :class:`mmrcl.clustering.LabelHierarchy`; ``num_levels`` is the
            number of granularities and one more.

    Raises:
        ValueError: for a temperature that is not positive, an alpha below 1, and as
            ``LabelHierarchy``.
    """

    centers: Tensor
    concentrations: Tensor
    assignments: Tensor
    sizes: Tensor

    def __init__(self, temperature: float = 0.2, alpha: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if temperature <= 0:
            raise ValueError(f'model.hierarchy.temperature={temperature} must be above 0')
        if alpha < 1:
            raise ValueError(f'model.hierarchy.alpha={alpha} must be at least 1')
        self.temperature = temperature
        self.alpha = alpha
        levels = self.num_levels - 1
        self.register_buffer('centers', torch.empty(0, self.feat_dim))
        self.register_buffer('concentrations', torch.empty(0))
        self.register_buffer('assignments', torch.empty(levels, 0, dtype=torch.long))
        self.register_buffer('sizes', torch.zeros(levels, dtype=torch.long))

    def set_labels(self, labels: Tensor, nested: bool = True) -> None:
        """Replace the labels as ``LabelHierarchy`` does, and compute the prototypes."""
        super().set_labels(labels, nested)
        groups = [group_rows(level) for level in self.labels]
        bank = self.bank.float()
        means = [segment_mean(bank, level) for level in groups]
        self.centers = normalize(torch.cat(means), dim=1)
        self.concentrations = torch.cat(
            [self._concentrations(bank, *pair) for pair in zip(means, groups, strict=True)]
        )
        self.assignments = torch.stack([level.inverse for level in groups])
        self.sizes = self.sizes.new_tensor([len(level.ids) for level in groups])

    def _concentrations(self, bank: Tensor, means: Tensor, groups: Groups) -> Tensor:
        """Compute phi (Eq. 12) of the clusters of one level, shape (K,)."""
        distances = (bank - means[groups.inverse]).norm(dim=1, keepdim=True)
        spread = segment_mean(distances, groups)[:, 0]
        phi = spread / (groups.counts + self.alpha).log()
        # The spread of identical images is only rounding: treat such clusters as the loosest.
        phi = phi.where(spread > 1e-4, phi.max()).clamp(min=torch.finfo(phi.dtype).eps)
        phi = phi.clamp(*phi.quantile(phi.new_tensor([0.1, 0.9])))
        return self.temperature * phi / phi.mean()

    def prototypes_of(self, indices: Tensor) -> list[Prototypes]:
        """Return the prototypes of each level, with the targets of the images ``indices`` (n,)."""
        sizes = self.sizes.tolist()
        parts = zip(
            self.centers.split(sizes),
            self.concentrations.split(sizes),
            self.assignments[:, indices],
            strict=True,
        )
        return [Prototypes(*part) for part in parts]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name in ('centers', 'concentrations', 'assignments'):
            saved = state_dict.get(prefix + name)
            if saved is not None:
                setattr(self, name, getattr(self, name).new_empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args)
