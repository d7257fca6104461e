"""A resume with other settings: what fits goes on with them, the rest stops with a sentence."""

import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import CosineAnnealingLR, LinearLR, MultiStepLR, OptimWrapper
from torch import nn

from mmrcl.checkpoint import read_checkpoint
from mmrcl.engine.resume_checks import changed_settings, model_fault
from mmrcl.engine.schedule_position import replay, take_own_schedules
from mmrcl.errors import ConfigError

from ..runs import run, tiny_config, train, without_hooks

EPOCH = 5


def trained(steps: int, epochs: int = 8, lr: float = 0.4, decay: float = 0.1) -> SimpleNamespace:
    """Parts of a run after some steps: two settings for three groups, schedules of both kinds.

    The wrapper adds a group without parameters for the base settings, which it saves apart.
    """
    groups = [
        dict(params=[nn.Parameter(torch.ones(2))], lr=rate, weight_decay=decay)
        for rate in (lr, lr / 10, lr)
    ]
    optimizer = OptimWrapper(torch.optim.SGD(groups, lr=lr, weight_decay=decay))
    total = epochs * EPOCH
    schedulers = [
        LinearLR(optimizer, start_factor=0.1, begin=0, end=7, by_epoch=False),
        CosineAnnealingLR(optimizer, T_max=total - 7, begin=7, end=total, by_epoch=False),
        MultiStepLR(optimizer, milestones=[2, 4], gamma=0.5),
    ]
    for step in range(1, steps + 1):
        optimizer.step()
        for scheduler in schedulers:
            if not scheduler.by_epoch or step % EPOCH == 0:
                scheduler.step()
    return SimpleNamespace(
        optim_wrapper=optimizer,
        param_schedulers=schedulers,
        train_dataloader=range(EPOCH),
        logger=logging.getLogger('resume'),
    )


