"""Parts of detectors, registered with mmdet.

Nothing in mmrcl imports this package, as mmdet and mmcv's operators are for those who ask for
them: a detection config names it in its ``custom_imports``.
"""

from .extra_norm import ResLayerExtraNorm

__all__ = ['ResLayerExtraNorm']
