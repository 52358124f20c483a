"""The resource of files of contacts: a link in, a session out, whose state ``importstatus`` tells."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.file import ContactRows
from promo_campaigns.contacts.import_queue import accept_rows
from promo_campaigns.http.download import DownloadError, download
from promo_campaigns.model.contacts import Matching
from promo_campaigns.model.errors import ContactFileError
from promo_campaigns.profile_api.bulk import CHANNELS_OF
from promo_campaigns.profile_api.contacts.examples import SESSION
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.models import UploadIn
from promo_campaigns.profile_api.requests import RequestError, read_json
from promo_campaigns.profile_api.resources import Resource
from promo_campaigns.profile_api.uploads.columns import upload_layout
from promo_campaigns.tables.any_table import AnyTable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from promo_campaigns.contacts.file import ContactLayout
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.profile_api.import_worker import ImportWorker
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

MOST_BYTES = 100 * 2**20
"""Longest file: the vendor's limit."""
_REQUEST_BYTES = 64 * 1024
_IN_MEMORY = 2**20
_AT_ONCE = 2
"""Files that are fetched and read at a time; the others wait."""
_FILE = "the file"
_GZIP = b"\x1f\x8b"
_RECOGNISED_BY = ("email", "sms", "email_or_sms", "id", "externalCustomerId")
_MESSAGE = "the file is read, and its contacts are queued; ask importstatus"


class UploadRoutes:
    """The resource of files, on an open store.

    :param slots: of this store
    :param own_hosts: see ``http.download.download``
    """

    def __init__(
        self, store: ProfileStore, slots: StoreSlots, worker: ImportWorker, own_hosts: Collection[str] = ()
    ) -> None:
        self._store = store
        self._slots = slots
        self._worker = worker
        self._own_hosts = own_hosts
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        told = {"message": _MESSAGE, "importId": SESSION, "fileId": sha256(b"").hexdigest(), "valid": True}
        return [
            Resource(
                method="POST",
                path="/api/v1/contacts/upload",
                call=self.upload,
                scope=Scope.CONTACTS,
                body=UploadIn,
                sent={"link": "https://files.shop.example/contacts.csv", "dedupeOn": "email"},
                answer={**told, "asyncSessionId": SESSION},
            )
        ]

    async def upload(self, request: Request) -> JSONResponse:
        """Fetch a file of contacts, read it to its end, and queue what it holds; ``importstatus`` says how it stands.

        The link leads to CSV in UTF-8 of at most 100 MiB, over https. A login in it is sent by HTTP Basic and kept
        nowhere.
        """
        sent = await read_json(request, UploadIn, most_bytes=_REQUEST_BYTES)
        if sent.dedupeOn not in _RECOGNISED_BY:
            _refuse("dedupeOn", f"one of {', '.join(_RECOGNISED_BY)} is needed")
        async with self._turns:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
                await self._fetch(sent.link, file)  # type: ignore[arg-type]  # Python 3.10 calls it no BinaryIO
                answer = await self._slots.write(None, self._accept, sent, file)
        self._worker.wake()
        return JSONResponse(answer)

    async def _fetch(self, link: str, file: BinaryIO) -> None:
        try:
            await download(link, file, most_bytes=MOST_BYTES, own_hosts=self._own_hosts)
        except DownloadError as error:
            _refuse("link", str(error))

    def _accept(self, sent: UploadIn, file: BinaryIO) -> dict[str, Any]:
        joins, leaves = self._store.groups_of(sent.groupNames, sent.groupNamesExclude)
        matching = Matching(
            channels=CHANNELS_OF[sent.dedupeOn],
            row_noun="line",
            restores=bool(sent.restoreDeleted),
            joins=tuple(joins),
            leaves=tuple(leaves),
            event_type=sent.eventKeyForNewContacts or "",
        )
        layout = upload_layout(_FILE, self._store.fields(), matching, sent.dedupeOn)
        try:
            session_id, digest = self._store.run(partial(_queue, file=file, layout=layout, matching=matching))
        except ContactFileError as error:
            at = f"line {error.line}: " if error.line else ""
            _refuse("link", f"{at}{error.problem}" + (f". {error.hint}" if error.hint else ""))
        named = {"importId": session_id, "asyncSessionId": session_id, "fileId": digest}
        return {"message": _MESSAGE, **named, "valid": True}


def _queue(connection: Connection, *, file: BinaryIO, layout: ContactLayout, matching: Matching) -> tuple[str, str]:
    """Queue the rows of a file; return the session, and the digest of the file. It may be done twice."""
    file.seek(0)
    is_packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    table = AnyTable(file, layout)
    if is_packed or table.row_noun != "line":  # so that a file is not longer than what was fetched of it
        layout.refuse("it is no CSV", None, "Save it as CSV in UTF-8")
    session_id = accept_rows(connection, ContactRows(table, layout), matching)
    if not session_id:
        layout.refuse("it holds no row below its header")
    return session_id, table.sha256().hex()


def _refuse(place: str, message: str) -> NoReturn:
    raise RequestError(400, "the file cannot be imported", [{"place": place, "message": message}])
