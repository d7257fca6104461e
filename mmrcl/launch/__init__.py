"""Reading and checking of configs, and building of the runner."""

from .class_checks import check_num_classes
from .config import (
    HOOK_SECTIONS,
    add_common_arguments,
    add_trust_argument,
    build_hooks,
    drop_absent_hooks,
    hooks_of,
    load_config,
    read_config,
)
from .config_checks import check_config, check_path, check_paths, dicts
from .dataset_files import PUBLISHED_LISTS, class_folders, missing_pieces
from .loading_errors import loading_errors
from .overrides import check_overrides
from .pretrained import folder_of, use_pretrained
from .processes import locked, start_processes
from .runner import build_runner, prepare_test, prepare_training, run_training
from .same_data import plain_loader, plain_pipeline
from .start_checks import check_work_dir
from .view_checks import check_views

__all__ = [
    'HOOK_SECTIONS',
    'PUBLISHED_LISTS',
    'add_common_arguments',
    'add_trust_argument',
    'build_hooks',
    'build_runner',
    'check_config',
    'check_num_classes',
    'check_overrides',
    'check_path',
    'check_paths',
    'check_views',
    'check_work_dir',
    'class_folders',
    'dicts',
    'drop_absent_hooks',
    'folder_of',
    'hooks_of',
    'load_config',
    'loading_errors',
    'locked',
    'missing_pieces',
    'plain_loader',
    'plain_pipeline',
    'prepare_test',
    'prepare_training',
    'read_config',
    'run_training',
    'start_processes',
    'use_pretrained',
]
