# Fig. 5b, length of the support queue, on ImageNet-1k. From 65,536 to 98,304 keys the paper gains
# 0.36 top-1, and nothing from more. Not run by us.
title = 'Fig. 5b on ImageNet-1k: length of the support queue'
xlabel = 'keys in the queue'
config = '../rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
reference = 'queue-98304'
label_draws = 1
measures = ['retrieval_hit_rate']
arms = {
    f'queue-{length}': dict(
        title=f'{length:,} keys', options={'model.queue.length': length}, x=length
    )
    for length in (16384, 32768, 65536, 98304, 131072)
}
