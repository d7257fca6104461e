from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmrcl.datasets import ImageFolder
from mmrcl.registry import DATASETS


def write_image(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5, 3), value, dtype=np.uint8)).save(path)


def relative_paths(dataset: ImageFolder, root: Path) -> list[str]:
    return [str(Path(item['img_path']).relative_to(root)) for item in dataset]


def test_all_images_at_any_depth_sorted_without_labels(tmp_path):
    names = ['c.png', 'a/z.JPG', 'a/b/x.jpeg', 'a10.png', 'a9.png', 'B/q.WebP']
    for value, name in enumerate(names):
        write_image(tmp_path / name, value)
    (tmp_path / 'a/notes.txt').write_text('no image')
    write_image(tmp_path / '.hidden.png')
    write_image(tmp_path / '.cache/thumbnail.png')
    dataset = ImageFolder(str(tmp_path))
    assert relative_paths(dataset, tmp_path) == sorted(names)
    assert [item['sample_idx'] for item in dataset] == list(range(6))
    assert all('gt_label' not in item for item in dataset)


def test_images_pass_through_a_pipeline_from_a_config(tmp_path):
    write_image(tmp_path / 'train/a.png', 7)
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    dataset = DATASETS.build(
        dict(type='ImageFolder', data_root=str(tmp_path), data_prefix='train', pipeline=pipeline)
    )
    packed = dataset[0]
    assert packed['inputs'].shape == (3, 4, 5)
    assert packed['inputs'].unique().tolist() == [7]
    assert packed['data_samples'].sample_idx == 0


def test_a_linked_folder_is_followed(tmp_path):
    write_image(tmp_path / 'elsewhere/a.png')
    (tmp_path / 'root').mkdir()
    (tmp_path / 'root/link').symlink_to(tmp_path / 'elsewhere')
    assert relative_paths(ImageFolder(str(tmp_path / 'root')), tmp_path) == ['root/link/a.png']


def test_a_folder_reached_twice_is_refused(tmp_path):
    write_image(tmp_path / 'a/x.png')
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    with pytest.raises(ValueError, match="'a' and 'link' below .* are the same folder"):
        ImageFolder(str(tmp_path))


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_image(tmp_path / 'photos/x.png')
    assert len(ImageFolder('~/photos')) == 1


def test_user_errors_name_the_setting(tmp_path):
    (tmp_path / 'a.gif').write_bytes(b'')
    with pytest.raises(ValueError, match='set data_root'):
        ImageFolder()
    with pytest.raises(ValueError, match='missing.* is not a folder: set data_root'):
        ImageFolder(str(tmp_path / 'missing'))
    with pytest.raises(ValueError, match=r'no image below .*\.bmp, \.jpeg.*set extensions'):
        ImageFolder(str(tmp_path))
    assert len(ImageFolder(str(tmp_path), extensions=('.gif',))) == 1
