"""The resources of bulk requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.profile_api.bulk import bulk_request
from promo_campaigns.profile_api.contacts import examples
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.models import BulkIn, ContactIn, failures_out, import_out
from promo_campaigns.profile_api.requests import RequestError, read_json
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.import_worker import ImportWorker
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

BULK_BYTES = 16 * 1024 * 1024


class BulkRoutes:
    """The resources of bulk requests, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots, worker: ImportWorker) -> None:
        self._store = store
        self._slots = slots
        self._worker = worker

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        counts = {"total": 1, "created": 1, "updated": 0, "unchanged": 0, "failed": 0}
        when = {"timestamp": "2026-11-29T10:15:00+00:00"}
        status = {"asyncSessionId": examples.SESSION, "status": "FINISHED", **when, **counts, "failedContacts": []}
        return [
            Resource(
                method="POST",
                path="/api/v1/contacts",
                call=self.put_contacts,
                scope=Scope.CONTACTS,
                body=BulkIn,
                element=ContactIn,
                sent=examples.BULK,
                answer={"id": 0, "asyncSessionId": examples.SESSION, "failedContacts": []},
            ),
            Resource(
                method="GET",
                path="/api/v1/importstatus/{session_id}",
                call=self.get_import,
                scope=Scope.READ,
                path_schema={"session_id": {"type": "string", "format": "uuid"}},
                answer=status,
                errors=(404,),
            ),
        ]

    async def put_contacts(self, request: Request) -> JSONResponse:
        """Accept many contacts; they are stored when ``importstatus`` says so."""
        sent = await read_json(request, BulkIn, most_bytes=BULK_BYTES)

        def accept() -> dict[str, Any]:
            groups = self._store.groups_of(sent.groupNames, sent.groupNamesExclude)
            wanted, failures = bulk_request(sent, self._store.field_types(sent.customFieldsIDs), groups)
            session_id = self._store.accept(wanted, total=len(sent.contacts), failures=failures)
            return {"id": 0, "asyncSessionId": session_id, "failedContacts": failures_out(failures)}

        answer = await self._slots.write(None, accept)
        self._worker.wake()
        return JSONResponse(answer)

    async def get_import(self, session_id: str) -> JSONResponse:
        """Return the status of a bulk request."""
        found = await self._slots.read(self._store.read_import, session_id)
        if found is None:
            raise RequestError(404, "import not found")
        return JSONResponse(import_out(found))
