"""The PIRL algorithm, pretext-invariant representations (Misra and van der Maaten, CVPR 2020)."""

from typing import Any

from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .base import BankSelfSupervisor
from .parts import named_width, sample_indices, two_views


@MODELS.register_module()
class PIRL(BankSelfSupervisor):
    """An image and its shuffled patches have one representation, that of the image in the bank.

    Each step encodes an image, f(v_I), and the patches of a jigsaw, which ``patch_neck`` joins to
    g(v_It). Both are contrasted with the bank by noise-contrastive estimation (Eq. 5). Then f(v_I)
    enters the bank.

    Args:
        patch_neck: config of a :class:`JigsawNeck`, the projector g of the patches; ``neck`` is f.
        patch_weight: lambda, of the loss of the patches; the image's has 1 - lambda.
        **kwargs: of :class:`BankSelfSupervisor`.

    Raises:
        ValueError: if the weight is not between 0 and 1, or ``patch_neck`` does not fit the bank.
    """

    def __init__(
        self, patch_neck: dict[str, Any], patch_weight: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= patch_weight <= 1:
            raise ValueError(f'model.patch_weight={patch_weight} must be between 0 and 1')
        self.patch_weight = patch_weight
        self.patch_neck = MODELS.build(patch_neck)
        if self.patch_neck.out_channels != self.bank.feat_dim:
            raise ValueError(
                f'model.patch_neck.out_channels={self.patch_neck.out_channels} and '
                f'model.bank.feat_dim={self.bank.feat_dim} must be equal'
            )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the bank.

        Args:
            inputs: the images, shape (N, C, height, width), and the strips of their P patches from
                :class:`BatchJigsaw`, shape (N, C, P size, size).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``image_loss`` and ``patch_loss``, with their weights, which mmengine sums.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        image, strip = two_views(inputs, 'PIRL')
        indices = sample_indices(data_samples, image.device, 'PIRL')
        feature, patch_feature = self.embed(image), self.embed_patches(strip)
        image_loss = self.head.loss(feature, indices, self.bank)
        patch_loss = self.head.loss(patch_feature, indices, self.bank)
        self.update_bank(indices, feature)
        return dict(
            image_loss=(1 - self.patch_weight) * image_loss,
            patch_loss=self.patch_weight * patch_loss,
        )

    def embed_patches(self, strips: Tensor) -> Tensor:
        """Project strips of patches (N, C, P size, size): L2-normalised g, shape (N, d).

        Raises:
            ValueError: if there are not P patches, or ``patch_neck`` does not fit the backbone.
        """
        maps = self.backbone(split_patches(strips, self.patch_neck.num_patches))
        with named_width('model.patch_neck', maps[-1].shape[1]):
            projection: Tensor = self.patch_neck(maps)[0]
        return normalize(projection.float(), dim=1)


def split_patches(strips: Tensor, count: int) -> Tensor:
    """Cut strips (N, C, count * size, size) into patches (N * count, C, size, size).

    Raises:
        ValueError: if a strip has another number of square patches.
    """
    images, channels, height, size = strips.shape
    if height != count * size:
        raise ValueError(
            f'model.patch_neck.num_patches={count} does not fit a second view of {height} x {size} '
            'pixels: end data_preprocessor.views[1] with BatchJigsaw and set '
            'model.patch_neck.num_patches to its grid squared'
        )
    return strips.view(images, channels, count, size, size).transpose(1, 2).flatten(0, 1)
