"""What the clustering sources are given."""

import pytest
import torch
from mmengine.runner import Runner
from torch.nn.functional import normalize

from mmrcl.features import clustering_input, pooled
from mmrcl.features.clustering_input import SPACES, extract_clustering_input, normalize_rows_
from mmrcl.launch import build_runner

from ..runs import OF_TIMM, VIT, tiny_config, train

BACKBONES = dict(
    maps={},
    cls_token=VIT | dict(model__backbone__out_type='cls_token'),
    avg_featmap=VIT | dict(model__backbone__out_type='avg_featmap'),
    timm=OF_TIMM,
)


@pytest.fixture(scope='module', params=BACKBONES.values(), ids=BACKBONES)
def model_and_loader(request, tmp_path_factory):
    config = tiny_config(tmp_path_factory.mktemp('run'), **request.param)
    runner = build_runner(config)
    runner.model.init_weights()
    return runner.model, Runner.build_dataloader(config.default_hooks.clustering.dataloader)


def literal(model, space, image):
    """Features of one image, (1, C, height, width), not normalised."""
    maps = model.momentum_encoder.module[0](image)[-1]
    found = dict(
        projection=lambda: model.momentum_encoder.module[1]((maps,))[0],
        encoder=lambda: maps.mean((2, 3)) if maps.ndim == 4 else maps,
        maps=lambda: maps.reshape(1, -1),
        images=lambda: image.reshape(1, -1),
    )
    return found[space]()[0]


@pytest.mark.parametrize('space', SPACES)
def test_features_are_those_of_the_space(model_and_loader, space):
    model, loader = model_and_loader
    found = extract_clustering_input(model, space, loader)
    model.eval()
    with torch.no_grad():
        for row in (0, 57, 191):
            sample = loader.dataset[row]
            image = model.data_preprocessor(loader.collate_fn([sample]))['inputs']
            expected = normalize(literal(model, space, image), dim=0)
            torch.testing.assert_close(found.features[row], expected)
            keys = normalize(literal(model, 'projection', image), dim=0)
            torch.testing.assert_close(found.keys[row], keys)
            assert found.classes[row] == sample['data_samples'].gt_label


def test_without_a_bank_no_keys_are_among_the_features(model_and_loader, monkeypatch):
    model, loader = model_and_loader
    expected = extract_clustering_input(model, 'images', loader).features
    monkeypatch.setattr(model.hierarchy, 'feat_dim', 0)
    found = extract_clustering_input(model, 'images', loader)
    assert found.keys.shape == (192, 0)
    torch.testing.assert_close(found.features, expected)


def test_a_bank_that_no_step_fills_is_refused(model_and_loader):
    model, loader = model_and_loader
    model.hierarchy.allocate(192)
    with pytest.raises(ValueError, match="no step of RCL has written to the bank: set space='pro"):
        extract_clustering_input(model, 'bank', loader)


def test_features_from_elsewhere_are_normalised_block_by_block(model_and_loader, monkeypatch):
    model, loader = model_and_loader
    monkeypatch.setattr(clustering_input, '_ROWS', 50)
    features = torch.randn(192, 5)
    features[3] = 0  # of an unreadable image
    expected = normalize(features, dim=1)
    found = extract_clustering_input(model, normalize_rows_(features), loader)
    assert torch.equal(found.features, expected)
    again = extract_clustering_input(model, found.features, loader)
    assert torch.equal(again.features, expected)
    of_keys = extract_clustering_input(model, 'projection', loader)
    assert torch.equal(found.keys, of_keys.keys) and torch.equal(found.classes, of_keys.classes)


def test_bank_is_taken_as_the_steps_have_left_it(model_and_loader):
    model, loader = model_and_loader
    model.hierarchy.allocate(192)
    model.hierarchy.update_bank(torch.arange(5), normalize(torch.randn(5, 16), dim=1))
    found = extract_clustering_input(model, 'bank', loader)
    assert torch.equal(found.features, model.hierarchy.bank)
    assert torch.equal(found.keys, model.hierarchy.bank)


def test_scores_are_those_of_the_images_and_not_normalised(model_and_loader, monkeypatch):
    model, loader = model_and_loader
    score = lambda images: 3 * images.flatten(1)[:, :40]  # noqa: E731
    monkeypatch.setattr(model, 'extract_scores', score, raising=False)
    found = extract_clustering_input(model, 'scores', loader)
    for row in (0, 57, 191):
        image = model.data_preprocessor(loader.collate_fn([loader.dataset[row]]))['inputs']
        torch.testing.assert_close(found.features[row], score(image)[0])


@pytest.mark.slow
def test_clusters_of_the_images_do_not_depend_on_the_encoder(tmp_path):
    source = dict(_delete_=True, type='DBSCANSource', mean_sizes=[1.3, 2.6])
    labels = []
    for seed in (0, 1):
        settings = {
            'default_hooks__clustering__source': source,
            'default_hooks__clustering__refiner': None,
        }
        config = tiny_config(
            tmp_path / str(seed),
            default_hooks__clustering__space='images',
            randomness__seed=seed,
            **settings,
        )
        labels.append(train(config).model.hierarchy.labels)
    assert torch.equal(*labels)
    assert len(labels[0][0].unique()) < 192


def test_tokens_are_averaged_over_their_positions():
    tokens = torch.randn(3, 5, 4)
    assert torch.equal(pooled([tokens]), torch.stack([each.mean(0) for each in tokens]))


def test_unknown_space_is_refused(tmp_path):
    config = tiny_config(tmp_path, default_hooks__clustering__space='pixels')
    with pytest.raises(ValueError, match="space='pixels' is unknown: choose one of projection"):
        build_runner(config)
