"""Vision transformers of mmpretrain in the names of timm and torchvision.

All three stack queries, keys and values in one matrix, in this order, and add one position
embedding to class token and patches. MoCo v3's fixed sin-cos embedding is stored as any other.
"""

import re
from collections.abc import Mapping
from typing import Any

from mmpretrain.models.backbones import VisionTransformer
from torch import Tensor

__all__ = ['timm_vit', 'torchvision_vit', 'vit_names', 'why_no_vit']

State = Mapping[str, Tensor]

# mmpretrain's names to another library's; the first pattern that matches counts.
_TO_TIMM = (
    (r'^patch_embed\.projection\.', 'patch_embed.proj.'),
    (r'^layers\.(\d+)\.ln(\d)\.', r'blocks.\1.norm\2.'),
    (r'^layers\.(\d+)\.ffn\.layers\.0\.0\.', r'blocks.\1.mlp.fc1.'),
    (r'^layers\.(\d+)\.ffn\.layers\.1\.', r'blocks.\1.mlp.fc2.'),
    (r'^layers\.', 'blocks.'),
    (r'^ln1\.', 'norm.'),
    (r'^ln2\.', 'fc_norm.'),
)
_TO_TORCHVISION = (
    (r'^cls_token$', 'class_token'),
    (r'^pos_embed$', 'encoder.pos_embedding'),
    (r'^patch_embed\.projection\.', 'conv_proj.'),
    (r'^layers\.(\d+)\.ln(\d)\.', r'encoder.layers.encoder_layer_\1.ln_\2.'),
    (r'^layers\.(\d+)\.attn\.qkv\.', r'encoder.layers.encoder_layer_\1.self_attention.in_proj_'),
    (r'^layers\.(\d+)\.attn\.proj\.', r'encoder.layers.encoder_layer_\1.self_attention.out_proj.'),
    (r'^layers\.(\d+)\.ffn\.layers\.0\.0\.', r'encoder.layers.encoder_layer_\1.mlp.0.'),
    (r'^layers\.(\d+)\.ffn\.layers\.1\.', r'encoder.layers.encoder_layer_\1.mlp.3.'),
    (r'^ln1\.', 'encoder.ln.'),
)
_NAMES = dict(timm=_TO_TIMM, torchvision=_TO_TORCHVISION)

# Widths of timm's networks with 224 pixels, patches of 16 and four times the width in between.
_OF_TIMM = {
    'vit_tiny_patch16_224': dict(embed_dim=192, depth=12, num_heads=3),
    'vit_small_patch16_224': dict(embed_dim=384, depth=12, num_heads=6),
    'vit_base_patch16_224': dict(embed_dim=768, depth=12, num_heads=12),
    'vit_large_patch16_224': dict(embed_dim=1024, depth=24, num_heads=16),
}
_SHARED = dict(img_size=224, patch_size=16, mlp_ratio=4.0)


def vit_names(state: State, library: str) -> dict[str, Tensor]:
    """Rename the tensors of mmpretrain's vision transformer to those of timm or torchvision."""
    return {_renamed(name, _NAMES[library]): tensor for name, tensor in state.items()}


def _renamed(name: str, patterns: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in patterns:
        renamed, matches = re.subn(pattern, replacement, name)
        if matches:
            return renamed
    return name


def timm_vit(backbone: VisionTransformer) -> tuple[str, dict[str, Any]]:
    """Return timm's name of the nearest network, and the arguments that make it the encoder."""
    sizes = _sizes(backbone)
    wanted = dict(
        img_size=sizes['image_size'],
        patch_size=sizes['patch_size'],
        embed_dim=sizes['hidden_dim'],
        depth=sizes['num_layers'],
        num_heads=sizes['num_heads'],
        mlp_ratio=sizes['mlp_dim'] / sizes['hidden_dim'],
    )

    def differing(name: str) -> dict[str, Any]:
        usual = _SHARED | _OF_TIMM[name]
        return {key: value for key, value in wanted.items() if value != usual[key]}

    nearest = min(_OF_TIMM, key=lambda name: len(differing(name)))
    pooling = dict(global_pool='avg') if backbone.out_type == 'avg_featmap' else {}
    return nearest, differing(nearest) | pooling


def torchvision_vit(backbone: VisionTransformer) -> tuple[str, dict[str, Any]]:
    """Return torchvision's class of the network, and its arguments."""
    return 'VisionTransformer', _sizes(backbone)


def _sizes(backbone: VisionTransformer) -> dict[str, int]:
    return dict(
        image_size=backbone.img_size[0],
        patch_size=backbone.patch_embed.projection.kernel_size[0],
        num_layers=backbone.num_layers,
        num_heads=backbone.layers[0].attn.num_heads,
        hidden_dim=backbone.embed_dims,
        mlp_dim=backbone.arch_settings['feedforward_channels'],
    )


def why_no_vit(backbone: VisionTransformer, library: str) -> str | None:
    """Return why no vision transformer of a library has these features, None if one may."""
    if backbone.out_type == 'cls_token':
        return None
    if backbone.out_type != 'avg_featmap' or library == 'torchvision':
        return f"{library}'s vision transformers do not return out_type='{backbone.out_type}'"
    if backbone.final_norm:
        return (
            "out_type='avg_featmap' with final_norm=True normalises tokens and then their average, "
            "timm's vision transformers one of the two"
        )
    return None
