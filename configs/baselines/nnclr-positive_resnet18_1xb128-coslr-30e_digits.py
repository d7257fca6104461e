# NNCLR's positive (Sect. 5.2): one criterion, and only the nearest key of the queue, as positive.
# Same budget and settings as RCL's digits config; not NNCLR's own recipe, which has no momentum
# encoder and takes its negatives from the batch.
_base_ = '../rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='NearestRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
