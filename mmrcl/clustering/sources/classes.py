"""True classes as a clustering source."""

from torch import Tensor

from mmrcl.arguments import check_labels, check_tensor

from ..sharing import Progress, silent


class ClassSource:
    """True classes at every level above the images: an upper bound for criteria from clusters.

    Args:
        num_levels: H, the images included.
    """

    nested = True

    def __init__(self, num_levels: int) -> None:
        self.num_levels = num_levels

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Repeat ``classes`` of shape (N,) to labels of shape (H - 1, N)."""
        if classes is None:
            raise ValueError(
                'ClassSource needs the true classes: use a data set whose samples have gt_label'
            )
        features = check_tensor(features, 'features')
        classes = check_labels(classes, 'classes', len(features))
        return classes.to(features.device).repeat(self.num_levels - 1, 1)
