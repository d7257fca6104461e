# Instance discrimination, the demo's baseline: MoCo with a queue and a predictor. Same budget and
# settings as RCL's digits config, without hierarchy and retrieved keys.
_base_ = '../rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='SameImageRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
