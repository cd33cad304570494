"""The README says what the code does: tabs, flags, models, endpoints, front matter, files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import gradio
import pytest

from docs import readme_tables
from docs.make_screenshots import MAX_BYTES, SHOTS

ROOT = Path(readme_tables.README).parent
TEXT = readme_tables.README.read_text(encoding="utf-8")
MATTER = TEXT.split("---\n")[1]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}  # what Spaces accept


def _matter(name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", MATTER, re.MULTILINE)
    assert found, f"the front matter has no {name}"
    return found.group(1).strip().strip('"')


def test_tables_are_those_of_the_code() -> None:
    assert readme_tables.filled(TEXT) == TEXT, "run `python -m docs.readme_tables`"


@pytest.mark.parametrize("name", list(readme_tables.TABLES))
def test_each_table_has_its_place(name: str) -> None:
    assert TEXT.count(f"<!-- {name} -->") == TEXT.count(f"<!-- /{name} -->") == 1


def test_front_matter_is_what_spaces_accept() -> None:
    assert _matter("sdk") == "gradio"
    version = _matter("sdk_version")
    assert gradio.__version__.split(".")[:2] == version.split(".")[:2]
    assert f"gradio[mcp]>={'.'.join(version.split('.')[:2])}" in (ROOT / "requirements.txt").read_text()
    assert (ROOT / _matter("app_file")).is_file()
    assert len(_matter("short_description")) <= 60
    assert {_matter("colorFrom"), _matter("colorTo")} <= COLOURS
    assert _matter("license") == "apache-2.0"
    assert re.fullmatch(r"3\.1[0-9]", _matter("python_version"))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).is_file(), target


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command


def test_screenshots_are_there_and_small() -> None:
    folder = ROOT / "docs" / "screenshots"
    for name in SHOTS:
        found = list(folder.glob(f"{name}.*"))
        assert len(found) == 1, name
        assert found[0].stat().st_size <= MAX_BYTES


def test_endpoints_it_names_exist() -> None:
    import app

    page = app.build_app()
    public = {f"/{fn.api_name}" for fn in page.fns.values() if fn.api_visibility == "public"}
    assert public == set(re.findall(r"`(/(?:classify|segment|query|enhance|separate)\w*)`", TEXT))
