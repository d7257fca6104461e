"""Registries of mmrcl, children of mmpretrain's.

A type that mmrcl does not register is looked up in mmpretrain and then in
mmengine, so ``dict(type='ResNet')`` resolves in an mmrcl config without a
prefix. A config selects this scope by ``default_scope = 'mmrcl'``.
"""

from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain

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
]


def _child(parent: Registry, package: str) -> Registry:
    # A look-up in a parent does not import the parent's own locations, so name them here.
    locations = [f'mmpretrain.{package}', f'mmrcl.{package}']
    return Registry(parent.name, parent=parent, scope='mmrcl', locations=locations)


RUNNERS = _child(mmpretrain.RUNNERS, 'engine')
RUNNER_CONSTRUCTORS = _child(mmpretrain.RUNNER_CONSTRUCTORS, 'engine')
LOOPS = _child(mmpretrain.LOOPS, 'engine')
HOOKS = _child(mmpretrain.HOOKS, 'engine')
LOG_PROCESSORS = _child(mmpretrain.LOG_PROCESSORS, 'engine')
OPTIMIZERS = _child(mmpretrain.OPTIMIZERS, 'engine')
OPTIM_WRAPPERS = _child(mmpretrain.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(mmpretrain.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
PARAM_SCHEDULERS = _child(mmpretrain.PARAM_SCHEDULERS, 'engine')
FUNCTIONS = _child(MMENGINE_FUNCTIONS, 'engine')
TASK_UTILS = _child(mmpretrain.TASK_UTILS, 'engine')

DATASETS = _child(mmpretrain.DATASETS, 'datasets')
DATA_SAMPLERS = _child(mmpretrain.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmpretrain.TRANSFORMS, 'datasets')

MODELS = _child(mmpretrain.MODELS, 'models')
MODEL_WRAPPERS = _child(mmpretrain.MODEL_WRAPPERS, 'models')
WEIGHT_INITIALIZERS = _child(mmpretrain.WEIGHT_INITIALIZERS, 'models')

EVALUATORS = _child(mmpretrain.EVALUATORS, 'evaluation')
METRICS = _child(mmpretrain.METRICS, 'evaluation')

VISUALIZERS = _child(mmpretrain.VISUALIZERS, 'visualization')
VISBACKENDS = _child(mmpretrain.VISBACKENDS, 'visualization')
