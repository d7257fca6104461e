# NNCLR's positive on Fashion-MNIST (Sect. 5.2): one criterion, the nearest key alone, as positive.
# Same budget and settings as RCL's config.
_base_ = '../rcl/rcl_resnet18_1xb256-coslr-200e_fashion-mnist.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='NearestRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
