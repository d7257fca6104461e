# Instance discrimination with the same budget and settings as RCL's small config.
_base_ = 'rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='SameImageRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
