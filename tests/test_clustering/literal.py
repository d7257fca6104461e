"""The refinement of Sect. 4.3 written out with loops: slow, plain, one cluster at a time."""

import math

import numpy as np
import torch

from mmrcl.clustering import HierarchyRefiner, LabelHierarchy
from mmrcl.clustering.copies import SAME


def refine(refiner: HierarchyRefiner, hierarchy: LabelHierarchy, batch: list[int]) -> np.ndarray:
    """Labels of levels 2..H after one refinement, shape (H - 1, N); changes nothing."""
    bank = hierarchy.bank.numpy()
    num, top = hierarchy.num_samples, hierarchy.num_levels
    labels = [np.arange(num), *hierarchy.labels.numpy().copy()]
    for level in range(1, top):
        touched = {int(labels[level][i]) for i in batch}
        images = [i for i in range(num) if labels[level][i] in touched]
        for cluster in sorted(touched):
            _split(refiner, bank, labels, level, cluster)
        _merge(refiner, bank, labels, level, images, top)
    return np.stack(labels[1:])


def _center(bank, members):
    mean = bank[members].mean(0)
    return mean / np.linalg.norm(mean)


def _split(refiner, bank, labels, level, cluster):
    images = np.flatnonzero(labels[level] == cluster)
    units = sorted({int(labels[level - 1][i]) for i in images})
    if len(units) < refiner.min_units:
        _dissolve(refiner, bank, labels, level, images, units)
        return
    members = {u: np.flatnonzero(labels[level - 1] == u) for u in units}
    centers = {u: _center(bank, members[u]) for u in units}
    looked_at = units
    if len(units) > refiner.max_units:
        step = len(units) / refiner.max_units
        looked_at = [units[math.floor(i * step + 1e-9)] for i in range(refiner.max_units)]
    peaks = _peaks([centers[u] for u in looked_at], refiner.max_pieces)
    prototypes = [looked_at[p] for p in peaks]
    pieces = {p: [] for p in prototypes}
    propagate = refiner.assign == 'propagation' and len(units) <= refiner.max_units
    kernel = _kernel([centers[u] for u in units], refiner.alpha) if propagate else None
    for row, unit in enumerate(units):
        if unit in pieces:
            goes = unit
        elif kernel is not None:
            goes = max(prototypes, key=lambda p, row=row: kernel[row][units.index(p)])
        else:
            goes = max(prototypes, key=lambda p, unit=unit: centers[unit] @ centers[p])
        pieces[goes].append(unit)
    for piece in pieces.values():
        for unit in piece:
            labels[level][members[unit]] = min(piece)
    if len(set(labels[level][images])) == 1:
        _dissolve(refiner, bank, labels, level, images, units)


def _dissolve(refiner, bank, labels, level, images, units):
    """Each unit of a loose cluster alone, but copies together."""
    if refiner.join == 'transitive' or len(images) == 1 or len(units) > refiner.max_units:
        return
    pairs = [bank[i] @ bank[j] for i in images for j in images if i != j]
    if np.mean(pairs) >= refiner.thresholds[level - 1] - SAME:
        return
    centers = {u: _center(bank, np.flatnonzero(labels[level - 1] == u)) for u in units}
    for image in images:
        own = centers[labels[level - 1][image]]
        labels[level][image] = min(u for u in units if np.linalg.norm(centers[u] - own) < SAME)


def _peaks(points, max_pieces):
    n = len(points)
    distance = [[math.sqrt(max(0.0, 2 - 2 * float(a @ b))) for b in points] for a in points]
    pairs = sorted(distance[i][j] for i in range(n) for j in range(i + 1, n))
    width = max(pairs[int((len(pairs) - 1) * 0.2)], SAME)
    rho = [sum(math.exp(-((distance[i][j] / width) ** 2)) for j in range(n)) for i in range(n)]
    gamma = {}
    for i in range(n):
        denser = [j for j in range(n) if (rho[j], -j) > (rho[i], -i)]
        if not denser:
            gamma[i] = rho[i] * max(distance[i])
        elif min(distance[i][j] for j in denser) > width:
            gamma[i] = rho[i] * min(distance[i][j] for j in denser)
    return sorted(gamma, key=lambda i: (-gamma[i], i))[: min(max_pieces, n - 1)]


def _kernel(points, alpha):
    cosine = np.array([[float(a @ b) for b in points] for a in points])
    weight = np.exp((cosine - 1) / 0.1)
    np.fill_diagonal(weight, 1.0)
    degree = weight.sum(1)
    smooth = weight / np.sqrt(np.outer(degree, degree))
    return np.linalg.inv(np.eye(len(points)) - alpha * smooth)


def _score(points, alpha):
    kernel = _kernel(points, alpha)
    return kernel / np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))


def _merge(refiner, bank, labels, level, images, top):
    touched = {int(labels[level][i]) for i in images}
    threshold = refiner.thresholds[level - 1]
    if level == top - 1:
        families = [sorted(touched)]
    else:
        parents = sorted({int(labels[level + 1][i]) for i in images})
        families = [
            sorted({int(c) for c in labels[level][labels[level + 1] == p]}) for p in parents
        ]
    joined = []
    for family in families:
        limited = level == top - 1 or len(family) > refiner.max_units
        if limited:
            family = [c for c in family if c in touched]
        members = [np.flatnonzero(labels[level] == c) for c in family]
        if refiner.merge == 'average':
            score = np.array([[(bank[a] @ bank[b].T).mean() for b in members] for a in members])
        else:
            centers = [_center(bank, rows) for rows in members]
            score = np.array([[float(a @ b) for b in centers] for a in centers])
        least = threshold
        if not limited and refiner.merge == 'propagation':
            score = _score(centers, refiner.alpha)
            pair = [np.array([1.0, 0.0]), np.array([threshold, math.sqrt(1 - threshold**2)])]
            least = _score(pair, refiner.alpha)[0, 1]
        if refiner.join == 'mutual':
            joined += _mutual(family, score, least, touched)
            continue
        for i, first in enumerate(family):
            others = [j for j in range(len(family)) if j != i and score[i, j] > least]
            if limited:
                others = sorted(others, key=lambda j, i=i: -score[i, j])[: refiner.max_candidates]
            joined += [
                (first, family[j]) for j in others if first in touched or family[j] in touched
            ]
    for first, second in joined * len(joined):
        low, high = sorted(
            (
                min(labels[level][first], labels[level][second]),
                max(labels[level][first], labels[level][second]),
            )
        )
        labels[level][labels[level] == high] = low


def _mutual(family, score, least, touched):
    """Pairs of which each is the most similar one of the other, the first of equal ones."""
    nearest = {}
    for i, first in enumerate(family):
        others = [
            j
            for j, second in enumerate(family)
            if j != i and score[i, j] > least and (first in touched or second in touched)
        ]
        if others:
            best = max(score[i, j] for j in others)
            nearest[first] = family[min(j for j in others if score[i, j] >= best - 1e-5)]
    return [(a, b) for a, b in nearest.items() if nearest.get(b) == a]


def as_partition(labels: torch.Tensor) -> list[set[frozenset[int]]]:
    """Each level as a set of sets of images."""
    return [
        {frozenset(torch.nonzero(row == c).flatten().tolist()) for c in row.unique()}
        for row in labels
    ]
