# Own view alone with the same budget and settings as RCL's small config.
_base_ = 'rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='OwnViewRetriever')],
    hierarchy=None,
)
custom_hooks = _base_.custom_hooks[1:-1]
