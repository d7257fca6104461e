# RCL with clusters of the images, made once before the first epoch, on scikit-learn's digits: the
# demo. Far better than clusters of the keys there, see docs/results.md.
_base_ = 'rcl_resnet18_1xb128-coslr-30e_digits.py'

model = dict(
    retrievers=[dict(type='SameImageRetriever'), dict(type='LevelRetriever', select='random')],
)
default_hooks = dict(
    clustering=dict(
        _delete_=True,
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        space='images',
        warmup_epochs=0,
        source=dict(type='FirstNeighborSource', mean_sizes=[5, 20]),
    ),
)
