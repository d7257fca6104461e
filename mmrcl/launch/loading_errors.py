"""Failures of a loader in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmrcl.datasets import UnreadableImageError
from mmrcl.errors import TrainingError

# torch gives an error of a worker the text of its traceback as message.
_OF_A_WORKER = 'in DataLoader worker process'


@contextmanager
def loading_errors() -> Iterator[None]:
    """Turn what a loader raises for bad data or a dead worker into one line for the user.

    All other errors pass unchanged.

    Raises:
        TrainingError: with file or shapes, and the remedy.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise TrainingError(sentence) from error


def _sentence(error: OSError | RuntimeError) -> str | None:
    text = str(error)
    if isinstance(error, UnreadableImageError):
        return f'an image cannot be read: {_message(text)}'
    if isinstance(error, TrainingError):
        return _message(text)
    if re.search(r'DataLoader worker \(pid', text):
        return (
            f'a process that reads images has died ({" ".join(text.split())}): most often memory '
            'ran out, or the shared memory /dev/shm of a container (docker run --shm-size=8g); '
            'lower num_workers or batch_size of the dataloader'
        )
    shapes = re.search(r'equal size, but got (\[.*?\]) at entry \d+ and (\[.*?\])', text)
    if shapes and _OF_A_WORKER in text:
        return (
            f'images of a batch have shapes {shapes[1]} and {shapes[2]}: bring all to one size by '
            "Resize and CenterCrop in the dataloader's pipeline"
        )
    return None


def _message(text: str) -> str:
    return text.strip().splitlines()[-1].partition('Error: ')[2] if _OF_A_WORKER in text else text
