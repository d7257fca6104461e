"""Ordering of arms, as far as paired differences over seeds support it."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import ttest_rel

from .comparison import ArmResult, columns_of
from .tables import column_name, markdown_table

__all__ = ['format_ordering']

Scores = Mapping[int, float]
"""The mean over metrics and shares of the labels in [0, 1], by seed."""


def format_ordering(arm_results: Sequence[ArmResult], level: float = 0.05) -> str:
    """Lay out in Markdown how many arms each one is ahead of and behind, the best mean first.

    Args:
        arm_results: those without results are left out.
        level: of the paired t-test over the seeds, two-sided, that a difference must pass to count.

    Raises:
        ValueError: if no arm has results.
    """
    columns = columns_of(arm_results)
    if not columns:
        raise ValueError('format_ordering: no arm has results')
    scores: dict[str, Scores] = {
        each.title: {
            seed: float(np.mean([run.correct[column].mean() for column in columns]))
            for seed, run in each.runs.items()
        }
        for each in arm_results
        if each.runs
    }
    means = {title: float(np.mean(list(found.values()))) for title, found in scores.items()}
    rows = []
    for title in sorted(scores, key=lambda title: -means[title]):
        others = [scores[other] for other in scores if other != title]
        ahead = sum(_is_ahead(scores[title], other, level) for other in others)
        behind = sum(_is_ahead(other, scores[title], level) for other in others)
        rows.append([title, f'{100 * means[title]:.2f}', str(ahead), str(behind)])
    about = (
        f'Mean of {", ".join(map(column_name, columns))} in %, and how many of the others each is '
        f'ahead of and behind by a paired t-test over seeds at {100 * level:g} %, not corrected '
        'for the number of pairs.'
    )
    return f'{about}\n\n{markdown_table(["arm", "mean", "ahead of", "behind"], rows)}'


def _is_ahead(first: Scores, second: Scores, level: float) -> bool:
    """Return whether the scores of the common seeds are higher; no with fewer than two."""
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < 2:
        return False
    pairs = [[scores[seed] for seed in seeds] for scores in (first, second)]
    return bool(np.mean(pairs[0]) > np.mean(pairs[1]) and ttest_rel(*pairs).pvalue < level)
