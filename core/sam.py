"""A promptable segmenter: points and boxes to masks, or all masks of a picture, from any checkpoint of SAM's design.

The bundled pocket model, the segment-anything release and transformers' version of it all become segment_anything's
``Sam``; what is computed here is the same for all. A picture is encoded once and kept by its content, so that a click
costs one pass of the small decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import sam_decoder
from core.device import exclusive
from core.embedding_cache import EmbeddingCache, image_key
from core.errors import InputError
from core.memory import give_back_memory
from core.model_spec import ModelSpec
from core.sam_automatic import AutomaticOptions, Scene, Thresholds, generate, points_per_batch, stability_of
from core.sam_build import PIXEL_MEAN, PIXEL_STD
from core.sam_files import read_sam
from core.sam_masks import Floats, Frame, MaskSet, Prompt, PromptMasks, boxes_of, grown
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AutomaticOptions", "MaskSet", "Prompt", "PromptMasks", "PromptableSam", "Thresholds", "load"]

Rgb = NDArray[np.uint8]  # (H, W, 3), upright sRGB
KEPT_PICTURES = 4  # embeddings held, the least recently used goes: 4 MB each for the released models
MAX_POINTS = 256  # of one prompt: attention grows with them


class PromptableSam:
    """Prompts to masks on one device; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
        thresholds: Of its automatic masks.
        image_px: Side of the square that a picture is fitted into.
        low_px: Side of the grid of mask logits.
    """

    def __init__(self, name: str, sam: Any, thresholds: Thresholds, *, device: str = "cpu") -> None:
        """Wrap a loaded ``Sam``; :func:`load` is the usual way."""
        self.name = name
        self.size_bytes = sum(t.numel() * t.element_size() for t in (*sam.parameters(), *sam.buffers()))
        self.thresholds = thresholds
        self.image_px = int(sam.image_encoder.img_size)
        self.low_px = int(sam.prompt_encoder.mask_input_size[0])
        embedding_bytes = 4 * sam.prompt_encoder.embed_dim * (self.low_px // 4) ** 2
        self.cache = EmbeddingCache(KEPT_PICTURES * (embedding_bytes + 1024))
        self._sam = sam
        self._device = device
        self._running_job: Job | None = None
        self._check_between_layers()

    def embed(self, image: Rgb, *, job: Job | None = None) -> None:
        """Encode a picture now, so that the first prompt is as fast as the others.

        Args:
            image: (H, W, 3) uint8, upright sRGB.
            job: Asked for Cancel between layers.

        Raises:
            ValueError: the picture is not (H, W, 3) uint8.
            Cancelled: the job was cancelled.
        """
        self._embedding(image, job)

    def prompt(self, image: Rgb, prompt: Prompt, *, job: Job | None = None) -> PromptMasks:
        """Masks for one prompt.

        A single point is ambiguous, and the candidate with the best predicted IoU is ``best``. A clear prompt is
        answered by the mask token that was trained for it; it takes the place of the level that it is most alike.

        Args:
            image: (H, W, 3) uint8, upright sRGB.
            prompt: In pixels of the picture.
            job: Asked for Cancel while the picture is encoded.

        Raises:
            InputError: nothing to look at, a point outside the picture, an empty box, or too many points.
            ValueError: arrays of wrong shapes.
            Cancelled: the job was cancelled.
        """
        frame = self._frame(image)
        _check_prompt(prompt, frame.size_hw, self.low_px)
        embedding = self._embedding(image, job)
        logits, iou = self._answers(embedding, frame, [prompt], slice(0, 4), job)
        logits, iou, best = _levels(logits[0], iou[0], prompt.is_ambiguous)
        masks = grown(logits, frame)
        order = np.argsort(masks.sum((1, 2)), kind="stable")
        return PromptMasks(masks[order], iou[order], logits[order], int(np.flatnonzero(order == best)[0]))

    def prompt_many(self, image: Rgb, prompts: Sequence[Prompt], *, job: Job | None = None) -> MaskSet:
        """The best mask of each of many prompts, in batches; nothing is filtered, row i answers prompt i.

        Args:
            image: (H, W, 3) uint8, upright sRGB.
            prompts: In pixels of the picture.
            job: Told ``done`` of ``total`` prompts; asked for Cancel before each batch.

        Raises:
            InputError: as for :meth:`prompt`.
            Cancelled: the job was cancelled.
        """
        frame = self._frame(image)
        for prompt in prompts:
            _check_prompt(prompt, frame.size_hw, self.low_px)
        embedding = self._embedding(image, job)
        rows, columns = frame.low_hw
        logits = np.zeros((len(prompts), rows, columns), np.float32)
        iou = np.zeros(len(prompts), np.float32)
        for done, batch in self._alike(prompts, embedding, frame):
            if job is not None:
                job.step("running", done, len(prompts), unit="prompts", note=self.name)
            levels = sam_decoder.LEVELS if prompts[batch[0]].is_ambiguous else sam_decoder.SINGLE
            found, guesses = self._answers(embedding, frame, [prompts[i] for i in batch], levels, job)
            best = guesses.argmax(1)
            logits[batch] = found[np.arange(len(batch)), best, :rows, :columns]
            iou[batch] = guesses[np.arange(len(batch)), best]
        points = [p.points_xy[0] if len(p.points_xy) == 1 else np.full(2, np.nan) for p in prompts]
        point_xy = np.array(points, np.float32).reshape(-1, 2)
        return MaskSet(frame.size_hw, logits, iou, _stability(logits), boxes_of(logits, frame), point_xy, frame)

    def automatic(
        self,
        image: Rgb,
        options: AutomaticOptions | None = None,
        *,
        points_xy: Floats | None = None,
        job: Job | None = None,
    ) -> MaskSet:
        """All masks of a picture; see :mod:`core.sam_automatic`.

        Args:
            image: (H, W, 3) uint8, upright sRGB.
            options: What counts as a mask; None takes the defaults.
            points_xy: (P, 2) float32 places to ask, in pixels of the picture, in place of the grid.
            job: Told the points done; asked for Cancel before every batch.

        Returns:
            Masks by falling predicted IoU; the same for the same picture and options, always.

        Raises:
            InputError: a point lies outside the picture.
            ValueError: the picture is not (H, W, 3) uint8.
            Cancelled: the job was cancelled.
        """
        frame = self._frame(image)
        if points_xy is not None:
            _check_points(points_xy, frame.size_hw)
        scene = Scene(self._sam, self._embedding(image, job), frame, self._device, self.name)
        return generate(scene, options or AutomaticOptions(), self.thresholds, points_xy=points_xy, job=job)

    def features(self, image: Rgb, *, job: Job | None = None) -> Floats:
        """What the image encoder sees; (h, w, D) float32 over the picture without the padding, a copy."""
        frame = self._frame(image)
        cells = self._embedding(image, job)[0].cpu().numpy()
        rows, columns = (-(-side // 4) for side in frame.low_hw)
        return np.ascontiguousarray(cells[:, :rows, :columns].transpose(1, 2, 0))

    def _frame(self, image: Rgb) -> Frame:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {image.shape} {image.dtype}")
        return Frame((image.shape[0], image.shape[1]), self.image_px, self.low_px)

    def _embedding(self, image: Rgb, job: Job | None) -> Tensor:
        """(1, D, g, g) float32 on the device."""
        import torch

        def compute(_: list[int]) -> Iterator[tuple[int, Floats]]:
            if job is not None:
                job.step("running", note=f"{self.name}: looking at the picture")
            yield 0, self._encode(image, job)

        kept = self.cache.fetch([image_key(image)], compute, job=job)[0]
        return torch.tensor(kept, device=self._device)[None]

    def _encode(self, image: Rgb, job: Job | None) -> Floats:
        """Resize, normalise, pad and encode as ``SamPredictor.set_image``; (D, g, g)."""
        import torch
        from PIL import Image

        height, width = self._frame(image).input_hw
        small = np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
        square = np.zeros((self.image_px, self.image_px, 3), np.float32)
        square[:height, :width] = (small - np.array(PIXEL_MEAN, np.float32)) / np.array(PIXEL_STD, np.float32)
        encoder = self._sam.image_encoder
        dtype = next(encoder.parameters()).dtype
        with exclusive(self._device, job), torch.inference_mode():
            self._running_job = job
            try:
                pixels = torch.from_numpy(square).permute(2, 0, 1)[None].to(self._device, dtype)
                return encoder(pixels)[0].float().cpu().numpy()
            finally:
                self._running_job = None

    def _alike(self, prompts: Sequence[Prompt], embedding: Tensor, frame: Frame) -> Iterator[tuple[int, list[int]]]:
        """Batches of prompts with equally many points, box and mask or not; yields (prompts before it, indices)."""
        size = points_per_batch(Scene(self._sam, embedding, frame, self._device, self.name))
        groups: dict[tuple[int, bool, bool], list[int]] = {}
        for index, prompt in enumerate(prompts):
            kind = (len(prompt.points_xy), prompt.box_xyxy is None, prompt.mask_logits is None)
            groups.setdefault(kind, []).append(index)
        done = 0
        for group in groups.values():
            for start in range(0, len(group), size):
                yield done, group[start : start + size]
                done += len(group[start : start + size])

    def _answers(
        self, embedding: Tensor, frame: Frame, prompts: Sequence[Prompt], which: slice, job: Job | None
    ) -> tuple[Floats, Floats]:
        """Logits (B, M, low_px, low_px) and predicted IoUs (B, M) for prompts of one kind."""
        import torch

        scale_xy = np.array(frame.scale_xy, np.float32)
        first = prompts[0]

        def tensor(rows: list[Floats]) -> Tensor:
            return torch.from_numpy(np.array(rows, np.float32)).to(self._device)

        points = boxes = masks = None
        with exclusive(self._device, job), torch.inference_mode():
            if len(first.points_xy):
                labels = np.array([prompt.point_labels for prompt in prompts], np.int32)
                points = (tensor([p.points_xy * scale_xy for p in prompts]), torch.from_numpy(labels).to(self._device))
            if first.box_xyxy is not None:
                boxes = tensor([np.asarray(p.box_xyxy, np.float32) * np.tile(scale_xy, 2) for p in prompts])
            if first.mask_logits is not None:
                masks = tensor([p.mask_logits[None] for p in prompts if p.mask_logits is not None])
            looked = sam_decoder.look(self._sam, embedding, points=points, boxes=boxes, masks=masks)
            logits = sam_decoder.draw(self._sam, looked, which)
            return logits.cpu().numpy(), looked.predicted_iou[:, which].cpu().numpy()

    def _check_between_layers(self) -> None:
        """Hear Cancel inside the encoder too: one layer of a large one takes seconds on a CPU."""
        from torch import nn

        def check(*_: Any) -> None:
            if self._running_job is not None:
                self._running_job.check()

        for module in self._sam.image_encoder.modules():
            if isinstance(module, nn.ModuleList):
                for layer in module:
                    for part in (layer, *layer.children()):
                        part.register_forward_pre_hook(check)


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> PromptableSam:
    """Load a checkpoint folder of any of the three families.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row of the catalogue.
        device: Where it runs.
        dtype: Number format of the image encoder; the small decoder stays float32, because a coordinate of a point
            in bfloat16 is good to eight pixels of 1,024 only.
        job: Told the stage; asked for Cancel.

    Raises:
        ModelUnavailable: the folder does not hold a checkpoint that fits together; one sentence.
        Cancelled: the job was cancelled.
    """
    import torch

    if job is not None:
        job.step("loading", note=spec.title)
    sam, thresholds = read_sam(folder, spec, job=job)
    sam.to(device)
    sam.image_encoder.to(getattr(torch, dtype))
    if device == "cpu":
        give_back_memory()
    return PromptableSam(spec.name, sam, thresholds, device=device)


def _levels(logits: Floats, iou: Floats, is_ambiguous: bool) -> tuple[Floats, Floats, int]:
    """Three candidates of the decoder's four masks, and which is best; (4, m, m) and (4,) -> (3, m, m), (3,), index."""
    levels, guesses = logits[1:].copy(), iou[1:].copy()
    if is_ambiguous:
        return levels, guesses, int(guesses.argmax())
    clear = logits[0] > 0
    shared = (clear & (levels > 0)).sum((1, 2))
    either = (clear | (levels > 0)).sum((1, 2))
    place = int((shared / np.maximum(either, 1)).argmax())
    levels[place], guesses[place] = logits[0], iou[0]
    return levels, guesses, place


