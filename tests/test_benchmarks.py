"""The benchmarks' own arithmetic and table; the figures themselves are taken by hand on an idle machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import classify
from benchmarks.__main__ import BENCHMARKS, README, main, with_table
from benchmarks.measure import Measurement, in_turns, machine, markdown


@pytest.mark.parametrize(
    "row, figure, is_met",
    [
        (Measurement("faster", 0.5, 5.0, "s", 10.0, True), 10.0, True),
        (Measurement("not fast enough", 1.0, 5.0, "s", 10.0, True), 5.0, False),
        (Measurement("start", 3.0, 2.0, "s", 1.6, False), 1.5, True),
        (Measurement("slow start", 4.0, 2.0, "s", 1.6, False), 2.0, False),
        (Measurement("memory", 351.0, None, "MB", 350.0, False), 351.0, False),
        (Measurement("no bar", 1.0, 5.0, "s", None, True), 5.0, None),
    ],
    ids=lambda value: value.name if isinstance(value, Measurement) else None,
)
def test_verdicts(row: Measurement, figure: float, is_met: bool | None) -> None:
    assert row.figure == pytest.approx(figure) and row.is_met is is_met
    assert row.as_dict()["is_met"] is is_met


def test_table_names_machine_date_and_command() -> None:
    rows = [Measurement("a", 0.012, 1.5, "s", 10.0, True, "why"), Measurement("m", 154.4, None, "MB", 350.0, False)]
    table = markdown(rows, "python -m benchmarks a")
    assert re.match(rf"{re.escape(machine())}, \d{{4}}-\d\d-\d\d, `python -m benchmarks a`", table)
    assert "| a | 12 ms | 1.50 s | 125.00 x | >= 10 | met |" in table
    assert "| m | 154 MB |  |  | <= 350 | met |" in table and "- a: why" in table


def test_readme_has_a_place_for_every_table() -> None:
    text = README.read_text()
    for name in BENCHMARKS:
        changed = with_table(text, name, "| new |\n")
        assert "| new |" in changed
        assert with_table(changed, name, "| new |\n") == changed


def test_turns_alternate_and_preparation_is_not_measured() -> None:
    order: list[str] = []
    ours, peer = in_turns(
        lambda: order.append("o"), lambda: order.append("p"), times=3, before=lambda: order.append("b")
    )
    assert order == ["b", "o", "p"] * 3 and 0.0 <= ours < 1.0 and 0.0 <= peer < 1.0


def test_labels_are_enough_distinct_single_words() -> None:
    assert len(classify.NOUNS) == len(set(classify.NOUNS)) >= 120
    assert all(word.isalpha() and word.islower() for word in classify.NOUNS)


def test_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "classify, start" in capsys.readouterr().err


def test_resident_memory_counts_this_process() -> None:
    from benchmarks.start import resident_mb

    assert 20.0 < resident_mb(int(Path("/proc/self").resolve().name)) < 8000.0
