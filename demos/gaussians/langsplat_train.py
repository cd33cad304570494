"""LangSplat's own way to a language field: an autoencoder down to three numbers, then three channels trained by view.

Qin et al. 2024 (arXiv:2312.16084) and its code, from the formulas: encoder D-256-128-64-32-3 with batch norm and ReLU
before each layer but the first, output on the unit sphere; decoder 3-16-32-64-128-256-256-D with ReLU between, output
of unit length; loss = MSE + 0.001 (1 - cosine), Adam. Then one field a level: (N, 3) from zeros, every row scaled to
unit length when it is drawn, loss = mean |drawn - code| over the pixels that lie in a mask, Adam with rate 0.0025,
geometry and colours untouched. The picture is linear in what is drawn (W_v): nothing is rasterised anew.

Every mask of every photo is embedded by itself, cut out of its photo, and what lies inside what is decided in each
photo alone: nothing of the groups in space that the uplifted field rests on.

What differs: the cosine is taken row by row (LangSplat's code takes it across the batch); masks come without SAM's
three outputs, so that their nesting makes the levels; a pixel that a fine level leaves open takes the next coarser
one's mask; and some thousand views are looked at rather than 30,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.tasks import Job
from demos.gaussians.field import LEVELS, LanguageField, Objects
from demos.gaussians.groups import nested
from demos.gaussians.masks import PhotoMasks
from demos.gaussians.progress import Portion, silent
from demos.gaussians.regions import cut_out, enlarged
from demos.gaussians.scene import Floats
from demos.gaussians.weights import ViewWeights

if TYPE_CHECKING:
    from torch import nn

CODE: Final = 3
ENCODER: Final = (256, 128, 64, 32, CODE)
DECODER: Final = (16, 32, 64, 128, 256, 256)
RATE: Final = 7e-4
COSINE_SHARE: Final = 1e-3
BATCH: Final = 64
FIELD_RATE: Final = 2.5e-3
AE_STEPS: Final = 3_000
FIELD_STEPS: Final = 1_000  # views a level
_CUT_OUTS: Final = 64  # embedded at a time
_EPSILON: Final = 1e-9


def autoencoder(width: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder and decoder for embeddings of ``width`` numbers; the names of their weights are LangSplat's."""
    from torch import nn

    encoder: list[nn.Module] = []
    for number, (before, after) in enumerate(zip((width, *ENCODER[:-1]), ENCODER, strict=True)):
        encoder += [nn.BatchNorm1d(before), nn.ReLU()] if number else []
        encoder.append(nn.Linear(before, after))
    decoder: list[nn.Module] = []
    for number, (before, after) in enumerate(zip((CODE, *DECODER), (*DECODER, width), strict=True)):
        decoder += [nn.ReLU()] if number else []
        decoder.append(nn.Linear(before, after))
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def train_autoencoder(
    table: Floats, *, steps: int = AE_STEPS, seed: int = 42, job: Job | None = None
) -> tuple[Floats, dict[str, Floats]]:
    """Learn codes for a table of embeddings.

    Args:
        table: (G, D) float32, unit norm, at least one row.
        steps: Of Adam, at most 64 rows each.
        seed: Of weights and batches.
        job: Told the steps done; asked for Cancel between them.

    Returns:
        (G, 3) float32 unit codes, and the decoder's weights by LangSplat's names (``decoder.0.weight``, ...).
    """
    import torch
    from torch.nn.functional import cosine_similarity, mse_loss, normalize

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = autoencoder(table.shape[1])
    rows = torch.from_numpy(np.ascontiguousarray(table, np.float32))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE, fused=True)
    for step in range(steps):
        if job is not None and step % 10 == 0:
            job.step("running", step, steps, unit="steps")
        # Batch norm needs two rows; of a small table all go in at once, twice if need be.
        chosen = torch.randperm(len(rows), generator=generator)[:BATCH]
        batch = rows[chosen] if len(chosen) > 1 else rows.repeat(2, 1)
        found = normalize(decoder(normalize(encoder(batch), dim=1)), dim=1)
        loss = mse_loss(found, batch) + COSINE_SHARE * (1 - cosine_similarity(found, batch, dim=1).mean())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    encoder.eval()
    with torch.inference_mode():
        codes = normalize(encoder(rows), dim=1).numpy()
    weights: dict[str, Any] = {f"decoder.{name}": tensor for name, tensor in decoder.state_dict().items()}
    return codes, {name: tensor.numpy().astype(np.float32) for name, tensor in weights.items()}


