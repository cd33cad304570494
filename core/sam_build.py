"""From a config.json to segment_anything's own Sam at any size, with its ViT encoder or a small convolutional one.

Predictor, prompt encoder, mask decoder and mask generator are segment_anything's. They need of an encoder only that it
has ``img_size`` and maps (N, 3, S, S) to (N, D, g, g); a convolutional one learns from fewer pictures, which
training/pocket_sam/README.md measures. Masks come out at 4 g x 4 g.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segment_anything.modeling import Sam
    from torch import Tensor, nn

PIXEL_MEAN, PIXEL_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of segment_anything, 0 to 255
IOU_HEAD_DEPTH = 3


def build(config: Mapping[str, Any]) -> Sam:
    """A Sam with random weights, in eval mode.

    Args:
        config: ``img_size`` px, ``patch_size`` px (stride of the embedding), ``dim`` (of embedding and decoder),
            ``decoder_mlp``, ``decoder_heads``, ``decoder_depth``, ``mask_in_chans`` and ``encoder``: either
            {"embed_dim", "depth", "num_heads", "mlp_ratio", "window_size", "global_attn_indexes"} (ImageEncoderViT)
            or {"kind": "conv", "widths": channels at strides 4, 8, 16 and 32, "depths": residual blocks at each}.
            Other keys ("thresholds") are not read here.

    Raises:
        KeyError: a size is missing.
        ValueError: sizes that do not fit together.
    """
    from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    _check(config)
    dim, side_px = config["dim"], config["img_size"]
    grid = side_px // config["patch_size"]
    prompts = PromptEncoder(
        embed_dim=dim,
        image_embedding_size=(grid, grid),
        input_image_size=(side_px, side_px),
        mask_in_chans=config["mask_in_chans"],
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(
            depth=config["decoder_depth"],
            embedding_dim=dim,
            mlp_dim=config["decoder_mlp"],
            num_heads=config["decoder_heads"],
        ),
        transformer_dim=dim,
        iou_head_depth=IOU_HEAD_DEPTH,
        iou_head_hidden_dim=dim,
    )
    return Sam(_encoder(config), prompts, decoder, list(PIXEL_MEAN), list(PIXEL_STD)).eval()


def _check(config: Mapping[str, Any]) -> None:
    """What segment_anything would answer with a broken shape deep inside."""
    dim, heads, stride_px = config["dim"], config["decoder_heads"], config["patch_size"]
    if dim % 8 or dim // 2 % heads:
        raise ValueError(f"dim {dim} must be a multiple of 8, and its half one of decoder_heads {heads}")
    if config["img_size"] % stride_px:
        raise ValueError(f"img_size {config['img_size']} must be a multiple of patch_size {stride_px}")
    if config["mask_in_chans"] % 4:
        raise ValueError(f"mask_in_chans {config['mask_in_chans']} must be a multiple of 4")


def _encoder(config: Mapping[str, Any]) -> nn.Module:
    encoder = config["encoder"]
    if encoder.get("kind", "vit") == "conv":
        if config["patch_size"] != 8:
            raise ValueError(f"the conv encoder has stride 8, not {config['patch_size']}")
        return _conv_encoder_class()(config["img_size"], encoder["widths"], encoder["depths"], config["dim"])
    from segment_anything.modeling import ImageEncoderViT
    from torch import nn

    return ImageEncoderViT(
        img_size=config["img_size"],
        patch_size=config["patch_size"],
        embed_dim=encoder["embed_dim"],
        depth=encoder["depth"],
        num_heads=encoder["num_heads"],
        mlp_ratio=encoder["mlp_ratio"],
        out_chans=config["dim"],
        qkv_bias=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=encoder["window_size"],
        global_attn_indexes=tuple(encoder["global_attn_indexes"]),
    )


@lru_cache(maxsize=1)
def _conv_encoder_class() -> type[nn.Module]:
    """The class, made on first use because torch may not be imported before."""
    from segment_anything.modeling.common import LayerNorm2d
    from torch import nn
    from torch.nn import functional

    def unit(width_in: int, width: int, size: int, stride: int = 1) -> nn.Sequential:
        convolution = nn.Conv2d(width_in, width, size, stride, size // 2 if stride < size else 0, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(width))

    class Residual(nn.Module):
        """Two 3x3 convolutions beside the identity (He et al. 2016, arXiv:1512.03385)."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.second = unit(width, width, 3), unit(width, width, 3)
            nn.init.zeros_(self.second.get_parameter("1.weight"))  # the block starts as the identity

        def forward(self, cells: Tensor) -> Tensor:  # (N, C, h, w)
            return functional.relu(cells + self.second(functional.relu(self.first(cells))))

    class ConvEncoder(nn.Module):
        """Residual stages at strides 4 to 32, summed from coarse to fine at stride 8 (Lin et al. 2017, FPN)."""

        def __init__(self, img_size: int, widths: list[int], depths: list[int], dim: int) -> None:
            super().__init__()
            self.img_size = img_size
            stages, before = [], 3
            for place, (width, depth) in enumerate(zip(widths, depths, strict=True)):
                entry = unit(before, width, 4, 4) if place == 0 else unit(before, width, 3, 2)
                stages.append(nn.Sequential(entry, nn.ReLU(), *(Residual(width) for _ in range(depth))))
                before = width
            self.stages = nn.ModuleList(stages)
            self.laterals = nn.ModuleList(nn.Conv2d(width, widths[1], 1) for width in widths[2:])
            self.fuse = Residual(widths[1])
            self.neck = nn.Sequential(nn.Conv2d(widths[1], dim, 1), LayerNorm2d(dim))

        def forward(self, pixels: Tensor) -> Tensor:
            """(N, 3, S, S) normalised -> (N, dim, S / 8, S / 8)."""
            maps = [self.stages[0](pixels)]
            for stage in self.stages[1:]:
                maps.append(stage(maps[-1]))
            fine, size = maps[1], maps[1].shape[-2:]
            for lateral, coarse in zip(self.laterals, maps[2:], strict=True):
                wide = functional.interpolate(lateral(coarse), size=size, mode="bilinear", align_corners=False)
                fine = fine + wide
            return self.neck(self.fuse(fine))

    return ConvEncoder
