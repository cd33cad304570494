"""The rows of the catalogue, data only; a lead, not a promise: no repository could be asked while it was written.

Ids, layouts and figures come from stored copies of the repositories' pages and, where those were silent, from what
is commonly known of them; the first download holds whatever is really there to account (see core.checkpoints).

Sizes are those of the safetensors file plus the tokenizer. "Conversion" in a note: the main branch holds a pickle
only, and the weights come from the pull request by which the hub's conversion robot offers safetensors. "OpenCLIP
layout": the repository has open_clip_model.safetensors instead of files that transformers reads by itself.
"""

from __future__ import annotations

from core.model_spec import Bundled, Hub, ModelSpec

_LOADER = "core.clip:load"
_FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
_BPE = ("tokenizer.json", "vocab.json", "merges.txt")
_OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "processor_config.json")
_CLIP_WAY = "short side to {0} px, centre crop, mean and deviation of the checkpoint"
_SIGLIP_WAY = "stretched to {0} x {0} px, mean and deviation 0.5"
_CONVERSION = "Weights from the conversion."


def _hub(repo_id: str, *, tokenizer: tuple[str, ...] = _BPE) -> tuple[Hub, ...]:
    return (Hub(repo_id, _FILES, tokenizer, _OPTIONAL),)


def _clip(
    name: str, title: str, repo_id: str, params_m: float, download_mb: float, licence: str, note: str, px: int = 224
) -> ModelSpec:
    """A row of OpenAI's architecture, which most repositories share."""
    return ModelSpec(
        name=name,
        title=title,
        task="image-text",
        family="clip",
        loader=_LOADER,
        sources=_hub(repo_id),
        params_m=params_m,
        download_mb=download_mb,
        licence=licence,
        is_non_commercial=licence.startswith("CC-BY-NC"),
        image_px=px,
        preprocess=_CLIP_WAY.format(px),
        note=note,
        source_url=f"https://huggingface.co/{repo_id}",
    )


def _siglip(
    name: str, title: str, repo_id: str, params_m: float, download_mb: float, note: str, *, px: int, is_second: bool
) -> ModelSpec:
    """A row of the SigLIP family: sigmoid scores, texts of 64 tokens."""
    tokenizer = ("tokenizer.json", "tokenizer.model") if is_second else ("tokenizer.json", "spiece.model")
    return ModelSpec(
        name=name,
        title=title,
        task="image-text",
        family="siglip2" if is_second else "siglip",
        loader=_LOADER,
        sources=_hub(repo_id, tokenizer=tokenizer),
        params_m=params_m,
        download_mb=download_mb,
        licence="Apache-2.0",
        is_non_commercial=False,
        image_px=px,
        preprocess=_SIGLIP_WAY.format(px),
        note=note,
        source_url=f"https://huggingface.co/{repo_id}",
    )


def _sam(
    name: str, title: str, source: Hub, params_m: float, download_mb: float, note: str, *, is_original: bool
) -> ModelSpec:
    """A row of the segment-anything release or of transformers' version of it."""
    return ModelSpec(
        name=name,
        title=title,
        task="promptable-masks",
        family="sam" if is_original else "sam-hf",
        loader="core.sam:load",
        sources=(source,),
        params_m=params_m,
        download_mb=download_mb,
        licence="Apache-2.0",
        is_non_commercial=False,
        image_px=1024,
        preprocess="long side to 1024 px, padded to a square, mean and deviation of ImageNet",
        note=note,
        source_url=f"https://huggingface.co/{source.repo_id}",
    )


def _sam_file(size: str, digits: str) -> Hub:
    """One of the release's three files, which share a repository."""
    return Hub("ybelkada/segment-anything", (f"checkpoints/sam_vit_{size}_{digits}.pth",), part=f"vit-{size}")


