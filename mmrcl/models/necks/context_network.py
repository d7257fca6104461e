"""The context network of CPC v2, masked convolutions (Hénaff et al., ICML 2020, Appendix A.1)."""

from torch import Tensor, nn


class ContextNetwork(nn.Module):
    """Residual convolutions in which each place sees its own row and the rows above.

    A block widens the view by one row upwards and by one column to both sides.

    Args:
        channels: width of the features at each place, in and out.
        hid_channels: width between the convolutions of a block.
        num_blocks: number of residual blocks.
    """

    def __init__(self, channels: int, hid_channels: int = 256, num_blocks: int = 5) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_block(channels, hid_channels) for _ in range(num_blocks))

    def forward(self, latents: Tensor) -> Tensor:
        """Compute the contexts c of features z, both of shape (N, C, rows, columns)."""
        contexts = latents
        for block in self.blocks:
            contexts = contexts + block(contexts)
        return contexts.relu()


def _block(channels: int, hid_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hid_channels, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(hid_channels, hid_channels, (1, 3), padding=(0, 1)),
        nn.ZeroPad2d((0, 0, 1, 0)),
        nn.Conv2d(hid_channels, hid_channels, (2, 1)),
        nn.ReLU(inplace=True),
        nn.Conv2d(hid_channels, channels, 1),
    )
