"""Where a module may lie, and what it may import."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = "promo_campaigns"
PLUGINS = Path(__file__).parents[2] / "plugins"
MOST_MODULES = 20
SERIES = f"{TOP}.postgres.migrations.versions"
"""Alembic reads one folder, which a file is added to for each migration."""


def _name_of(file: Path) -> str:
    return ".".join(file.relative_to(PLUGINS).with_suffix("").parts).removesuffix(".__init__")


FILES = {_name_of(file): file for file in sorted((PLUGINS / TOP).rglob("*.py"))}
ROOMS = [name for name, file in FILES.items() if file.name == "__init__.py" and name != TOP]


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def _imports(module: str) -> Iterator[tuple[str, str]]:
    """Return what a module imports of the package, type-only and late imports included: a module, and a name in it."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == TOP)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == TOP:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in FILES else (node.module, alias.name)


def _room_of(module: str) -> str:
    return module if module in ROOMS else module.rpartition(".")[0]


def _outermost(module: str) -> str:
    """Return the outermost room of a module: ``delivery`` for one of ``delivery.transports``."""
    return ".".join(module.split(".")[:2])


def _offered(room: str) -> set[str]:
    """Return the ``__all__`` of a room."""
    for node in _tree(room).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {module: {target for target, _ in _imports(module)} - {module} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_rooms_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module in FILES:
        own, *rest = module.removeprefix(f"{TOP}.").split(".")
        if rest or module in ROOMS:
            targets = {target.split(".")[1] for target, _ in _imports(module) if target != TOP}
            graph.setdefault(own, set()).update(targets - {own})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_holds_about_twenty_modules(room: str) -> None:
    assert ast.get_docstring(_tree(room))
    inside = [module for module in FILES if module.rpartition(".")[0] == room and module not in ROOMS]
    assert len(inside) <= MOST_MODULES or room == SERIES, f"{room} holds {len(inside)} modules; give it a room inside"


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_uses_of_another_room_what_that_room_offers(room: str) -> None:
    """A room offers what its ``__all__`` names; within one outermost room every module may use any other."""
    for module, target, name in _imports_of_room(room):
        other = _room_of(target)
        if target == TOP or _outermost(other) == _outermost(room):
            continue
        used = name if target == other else target.rpartition(".")[2]
        assert used in _offered(other), f"{module} uses {target}, which the __all__ of {other} does not offer"
        assert not name.startswith("_"), f"{module} uses {name}, which is private to {target}"


def _imports_of_room(room: str) -> Iterator[tuple[str, str, str]]:
    for module in FILES:
        if _room_of(module) == room:
            yield from ((module, target, name) for target, name in _imports(module))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_what_it_has(room: str) -> None:
    defined = {name for node in _tree(room).body for name in _defined(node)}
    assert {name for name in _offered(room) - defined if f"{room}.{name}" not in FILES} == set()


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.If):  # what is loaded when it is first asked for stands under TYPE_CHECKING
        yield from (name for one in node.body for name in _defined(one))
    if isinstance(node, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    if isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def test_a_module_runs_named_sql_of_its_own_room() -> None:
    for module in FILES:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "queries":
                [argument] = node.args
                if ast.unparse(argument) != "__name__":
                    assert isinstance(argument, ast.Constant), module
                    assert str(argument.value).rpartition(".")[0] == _room_of(module)
