# Instance discrimination on CIFAR-10: MoCo with a queue and a predictor.
# Same budget and settings as RCL's config.
_base_ = '../rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='SameImageRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
