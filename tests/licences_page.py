"""The page of licences, made of what the installed packages say of themselves; run it to write the page anew."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
PACKAGE = "airflow-provider-promo-campaigns"
HEAD = """\
# Licences

The product is under the Apache License 2.0. These are the packages it names itself; `make release` lists all others, at
their pinned versions, in `sbom.cdx.json`. psycopg is under the LGPL: it is imported as it is published and can be
replaced, so that it puts no condition on the product's code or on yours; an image that holds it is passed on with its
licence.

| package | licence | needed for |
| --- | --- | --- |
"""
_CLASSIFIER = "License :: OSI Approved :: "
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra == ['\"]([a-z0-9]+)['\"]")
_BACKPORT = "async-timeout"
"""Python itself has it from 3.11 on."""
_SINGLE = {"Apache Software License": "Apache-2.0", "BSD License": "BSD-3-Clause", "MIT License": "MIT"}


def dependencies() -> dict[str, str]:
    """Return what the package requires, each with the extra that needs it, or nothing."""
    found: dict[str, str] = {}
    for requirement in requires(PACKAGE) or []:
        if requirement.startswith(_BACKPORT):
            continue
        name, extra = _NAME.match(requirement), _EXTRA.search(requirement)
        assert name is not None
        found.setdefault(name[0], extra[1] if extra else "")
    return found


def licence_of(name: str) -> str | None:
    """Return the licence that an installed package declares; None if it is not installed here."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    expressions = told.get_all("License-Expression", [])
    if expressions:
        return str(expressions[0])
    classified = [text.removeprefix(_CLASSIFIER) for text in told.get_all("Classifier", []) if _CLASSIFIER in text]
    if classified:
        return str(_SINGLE.get(classified[0], classified[0]))
    return str(told["License"]).splitlines()[0]


def rows() -> dict[str, str]:
    """Return the row of each package that is installed here."""
    found = {}
    for name, extra in sorted(dependencies().items()):
        if licence := licence_of(name):
            found[name] = f"| `{name}` | {licence} | {f'extra `{extra}`' if extra else 'everything'} |"
    return found


if __name__ == "__main__":
    PAGE.write_text(HEAD + "\n".join(rows().values()) + "\n", encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {len(rows())} packages\n")
