"""Reads named SQL: each statement lies in a file beside the module that runs it.

A file holds blocks of the form ``-- name --``, one line of intent, then the statement with ``%(parameter)s``
placeholders. What several statements of a room have in common is a block of its ``fragments.sql`` and said once; a
statement has ``/* fragment name */`` in its place, in a room above ``/* fragment ledger.name */``, and is put together
when it is read, so that the server sees one statement to plan and no call.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = "promo_campaigns"
_BLOCK = re.compile(r"^-- (?P<name>[a-z_]+) --\n(?P<body>.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"/\* fragment (?:(?P<room>[a-z_]+)\.)?(?P<name>[a-z_]+) \*/")
_COMMENT = re.compile(r"--[^\n]*")
_INTENT = re.compile(r"\A(?:--[^\n]*\n)+")


@cache
def queries(module: str) -> Mapping[str, str]:
    """Return the statements of the SQL file beside a module by name, each with its fragments in place.

    :param module: mostly ``__name__``; ``promo_campaigns.ledger.runs`` reads ``ledger/runs.sql``. A file that several
        modules of a room share has no module of its name.
    :raises FileNotFoundError: there is no such file
    :raises ValueError: a name stands twice, a block has no line of intent, or there is no fragment of a name
    """
    own = module.rpartition(".")[0]

    def put_in(place: re.Match[str]) -> str:
        room = f"{_PACKAGE}.{place['room']}" if place["room"] else own
        fragment = named_blocks(f"{room}.fragments").get(place["name"])
        if fragment is None:
            msg = f"{module} needs the fragment {place['name']}, which {room} has not"
            raise ValueError(msg)
        return _INTENT.sub("", fragment)

    return MappingProxyType({name: _PLACE.sub(put_in, body) for name, body in named_blocks(module).items()})


@cache
def named_blocks(module: str) -> Mapping[str, str]:
    """Return the blocks of the SQL file beside a module by name, as they are written.

    :raises FileNotFoundError: there is no such file
    :raises ValueError: a name stands twice, or a block has no line of intent
    """
    room, _, stem = module.rpartition(".")
    file = files(room) / f"{stem}.sql"
    named: dict[str, str] = {}
    for block in _BLOCK.finditer(file.read_text(encoding="utf-8")):
        name, body = block["name"], block["body"].strip()
        if name in named:
            msg = f"{file.name} names {name} twice"
            raise ValueError(msg)
        if not body.startswith("-- "):
            msg = f"{file.name}: {name} has no line of intent"
            raise ValueError(msg)
        named[name] = body
    return MappingProxyType(named)


def without_comments(text: str) -> str:
    """Return SQL of our own files without its comments; no text in quotes there holds two hyphens."""
    return _COMMENT.sub("", text)
