"""Connected components by label hooking and pointer jumping."""

import torch
from torch import Tensor

from ..scratch import Scratch


def connect(roots: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
    """Join the trees connected by the edges ``rows``-``cols``.

    Each round hooks every root onto the smallest root that it meets and flattens the trees, so
    the number of rounds grows with the logarithm of a component's diameter.

    Args:
        roots: the smallest known member of each node's component, shape (n,); changed in place.
        rows: one end of each edge, shape (m,).
        cols: the other end, shape (m,).

    Returns:
        ``roots``, flat again: ``roots[roots] == roots`` and ``roots[i] <= i``.
    """
    if roots.device.type != 'cpu':
        return connect_in_rounds(roots, rows, cols)
    while len(rows):
        left, right = roots[rows], roots[cols]
        apart = (left != right).nonzero()[:, 0]
        if len(apart) == 0:
            break
        rows, cols, left, right = (part[apart] for part in (rows, cols, left, right))
        roots.scatter_reduce_(0, left.maximum(right), left.minimum(right), 'amin')
        _flatten(roots)
    return roots


def connect_in_rounds(roots: Tensor, rows: Tensor, cols: Tensor, rounds: int = 4) -> Tensor:
    """Do what :func:`connect` does, but look only every few ``rounds`` whether all is joined.

    A device computes rounds too many sooner than the host learns that they are. Trees need not be
    flat between rounds: a link that a smaller one replaces is made again from its edge.
    """
    rows, cols = roots[rows], roots[cols]
    parents = torch.arange(len(roots), device=roots.device)
    apart = len(rows) > 0
    while apart:
        for _ in range(rounds):
            left, right = parents[rows], parents[cols]
            parents.scatter_reduce_(0, left.maximum(right), left.minimum(right), 'amin')
            parents = parents[parents]
        joined = (parents[rows] == parents[cols]).all() & (parents[parents] == parents).all()
        apart = not bool(joined)
    return roots.copy_(parents[roots])


class Components:
    """Components joined by pairs that arrive in parts.

    Each join costs passes over all nodes and, on a GPU, waits. So many pairs are gathered first,
    but not too many: a source that reads ``roots`` keeps sending pairs that a join makes redundant.

    Args:
        roots: the smallest known member of each node's component, shape (n,); changed in place.
        gathered: pairs after which they are joined.
    """

    def __init__(self, roots: Tensor, gathered: int = 1 << 21) -> None:
        self.roots = roots
        self.gathered = gathered
        self._pending: list[tuple[Tensor, Tensor]] = []
        self._waiting = 0

    def add(self, rows: Tensor, cols: Tensor) -> None:
        """Add the pairs ``rows``-``cols``, shape (m,)."""
        self._pending.append((rows, cols))
        self._waiting += len(rows)
        if self._waiting > self.gathered:
            self.join()

    def join(self) -> Tensor:
        """Join the pairs added so far and return ``roots``."""
        if self._waiting:
            connect(self.roots, *(torch.cat(ends) for ends in zip(*self._pending, strict=True)))
        self._pending, self._waiting = [], 0
        return self.roots


def joining_pairs(linked: Tensor, left: Tensor, right: Tensor, scratch: Scratch) -> Tensor:
    """Thin out the pairs of a dense block to a few that join the same components.

    Each round takes the first pair of each row and of each column that still links two
    components, which at least halves the number of components.

    Args:
        linked: which rows and columns are linked, shape (m, n).
        left: component of each row, any integers, shape (m,).
        right: component of each column, shape (n,).
        scratch: memory for tensors of the block's size, the result included.

    Returns:
        The pairs taken, shape (m, n), bool; at most m + n per round.
    """
    names, number = torch.unique(torch.cat([left, right]), return_inverse=True)
    roots = torch.arange(len(names), device=linked.device)
    left, right = number.split([len(left), len(right)])
    taken = scratch.take('taken', linked.shape).fill_(False)
    apart = scratch.take('still apart', linked.shape)
    while True:
        torch.ne(roots[left][:, None], roots[right], out=apart)
        apart &= linked
        by_row, col = apart.view(torch.uint8).max(1)
        by_col, row = apart.view(torch.uint8).max(0)
        rows = torch.cat([by_row.nonzero()[:, 0], row[by_col.bool()]])
        cols = torch.cat([col[by_row.bool()], by_col.nonzero()[:, 0]])
        if len(rows) == 0:
            return taken
        taken[rows, cols] = True
        connect(roots, left[rows], right[cols])


def _flatten(roots: Tensor) -> None:
    while True:
        above = roots[roots]
        again = above[above]
        roots.copy_(again)
        if again.equal(above):
            return