def train_codes(
    views: Sequence[ViewWeights],
    pictures: Sequence[Floats],
    masks: Sequence[NDArray[np.bool_]],
    *,
    steps: int = FIELD_STEPS,
    seed: int = 42,
    job: Job | None = None,
) -> Floats:
    """Train the codes of the Gaussians at one level.

    Args:
        views: Weights of each view.
        pictures: (H, W, 3) float32 codes of each view.
        masks: (H, W) bool, where a picture counts.
        steps: Views looked at.
        seed: Of their order.
        job: Told the views done; asked for Cancel between them.

    Returns:
        (N, 3) float32, unit length; zeros where no view ever pulled.
    """
    rng = np.random.default_rng(seed)
    codes = np.zeros((views[0].gaussian_count, CODE), np.float32)
    first, second = np.zeros_like(codes), np.zeros_like(codes)
    for step in range(steps):
        if job is not None:
            job.step("running", step, steps, unit="views")
        at = int(rng.integers(len(views)))
        lengths = np.linalg.norm(codes, axis=1, keepdims=True) + np.float32(_EPSILON)
        unit = codes / lengths
        off = (views[at].render(unit, job=job) - pictures[at]) * masks[at][..., None]
        pulled = views[at].sums(np.sign(off) / np.float32(off.size), job=job)
        # Without its factor 1 / length: of codes that begin at zero that is 10^9, which Adam's second moment would need
        # LangSplat's 30,000 steps to forget.
        slope = pulled - unit * (unit * pulled).sum(1, keepdims=True)
        first += np.float32(0.1) * (slope - first)
        second += np.float32(0.001) * (slope * slope - second)
        fair = np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        codes -= np.float32(FIELD_RATE * fair) * first / (np.sqrt(second) + np.float32(1e-15))
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return np.where(lengths > _EPSILON, codes / np.maximum(lengths, np.float32(_EPSILON)), np.float32(0.0))


def mask_maps(photo: PhotoMasks) -> NDArray[np.int32]:
    """Which of its masks every pixel of a photo belongs to at every level: (L, h, w) int32, finest first, -1 for none.

    The level of a mask is how many others it lies inside of; of two at one level the better one wins.
    """
    count, height, width = photo.masks.shape
    maps = np.full((len(LEVELS), height, width), -1, np.int32)
    _, levels = nested(photo.masks.reshape(count, -1), np.ones(height * width, np.float32))
    for row in np.argsort(photo.scores, kind="stable"):
        maps[levels[row], photo.masks[row]] = row
    for level in range(len(LEVELS) - 2, -1, -1):
        maps[level] = np.where(maps[level] < 0, maps[level + 1], maps[level])
    return maps


def embed_masks(photo: PhotoMasks, rgb: NDArray[np.uint8], model: ImageTextModel, *, job: Job | None = None) -> Floats:
    """(M, D) float32, unit norm: every mask of a photo (H, W, 3) uint8, cut out with its surroundings hidden."""
    cuts = [cut_out(rgb, enlarged(mask, rgb.shape[:2]), hidden=True) for mask in photo.masks]
    starts = range(0, len(cuts), _CUT_OUTS)
    rows = []
    for start in starts:
        if job is not None:
            job.step("running", start, len(cuts), unit="cut-outs")
        rows.append(model.encode_images(cuts[start : start + _CUT_OUTS], job=silent(job)))
    return np.concatenate(rows)


def train_field(
    views: Sequence[ViewWeights],
    photos: Sequence[PhotoMasks],
    pictures: Sequence[NDArray[np.uint8]],
    model: ImageTextModel,
    *,
    objects: Objects | None = None,
    steps: int = FIELD_STEPS,
    ae_steps: int = AE_STEPS,
    job: Job | None = None,
) -> LanguageField:
    """The field as LangSplat trains it, from masks of photos.

    Args:
        views: Weights of each view, of the size of its masks.
        photos: The masks of each view; some photo has one.
        pictures: (H, W, 3) uint8 the photos.
        model: The encoder.
        objects: What the field carries beside its codes, for clicks and lists.
        steps: Views looked at a level.
        ae_steps: Steps of the autoencoder.
        job: Told what is under way; asked for Cancel.

    Raises:
        InputError: no photo has a mask.
    """
    kept = [number for number, photo in enumerate(photos) if len(photo)]
    if not kept:
        raise InputError("No mask was found in any photo; take other photos, or finer tiles.")
    tables = []
    for done, number in enumerate(kept):
        portion = Portion(job, 30 * done / len(kept), 30 * (done + 1) / len(kept), "masks")
        tables.append(embed_masks(photos[number], pictures[number], model, job=portion))
    codes, decoder = train_autoencoder(np.concatenate(tables), steps=ae_steps, job=Portion(job, 30, 55, "autoencoder"))
    own = np.split(codes, np.cumsum([len(table) for table in tables])[:-1])
    maps = [mask_maps(photos[number]) for number in kept]
    trained = []
    for level, name in enumerate(LEVELS):
        portion = Portion(job, 55 + 15 * level, 70 + 15 * level, f"level {name}")
        masks = [one[level] >= 0 for one in maps]
        wanted = [
            np.where(mask[..., None], rows[one[level]], np.float32(0.0))
            for one, rows, mask in zip(maps, own, masks, strict=True)
        ]
        trained.append(train_codes([views[number] for number in kept], wanted, masks, steps=steps, job=portion))
    field = LanguageField(model.name, LEVELS, codes=np.stack(trained, 1), decoder=decoder, objects=objects)
    return field.validated(views[0].gaussian_count)
