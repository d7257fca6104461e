"""mmrcl: self-supervised pretraining with the Relative Contrastive Loss.

The names of :mod:`mmrcl.apis` are here too, imported when first used: ``mmrcl.clustering`` needs
torch alone, and so must its package.
"""

from typing import TYPE_CHECKING, Any

from .compatibility import warn_if_untested
from .threads import limit_spinning
from .version import __version__

if TYPE_CHECKING:
    from .apis import (
        Encoder,
        Features,
        balanced_subset,
        build_hierarchy,
        cluster_features,
        embed_folder,
        export_encoder,
        extract_features,
        find_duplicates,
        find_outliers,
        get_config,
        get_model,
        knn_accuracy,
        linear_accuracy,
        list_models,
        load_encoder,
        pretrain,
        save_clusters,
        split_features,
        wrap_encoder,
        write_folder_page,
        write_hierarchy_page,
    )

__all__ = [
    'Encoder',
    'Features',
    '__version__',
    'balanced_subset',
    'build_hierarchy',
    'export_encoder',
    'cluster_features',
    'embed_folder',
    'extract_features',
    'find_duplicates',
    'find_outliers',
    'get_config',
    'get_model',
    'knn_accuracy',
    'linear_accuracy',
    'list_models',
    'load_encoder',
    'pretrain',
    'save_clusters',
    'split_features',
    'wrap_encoder',
    'write_folder_page',
    'write_hierarchy_page',
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mmrcl' has no attribute {name!r}")
    from . import apis

    return getattr(apis, name)


def __dir__() -> list[str]:
    return __all__


limit_spinning()
warn_if_untested()
