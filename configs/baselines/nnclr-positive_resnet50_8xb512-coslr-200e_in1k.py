# NNCLR's positive on ImageNet-1k (Sect. 5.2): one criterion, and only the nearest key of the queue,
# as positive, with RCL's momentum encoder and budget. Not NNCLR's own recipe, for which Table 4
# quotes 70.7.
_base_ = '../rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='NearestRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
