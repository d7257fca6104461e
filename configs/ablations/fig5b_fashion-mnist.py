# Fig. 5b, length of the support queue, on Fashion-MNIST. The longest holds every image once.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Fig. 5b on Fashion-MNIST: length of the support queue'
xlabel = 'keys in the queue'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
reference = 'queue-2048'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
_rcl = _base_._arms['images']['options']
arms = {
    f'queue-{length}': dict(
        title=f'{length:,} keys', options={**_rcl, 'model.queue.length': length}, x=length
    )
    for length in (256, 512, 1024, 2048, 3072)
}
