"""Tables of an ablation: accuracies, paired differences and the share of the headroom."""

import math
from collections.abc import Sequence

import numpy as np

from mmrcl.evaluation import MeanError, headroom_share, image_test, mean_error

from .comparison import (
    ArmResult,
    Column,
    accuracies,
    columns_of,
    common_seeds,
    seed_differences,
)

__all__ = ['column_name', 'format_accuracies', 'format_comparison', 'markdown_table']


def format_comparison(
    arm_results: Sequence[ArmResult],
    measures: Sequence[str] = (),
    headroom: Sequence[ArmResult] | None = None,
) -> str:
    """Lay an ablation out in Markdown.

    Args:
        arm_results: in the order of the rows; those without results get dashes.
        measures: further numbers to list.
        headroom: the arms that count as 0 and 1 of the headroom.
    """
    columns = columns_of(arm_results)
    by_title = {each.title: each for each in arm_results}
    parts = [format_accuracies(arm_results, measures)]
    for title in dict.fromkeys(each.reference for each in arm_results if each.reference):
        rivals = [each for each in arm_results if each.reference == title and each.title != title]
        if rivals:
            parts.append(_difference_table(rivals, by_title[title], columns))
    if headroom is not None:
        lower, upper = headroom
        parts.append(_headroom_table(arm_results, lower, upper, columns))
    return '\n\n'.join(parts) + '\n'


def format_accuracies(arm_results: Sequence[ArmResult], measures: Sequence[str] = ()) -> str:
    """Lay out accuracies, seconds and, where they are known, settings and memory, in Markdown."""
    columns = columns_of(arm_results)
    settings = ['setting'] * any(each.setting for each in arm_results)
    memories = [result.memory for each in arm_results for result in each.runs.values()]
    memory = ['memory [MB]'] * (not all(map(math.isnan, memories)))
    header = ['arm', 'seeds', *map(column_name, columns), 'training [s]', *memory, *measures]
    rows = []
    for each in arm_results:
        runs = each.runs.values()
        cells = [_mean_deviation(accuracies(each, column, sorted(each.runs))) for column in columns]
        rows.append([each.title, str(len(runs)), *cells, _mean([r.seconds for r in runs], '.0f')])
        rows[-1] += [_mean([result.memory for result in runs], '.0f')] * len(memory)
        for name in measures:
            values = [result.measures.get(name, math.nan) for result in runs]
            rows[-1].append(_mean(values, '.3f'))
        rows[-1] += [each.setting or '-'] * len(settings)
    about = 'Accuracy on the test images in %: mean ± standard deviation over seeds.'
    return f'{about}\n\n{markdown_table([*header, *settings], rows)}'


def _difference_table(
    rivals: Sequence[ArmResult], reference: ArmResult, columns: Sequence[Column]
) -> str:
    rows = []
    for each in rivals:
        cells = [_difference(each, reference, column) for column in columns]
        rows.append([each.title, str(len(common_seeds(each, reference))), *cells])
    about = (
        f'Difference from {reference.title} in points, in pairs of the same seed: mean ± standard '
        'error over seeds, and in brackets p of a test over the test images, which takes these '
        'trainings and draws of the labels as given.'
    )
    return f'{about}\n\n{markdown_table(["arm", "seeds", *map(column_name, columns)], rows)}'


def _difference(arm: ArmResult, reference: ArmResult, column: Column) -> str:
    seeds = common_seeds(arm, reference)
    if not seeds:
        return '-'
    both = [
        np.concatenate([each.runs[seed].correct[column] for seed in seeds])
        for each in (arm, reference)
    ]
    found = mean_error(seed_differences(arm, reference, column))
    return f'{_points(found, 100, "+.2f")} ({_p_value(image_test(*both))})'


def _headroom_table(
    arm_results: Sequence[ArmResult], lower: ArmResult, upper: ArmResult, columns: Sequence[Column]
) -> str:
    rows = []
    for each in arm_results:
        if each is lower or each is upper:
            continue
        seeds = common_seeds(each, lower, upper)
        cells = ['-'] * len(columns)
        if seeds:
            arms = [[accuracies(arm, c, seeds) for arm in (each, lower, upper)] for c in columns]
            cells = [_points(headroom_share(*arm), 1, '.2f') for arm in arms]
        rows.append([each.title, str(len(seeds)), *cells])
    about = (
        f'Share of the headroom, (arm - {lower.title}) / ({upper.title} - {lower.title}) ± its '
        'standard error by the jackknife over seeds.'
    )
    return f'{about}\n\n{markdown_table(["arm", "seeds", *map(column_name, columns)], rows)}'


def column_name(column: Column) -> str:
    """Return a heading, as in 'kNN 10 %'."""
    metric, labels = column
    return f'{dict(knn="kNN").get(metric, metric)} {labels} %'


def _mean_deviation(values: np.ndarray) -> str:
    if len(values) == 0:
        return '-'
    deviation = f' ± {100 * values.std(ddof=1):.2f}' if len(values) > 1 else ''
    return f'{100 * values.mean():.2f}{deviation}'


def _mean(values: Sequence[float], style: str) -> str:
    known = [value for value in values if not math.isnan(value)]
    return format(sum(known) / len(known), style) if known else '-'


def _points(found: MeanError, scale: float, style: str) -> str:
    error = '' if math.isnan(found.error) else f' ± {scale * found.error:.2f}'
    return f'{format(scale * found.value, style)}{error}'


def _p_value(p: float) -> str:
    return 'p < 0.001' if p < 0.001 else f'p = {p:.3f}'


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table whose columns except the first are aligned to the right."""
    lines = [header, ['---', *['---:'] * (len(header) - 1)], *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
