"""Models on the command line: ``python -m core models | get NAME | remove NAME | forget NAME | hash FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core import catalog, checkpoints
from core.download import megabytes
from core.errors import HubError
from core.lockfile import forget_pin, sha256_of
from core.model_spec import Hub, ModelSpec
from core.settings import set_quiet_environment
from core.tasks import Job, Step


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status, 1 after a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m core", description="The models of this hub.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="list the catalogue and what is on this machine")
    for command, words in (
        ("get", "download a model and check it"),
        ("remove", "delete a downloaded model; what its files have to be stays recorded"),
        ("forget", "delete a downloaded model and its record: the next download takes what the hub has then"),
    ):
        commands.add_parser(command, help=words).add_argument("name")
    commands.add_parser("hash", help="print a folder's sha256 for its catalogue row").add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    set_quiet_environment()
    try:
        sys.stdout.write(_run(chosen))
    except HubError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


def _run(chosen: argparse.Namespace) -> str:
    if chosen.command == "models":
        return "".join(_line(row) for row in catalog.MODELS)
    if chosen.command == "hash":
        return hash_table(chosen.folder)
    spec = catalog.spec(chosen.name)
    if chosen.command == "get":
        return f"\r{checkpoints.resolve(spec, job=Job(_show))}\n"
    checkpoints.remove(spec)
    if chosen.command == "forget":
        for source in spec.sources:
            if isinstance(source, Hub):
                forget_pin(source.key)
    return f"{chosen.command}: {spec.title}\n"


def hash_table(folder: Path) -> str:
    """The ``sha256=`` argument of a Bundled row, ready to paste: every file of the folder by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    rows = "".join(f'    "{path.relative_to(folder).as_posix()}": "{sha256_of(path)}",\n' for path in paths)
    return f"{{\n{rows}}}\n"


def _line(row: ModelSpec) -> str:
    here = f"{megabytes(checkpoints.local_bytes(row))} here" if checkpoints.is_local(row) else "not here"
    return f"{row.name:24} {row.params_m:6.0f} M  {row.download_mb:6.0f} MB  {here:14} {row.licence:14} {row.title}\n"


def _show(step: Step) -> None:
    if step.stage == "downloading" and step.total:
        left = "" if step.eta_s is None else f", {step.eta_s:.0f} s left"
        sys.stderr.write(f"\r{megabytes(int(step.done or 0))} of {megabytes(int(step.total))}{left}      ")


if __name__ == "__main__":
    sys.exit(main())
