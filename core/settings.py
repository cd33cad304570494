"""Every setting of the hub, read once from HUB_* environment variables: the only reader of os.environ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
Device = Literal["auto", "cpu", "cuda", "mps"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Settings:
    """How this hub runs; each field is a command-line flag of app.py and a HUB_* variable of the same name.

    Attributes:
        host: Address to listen on; 127.0.0.1 keeps the hub on this machine.
        port: Port to listen on, 1 to 65535.
        share: Ask Gradio for a public link (needs the network).
        offline: Never touch the network: only bundled and already downloaded models.
        models_dir: Folder that holds downloaded models and the lock file.
        endpoint: Address of the model hub that downloads come from (a mirror, a test).
        memory_budget_mib: Memory that loaded models may take together, MiB.
        device: Where models run; auto takes CUDA, then MPS, then the CPU.
        dtype: Number format of weights; auto takes bfloat16 on CUDA, float32 elsewhere.
        max_sound_minutes: Longest sound that is taken apart, minutes; an hour of stereo takes 7 GB of disk meanwhile.
        mcp: Serve the tabs' endpoints as MCP tools too.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    offline: bool = False
    models_dir: Path = Path.home() / ".cache" / "clip-atlas"
    endpoint: str = "https://huggingface.co"
    memory_budget_mib: int = 6144
    device: Device = "auto"
    dtype: Dtype = "auto"
    max_sound_minutes: int = 120
    mcp: bool = False


_CHOICES: dict[str, tuple[str, ...]] = {
    "device": ("auto", "cpu", "cuda", "mps"),
    "dtype": ("auto", "float32", "bfloat16", "float16"),
}
_RANGES = {"port": (1, 65_535), "memory_budget_mib": (64, 1_048_576), "max_sound_minutes": (1, 1_440)}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def _parse(name: str, text: str) -> Any:
    """Turn the text of HUB_<NAME> into the type of that field."""
    variable, default = f"HUB_{name.upper()}", getattr(Settings, name)
    if isinstance(default, bool):
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise InputError(f"{variable} is {text!r}; it must be 1 or 0.")
    if isinstance(default, int):
        low, high = _RANGES[name]
        if text.isdecimal() and low <= int(text) <= high:
            return int(text)
        raise InputError(f"{variable} is {text!r}; it must be a whole number from {low} to {high}.")
    if isinstance(default, Path):
        return Path(text).expanduser()
    if name == "endpoint" and not text.startswith(("http://", "https://")):
        raise InputError(f"{variable} is {text!r}; it must start with https:// or http://.")
    if name in _CHOICES and text not in _CHOICES[name]:
        raise InputError(f"{variable} is {text!r}; it must be one of {', '.join(_CHOICES[name])}.")
    return text


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from HUB_* variables; a variable that is absent keeps the default.

    Raises:
        InputError: a variable holds a value that the setting does not allow.
    """
    environ = os.environ if environ is None else environ
    found = {f.name: environ.get(f"HUB_{f.name.upper()}") for f in fields(Settings)}
    return Settings(**{name: _parse(name, text.strip()) for name, text in found.items() if text is not None})


_current: Settings | None = None


def settings() -> Settings:
    """The settings in force: those of the environment until :func:`configure` changed them."""
    global _current
    if _current is None:
        _current = read_settings()
    return _current


def configure(**changes: Any) -> Settings:
    """Change settings for this process (command-line flags, tests) and return them all."""
    global _current
    _current = replace(settings(), **changes)
    return _current


def is_zero_gpu() -> bool:
    """Whether this process runs on a ZeroGPU Space, which says so by SPACES_ZERO_GPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in _TRUE


def set_quiet_environment(pages_dir: Path | None = None) -> None:
    """Tell gradio and the hub client not to call home; must run before either is imported.

    ``pages_dir`` becomes the folder of uploaded and shown files: gradio's default is one folder for every
    app of the machine, where the links of one open the files of another.

    Analytics resolve outside hosts even when nothing is downloaded; the Xet transport of
    huggingface_hub has no way to cancel, the plain HTTP one has.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("GRADIO_SSR_MODE", "False")
    if pages_dir is not None:
        os.environ["GRADIO_TEMP_DIR"] = str(pages_dir)
    if settings().offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