_POCKET = ModelSpec(
    name="pocket-clip",
    title="Pocket CLIP",
    task="image-text",
    family="pocket",
    loader=_LOADER,
    # `python -m core hash assets/models/pocket-clip` prints what belongs into the braces.
    sources=(
        Bundled(
            "pocket-clip",
            {
                "calibration.json": "63b7a2798da6b256d5d29a3066af11bba454cafa513d97e84503323b5a0748fe",
                "calibration.safetensors": "082a38350f8f9cf7cec21170adf23acc330e1bc16b3f5744c617cfa9fec0d775",
                "card.json": "d92cc90bcfa3f211cbde45b33636a54f6e0ffd7abb1f3027c62d103bd104479e",
                "config.json": "802c8a346bcc8dd9f8aaef3c8cd3b5599ba2d8d889a1e4d545166ce6c2b00069",
                "model.safetensors": "54f761a6073c69991636b68045f2697f8ca190a489e1dfa788ebfaad4e0c9533",
                "preprocessor_config.json": "df1ee728b52c0e21ef6f149e1707b319d4880bb4e342c4cb4967670d9601be79",
                "processor_config.json": "dda7f680eaa3e9a8cebc0eb849d71340043802e20e966fa17241b4a9054550fc",
                "tokenizer.json": "dbe2a551e484fc88764faf04e512164e12ebf29e0672b169bab9d8ceb7d77173",
                "tokenizer_config.json": "8b39c11b9e769e24947b8c128580a64a338a53263f39904afca41a4869fe840f",
            },
        ),
    ),
    params_m=13.6,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=80,
    preprocess="the whole picture squashed to 80 x 80 px",
    note="Comes with the hub and works offline. A tiny model: best with 3 to 10 distinct everyday labels.",
    source_url="",
)

_POCKET_SAM = ModelSpec(
    name="pocket-sam",
    title="Pocket SAM",
    task="promptable-masks",
    family="pocket-sam",
    loader="core.sam:load",
    sources=(
        Bundled(
            "pocket-sam",
            {
                "card.json": "2a798577aef88b4d586f900e2a51ac0b5b96767cad02ddbc224d27897d3918aa",
                "config.json": "5b0fd81c5eaa49319820177c41ba56f079cdebd69343b6e996dc304a5453718c",
                "model.safetensors": "dfcc3ac6f4cc11cf3199f973b4510918f6b3a3c8ea8eb678a7e91cc77bf1569d",
            },
        ),
    ),
    params_m=1.5,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=192,
    preprocess="long side to 192 px, padded to a square",
    note="Comes with the hub and works offline. A tiny model: outlines distinct things; take SAM ViT-B for photos.",
    source_url="",
)

_POCKET_LIGHT = ModelSpec(
    name="pocket-light",
    title="Pocket Light",
    task="illumination",
    family="pocket-light",
    loader="core.light:load",
    sources=(
        Bundled(
            "pocket-light",
            {
                "card.json": "975d588cad63d03ca4a2d18045aeecde94892a062f25692b2968cd0624f7457f",
                "clip-lit-latent.safetensors": "3b9ea4d09f0b2289358988b193d182a609cb6e65aad2e77a194f86fa2f4da6b4",
                "clip-lit.safetensors": "f561734a8b3eadcb260fb52f57f6ab9e8024abc8de334729c965f2f07bc39ef9",
                "config.json": "b6070efb806ccdb4073d3183d9c24580229e6fb69ae45111644bae688abe687a",
                "direction.safetensors": "acd0207bbb9da42bb90b86c7b44196edd742ff04a0e96849f159b955f63d0b77",
                "rave.safetensors": "eafea2c45aa07ab0b5b98b68da1b2606d337ee9ac6d6a7735e77a057287b2c6a",
            },
        ),
    ),
    params_m=0.84,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=28,
    preprocess="long side to 28 px; the map is drawn along the photo's edges at full size",
    note="Comes with the hub and works offline. Three tiny networks: they see dark subjects, not what those are.",
    source_url="",
)

_POCKET_DENOISE = ModelSpec(
    name="pocket-denoise",
    title="Pocket Denoise",
    task="denoising",
    family="pocket-denoise",
    loader="core.light_denoise:load",
    sources=(
        Bundled(
            "pocket-denoise",
            {
                "card.json": "1e786664743c7a2cc4e9a27237fc612f65b94fe6223e8474c8dc14e3b2dd1c36",
                "config.json": "174e3a783c961916637084596edd3147d8da1e004f85841f2797f56e00ab2269",
                "model.safetensors": "66ab50e1d3b43bd4955e5d57d1469e58ec89a7b578eb869743cf2bf8c5df0185",
            },
        ),
    ),
    params_m=0.18,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=256,
    preprocess="tiles of 256 px at full size, with the noise of each pixel",
    note="Comes with the hub and works offline. A tiny diffusion model for the noise of lifted shadows.",
    source_url="",
)

