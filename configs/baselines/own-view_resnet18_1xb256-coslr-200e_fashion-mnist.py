# Own view alone on Fashion-MNIST: MoCo with a queue and a predictor.
# Same budget and settings as RCL's config.
_base_ = '../rcl/rcl_resnet18_1xb256-coslr-200e_fashion-mnist.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='OwnViewRetriever')],
    hierarchy=None,
)
custom_hooks = _base_.custom_hooks[1:-1]
