"""Registries of mmrcl, children of mmpretrain's.

A type that mmrcl does not register is looked up in mmpretrain and then in
mmengine, so ``dict(type='ResNet')`` resolves in an mmrcl config without a
prefix. A config selects this scope by ``default_scope = 'mmrcl'``.
"""

import contextlib
import io
import warnings
from contextlib import AbstractContextManager

from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import DefaultScope, Registry

# These imports print long warnings about missing optional parts, such as mmcv's operators.
with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.simplefilter('ignore')
    import mmpretrain.datasets
    import mmpretrain.models
    import mmpretrain.registry

# Without an entry mmengine refuses `_base_ = 'mmrcl::rcl/...'` and mmengine.hub.
MODULE2PACKAGE['mmrcl'] = 'mmrcl'

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'EVALUATORS',
    'FUNCTIONS',
    'HOOKS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
    'own_scope',
]


def own_scope() -> AbstractContextManager[None]:
    """Resolve types inside the context in mmrcl's scope, unless a default scope is set."""
    current = DefaultScope.get_current_instance()
    return DefaultScope.overwrite_default_scope('mmrcl' if current is None else None)


def _child(parent: Registry, package: str) -> Registry:
    # A look-up in a parent does not import the parent's own locations, so name them here.
    locations = [f'mmpretrain.{package}', f'mmrcl.{package}']
    return Registry(parent.name, parent=parent, scope='mmrcl', locations=locations)


RUNNERS = _child(mmpretrain.registry.RUNNERS, 'engine')
RUNNER_CONSTRUCTORS = _child(mmpretrain.registry.RUNNER_CONSTRUCTORS, 'engine')
LOOPS = _child(mmpretrain.registry.LOOPS, 'engine')
HOOKS = _child(mmpretrain.registry.HOOKS, 'engine')
LOG_PROCESSORS = _child(mmpretrain.registry.LOG_PROCESSORS, 'engine')
OPTIMIZERS = _child(mmpretrain.registry.OPTIMIZERS, 'engine')
OPTIM_WRAPPERS = _child(mmpretrain.registry.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(mmpretrain.registry.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
PARAM_SCHEDULERS = _child(mmpretrain.registry.PARAM_SCHEDULERS, 'engine')
FUNCTIONS = _child(MMENGINE_FUNCTIONS, 'engine')
TASK_UTILS = _child(mmpretrain.registry.TASK_UTILS, 'engine')

DATASETS = _child(mmpretrain.registry.DATASETS, 'datasets')
DATA_SAMPLERS = _child(mmpretrain.registry.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmpretrain.registry.TRANSFORMS, 'datasets')

MODELS = _child(mmpretrain.registry.MODELS, 'models')
MODEL_WRAPPERS = _child(mmpretrain.registry.MODEL_WRAPPERS, 'models')
# A child of mmengine's registry, so that mmdet's configs find `mmrcl.StrictPretrained` too: they
# search the root's children, not mmpretrain's.
WEIGHT_INITIALIZERS = _child(MMENGINE_WEIGHT_INITIALIZERS, 'models')

EVALUATORS = _child(mmpretrain.registry.EVALUATORS, 'evaluation')
METRICS = _child(mmpretrain.registry.METRICS, 'evaluation')

VISUALIZERS = _child(mmpretrain.registry.VISUALIZERS, 'visualization')
VISBACKENDS = _child(mmpretrain.registry.VISBACKENDS, 'visualization')
