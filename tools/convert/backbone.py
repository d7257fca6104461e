"""Extract the encoder of a pretraining checkpoint, in the formats of other libraries.

Finds the query encoder in the checkpoint, and writes for each format one file with a hash in its
name, NAME_FORMAT-HASH.pth (.pkl for detectron2). Metadata (config, epoch, commit) is stored in the
file; for torchvision and timm, which load bare tensors, in a .json file next to it.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmrcl.threads  # noqa: F401  before torch

from torch import Tensor

from mmrcl.apis import config_of
from mmrcl.checkpoint import FORMATS, Match, load_weights, match_encoder, resnet_state
from mmrcl.errors import ConfigError
from mmrcl.features import build_backbone
from mmrcl.launch import add_trust_argument

# These build the backbone from the config; the other formats are for the library's own ResNet.
BY_CONFIG = ('mmpretrain', 'mmdet')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint written by a pretraining')
    parser.add_argument('--format', nargs='+', choices=FORMATS, default=['mmdet'])
    parser.add_argument('--out-dir', type=Path, help="default: the checkpoint's folder")
    parser.add_argument('--name', help='default: names of folder and checkpoint')
    parser.add_argument(
        '--config', help='config with the backbone; default: that in the checkpoint'
    )
    parser.add_argument(
        '--prefix', help='of the encoder, as in momentum_encoder.module.0.; default: detected'
    )
    parser.add_argument(
        '--allow-partial', action='store_true', help='write even if tensors are missing'
    )
    add_trust_argument(parser)
    return parser.parse_args()


def check_not_extracted(state: Mapping[str, Tensor], match: Match, path: str) -> None:
    """Reject a file that contains only an encoder, as written by this tool."""
    if all(name.startswith(match.prefix) for name in state) and len(state) == len(match.tensors):
        raise ConfigError(
            f'{path} is an encoder that was extracted already: convert the checkpoint that the '
            'pretraining wrote'
        )


def check_coverage(match: Match, what: str, allow_partial: bool) -> None:
    """Print the share of tensors found; reject less than all."""
    print(f'{what}: {match.coverage}')
    if match.is_whole:
        return
    if not allow_partial:
        raise ConfigError(
            f'{what}: the checkpoint has {match.faults}: set its config by --config, its encoder '
            'by --prefix, or use --allow-partial'
        )
    print(f'{what}: written without {len(match.missing) + len(match.unfit)} tensors')


def provenance(args: argparse.Namespace, meta: Mapping[str, Any], match: Match) -> dict[str, Any]:
    """Collect the origin of the tensors, in types that any library reads."""
    kept = ('cfg', 'epoch', 'iter', 'experiment_name', 'seed', 'time', 'mmrcl_commit')
    known = {key: meta[key] for key in kept if key in meta}
    digest = hashlib.sha256(Path(args.checkpoint).read_bytes()).hexdigest()
    return dict(known, source=Path(args.checkpoint).name, source_sha256=digest, prefix=match.prefix)


def write(path: Path, kind: str, match: Match, meta: dict[str, Any]) -> Path:
    """Write one format and put the hash of the file into its name."""
    suffix, writer = FORMATS[kind]
    partial = path.with_name(f'{path.name}_{kind}.partial{suffix}')
    path.parent.mkdir(parents=True, exist_ok=True)
    writer(match.tensors, meta, partial)
    digest = hashlib.sha256(partial.read_bytes()).hexdigest()[:8]
    final = path.with_name(f'{path.name}_{kind}-{digest}{suffix}')
    for written in path.parent.glob(f'{path.name}_{kind}.partial.*'):
        written.rename(final.with_suffix(written.suffix))
    return final


def convert(args: argparse.Namespace) -> list[Path]:
    """Write all formats and return the files.

    Raises:
        ConfigError: before anything is written.
    """
    state, meta = load_weights(args.checkpoint, args.trust_checkpoint)
    config = config_of(meta, args.checkpoint, args.config, args.trust_checkpoint)
    reference = build_backbone(config).state_dict()
    backbone = match_encoder(state, reference, args.prefix)
    check_not_extracted(state, backbone, args.checkpoint)
    check_coverage(backbone, 'encoder of the config', args.allow_partial)
    matches = {}
    for kind in args.format:
        matches[kind] = backbone
        if kind not in BY_CONFIG:
            matches[kind] = match_encoder(backbone.tensors, resnet_state(reference), '')
            check_coverage(matches[kind], f"{kind}'s ResNet", args.allow_partial)
    source = Path(args.checkpoint)
    about = provenance(args, meta, backbone)
    name = args.name or f'{source.resolve().parent.name}_{source.stem}'
    path = (args.out_dir or source.parent) / name
    return [write(path, kind, match, about) for kind, match in matches.items()]


def main() -> None:
    args = parse_args()
    try:
        written = convert(args)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in written:
        print(f'written: {path}')


if __name__ == '__main__':
    main()
