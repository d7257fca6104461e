"""Connected components by label hooking and pointer jumping."""

from torch import Tensor


def connect(roots: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
    """Joins the trees that the edges ``rows``-``cols`` link.

    Each round hooks every root onto the smallest root that it meets and flattens the trees, so
    the number of rounds grows with the logarithm of a component's diameter.

    Args:
        roots: the smallest known member of each node's component, shape (n,); changed in place.
        rows: one end of each edge, shape (m,).
        cols: the other end, shape (m,).

    Returns:
        ``roots``, again flat: ``roots[roots] == roots`` and ``roots[i] <= i``.
    """
    while len(rows):
        left, right = roots[rows], roots[cols]
        apart = left != right
        rows, cols, left, right = rows[apart], cols[apart], left[apart], right[apart]
        roots.scatter_reduce_(0, left.maximum(right), left.minimum(right), 'amin')
        _flatten(roots)
    return roots


def _flatten(roots: Tensor) -> None:
    while True:
        above = roots[roots]
        if above.equal(roots):
            return
        roots.copy_(above)
