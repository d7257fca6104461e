"""What is in a folder of images and in the machine, what suits both, and the config of that.

:mod:`folder`, :mod:`labels` and :mod:`machine` look, :mod:`choices` chooses by the numbers of
:mod:`defaults`, :mod:`recipe` makes the config, and :mod:`text` writes it.
"""

from .choices import METHODS, Choice, Choices, choose
from .defaults import DEFAULTS, Defaults
from .folder import FolderFacts, image_files, look_at_folder
from .labels import Split, by_class_folders, read_labels, split_by_class, write_split
from .machine import Machine, look_at_machine
from .recipe import build_config
from .request import Request
from .text import config_text

__all__ = [
    'DEFAULTS',
    'METHODS',
    'Choice',
    'Choices',
    'Defaults',
    'FolderFacts',
    'Machine',
    'Request',
    'Split',
    'build_config',
    'by_class_folders',
    'choose',
    'config_text',
    'image_files',
    'look_at_folder',
    'look_at_machine',
    'read_labels',
    'split_by_class',
    'write_split',
]
