"""Settings come from HUB_* variables and refuse what they do not allow."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import InputError
from core.settings import Settings, configure, read_settings, settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_every_kind_of_value_is_read() -> None:
    read = read_settings(
        {"HUB_PORT": "8123", "HUB_OFFLINE": "yes", "HUB_SHARE": "0", "HUB_MODELS_DIR": "~/m", "HUB_DEVICE": "cpu"}
    )
    assert (read.port, read.offline, read.share, read.device) == (8123, True, False, "cpu")
    assert read.models_dir == Path.home() / "m"


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("HUB_PORT", "0", "from 1 to 65535"),
        ("HUB_PORT", "http", "from 1 to 65535"),
        ("HUB_OFFLINE", "maybe", "1 or 0"),
        ("HUB_DEVICE", "tpu", "auto, cpu, cuda, mps"),
        ("HUB_MEMORY_BUDGET_MIB", "12", "from 64"),
        ("HUB_MAX_SOUND_MINUTES", "0", "from 1 to 1440"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_is_allowed(name: str, value: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings({name: value})
    assert name in str(refused.value) and value in str(refused.value) and words in str(refused.value)


def test_configure_changes_one_field_and_keeps_the_others(isolated_settings: Settings) -> None:
    configure(port=9000)
    assert settings().port == 9000
    assert {f.name for f in fields(Settings) if getattr(settings(), f.name) != getattr(isolated_settings, f.name)} == {
        "port"
    }
