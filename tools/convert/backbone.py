"""Extract the encoder of a pretraining checkpoint, in the formats of other libraries.

Finds the query encoder in the checkpoint, and writes for each format one file with a hash in its
name, NAME_FORMAT-HASH.pth (.pkl for detectron2). Metadata (config, epoch, commit) is stored in the
file; for torchvision and timm, which load bare tensors, in a .json file next to it. A format whose
library has no such network is refused, and the others are written. `mmrcl export` writes further
formats, and a model card.
"""

import argparse
import sys
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

from mmrcl.apis import config_of
from mmrcl.checkpoint import Match, load_weights
from mmrcl.errors import ConfigError
from mmrcl.export import CHECKPOINT_FORMATS, Exported, trained_encoder, write_formats
from mmrcl.launch import add_trust_argument, folder_of


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint written by a pretraining')
    parser.add_argument('--format', nargs='+', choices=CHECKPOINT_FORMATS, default=['mmdet'])
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


def check_coverage(match: Match, allow_partial: bool) -> None:
    """Print the share of tensors found; reject less than all."""
    print(f'encoder of the config: {match.coverage}')
    if match.is_whole:
        return
    if not allow_partial:
        raise ConfigError(
            f'encoder of the config: the checkpoint has {match.faults}: set its config by '
            '--config, its encoder by --prefix, or use --allow-partial'
        )
    print(f'written without {len(match.missing) + len(match.unfit)} tensors')


def convert(args: argparse.Namespace) -> Exported:
    """Write all formats that the encoder has a counterpart in.

    Raises:
        ConfigError: before anything is written.
    """
    state, meta = load_weights(args.checkpoint, args.trust_checkpoint)
    config = config_of(meta, args.checkpoint, args.config, args.trust_checkpoint)
    encoder = trained_encoder(args.checkpoint, state, meta, config, args.prefix)
    check_coverage(encoder.match, args.allow_partial)
    source = Path(args.checkpoint).resolve()
    name = args.name or folder_of(str(source))
    return write_formats(encoder, args.out_dir or source.parent, args.format, name)


def main() -> None:
    args = parse_args()
    try:
        exported = convert(args)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in exported.written.values():
        print(f'written: {path}')
    if exported.refused:
        sys.exit('\n'.join(f'error: {kind}: {why}' for kind, why in exported.refused.items()))


if __name__ == '__main__':
    main()
