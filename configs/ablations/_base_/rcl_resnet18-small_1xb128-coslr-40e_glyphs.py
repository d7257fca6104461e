# RCL on 20,000 glyphs of 131 characters, with all augmentations.
_base_ = ['testbed_40e.py', '../../_base_/datasets/glyphs.py']

train_dataloader = dict(dataset=dict(indices=_base_.num_images))
plain_train_dataloader = dict(
    _base_.plain_train_dataloader,
    dataset=dict(_base_.plain_train_dataloader.dataset, indices=_base_.num_images),
)
test_cfg = dict(train_dataloader=plain_train_dataloader)

default_hooks = dict(
    clustering=dict(dataloader=plain_train_dataloader),
    knn=dict(train_dataloader=plain_train_dataloader, test_dataloader=_base_.test_dataloader),
)
