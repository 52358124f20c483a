"""Reads named SQL: each statement lies in a file beside the module that runs it.

A file holds blocks of the form ``-- name --``, one line of intent, then the statement with
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

_BLOCK = re.compile(r"^-- (?P<name>[a-z_]+) --\n(?P<body>.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)


@cache
def queries(module: str) -> Mapping[str, str]:
    """Return the statements of the SQL file beside a module by name.

    :param module: mostly ``__name__``; ``promo_campaigns.ledger.runs`` reads ``ledger/runs.sql``. A file that several
        modules of a room share has no module of its name.
    :raises FileNotFoundError: there is no such file
    :raises ValueError: a name stands twice, or a block has no line of intent
    """
    room, _, stem = module.rpartition(".")
    file = f"{stem}.sql"
    text = (files(room) / file).read_text(encoding="utf-8")
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