def _stability(logits: Floats) -> Floats:
    """As :func:`core.sam_automatic.stability_of`, with 0 for a mask of nothing at all."""
    import torch

    return np.nan_to_num(stability_of(torch.from_numpy(logits)).numpy(), nan=0.0)


def _check_points(points_xy: Floats, size_hw: tuple[int, int]) -> None:
    points = np.asarray(points_xy)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points are (P, 2), not {points.shape}")
    height, width = size_hw
    is_inside = ((points >= 0) & (points <= (width, height))).all(1)  # NaN is not
    if not is_inside.all():
        x, y = points[~is_inside][0]
        raise InputError(f"The point ({x:.0f}, {y:.0f}) lies outside the picture of {width} x {height} pixels.")


def _check_prompt(prompt: Prompt, size_hw: tuple[int, int], low_px: int) -> None:
    """Refuse what segment_anything would take without a word, or answer with a broken shape."""
    _check_points(prompt.points_xy, size_hw)
    count = len(prompt.points_xy)
    if len(prompt.point_labels) != count or not np.isin(prompt.point_labels, (0, 1)).all():
        raise ValueError(f"{count} points need {count} labels of 1 or 0, not {list(prompt.point_labels)}")
    if count > MAX_POINTS:
        raise InputError(f"These are {count} points; at most {MAX_POINTS} can be used at once.")
    if prompt.mask_logits is not None and prompt.mask_logits.shape != (low_px, low_px):
        raise ValueError(f"mask_logits are ({low_px}, {low_px}) for this model, not {prompt.mask_logits.shape}")
    if prompt.box_xyxy is not None:
        box = np.asarray(prompt.box_xyxy, np.float32)
        if box.shape != (4,):
            raise ValueError(f"a box is (4,), not {box.shape}")
        _check_points(box.reshape(2, 2), size_hw)
        if not (box[:2] < box[2:]).all():
            raise InputError("The box is empty; drag it from one corner to the opposite one.")
    elif not count and prompt.mask_logits is None:
        raise InputError("There is no point and no box; click into the picture first.")
