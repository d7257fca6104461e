"""Code of the model card that loads each format."""

__all__ = ['SHARED_NAMES', 'SNIPPETS', 'TORCHVISION']

_TIMM = """\
{file}, in timm:

```python
import timm

model = timm.create_model('local-dir:.', pretrained=True).eval()
transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
```"""

# timm, torchvision and mmpretrain name the tensors of a ResNet alike.
SHARED_NAMES = """\
{file}, in mmpretrain:

```python
from mmpretrain.registry import MODELS
from safetensors.torch import load_file

backbone = MODELS.build({backbone})
backbone.load_state_dict(load_file('{file}'))
```"""

TORCHVISION = """\
{file}, in torchvision:

```python
import torch
import torchvision
from safetensors.torch import load_file

model = torchvision.models.{architecture}()
model.fc = torch.nn.Identity()
model.load_state_dict(load_file('{file}'))
```"""

_ONNX = """\
{file}, in ONNX Runtime; values are from 0 to 255, for the normalisation is in the model:

```python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession('{file}')
images = np.zeros((1, {channels}, {height}, {width}), np.float32)
[features] = session.run(None, dict(images=images))
```"""

_TORCHVISION_FILE = """\
{file}, in torchvision:

```python
import torch
import torchvision

model = torchvision.models.{architecture}({options})
model.{classifier} = torch.nn.Identity()
model.load_state_dict(torch.load('{file}'))
```"""

_TIMM_FILE = """\
{file}, in timm:

```python
import timm

options = dict({options})
model = timm.create_model(
    '{architecture}', num_classes=0, in_chans={channels}, checkpoint_path='{file}', **options
)
```"""

_MMPRETRAIN = """\
{file}, in mmrcl, which also reads and prepares images:

```python
import mmrcl

encoder = mmrcl.load_encoder('{file}')
```

The same file in a config of mmpretrain:

```python
backbone = dict(
    **{backbone},
    init_cfg=dict(type='Pretrained', checkpoint='{file}', prefix='backbone.'),
)
```"""

_MMDET = """\
{file}, in a config of mmdet, for the same backbone:

```python
init_cfg = dict(type='Pretrained', checkpoint='{file}')
```"""

_DETECTRON2 = """\
{file}, in a config of detectron2: `MODEL.WEIGHTS: {file}`, with `STRIDE_IN_1X1: false` and
`INPUT.FORMAT: RGB`."""

SNIPPETS: dict[str, str] = dict(
    safetensors=_TIMM,
    onnx=_ONNX,
    mmpretrain=_MMPRETRAIN,
    mmdet=_MMDET,
    torchvision=_TORCHVISION_FILE,
    timm=_TIMM_FILE,
    detectron2=_DETECTRON2,
)
