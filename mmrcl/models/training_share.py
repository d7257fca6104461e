"""How much of a training is done, for what changes during it."""

from mmengine.logging import MessageHub


def share_done() -> float:
    """Return the share of the training's iterations before the current one, in [0, 1).

    mmengine's ``RuntimeInfoHook`` states iteration and length, also in a run that resumes; without
    a runner the share is 0.
    """
    hub = MessageHub.get_current_instance()
    return float(hub.get_info('iter', 0) / hub.get_info('max_iters', 1))


def risen(share: float, begin: float, end: float) -> float:
    """Return a factor that rises from 0 at the share ``begin`` of a training to 1 at ``end``."""
    if share >= end:
        return 1.0
    return max(0.0, (share - begin) / (end - begin))
