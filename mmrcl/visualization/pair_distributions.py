"""Distributions of query-key pairs by P_c (Sect. 4.2, Fig. 3)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrcl.arguments import check_array

from .style import COLORS, light_axes

__all__ = ['draw_pair_distributions']


def draw_pair_distributions(
    probability_edges: np.ndarray,
    probabilities: np.ndarray,
    eta_edges: np.ndarray,
    etas: np.ndarray,
    title: str = 'Query-key pairs',
) -> Figure:
    """Draw the distributions of P_c, and of ``P(z'|q_i)`` and eta' for each P_c.

    Row k of the counts holds the pairs that k of the H criteria label positive;
    rows without pairs are left out, the others are normalised to sum 1. Pairs with
    eta' below 0 are attracted, those above 0 repelled.

    Args:
        probability_edges: Edges of the bins of ``P(z'|q_i)``, above 0, (B + 1,).
        probabilities: Counts over pairs and criteria, (H + 1, B).
        eta_edges: Edges of the bins of eta', (C + 1,).
        etas: Counts over pairs, (H + 1, C).
        title: Heading of the figure.
    """
    probability_edges = check_array(probability_edges, 'probability_edges', '(B + 1,)')
    probabilities = check_array(probabilities, 'probabilities', '(H + 1, B)')
    eta_edges = check_array(eta_edges, 'eta_edges', '(C + 1,)')
    etas = check_array(etas, 'etas', '(H + 1, C)')
    figure = Figure(figsize=(13.2, 3.9), layout='constrained')
    shares, model, moves = figure.subplots(1, 3)
    pairs, criteria = etas.sum(1), len(etas) - 1
    present = np.flatnonzero(pairs)
    names = [f'{k} of {criteria}' for k in present]
    bars = shares.bar(
        names, pairs[present] / pairs.sum(), color=[COLORS[k % len(COLORS)] for k in present]
    )
    shares.bar_label(bars, fmt='%.3g')
    shares.set(xlabel='criteria that label a pair positive: $P_c$', ylabel='share of all pairs')
    _draw_rows(model, probability_edges, probabilities)
    model.set(xscale='log', xlabel="$P(z'|q_i)$", ylabel='share of the pairs of this $P_c$')
    _draw_rows(moves, eta_edges, etas)
    moves.axvline(0, color='0.45', linestyle='--')
    moves.set(xlabel="$\\eta'$: below 0 attracted, above repelled")
    for axes in (shares, model, moves):
        light_axes(axes)
    moves.legend(frameon=False, title='$P_c$')
    figure.suptitle(title, weight='bold')
    return figure


def _draw_rows(axes: Axes, edges: np.ndarray, counts: np.ndarray) -> None:
    for k in np.flatnonzero(counts.sum(1)):
        color = COLORS[k % len(COLORS)]
        label = f'{k} of {len(counts) - 1}'
        axes.stairs(counts[k] / counts[k].sum(), edges, color=color, fill=True, alpha=0.2)
        axes.stairs(counts[k] / counts[k].sum(), edges, color=color, label=label)
