# Own view alone on CIFAR-10: MoCo with a queue and a predictor.
# Same budget and settings as RCL's config.
_base_ = '../rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='OwnViewRetriever')],
    hierarchy=None,
)
custom_hooks = _base_.custom_hooks[1:-1]
