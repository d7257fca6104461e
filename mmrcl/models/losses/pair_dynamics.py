"""What the loss does to its query-key pairs (Sect. 4.2)."""

from typing import NamedTuple

from torch import Tensor


class PairDynamics(NamedTuple):
    """Whether the loss attracts or repels N x R pairs of a query and a key, for H criteria.

    Attributes:
        probability: ``P(z'|q_i)``, Eq. 5, with the loss's denominator, shape (H, N, R).
        positive_mask: I, whether criterion i labels the pair positive, shape (H, N, R), bool.
    """

    probability: Tensor
    positive_mask: Tensor

    @property
    def agreement(self) -> Tensor:
        """P_c, Eq. 9: the share of the criteria that label the pair positive, shape (N, R)."""
        return self.positive_mask.to(self.probability).mean(0)

    @property
    def eta(self) -> Tensor:
        """eta', Eq. 8, shape (N, R): the pair is attracted below 0 and repelled above.

        With one predictor for all criteria it is H (``P(z'|q)`` - P_c), Eq. 9. It describes Eq. 3,
        ``negative_pairs='repel'``. With ``'graded'`` and ``'ignore'`` the loss repels no pair, and
        attracts one if any criterion labels it positive, P_c > 0.
        """
        return (self.probability - self.positive_mask.to(self.probability)).sum(0)
