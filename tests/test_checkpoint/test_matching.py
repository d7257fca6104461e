import random

import pytest
import torch

from mmrcl.checkpoint import load_weights, match_encoder

MODULE = {
    'conv1.weight': torch.zeros(4, 3, 3, 3),
    'bn1.weight': torch.zeros(4),
    'bn1.num_batches_tracked': torch.tensor(0),
    'layer1.0.conv1.weight': torch.zeros(4, 4, 3, 3),
    'layer1.1.conv1.weight': torch.zeros(4, 4, 3, 3),
}


def held(prefix: str, value: float = 1.0) -> dict[str, torch.Tensor]:
    return {prefix + name: torch.full_like(tensor, value) for name, tensor in MODULE.items()}


@pytest.mark.parametrize(
    'prefix', ['', 'backbone.', 'module.backbone.', 'module.', 'encoder_q.', 'a.b.c.']
)
@pytest.mark.parametrize(
    'follower',
    ['momentum_encoder.module.0.', 'target_net.0.', 'module.encoder_k.', 'teacher.', 'model_ema.'],
)
def test_finds_the_encoder_that_follows_no_other(prefix, follower):
    state = {'neck.fc.weight': torch.zeros(2, 2), **held(follower, 2), **held(prefix)}
    keys = list(state)
    random.Random(prefix + follower).shuffle(keys)
    match = match_encoder({key: state[key] for key in keys}, MODULE)
    assert match.prefix == prefix and match.is_whole
    assert set(match.tensors) == set(MODULE)
    assert all((tensor == 1).all() for tensor in match.tensors.values())


def test_a_part_of_the_encoder_finds_itself():
    part = {name[7:]: tensor for name, tensor in MODULE.items() if name.startswith('layer1.0')}
    match = match_encoder({**held('momentum.'), **held('backbone.')}, part, 'backbone.layer1.')
    assert match.is_whole
    layer = {name: tensor for name, tensor in MODULE.items() if name.startswith('layer1')}
    assert match_encoder({**held('momentum.'), **held('backbone.')}, layer).prefix == 'backbone.'


def test_a_momentum_encoder_alone_or_named_is_taken():
    assert match_encoder(held('momentum.'), MODULE).prefix == 'momentum.'
    both = {**held('backbone.'), **held('momentum.', 2)}
    named = match_encoder(both, MODULE, 'momentum.')
    assert all((tensor == 2).all() for tensor in named.tensors.values())


def test_a_word_inside_another_is_no_follower():
    state = {**held('semantic.'), **held('teacher.'), **held('not_')}
    assert match_encoder(state, MODULE).prefix == 'semantic.'


def test_refuses_to_guess_between_two():
    with pytest.raises(ValueError, match=r"2 encoders fit alike, named 'a\.', 'b\.': pass one"):
        match_encoder({**held('a.'), **held('b.')}, MODULE)


def test_tells_what_is_missing_or_unfit():
    state = held('backbone.')
    del state['backbone.layer1.1.conv1.weight'], state['backbone.bn1.num_batches_tracked']
    state['backbone.conv1.weight'] = torch.zeros(8, 1, 3, 3)
    match = match_encoder(state, MODULE)
    assert not match.is_whole
    assert match.missing == ['layer1.1.conv1.weight']
    assert match.coverage == "2 of 4 tensors (50.0 %), named 'backbone.'..."
    assert match.faults == (
        'no layer1.1.conv1.weight and conv1.weight of shape (8, 1, 3, 3), not (4, 3, 3, 3)'
    )


def test_a_foreign_file_covers_nothing():
    match = match_encoder({'transformer.weight': torch.zeros(1)}, MODULE)
    assert match.coverage == '0 of 4 tensors (0.0 %)' and not match.tensors


def test_one_tensor_short_is_not_100_percent():
    module = {f'w{i}': torch.zeros(1) for i in range(3000)}
    state = {name: tensor for name, tensor in module.items() if name != 'w7'}
    assert match_encoder(state, module).coverage.startswith('2999 of 3000 tensors (99.9 %)')


@pytest.mark.parametrize('key', ['state_dict', 'model', None])
def test_reads_tensors_and_meta(tmp_path, key):
    state = dict(held('backbone.'), steps=3)
    torch.save({key: state, 'meta': dict(epoch=2)} if key else state, tmp_path / 'a.pth')
    tensors, meta = load_weights(tmp_path / 'a.pth')
    assert set(tensors) == set(held('backbone.'))
    assert meta == (dict(epoch=2) if key else {})


def test_says_what_is_no_checkpoint(tmp_path):
    (tmp_path / 'text.pth').write_text('not a checkpoint')
    torch.save([1, 2], tmp_path / 'list.pth')
    torch.save(held(''), tmp_path / 'torn.pth')
    whole = (tmp_path / 'torn.pth').read_bytes()
    (tmp_path / 'torn.pth').write_bytes(whole[: len(whole) // 2])
    for name, sentence in [
        ('text.pth', 'torn or no checkpoint'),
        ('torn.pth', 'torn or no checkpoint'),
        ('list.pth', 'holds no tensors'),
    ]:
        with pytest.raises(ValueError, match=sentence):
            load_weights(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / 'missing.pth')


def test_a_deeper_network_does_not_fit():
    state = {**held('backbone.'), 'backbone.layer1.2.conv1.weight': torch.zeros(4, 4, 3, 3)}
    assert match_encoder(state, MODULE).surplus == ['layer1.2.conv1.weight']
    state = {**held('backbone.'), 'backbone.layer2.0.conv1.weight': torch.zeros(4, 4, 3, 3)}
    assert match_encoder(state, MODULE).is_whole, 'a module may end before the network does'
