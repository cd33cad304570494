"""Run the benchmarks: ``python -m benchmarks [classify] [start] [segment] [scenes] [--json] [--quick] [--write]``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import classify, scenes, segment, start
from benchmarks.measure import Measurement, machine, markdown
from core.settings import set_quiet_environment

BENCHMARKS: dict[str, Callable[..., list[Measurement]]] = {
    "classify": classify.run,
    "start": start.run,
    "segment": segment.run,
    "scenes": scenes.run,
}
README = Path(__file__).with_name("README.md")


def main(arguments: list[str] | None = None) -> int:
    """Run what was named (all by default); 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="few repeats: only to see that it runs")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    set_quiet_environment()
    results = {name: BENCHMARKS[name](is_quick=options.quick) for name in options.names or BENCHMARKS}
    if options.json:
        rows = {name: [row.as_dict() for row in rows] for name, rows in results.items()}
        print(json.dumps({"machine": machine(), "results": rows}, indent=2))
    for name, rows in results.items():
        table = markdown(rows, f"python -m benchmarks {name}")
        if not options.json:
            print(f"## {name}\n\n{table}")
        if options.write:
            README.write_text(with_table(README.read_text(), name, table))
    return int(any(row.is_met is False for rows in results.values() for row in rows))


def with_table(text: str, name: str, table: str) -> str:
    """Put a table between the marks ``<!-- NAME -->`` and ``<!-- /NAME -->`` of the README."""
    block = f"<!-- {name} -->\n{table}<!-- /{name} -->"
    return re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: block, text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
