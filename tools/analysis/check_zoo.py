"""Check the zoo: all configs are listed, all listed configs exist, all metrics have an origin.

A config must be listed in the README.md of its folder and, except for the grids of ablations, in
the folder's metafile.yml, which model-index.yml imports. Prints a sentence for each problem.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import modelindex
from modelindex.models.Model import Model

from mmrcl.zoo import mim_folder

# Grids train models of other folders with other settings, so they have no metafile.
GRIDS = 'configs/ablations'
ORIGINS = ('(paper)', '(RCL paper)', '(ours)')


def config_folders(root: Path) -> dict[str, set[str]]:
    """List the folders below ``root`` that contain configs, with the names of their files."""
    folders: dict[str, set[str]] = {}
    for path in sorted((root / 'configs').rglob('*.py')):
        if '_base_' not in path.parts:
            folders.setdefault(path.parent.relative_to(root).as_posix(), set()).add(path.name)
    return folders


def differences(file: str, listed: set[str], names: set[str]) -> Iterator[str]:
    for name in sorted(names - listed):
        yield f'{file} does not list {name}'
    for name in sorted(listed - names):
        yield f'{file} lists {name}, which does not exist'


def readme_problems(root: Path, folder: str, names: set[str]) -> Iterator[str]:
    file = f'{folder}/README.md'
    if not (root / file).is_file():
        yield f'{file} is missing'
        return
    links = re.findall(r'\]\(\./([^/)]+\.py)\)', (root / file).read_text())
    yield from differences(file, set(links), names)


def settings_of(name: str) -> dict[str, int]:
    """Parse batch size and epochs of a name: 4096 and 200 in ``..._8xb512-coslr-200e_in1k``."""
    settings = {}
    if batch := re.search(r'_(\d+)xb(\d+)-', name):
        settings['Batch Size'] = int(batch[1]) * int(batch[2])
    if epochs := re.search(r'-(\d+)e_', name):
        settings['Epochs'] = int(epochs[1])
    return settings


def model_problems(model: Model) -> Iterator[str]:
    if model.name != Path(model.config).stem:
        yield f'{model.name} must have the name of its config file, {model.config}'
    if model.weights:
        yield f'{model.name} has weights, but the documentation states that none are published'
    metrics = [metric for result in model.results or () for metric in result.metrics]
    for metric in metrics:
        if not metric.endswith(ORIGINS):
            yield f'{model.name}: "{metric}" must end in one of {", ".join(ORIGINS)}'
    for key, value in settings_of(model.name).items():
        if model.metadata.data.get(key) != value:
            yield f'{model.name} must have {key} {value}, as in its name'


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each problem of the zoo below ``root``."""
    index = modelindex.load(str(root / 'model-index.yml'))
    yield from index.check(silent=True)
    folders = config_folders(root)
    listed: dict[str, set[str]] = {folder: set() for folder in folders if folder != GRIDS}
    for model in index.models:
        folder = Path(model.filepath).parent.relative_to(root).as_posix()
        listed.setdefault(folder, set()).add(model.config)
        yield from model_problems(model)
    for folder, names in folders.items():
        yield from readme_problems(root, folder, names)
    for folder, configs in listed.items():
        names = {f'{folder}/{name}' for name in folders.get(folder, ())}
        yield from differences(f'{folder}/metafile.yml', configs, names)
    for name, count in Counter(model.name for model in index.models).items():
        if count > 1:
            yield f'{name} is the name of {count} models'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--root', type=Path, help='folder of model-index.yml, by default of mmrcl')
    root = parser.parse_args().root or mim_folder()
    found = list(problems(root))
    print(*found, sep='\n', end='\n' if found else '')
    sys.exit(bool(found))


if __name__ == '__main__':
    main()
