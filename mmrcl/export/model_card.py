"""The model card of an exported encoder: what it is, how it was trained, how to load it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmpretrain.registry import MODELS

from mmrcl.checkpoint import nearest_resnet
from mmrcl.version import __version__
from mmrcl.visualization import read_run

from .counterparts import Candidate, candidate_of
from .encoder import TrainedEncoder
from .snippets import SHARED_NAMES, SNIPPETS, TORCHVISION
from .writing import LIBRARIES, Exported

__all__ = ['write_model_card']

_CARD = """\
---
pipeline_tag: image-feature-extraction
tags: [self-supervised, mmrcl]
# Set the licence under which you publish the weights, as in `license: cc-by-4.0`.
---

# {name}

An image encoder, pretrained without labels by mmrcl {version}.

{facts}

## Loading

Run these in the folder of the files. Images are {colors}; each has {features} features.

{loading}

## Licence

None is stated: choose one that the licence of the training images allows.
"""


def write_model_card(encoder: TrainedEncoder, exported: Exported, folder: Path, name: str) -> Path:
    """Write ``README.md`` with the facts that the checkpoint records, and code for each format.

    Args:
        encoder: from :func:`trained_encoder`.
        exported: what :func:`write_formats` wrote into ``folder``.
        folder: where the card is written.
        name: title of the card.
    """
    text = _CARD.format(
        name=name,
        version=__version__,
        facts=_table(_facts(encoder)),
        colors=encoder.images.colors,
        features=encoder.num_features,
        loading='\n\n'.join(_loading(encoder, exported.written)),
    )
    path = folder / 'README.md'
    path.write_text(text, encoding='utf-8')
    return path


def _facts(encoder: TrainedEncoder) -> dict[str, str]:
    images, origin, model = encoder.images, encoder.origin, encoder.config.model
    _, height, width = images.size
    facts = {
        'Method': f'`{model.type}`',
        'Backbone': f'`{as_code(_backbone(encoder))}`',
        'Training images': _data_set(encoder.config),
        'Epochs': _epochs(encoder),
        'kNN top-1': _knn(encoder),
        'Features': str(encoder.num_features),
        'Images': f'{images.colors}, {height} x {width} pixels',
        'Mean': f'{_rounded(images.mean)} of values from 0 to 1',
        'Standard deviation': _rounded(images.std),
        'Preparation': ', '.join(f'`{as_code(step)}`' for step in images.pipeline),
        'Checkpoint': f'{origin["source"]}, SHA-256 {origin["source_sha256"]}',
        'Commit of mmrcl': str(origin.get('mmrcl_commit') or ''),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _table(facts: Mapping[str, str]) -> str:
    rows = [f'| {name} | {fact} |' for name, fact in facts.items()]
    return '\n'.join(['| | |', '|---|---|', *rows])


def as_code(value: Any) -> str:
    """Return the settings of a config as Python, each type first."""
    if isinstance(value, Mapping):
        ordered = sorted(value, key=lambda key: key != 'type')
        return f'dict({", ".join(f"{key}={as_code(value[key])}" for key in ordered)})'
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(map(as_code, value))}]'
    return repr(value)


def _backbone(encoder: TrainedEncoder) -> dict[str, Any]:
    """Return the settings by which mmpretrain builds it, those of mmrcl's own types too."""
    settings = {
        key: value for key, value in encoder.config.model.backbone.items() if key != 'init_cfg'
    }
    if '.' not in settings['type'] and settings['type'] not in MODELS.module_dict:
        settings['type'] = f'mmrcl.{settings["type"]}'
    return settings


def _data_set(config: Any) -> str:
    """Name data set and folder; a full path would tell about the machine."""
    found = (config.get('train_dataloader') or {}).get('dataset') or {}
    while 'dataset' in found:
        found = found['dataset']
    folder = Path(str(found.get('data_root') or '')).name
    return ', '.join(part for part in (str(found.get('type') or ''), folder) if part)


def _epochs(encoder: TrainedEncoder) -> str:
    epoch = encoder.origin.get('epoch')
    planned = (encoder.config.get('train_cfg') or {}).get('max_epochs')
    return '' if epoch is None else f'{epoch} of {planned}' if planned else str(epoch)


def _knn(encoder: TrainedEncoder) -> str:
    """Return the last accuracy that the run logged up to the checkpoint, if there is one."""
    work_dir = encoder.checkpoint.parent
    if not any(work_dir.glob('*/vis_data/scalars.json')):
        return ''
    rows = [row for row in read_run(work_dir) if 'knn/top1' in row]
    known = [row for row in rows if row['epoch'] <= encoder.origin.get('epoch', 0)]
    if not known:
        return ''
    return f'{100 * known[-1]["knn/top1"]:.1f} % after epoch {known[-1]["epoch"]}'


def _rounded(values: tuple[float, ...]) -> str:
    return ', '.join(f'{value:.4g}' for value in values)


def _loading(encoder: TrainedEncoder, written: Mapping[str, Path]) -> Iterator[str]:
    """Yield text with code for each file."""
    channels, height, width = encoder.images.size
    for kind, path in written.items():
        settings = dict(
            _of_candidate(candidate_of(encoder, LIBRARIES[kind])) if kind in LIBRARIES else {},
            file=path.name,
            backbone=as_code(_backbone(encoder)),
            channels=channels,
            height=height,
            width=width,
        )
        texts = [SNIPPETS[kind]]
        if kind == 'safetensors' and nearest_resnet(encoder.backbone.state_dict()) is not None:
            texts += [SHARED_NAMES, TORCHVISION] if channels == 3 else [SHARED_NAMES]
        yield from (text.format(**settings) for text in texts)


def _of_candidate(candidate: Candidate) -> dict[str, str]:
    """Return what the code that builds a library's network needs."""
    options = ', '.join(f'{key}={value!r}' for key, value in candidate.options.items())
    return dict(
        architecture=candidate.architecture,
        options=options,
        classifier=re.sub(r'\.(\d+)', r'[\1]', candidate.classifier),
    )
