"""The table of sound separation: what needs no model, on two synthesised mixtures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import README, with_table
from benchmarks.separate import HPSS, IDEAL, NMF, TAUGHT, THROUGH, checks, measured, run, table
from benchmarks.separate_cases import Case, read_cases
from benchmarks.separate_plain import hpss, ideal, nmf, taught, through_rows
from training.synth.sounds import render


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two mixtures in the layout of training/pocket_sep/held_out.py."""
    made = tmp_path_factory.mktemp("held")
    pairs = (("flute", "drum"), ("bell", "rain"))
    sources = np.zeros((2, 3, 32_000), np.int16)
    for i, pair in enumerate(pairs):
        for j, name in enumerate(pair):
            sources[i, j] = np.round(0.4 * render(name, 5, seconds=2.0) * 32767)
    rows = [{"kind": "two families", "names": pair, "words": ["a", "b"], "absent": "siren"} for pair in pairs]
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    pictures[0] = 7
    np.savez(made / "held_out.npz", sources=sources, pictures=pictures, rows=json.dumps(rows))
    return made


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[Case]:
    return read_cases(folder / "held_out.npz")


def test_cases_are_read(cases: list[Case]) -> None:
    assert [(case.name, case.words, case.wrong) for case in cases] == [("flute", "a", "siren"), ("bell", "a", "siren")]
    assert cases[0].sources.shape == (2, 32_000)
    assert cases[0].picture is not None and cases[1].picture is None
    assert np.allclose(cases[0].mixture, cases[0].sources.sum(0))


def test_order_of_the_methods(cases: list[Case]) -> None:
    """The mixture improves by nothing, ideal masks are the ceiling, and oracle NMF lies between."""
    gains = {
        name: measured("two families", name, cases, estimate).si_sdr_improvement_db
        for name, estimate in (
            ("mixture", lambda case: case.mixture),
            ("nmf", nmf),
            ("hpss", hpss),
            ("ideal", ideal),
            ("rows", through_rows),
            ("taught", taught),
        )
    }
    assert gains["mixture"] == pytest.approx(0.0, abs=1e-6)
    assert 0 < gains["nmf"] < gains["ideal"] and gains["hpss"] < gains["ideal"]
    assert gains["ideal"] - 0.5 < gains["rows"] <= gains["ideal"] + 0.5
    assert gains["ideal"] - 1.0 < gains["taught"] <= gains["rows"] + 0.5


def test_bars_are_held_against_the_figures(cases: list[Case]) -> None:
    good = measured("two families", "label", cases, ideal)
    bad = measured("two families", "paraphrase", cases, lambda case: case.mixture)
    found = table({"rows": [good, bad], "checks": []})
    assert (good.is_met, bad.is_met) == (True, False)
    assert ">= 6 met" in found and ">= 4.5 **missed**" in found


def test_what_else_is_asked(cases: list[Case]) -> None:
    """By label as good as the ideal mask: above HPSS and NMF; the rows cost little; slow is slow."""
    methods = {HPSS: hpss, NMF: nmf, IDEAL: ideal, "label": ideal, THROUGH: through_rows}
    rows = [measured("two families", name, cases, estimate) for name, estimate in methods.items()]
    found = {check.name: check for check in checks(rows, {"real-time factor": 0.09}, 0.95)}
    assert found["share of mixtures that improve, by label"].value == 1.0
    margin = found[f"by label above {NMF}, dB"]
    assert margin.is_met and margin.value == rows[3].si_sdr_improvement_db - rows[1].si_sdr_improvement_db
    assert found["the 256 rows cost an ideal mask, dB"].bar == 0.5
    assert not found["real-time factor"].is_met and "first sound of ten seconds, s" not in found
    assert "| 0.950 | >= 0.9 met |" in table({"rows": rows, "checks": list(found.values())})


def test_without_the_model_there_is_what_needs_none(cases: list[Case]) -> None:
    result = run(cases, with_model=False)
    assert [row.method for row in result["rows"]] == ["mixture", HPSS, NMF, IDEAL, THROUGH, TAUGHT]
    assert [check.name for check in result["checks"]] == ["the 256 rows cost an ideal mask, dB"]


def test_the_readme_has_a_place_for_the_table() -> None:
    assert "| new |" in with_table(README.read_text(), "separate", "| new |\n")
