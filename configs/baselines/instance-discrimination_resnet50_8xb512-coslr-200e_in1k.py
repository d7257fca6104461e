# Instance discrimination on ImageNet-1k: MoCo with a queue and a predictor, close to Table 3, No. 1
# (one predictor, one level: the paper reports 70.2). Same budget and settings as RCL's 200 epochs.
_base_ = '../rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'

model = dict(
    head=dict(predictor=dict(num_predictors=1)),
    retrievers=[dict(type='SameImageRetriever')],
    hierarchy=None,
)
default_hooks = dict(_base_.default_hooks, _delete_=True)
del default_hooks['clustering'], default_hooks['hierarchy_monitor']
