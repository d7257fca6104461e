# RCL on the first 20,000 training images of Fashion-MNIST, with all augmentations of Fig. 5c.
_base_ = ['testbed_40e.py', '../../_base_/datasets/fashion_mnist.py']

view = [
    *_base_.view,
    dict(type='BatchBrightness', strength=0.4, prob=0.8),
    dict(type='BatchSolarize', thr=128, prob=0.2),
    dict(type='BatchGaussianBlur', sigma_range=(0.1, 1.5), prob=0.5),
]
data_preprocessor = dict(views=[view, view])

train_dataloader = dict(batch_size=128, num_workers=0, dataset=dict(indices=_base_.num_images))
plain_train_dataloader = dict(
    _base_.plain_train_dataloader,
    num_workers=0,
    dataset=dict(_base_.plain_train_dataloader.dataset, indices=_base_.num_images),
)
test_dataloader = dict(_base_.test_dataloader, num_workers=0)
test_cfg = dict(train_dataloader=plain_train_dataloader)

default_hooks = dict(
    clustering=dict(dataloader=plain_train_dataloader),
    knn=dict(train_dataloader=plain_train_dataloader, test_dataloader=test_dataloader),
)
