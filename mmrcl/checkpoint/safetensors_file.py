"""Reading of safetensors files, which hold tensors alone and are memory-mapped."""

from pathlib import Path

from torch import Tensor


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Map the tensors of a file into memory; values are read when they are used.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: without the library.
        ValueError: if the file is damaged.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(f'{path} needs safetensors: pip install safetensors') from error
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f'{path} is torn or no file of safetensors: {error}') from error
