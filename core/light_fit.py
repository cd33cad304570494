"""The training of an illumination network by CLIP: one step at a time, for the script and for a visitor's direction.

Methods and what teaches them (formulas in :mod:`core.light_losses`):

    "rave"              the residual vector between both groups of pictures, or any direction that is given
    "clip-lit"          two prompts, learnt first on both groups, then refined between rounds
    "clip-lit-latent"   the same with two free vectors in place of prompts

Deviations from the authors' code, all for the sake of minutes on a CPU: the net starts at I = 1 instead of learning
it for 1,000 steps; pictures of the guide's size instead of 512 px, of which the net sees a copy of ``map_px`` and whose
map is enlarged; larger rates and so fewer steps; in the refinement of prompts the newer result is to be better than the
older one (in CLIP-LIT's loader the order is the other way round).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from core import light_losses, light_net
from core.light_guide import Guide
from core.light_losses import IDENTITY_WEIGHT, Residual

if TYPE_CHECKING:
    from torch import Tensor, nn

LearntMethod = Literal["rave", "clip-lit", "clip-lit-latent"]
LEARNT_METHODS: tuple[LearntMethod, ...] = ("rave", "clip-lit", "clip-lit-latent")
Pictures = NDArray[np.float32]  # (N, 3, S, S) in [0, 1]

MARGINS_FIRST = (1.0,)  # backlit over well-lit
MARGINS_SECOND = (1.0, 0.9, 0.2)  # then: backlit over enhanced, enhanced over well-lit
MARGINS_LATER = (0.9, 0.9, 0.1, 0.1)  # backlit over well-lit and over newest; older over newest; newest over well-lit
RANKING_WEIGHT = 200.0


@dataclass(frozen=True)
class FitOptions:
    """How to train.

    Attributes:
        method: What teaches.
        rate: Of Adam, for the network; the authors' 2e-5 is for 50,000 steps.
        decay: Weight decay of Adam.
        prompt_rate: For prompts or vectors.
        prompt_batch: Pictures a step of prompts.
        map_px: Side of the copy that the network looks at; larger pictures get its map enlarged.
        seed: Of every draw.
    """

    method: LearntMethod = "rave"
    rate: float = 4e-4
    decay: float = 1e-3
    prompt_rate: float = 2e-3
    prompt_batch: int = 16
    map_px: int = 24
    seed: int = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in this thread alone, and give it its threads back afterwards.

    A step is thousands of small operations. With two threads each of them ends at a barrier, and where other work has
    the cores, a barrier waits for the next time slice: 30 steps took more than five minutes beside three busy
    processes on two cores, with one thread 42 s (7.4 s of a core).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class LightFit:
    """One training with all its state.

    Attributes:
        net: The network as it is now.
        steps: Steps of the network so far.
        prompt_steps: Steps of prompts or vectors so far.
    """

    def __init__(
        self,
        guide: Guide,
        options: FitOptions,
        *,
        residual: Residual | None = None,
        net: nn.Module | None = None,
        likeness: nn.Module | None = None,
    ) -> None:
        """Start a training.

        Args:
            guide: Who teaches.
            options: How.
            residual: The direction, for ``"rave"``.
            net: A network to go on from; None starts at I = 1.
            likeness: A network whose results the identity loss compares with; None compares with the pictures
                themselves, as the papers do, which takes back what a network that already lifts has learnt.

        Raises:
            ValueError: ``"rave"`` without a direction.
        """
        import torch

        if (options.method == "rave") != (residual is not None):
            raise ValueError(f"a direction goes with rave and only with it, the method is {options.method}")
        self.options = options
        self._guide = guide
        if net is None:
            net = light_net.build()
            light_net.start_as_identity(net, options.seed)
        self.net = net
        self._likeness = likeness
        self._adam = torch.optim.Adam(net.parameters(), lr=options.rate, weight_decay=options.decay)
        self._residual = residual
        self._vector = None if residual is None else torch.from_numpy(residual.vector)
        self._prompts = self._first_prompts()
        self._prompt_adam = (
            None
            if self._prompts is None
            else torch.optim.Adam([self._prompts], lr=options.prompt_rate, weight_decay=options.decay)
        )
        self._results: list[nn.Module] = []  # networks after each round, the last two
        self.steps = 0
        self.prompt_steps = 0

    def advance(self, backlit: Pictures, *, rate: float | None = None) -> dict[str, float]:
        """One step of the network on backlit pictures.

        Args:
            backlit: (N, 3, S, S).
            rate: Of this step; None takes that of the options.

        Returns:
            ``guidance`` (L_res or L_clip without its weight), ``identity`` (a picture's), ``light`` (mean I).
        """
        import torch

        pixels = torch.from_numpy(backlit)
        with torch.no_grad():
            alike = pixels if self._likeness is None else light_net.divided(pixels, self._light(self._likeness, pixels))
            _, given = self._guide.look(alike)
        light = self._light(self.net, pixels)
        rows, features = self._guide.look(light_net.divided(pixels, light))
        identity = light_losses.identity_loss(features, given)
        if self._vector is not None and self._residual is not None:
            guidance = light_losses.residual_loss(rows, self._vector, self._residual.threshold)
            loss = light_losses.RESIDUAL_WEIGHT * guidance + IDENTITY_WEIGHT * identity
        else:
            guidance = light_losses.backlit_share(rows, self._read_prompts().detach()).mean()
            loss = light_losses.GUIDANCE_WEIGHT * guidance + IDENTITY_WEIGHT * identity
        for group in self._adam.param_groups:
            group["lr"] = self.options.rate if rate is None else rate
        self._adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 50.0)
        self._adam.step()
        self.steps += 1
        per_picture = float(identity.detach()) / len(backlit)
        return {"guidance": float(guidance.detach()), "identity": per_picture, "light": float(light.detach().mean())}

    def embedded(self, pictures: Pictures) -> NDArray[np.float32]:
        """Unit embeddings (N, D) of what the network as it is makes of pictures (N, 3, S, S)."""
        import torch

        pixels = torch.from_numpy(pictures)
        with torch.no_grad():
            rows, _ = self._guide.look(light_net.divided(pixels, self._light(self.net, pixels)))
        return rows.numpy()

    def teach_prompts(self, backlit: Pictures, well_lit: Pictures) -> float:
        """One step of prompts (or vectors) before the first round: backlit against well-lit; returns its loss."""
        import torch

        with torch.no_grad():
            rows, _ = self._guide.look(torch.from_numpy(np.concatenate([backlit, well_lit])))
        is_well_lit = torch.arange(len(rows)) >= len(backlit)
        logits = light_losses.PROMPT_SCALE * rows @ self._read_prompts().T
        return self._step_prompts(torch.nn.functional.cross_entropy(logits, is_well_lit.long()))

    def refine_prompts(self, backlit: Pictures, well_lit: Pictures) -> float:
        """One step of prompts after a round: rank backlit, older result, newest result, well-lit; returns the loss."""
        import torch

        pixels = torch.from_numpy(backlit)
        with torch.no_grad():
            groups = [pixels, torch.from_numpy(well_lit)]
            groups += [light_net.divided(pixels, self._light(net, pixels)) for net in self._results]
            rows = [self._guide.look(group)[0] for group in groups]
        prompts = self._read_prompts()
        dark, good, *results = [light_losses.backlit_share(row, prompts) for row in rows]
        rank = light_losses.ranking_loss
        if not results:
            loss = rank(dark, good, MARGINS_FIRST[0])
        elif len(results) == 1:
            first, second, third = MARGINS_SECOND
            loss = rank(dark, good, first) + rank(dark, results[0], second) + rank(results[0], good, third)
        else:
            old, new = results
            first, second, third, fourth = MARGINS_LATER
            loss = rank(dark, good, first) + rank(dark, new, second) + rank(old, new, third) + rank(new, good, fourth)
        return self._step_prompts(RANKING_WEIGHT * loss)

    def close_round(self) -> None:
        """Keep the network as it is for the ranking of results."""
        import copy

        self._results = [*self._results, copy.deepcopy(self.net).eval().requires_grad_(False)][-2:]

    def _light(self, net: nn.Module, pixels: Tensor) -> Tensor:
        """The map (N, 1, S, S) of pictures (N, 3, S, S), looked for at ``map_px``."""
        from torch.nn import functional

        size, side = pixels.shape[-2:], self.options.map_px
        if max(size) <= side:
            light: Tensor = net(pixels)
        else:
            light = net(functional.interpolate(pixels, (side, side), mode="area"))
            light = functional.interpolate(light, size, mode="bilinear", align_corners=False)
        return light.clamp(light_net.LEAST_MAP, light_net.MOST_MAP)

    def _first_prompts(self) -> Tensor | None:
        """What is learnt beside the network: (2, T, E) tokens or (2, D) vectors; row 0 is "backlit"."""
        import torch

        if self.options.method == "rave":
            return None
        if self.options.method == "clip-lit":
            start = self._guide.start_prompts(2)
        else:
            draw = torch.Generator().manual_seed(self.options.seed)
            start = torch.randn(2, self._guide.dim, generator=draw)
        return start.requires_grad_(True)

    def _read_prompts(self) -> Tensor:
        import torch

        if self._prompts is None:
            raise ValueError("rave learns no prompts")
        if self.options.method == "clip-lit":
            return self._guide.read_prompts(self._prompts)
        return torch.nn.functional.normalize(self._prompts, dim=-1)

    def _step_prompts(self, loss: Tensor) -> float:
        if self._prompt_adam is None:
            raise ValueError("rave learns no prompts")
        self._prompt_adam.zero_grad()
        loss.backward()
        self._prompt_adam.step()
        self.prompt_steps += 1
        return float(loss.detach())
