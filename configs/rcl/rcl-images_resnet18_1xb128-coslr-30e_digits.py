# RCL with clusters of the images, made once before the first epoch, on scikit-learn's digits: the
# demo. Far better than clusters of the keys there, see docs/results.md. DBSCAN finds coarser
# clusters here than in the keys of an early network, and K-means would need Python 3.11.
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
        source=dict(
            type='DBSCANSource', eps='auto', metric='jaccard', mean_sizes=[5, 20], max_share=0.1
        ),
    ),
)
