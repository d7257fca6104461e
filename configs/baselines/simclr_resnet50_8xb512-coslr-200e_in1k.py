# SimCLR at 200 epochs on ImageNet-1k with a batch of 4096. Its paper reports 69.3 top-1 in linear
# evaluation after 1000. Not run by us.
_base_ = [
    '../_base_/models/simclr_resnet50.py',
    '../_base_/datasets/imagenet_bs512_simclr.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]
