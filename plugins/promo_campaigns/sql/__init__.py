"""The SQL the package depends on: migrations in order, and queries by name.

A query file holds blocks of the form ``-- name --``, one line of intent, then the statement with
``%(parameter)s`` placeholders.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_THE_RUN = re.compile(r"^.*-- of the run\n", re.MULTILINE)
_PROMISE = re.compile(r"'([a-z]+(?:_[a-z]+)+)(?:: |' (?:as|else|end))")
_BLOCK = re.compile(r"^-- (?P<name>[a-z_]+) --\n(?P<body>.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)


@cache
def queries(noun: str) -> Mapping[str, str]:
    """Return the statements of ``queries/<noun>.sql`` by name.

    :raises FileNotFoundError: there is no such file
    :raises ValueError: a name stands twice, or a block has no line of intent
    """
    return _named(f"queries/{noun}.sql")


@cache
def invariants() -> Mapping[str, str]:
    """Return the statements of ``invariants.sql`` by name, as they check the whole store.

    Each yields rows of ``invariant``, the promise that is broken, and ``broken``, what breaks it.
    """
    return MappingProxyType({name: _OF_THE_RUN.sub("", text) for name, text in _named("invariants.sql").items()})


@cache
def run_invariants() -> Mapping[str, str]:
    """Return the statements that check one run, which is their parameter ``run_id``."""
    return MappingProxyType({name: text for name, text in _named("invariants.sql").items() if _OF_THE_RUN.search(text)})


@cache
def promises() -> tuple[str, ...]:
    """Return the names of the promises that ``invariants.sql`` checks, in its order."""
    found = _PROMISE.findall("".join(invariants().values()))
    return tuple(dict.fromkeys(found))


def _named(file: str) -> Mapping[str, str]:
    text = (files(__name__) / file).read_text(encoding="utf-8")
    named: dict[str, str] = {}
    for block in _BLOCK.finditer(text):
        name, body = block["name"], block["body"].strip()
        if name in named:
            msg = f"{file} names {name} twice"
            raise ValueError(msg)
        if not body.startswith("-- "):
            msg = f"{file}: {name} has no line of intent"
            raise ValueError(msg)
        named[name] = body
    return MappingProxyType(named)


def migration(name: str) -> str:
    """Return the text of ``migrations/<name>.sql``."""
    return (files(__name__) / "migrations" / f"{name}.sql").read_text(encoding="utf-8")