def saved(steps: int, **settings: float) -> dict:
    found = trained(steps, **settings)
    return dict(
        meta=dict(epoch=steps // EPOCH, iter=steps),
        optimizer=copy.deepcopy(found.optim_wrapper.state_dict()),
        param_schedulers=[copy.deepcopy(one.state_dict()) for one in found.param_schedulers],
    )


@pytest.mark.parametrize('steps', [0, 3, 5, 12, 20, 39])
def test_a_replay_is_where_the_steps_led(steps):
    new, stepped = trained(0), trained(steps)
    before = [scheduler.state_dict() for scheduler in new.param_schedulers]
    groups = new.optim_wrapper.param_groups
    states = replay(new.param_schedulers, groups, steps // EPOCH, steps, EPOCH)
    # The last value is that of the group, whichever scheduler has set it.
    rates = [group['lr'] for group in stepped.optim_wrapper.param_groups]
    for state, scheduler in zip(states, stepped.param_schedulers, strict=True):
        assert state == scheduler.state_dict() | dict(_last_value=rates)
    assert [scheduler.state_dict() for scheduler in new.param_schedulers] == before


def test_a_checkpoint_of_the_same_settings_is_left_alone():
    checkpoint = saved(12)
    before = copy.deepcopy(checkpoint)
    take_own_schedules(trained(0), checkpoint)
    assert checkpoint == before


@pytest.mark.parametrize('settings', [dict(epochs=16), dict(lr=1.0), dict(decay=0.7)])
def test_other_settings_take_effect_from_where_the_checkpoint_is(settings, caplog):
    checkpoint = saved(12)
    with caplog.at_level('WARNING'):
        take_own_schedules(trained(0, **settings), checkpoint)
    expected = trained(12, **settings).optim_wrapper
    assert checkpoint['optimizer']['param_groups'] == expected.state_dict()['param_groups']
    assert 'go on with the settings of this run: lr ' in caplog.text


def test_the_first_tensor_that_does_not_fit_is_named():
    own = dict(queue=torch.zeros(4, 2), labels=torch.zeros(2, 0))
    assert model_fault(dict(own, labels=torch.zeros(2, 9)), own) is None
    fault = model_fault(dict(own, queue=torch.zeros(6, 2)), own)
    assert fault == 'queue has shape (6, 2), here (4, 2)'
    assert model_fault(dict(labels=own['labels']), own) == 'it has no queue'
    assert model_fault(dict(own, more=own['queue']), own) == 'more is not in the model'


def test_only_the_settings_that_differ_are_listed(tmp_path):
    config = tiny_config(tmp_path)
    meta = dict(cfg=config.pretty_text)
    assert changed_settings(config, meta) == []
    config.merge_from_dict(
        {
            'default_hooks.clustering.source.eps': 0.4,
            'optim_wrapper.optimizer.lr': 0.1,
            'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='a.pth'),
            'default_hooks.logger.interval': 1,
        }
    )
    assert changed_settings(config, meta) == [
        'default_hooks.clustering.source.eps was auto and is 0.4',
        'optim_wrapper.optimizer.lr was 0.002 and is 0.1',
    ]
    assert changed_settings(config, {}) == []


class Rates(Hook):
    """The learning rate of each iteration."""

    def __init__(self):
        self.seen: list[float] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append(runner.optim_wrapper.param_groups[0]['lr'])


def of_epochs(work_dir, epochs, **changes):
    schedule = dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)
    changes.setdefault('param_scheduler', [dict(schedule, T_max=epochs, end=epochs)])
    changes.setdefault('default_hooks__clustering__warmup_epochs', 1)
    return without_hooks(tiny_config(work_dir, train_cfg__max_epochs=epochs, **changes))


@pytest.fixture(scope='module')
def two_epochs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('two')
    train(of_epochs(folder, 2))
    return folder / 'epoch_2.pth'


@pytest.mark.slow
def test_a_longer_run_continues_on_its_own_schedule(two_epochs, tmp_path, capsys):
    whole, resumed = Rates(), Rates()
    train(of_epochs(tmp_path / 'whole', 4), whole)
    capsys.readouterr()
    train(of_epochs(tmp_path / 'on', 4, load_from=str(two_epochs), resume=True), resumed)
    assert resumed.seen == pytest.approx(whole.seen[12:]) and len(set(resumed.seen)) == 12
    said = capsys.readouterr().out
    assert '- param_scheduler.0.T_max was 2 and is 4' in said
    assert '- train_cfg.max_epochs was 2 and is 4' in said


@pytest.mark.slow
def test_a_finished_checkpoint_is_said_to_be(two_epochs, tmp_path, capsys):
    before = read_checkpoint(two_epochs)['state_dict']
    runner = train(of_epochs(tmp_path, 2, load_from=str(two_epochs), resume=True))
    assert all(part.equal(before[name]) for name, part in runner.model.state_dict().items())
    assert 'The checkpoint has finished its 2 epochs' in capsys.readouterr().out


REFUSED = {
    'queue': (
        dict(model__queue__length=64),
        r'queue.features has shape \(96, 16\), here \(64, 16\) '
        r'\(model.queue.length was 96 and is 64\)',
    ),
    'width': (dict(model__neck__hid_channels=8), 'model.neck.hid_channels was 16 and is 8'),
    'optimiser': (
        dict(optim_wrapper__optimizer=dict(_delete_=True, type='SGD', lr=0.1)),
        'optim_wrapper.optimizer.type was AdamW and is SGD',
    ),
    'groups': (
        dict(optim_wrapper__paramwise_cfg=dict(norm_decay_mult=0.0)),
        'does not fit the optimiser of this run, it has 1 groups of ',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize('case', REFUSED)
def test_what_does_not_fit_stops(case, two_epochs, tmp_path):
    changes, sentence = REFUSED[case]
    with pytest.raises(ConfigError, match=sentence):
        run(of_epochs(tmp_path, 4, load_from=str(two_epochs), resume=True, **changes))


@pytest.mark.slow
def test_weights_alone_cannot_be_resumed(two_epochs, tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=read_checkpoint(two_epochs)['state_dict']), path)
    with pytest.raises(
        ConfigError, match='holds no state of a training.* in the config of a new run'
    ):
        run(of_epochs(tmp_path, 4, load_from=str(path), resume=True))
