"""The house holds: imports flow one way, sizes stay readable, one reader of the environment, a light start."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "transformers", "diffusers", "gsplat", "librosa", "segment_anything")
MAX_CODE_LINES = 400
MAX_FUNCTION_LINES = 60


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, and whether it runs when the module is loaded."""

    importer: str
    imported: str
    is_at_load: bool


def _sources(*folders: str) -> list[Path]:
    found = [ROOT / "app.py"] if "." in folders else []
    for folder in folders:
        if folder != ".":
            found += sorted((ROOT / folder).rglob("*.py"))
    return [path for path in found if path.exists()]


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _walk(node: ast.AST, at_load: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        loads = (
            at_load and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _is_type_checking(child)
        )
        yield child, loads
        yield from _walk(child, loads)


def imports_of(path: Path) -> list[Import]:
    """Every import of one file, names of submodules included (``from core import pool`` gives core.pool)."""
    found = []
    for node, at_load in _walk(ast.parse(path.read_text()), True):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it absolute"
            base = node.module or ""
            names = [f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base for alias in node.names]
        found += [Import(_module(path), name, at_load) for name in names]
    return found


def _is_module(name: str) -> bool:
    stem = ROOT.joinpath(*name.split("."))
    return stem.with_suffix(".py").exists() or (stem / "__init__.py").exists()


def room_of(module: str) -> str:
    """The room a module lives in: app, registry, shared, tab, pipeline, core, training, benchmarks, tests, outside."""
    parts = module.split(".")
    if parts[0] in ("app", "core", "training", "benchmarks", "tests", "docs"):
        return parts[0]
    if parts[0] != "demos":
        return "outside"
    if parts[1:] == ["registry"]:
        return "registry"
    if len(parts) <= 2:
        folder = ROOT / "demos" / parts[-1]
        return "pipeline" if len(parts) == 2 and folder.is_dir() else "shared"
    return "tab" if parts[2] in ("tab", "__main__") or parts[2].startswith("tab_") else "pipeline"


# Who may import whom; "outside" (third party) is always allowed and narrowed by the tests below.
ALLOWED = {
    "app": {"registry", "shared", "core"},
    "registry": {"tab", "shared"},
    "tab": {"tab", "pipeline", "shared", "core"},
    "shared": {"shared", "core"},
    "pipeline": {"pipeline", "core"},
    "core": {"core"},
    "training": {"training", "core"},
    "benchmarks": {"benchmarks", "app", "registry", "tab", "pipeline", "shared", "core"},
}


def direction_faults(found: Import) -> str | None:
    """Say what is wrong with one import, or None."""
    importer, imported = room_of(found.importer), room_of(found.imported)
    if imported == "outside":
        gradio_rooms = ("app", "registry", "shared", "tab", "benchmarks")
        if found.imported.split(".")[0] == "gradio" and importer not in gradio_rooms:
            return "imports gradio"
        if found.imported.split(".")[0] in HEAVY and importer in ("app", "registry", "shared", "tab"):
            return "imports a model library"
        return None
    if imported not in ALLOWED[importer]:
        return f"{importer} imports {imported}"
    both_in_tabs = {importer, imported} <= {"tab", "pipeline"}
    if both_in_tabs and found.importer.split(".")[1] != found.imported.split(".")[1]:
        return "one tab imports another"
    return None


ALL = _sources(".", "demos", "core", "training", "benchmarks")


@pytest.mark.parametrize("path", ALL, ids=_module)
def test_imports_flow_one_way(path: Path) -> None:
    faults = [f"{i.importer} -> {i.imported}: {fault}" for i in imports_of(path) if (fault := direction_faults(i))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "importer, imported, is_fault",
    [
        ("core.pool", "demos.base", True),
        ("core.pool", "core.catalog", False),
        ("demos.zero_shot.pipeline", "gradio", True),
        ("demos.zero_shot.pipeline", "demos.zero_shot.tab", True),
        ("demos.zero_shot.tab", "torch", True),
        ("demos.zero_shot.tab", "demos.segmentation.pipeline", True),
        ("demos.zero_shot.tab", "demos.zero_shot.pipeline", False),
        ("demos.base", "demos.registry", True),
        ("core.clip", "training.toybox", True),
        ("app", "demos.registry", False),
    ],
)
def test_rule_itself(importer: str, imported: str, is_fault: bool) -> None:
    assert bool(direction_faults(Import(importer, imported, True))) is is_fault


def test_no_circle() -> None:
    graph = {
        _module(path): {i.imported for i in imports_of(path) if i.is_at_load and room_of(i.imported) != "outside"}
        for path in ALL
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for following in graph.get(name, set()) - {name}:
                visit(following, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", _sources(".", "demos", "core"), ids=_module)
def test_model_libraries_are_imported_inside_functions(path: Path) -> None:
    early = [i.imported for i in imports_of(path) if i.is_at_load and i.imported.split(".")[0] in HEAVY]
    assert not early


@pytest.mark.parametrize("path", _sources(".", "demos", "core"), ids=_module)
def test_only_settings_reads_the_environment(path: Path) -> None:
    if _module(path) == "core.settings":
        return
    reads = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.putenv")
    ]
    assert not reads


@pytest.mark.parametrize("path", ALL, ids=_module)
def test_files_and_functions_fit_the_eye(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    opening = (ast.get_docstring(tree) or "").splitlines() or [""]
    is_data = "data" in opening[0].lower().replace("_", " ").split() or "as data" in opening[0].lower()
    if not is_data:
        code = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        assert len(code) <= MAX_CODE_LINES, f"{len(code)} lines of code"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            words = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0  # type: ignore[operator]
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - words
            assert length <= MAX_FUNCTION_LINES, f"{node.name} is {length} lines long"


@pytest.mark.parametrize("path", ALL, ids=_module)
def test_no_attic(path: Path) -> None:
    assert not set(_module(path).split(".")) & {"utils", "util", "helpers", "manager", "misc", "common"}


def test_importing_app_loads_no_model_library() -> None:
    code = f"import sys, app; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
