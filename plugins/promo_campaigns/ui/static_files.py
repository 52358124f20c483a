"""Serves the modules of the pages under a path that changes with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_DIGITS = 12


@cache
def version() -> str:
    """Return a digest of all files in ``static``: in the path of each, so that a browser may keep them for ever."""
    digest = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(STATIC).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGITS]


class VersionedFiles(StaticFiles):
    """Serves ``<version>/<file>``.

    A tab that was open during an upgrade asks for the version it knows, so every version is answered with the present
    files; only under the present one may they be kept.
    """

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file after the first segment of the path."""
        asked, _, file = path.partition("/")
        response = await super().get_response(file or ".", scope)
        response.headers["Cache-Control"] = _FOR_EVER if asked == version() else _ASK_AGAIN
        return response
