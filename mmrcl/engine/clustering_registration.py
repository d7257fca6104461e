"""Registration of the clustering library's classes, which do not depend on registries."""

from mmrcl.clustering import (
    ClassSource,
    DBSCANSource,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    HierarchyRefiner,
    KMeansSource,
    SinkhornSource,
)
from mmrcl.registry import TASK_UTILS

for part in (
    ClassSource,
    DBSCANSource,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    HierarchyRefiner,
    KMeansSource,
    SinkhornSource,
):
    TASK_UTILS.register_module(module=part)
