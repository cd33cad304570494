"""What every loader of a checkpoint folder says when it cannot: one sentence, whichever library failed underneath."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import HubError, ModelUnavailable

if TYPE_CHECKING:
    from torch import Tensor, nn


def first_line(error: BaseException) -> str:
    """The first line of what a library said, at most 200 characters; its type's name if it said nothing."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line[:200].rstrip(".")


@contextmanager
def telling_of_damage(title: str) -> Iterator[None]:
    """Turn what damaged or foreign files make libraries raise into one sentence.

    Args:
        title: What the model is called in sentences.

    Raises:
        ModelUnavailable: instead of what reading, parsing and filling networks raise; the hub's own errors pass, and
            so does a lack of memory.
    """
    from safetensors import SafetensorError

    try:
        yield
    except HubError:
        raise
    except ImportError as error:
        raise ModelUnavailable(f"{title} needs a Python package that is missing here: {first_line(error)}.") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        if "out of memory" in str(error).lower():
            raise  # nothing is wrong with the files; the pool knows what to say
        raise ModelUnavailable(
            f"{title} could not be loaded ({first_line(error)}); its files may be damaged: remove the model on the"
            " Models page and get it again."
        ) from error


def require_fit(net: nn.Module, tensors: Mapping[str, Tensor], title: str) -> None:
    """Check that every tensor has its place and shape in a network.

    Raises:
        ModelUnavailable: one sentence with how many do not fit, and one of them.
    """
    expected = {name: tensor.shape for name, tensor in net.state_dict().items()}
    for names, fault in (
        (sorted(set(expected) - set(tensors)), "lacks"),
        (sorted(set(tensors) - set(expected)), "has, without a place for them,"),
        (sorted(n for n in expected if n in tensors and tensors[n].shape != expected[n]), "has in another shape"),
    ):
        if names:
            raise ModelUnavailable(
                f"The weights of {title} do not fit its sizes: it {fault} {len(names)} tensors such as {names[0]}; the"
                " files do not belong together, so get the model again."
            )


def unpickled_tensors(path: Path, title: str) -> dict[str, Tensor]:
    """The tensors of a state dict that torch saved; its restricted unpickler refuses anything that could run code.

    Files are mapped, not read: pages that are not needed any more need no memory. Those of old torch cannot be mapped.

    Raises:
        ModelUnavailable: the file holds something else, or is damaged; one sentence.
    """
    import torch

    refusal = f"{path.name} of {title} is not a plain file of tensors and is not loaded, because a pickle can run code."
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, IndexError, ValueError, OSError) as error:
        raise ModelUnavailable(refusal) from error
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    ):
        raise ModelUnavailable(refusal)
    return dict(content)