_POCKET_DIFFDIS = ModelSpec(
    name="pocket-diffdis",
    title="Pocket DiffDis",
    task="text-diffusion",
    family="pocket-diffdis",
    loader="core.diffusion_text:load",
    sources=(
        Bundled(
            "pocket-diffdis",
            {
                "card.json": "30a98719d6e5e955127e45db949dacd0ce63071b559cae19795b19356424d18e",
                "config.json": "0d6cf91b633caf6a270b6fb3292a5a806e75a719589c43e7cbbf9ce986f7284d",
                "model.safetensors": "0950d6d9d112a97e115a5c3400c78b1b7921388907ee98b504156d9bef556027",
            },
        ),
    ),
    params_m=0.92,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=80,
    preprocess="embeddings by Pocket CLIP",
    note="Comes with the hub and works offline. Draws the text that a picture denoises to, for Pocket CLIP.",
    source_url="",
)

_POCKET_SEP = ModelSpec(
    name="pocket-sep",
    title="Pocket Sep",
    task="sound-separation",
    family="pocket-sep",
    loader="core.sep:load",
    sources=(
        Bundled(
            "pocket-sep",
            {
                "card.json": "71faf51f6aaa17d7df46539de0dfec03a3f2571a00fb7eb465f2538586d37065",
                "config.json": "c63655605a62cb52f985d50a00076ee4bac61ae335f8588583943b070a78d339",
                "model.safetensors": "558d6a06b504049b45977ec44730b5aabe8b95a063df74427242ac9ec19fbdf4",
            },
        ),
    ),
    params_m=1.83,
    download_mb=0,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=256,
    preprocess="16 kHz, windows of 64 ms every 16 ms, 256 rows on a logarithmic scale, 4.1 s at a time",
    note="Comes with the hub and works offline. A tiny model: two or three distinct sounds among the 71 it knows.",
    source_url="",
)

_CLAP = ModelSpec(
    name="clap-htsat-unfused",
    title="CLAP HTSAT (LAION)",
    task="sound-text",
    family="clap",
    loader="core.clap:load",
    sources=_hub("laion/clap-htsat-unfused"),
    params_m=153.5,
    download_mb=617,
    licence="Apache-2.0",
    is_non_commercial=False,
    image_px=256,
    preprocess="48 kHz, 64 mel bands, ten seconds at a time",
    note=f"A second opinion: says how much a separated sound is what was named. {_CONVERSION}",
    source_url="https://huggingface.co/laion/clap-htsat-unfused",
)

_DIFFUSERS = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)


def _latent(
    name: str,
    title: str,
    repo_id: str,
    params_m: float,
    download_mb: float,
    licence: str,
    note: str,
    px: int = 256,
    *,
    is_editor: bool = False,
) -> ModelSpec:
    """A row of a latent diffusion in diffusers' layout; an editor takes a picture beside the noise."""
    optional = ("tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json")
    return ModelSpec(
        name=name,
        title=title,
        task="picture-editing" if is_editor else "latent-diffusion",
        family="diffusers",
        loader="core.diffusion_latent:load",
        sources=(Hub(repo_id, _DIFFUSERS, optional=optional),),
        params_m=params_m,
        download_mb=download_mb,
        licence=licence,
        is_non_commercial=False,
        image_px=px,
        preprocess=f"a square of {px} px, 0 to 255 as -1 to 1",
        note=note,
        source_url=f"https://huggingface.co/{repo_id}",
    )


_OPENAI_NOTE = "Trained by OpenAI on 400 million pairs; its card advises against deployment without tests of your own."

_PTH_NOTE = "In segment-anything's own layout: a pickle, of which only tensors are read."

