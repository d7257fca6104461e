"""What the loss does to its query-key pairs (Sect. 4.2)."""

from typing import NamedTuple

from torch import Tensor


class PairDynamics(NamedTuple):
    """Whether the loss pulls or pushes N x R pairs of a query and a key, by H criteria.

    Attributes:
        probability: ``P(z'|q_i)``, Eq. 5, with the loss's denominator, shape (H, N, R).
        judged: I, whether criterion i judges the pair positive, shape (H, N, R), bool.
    """

    probability: Tensor
    judged: Tensor

    @property
    def agreement(self) -> Tensor:
        """P_c, Eq. 9: the share of the criteria that judge the pair positive, shape (N, R)."""
        return self.judged.to(self.probability).mean(0)

    @property
    def eta(self) -> Tensor:
        """eta', Eq. 8, shape (N, R): the pair is pulled together below 0 and pushed apart above.

        With one predictor for all criteria it is H (``P(z'|q)`` - P_c), Eq. 9. It describes Eq. 3
        read to the letter; where judged-negative pairs are left out, the loss does not push.
        """
        return (self.probability - self.judged.to(self.probability)).sum(0)
