"""Classifiers that learn from few labelled and many unlabelled images."""

from .classifier import SemiSupervisedClassifier
from .meta_pseudo_labels import MetaPseudoLabels
from .targets import ArgmaxTarget, SharpenedTarget, Targets

__all__ = [
    'ArgmaxTarget',
    'MetaPseudoLabels',
    'SemiSupervisedClassifier',
    'SharpenedTarget',
    'Targets',
]