ROWS: tuple[ModelSpec, ...] = (
    _POCKET,
    _clip(
        "clip-vit-b-32",
        "CLIP ViT-B/32 (OpenAI)",
        "openai/clip-vit-base-patch32",
        151.3,
        609,
        "MIT",
        f"The usual first choice. {_OPENAI_NOTE} {_CONVERSION}",
    ),
    _clip(
        "clip-vit-b-16",
        "CLIP ViT-B/16 (OpenAI)",
        "openai/clip-vit-base-patch16",
        149.6,
        603,
        "MIT",
        f"Sees finer detail than B/32 at four times its time. {_OPENAI_NOTE} {_CONVERSION}",
    ),
    _clip(
        "clip-vit-l-14",
        "CLIP ViT-L/14 (OpenAI)",
        "openai/clip-vit-large-patch14",
        427.6,
        1714,
        "MIT",
        _OPENAI_NOTE,
    ),
    _clip(
        "clip-vit-l-14-336",
        "CLIP ViT-L/14 at 336 px (OpenAI)",
        "openai/clip-vit-large-patch14-336",
        427.9,
        1716,
        "MIT",
        f"The sharpest of OpenAI's. {_OPENAI_NOTE} {_CONVERSION}",
        px=336,
    ),
    _clip(
        "laion2b-vit-b-32",
        "CLIP ViT-B/32 (LAION-2B)",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        151.3,
        609,
        "MIT",
        "Trained on open data. ImageNet by name 66.6 % (publisher).",
    ),
    _clip(
        "laion2b-vit-b-16",
        "CLIP ViT-B/16 (LAION-2B)",
        "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
        149.6,
        603,
        "MIT",
        "Trained on open data. OpenCLIP layout.",
    ),
    _clip(
        "laion2b-vit-l-14",
        "CLIP ViT-L/14 (LAION-2B)",
        "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
        427.6,
        1714,
        "MIT",
        "Trained on open data. Normalises with mean and deviation 0.5, unlike its siblings.",
    ),
    _clip(
        "laion2b-vit-h-14",
        "CLIP ViT-H/14 (LAION-2B)",
        "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
        986.1,
        3948,
        "MIT",
        "Trained on open data; 3.8 GB of memory in float32.",
    ),
    _clip(
        "datacomp-vit-b-32-256",
        "CLIP ViT-B/32 at 256 px (DataComp)",
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        151.3,
        609,
        "MIT",
        "Better data for the same size: ImageNet by name 72.8 % (publisher). OpenCLIP layout.",
        px=256,
    ),
    _clip(
        "datacomp-vit-l-14",
        "CLIP ViT-L/14 (DataComp)",
        "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
        427.6,
        1714,
        "MIT",
        "ImageNet by name 79.2 % (publisher).",
    ),
    _clip(
        "tinyclip-8m",
        "TinyCLIP 8M/16",
        "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M",
        23.4,
        96,
        "MIT",
        "The smallest to download. ImageNet by name 41.1 % (publisher).",
    ),
    _clip(
        "tinyclip-39m",
        "TinyCLIP 39M/16",
        "wkcn/TinyCLIP-ViT-39M-16-Text-19M-YFCC15M",
        83.1,
        335,
        "MIT",
        f"ImageNet by name 63.5 % (publisher) at half of B/16. {_CONVERSION}",
    ),
    _siglip(
        "siglip-base",
        "SigLIP base",
        "google/siglip-base-patch16-224",
        203.2,
        816,
        "Scores each label by itself, so several may apply or none.",
        px=224,
        is_second=False,
    ),
    _siglip(
        "siglip2-base",
        "SigLIP 2 base",
        "google/siglip2-base-patch16-224",
        375.2,
        1536,
        "Reads many languages; scores each label by itself.",
        px=224,
        is_second=True,
    ),
    _siglip(
        "siglip2-so400m",
        "SigLIP 2 so400m at 384 px",
        "google/siglip2-so400m-patch14-384",
        1136.0,
        4583,
        "The best of these on most tests; needs a memory budget above 4,400 MiB in float32.",
        px=384,
        is_second=True,
    ),
    _clip(
        "metaclip-b-32",
        "MetaCLIP B/32",
        "facebook/metaclip-b32-400m",
        151.3,
        607,
        "CC-BY-NC-4.0",
        f"OpenAI's recipe for data, rebuilt: ImageNet by name 65.5 % (publisher). {_CONVERSION}",
    ),
    _clip(
        "metaclip-b-16",
        "MetaCLIP B/16",
        "facebook/metaclip-b16-400m",
        149.6,
        601,
        "CC-BY-NC-4.0",
        f"ImageNet by name 70.8 % (publisher). {_CONVERSION}",
    ),
    _clip(
        "metaclip-l-14",
        "MetaCLIP L/14",
        "facebook/metaclip-l14-fullcc2.5b",
        427.6,
        1712,
        "CC-BY-NC-4.0",
        f"Trained on 2.5 billion pairs. {_CONVERSION}",
    ),
    _clip(
        "longclip-l-14",
        "Long-CLIP L/14",
        "zer0int/LongCLIP-L-Diffusers",
        427.7,
        1714,
        "MIT",
        "Reads texts of up to 248 tokens, three times as long as CLIP's.",
    ),
    ModelSpec(
        name="chinese-clip-b-16",
        title="Chinese-CLIP B/16",
        task="image-text",
        family="chinese-clip",
        loader=_LOADER,
        sources=_hub("OFA-Sys/chinese-clip-vit-base-patch16", tokenizer=("vocab.txt", "tokenizer.json")),
        params_m=188.3,
        download_mb=753,
        licence="MIT",
        is_non_commercial=False,
        image_px=224,
        preprocess="stretched to 224 x 224 px, mean and deviation of the checkpoint",
        note=f"For labels in Chinese. {_CONVERSION}",
        source_url="https://huggingface.co/OFA-Sys/chinese-clip-vit-base-patch16",
    ),
    ModelSpec(
        name="altclip",
        title="AltCLIP",
        task="image-text",
        family="altclip",
        loader=_LOADER,
        sources=_hub("BAAI/AltCLIP", tokenizer=("tokenizer.json", "sentencepiece.bpe.model")),
        params_m=864.0,
        download_mb=3482,
        licence="CreativeML-OpenRAIL-M",
        is_non_commercial=False,
        image_px=224,
        preprocess=_CLIP_WAY.format(224),
        note=f"English and Chinese labels. Its licence forbids some uses. {_CONVERSION}",
        source_url="https://huggingface.co/BAAI/AltCLIP",
    ),
    _POCKET_SAM,
    _sam(
        "sam-vit-b",
        "SAM ViT-B",
        Hub("facebook/sam-vit-base", ("config.json", "model.safetensors")),
        93.7,
        375,
        "Outlines anything in a photo; encodes a picture in about 15 s on two CPU cores, once.",
        is_original=False,
    ),
    _sam(
        "sam-vit-l",
        "SAM ViT-L",
        Hub("facebook/sam-vit-large", ("config.json", "model.safetensors")),
        312.3,
        1250,
        "Finer outlines than ViT-B; for a GPU.",
        is_original=False,
    ),
    _sam(
        "sam-vit-h",
        "SAM ViT-H",
        Hub("facebook/sam-vit-huge", ("config.json", "model.safetensors")),
        641.1,
        2565,
        "The best of the three; for a GPU.",
        is_original=False,
    ),
    _sam(
        "sam-vit-b-original",
        "SAM ViT-B (release file)",
        _sam_file("b", "01ec64"),
        93.7,
        375,
        f"The same weights as SAM ViT-B. {_PTH_NOTE}",
        is_original=True,
    ),
    _sam(
        "sam-vit-l-original",
        "SAM ViT-L (release file)",
        _sam_file("l", "0b3195"),
        312.3,
        1250,
        f"The same weights as SAM ViT-L. {_PTH_NOTE}",
        is_original=True,
    ),
    _sam(
        "sam-vit-h-original",
        "SAM ViT-H (release file)",
        _sam_file("h", "4b8939"),
        641.1,
        2565,
        f"The same weights as SAM ViT-H. {_PTH_NOTE}",
        is_original=True,
    ),
    _POCKET_LIGHT,
    _POCKET_DENOISE,
    _POCKET_SEP,
    _CLAP,
    _POCKET_DIFFDIS,
    _latent(
        "bk-sdm-tiny",
        "BK-SDM Tiny",
        "nota-ai/bk-sdm-tiny",
        530.0,
        2120,
        "CreativeML-OpenRAIL-M",
        "A small Stable Diffusion; as a judge it ranks CLIP's best labels anew, minutes a picture on a CPU.",
    ),
    _latent(
        "stable-diffusion-v1-5",
        "Stable Diffusion 1.5",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        1066.2,
        4266,
        "CreativeML-OpenRAIL-M",
        "What the Diffusion Classifier was measured with, in its version 2; for a GPU.",
    ),
    _latent(
        "instruct-pix2pix",
        "InstructPix2Pix",
        "timbrooks/instruct-pix2pix",
        1066.2,
        4266,
        "MIT",
        "Draws a photo anew by an instruction: every pixel is invented. For a GPU; many minutes on a CPU.",
        384,
        is_editor=True,
    ),
)
