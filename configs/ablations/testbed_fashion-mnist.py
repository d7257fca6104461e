# How much of the headroom the clusters of RCL capture: 20,000 images of Fashion-MNIST, all
# augmentations.
_base_ = '_base_/testbed_arms.py'

title = '20,000 images of Fashion-MNIST'
config = '_base_/rcl_resnet18-small_1xb128-coslr-40e_fashion-mnist.py'
arms = {
    'keys-coarse-graded': dict(
        title='first neighbours of the keys each epoch, 20 and 80 images, graded',
        options={
            **_base_.arms['keys-coarse']['options'],
            'model.head.loss.negative_pairs': 'graded',
        },
    ),
    # Levels that are all alike leave LevelRetriever one key of the class; this is a key of the
    # coarsest cluster from the queue, as in the paper.
    'true-classes-queue': dict(
        title='true classes, key from the queue',
        options={
            key: value
            for key, value in _base_.arms['true-classes']['options'].items()
            if key != 'model.retrievers'
        },
    ),
    'images-coarse-kmeans': dict(
        title='nested K-means of the images, 20 and 80 images',
        options={
            **_base_.arms['images-coarse']['options'],
            'default_hooks.clustering.source': dict(
                _delete_=True, type='HierarchicalKMeansSource', num_clusters=[1000, 250]
            ),
        },
    ),
}
