"""Tiny random checkpoints of every image-text family, saved as real folders that transformers loads.

The networks have random weights of a healthy size (activations of order one, so that different pictures get
different embeddings), the tokenizers are real ones of the same classes as the published checkpoints, built from
a short word list. No file of anybody else's is copied.

    folder = tiny_clip.save("siglip", tmp_path)          # config.json, model.safetensors, tokenizer, preprocessor
    encoder = core.clip.load(folder, tiny_clip.spec("siglip"), device="cpu", dtype="float32", job=None)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.random_checkpoints import bpe, clip_tokenizer, fill_randomly, siglip_tokenizer
from core.catalog import Family, ModelSpec

IMAGE_PX = 32
PATCH_PX = 8
_TEXT = (
    "a an the of and in on with photo picture drawing close up good bad small large red green blue yellow black white "
    "cat dog bird fish horse cow car bus train plane boat ship mug cup teapot lamp chair table apple banana guitar "
    "duck frog deer truck tree flower house street sky this is what where animal object thing kind blurry bright dark"
)
WORDS = _TEXT.split()
CHINESE = "一只猫狗鸟鱼马牛车船照片红绿蓝黄黑白的"


def spec(family: Family, name: str = "") -> ModelSpec:
    """A catalogue row for a tiny checkpoint; its folder is handed to the loader, so it has no source."""
    return ModelSpec(
        name=name or f"tiny-{family}",
        title=f"Tiny {family}",
        task="image-text",
        family=family,
        loader="core.clip:load",
        sources=(),
        params_m=0.1,
        download_mb=0.0,
        licence="Apache-2.0",
        is_non_commercial=False,
        image_px=IMAGE_PX,
        preprocess="as the checkpoint says",
        note="Random weights, for tests.",
        source_url="",
    )


def _gemma_tokenizer() -> Any:
    from transformers import GemmaTokenizer

    alphabet = [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", *"abcdefghijklmnopqrstuvwxyz.,"]
    pieces, merges = bpe([f"▁{word}" for word in WORDS], "", alphabet)
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *alphabet, *pieces]
    vocab = {token: number for number, token in enumerate(tokens)}
    return GemmaTokenizer(
        vocab=vocab, merges=merges, model_max_length=64, model_input_names=["input_ids"], padding_side="right"
    )


def _bert_tokenizer(model_max_length: int) -> Any:
    from transformers import BertTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz.,!?0123456789"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *CHINESE]
    tokens += [letter for letter in letters if letter not in tokens] + [f"##{letter}" for letter in letters]
    vocab = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return BertTokenizer(vocab=vocab, model_max_length=model_max_length)


def _xlm_tokenizer() -> Any:
    from transformers import XLMRobertaTokenizer

    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    words = [(f"▁{word}", -4.0) for word in WORDS]
    letters = [(letter, -9.0) for letter in "▁bcdefghijklmnopqrstuvwxyz.,"]
    vocab = [*special, *words, *letters, ("<mask>", 0.0)]
    return XLMRobertaTokenizer(vocab=vocab, model_max_length=77)


def _tower(**more: Any) -> dict[str, Any]:
    return {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, **more}


def _vision(**more: Any) -> dict[str, Any]:
    return _tower(image_size=IMAGE_PX, patch_size=PATCH_PX, **more)


def _clip_pixels() -> Any:
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(size={"shortest_edge": IMAGE_PX}, crop_size={"height": IMAGE_PX, "width": IMAGE_PX})


def _legal_ids(vocab_size: int) -> dict[str, int]:
    """Sizes of a small vocabulary with start and end ids inside it (the defaults of SigLIP lie outside)."""
    return {"vocab_size": vocab_size, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}


def _clip(folder: Path) -> tuple[Any, Any]:
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor

    tokenizer = clip_tokenizer(1000, WORDS, model_max_length=24)
    ids = {"bos_token_id": 998, "eos_token_id": 999, "pad_token_id": 999}
    text = _tower(vocab_size=1000, max_position_embeddings=24, **ids)
    config = CLIPConfig(text_config=text, vision_config=_vision(hidden_act="gelu"), projection_dim=16)
    return CLIPModel(config), CLIPProcessor(_clip_pixels(), tokenizer)


def _siglip(folder: Path) -> tuple[Any, Any]:
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipProcessor

    tokenizer = siglip_tokenizer(folder, WORDS, model_max_length=16)
    text = _tower(max_position_embeddings=16, **_legal_ids(400))
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=_vision()))
    pixels = SiglipImageProcessor(size={"height": IMAGE_PX, "width": IMAGE_PX})
    return model, SiglipProcessor(pixels, tokenizer)


def _siglip2(folder: Path) -> tuple[Any, Any]:
    """SigLIP 2 of fixed resolution: SigLIP's classes with Gemma's tokenizer, as google/siglip2-base-patch16-224."""
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipProcessor

    tokenizer = _gemma_tokenizer()
    text = _tower(max_position_embeddings=64, **_legal_ids(len(tokenizer)))
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=_vision()))
    pixels = SiglipImageProcessor(size={"height": IMAGE_PX, "width": IMAGE_PX}, image_mean=[0.5] * 3, resample=2)
    return model, SiglipProcessor(pixels, tokenizer)


def _chinese_clip(folder: Path) -> tuple[Any, Any]:
    from transformers import ChineseCLIPConfig, ChineseCLIPImageProcessor, ChineseCLIPModel, ChineseCLIPProcessor

    tokenizer = _bert_tokenizer(model_max_length=52)
    text = _tower(vocab_size=len(tokenizer), max_position_embeddings=64)
    model = ChineseCLIPModel(ChineseCLIPConfig(text_config=text, vision_config=_vision(), projection_dim=16))
    square = {"height": IMAGE_PX, "width": IMAGE_PX}
    return model, ChineseCLIPProcessor(ChineseCLIPImageProcessor(size=square, do_center_crop=False), tokenizer)


def _altclip(folder: Path) -> tuple[Any, Any]:
    from transformers import AltCLIPConfig, AltCLIPModel, AltCLIPProcessor

    tokenizer = _xlm_tokenizer()
    text = _tower(vocab_size=len(tokenizer), max_position_embeddings=66, project_dim=24)
    model = AltCLIPModel(AltCLIPConfig(text_config=text, vision_config=_vision(), projection_dim=16))
    return model, AltCLIPProcessor(_clip_pixels(), tokenizer)


def _pocket(folder: Path) -> tuple[Any, Any]:
    """The shape of the bundled pocket model: a ConvNeXt V2 image tower beside a BERT text tower."""
    from transformers import (
        BertConfig,
        ConvNextV2Config,
        VisionTextDualEncoderConfig,
        VisionTextDualEncoderModel,
        VisionTextDualEncoderProcessor,
    )

    tokenizer = _bert_tokenizer(model_max_length=32)
    # The dual encoder asks its image tower for hidden_size, which ConvNets call hidden_sizes[-1].
    vision = ConvNextV2Config(hidden_sizes=[8, 16, 32], depths=[1, 1, 1], num_stages=3, patch_size=2, hidden_size=32)
    text = BertConfig(**_tower(vocab_size=len(tokenizer), max_position_embeddings=32))
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=16)
    return VisionTextDualEncoderModel(config), VisionTextDualEncoderProcessor(_clip_pixels(), tokenizer)


BUILDERS: dict[Family, Callable[[Path], tuple[Any, Any]]] = {
    "clip": _clip,
    "siglip": _siglip,
    "siglip2": _siglip2,
    "chinese-clip": _chinese_clip,
    "altclip": _altclip,
    "pocket": _pocket,
}
FAMILIES: tuple[Family, ...] = tuple(BUILDERS)


def save(family: Family, folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny random checkpoint of one family.

    Args:
        family: One of ``FAMILIES``.
        folder: Where it goes; made if it is missing.
        seed: Seed of the weights.

    Returns:
        ``folder``, with config.json, model.safetensors, tokenizer and preprocessor files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, processor = BUILDERS[family](folder)
    fill_randomly(dict(model.named_parameters()), seed)
    model.save_pretrained(folder)
    # Hubs publish preprocessor_config.json, the older layout; save_pretrained of a processor writes another one.
    processor.image_processor.save_pretrained(folder)
    processor.tokenizer.save_pretrained(folder)
    return folder
