"""Check of a predictor's width."""

from torch import Tensor


def check_widths(predictions: Tensor, neighbors: Tensor) -> None:
    """Raise ValueError if predictions and neighbours, of any leading shape, differ in width."""
    width = neighbors.shape[-1]
    if predictions.shape[-1] != width:
        raise ValueError(
            f'model.head.predictor returns {predictions.shape[-1]} channels, the neighbours have '
            f'{width}: set model.head.predictor.out_channels={width}'
        )
