"""Pictures of codes, for those who hold a link that was signed here: no key is asked for, and nothing else is told."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import anyio
from fastapi import APIRouter
from starlette.responses import Response

from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.picture_link import ENDING, PATH, read_token, specimen_kind
from promo_campaigns.profile_api.requests import RequestError
from promo_campaigns.velocity.tools.barcode_tool import SPECIMENS
from promo_campaigns.velocity.tools.barcodes import NoBarcodeError, draw

if TYPE_CHECKING:
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

NO_PICTURE = "picture not found"
LONGEST_KEPT_S = 86_400
"""For a day at most a picture stays in a browser: one whose contact was erased is then gone there, too."""
_HEADERS = {
    # A cache that serves many people must not keep what is one person's.
    "Cache-Control": "private, max-age={seconds}, immutable",
    # Web mail shows it in a page of its own host.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class PictureRoutes:
    """The route of pictures, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots
        self.router = APIRouter()
        self.router.add_api_route(f"{PATH}{{token}}{ENDING}", self.get_picture, methods=["GET", "HEAD"])

    async def get_picture(self, token: str) -> Response:
        """Return the picture that a link leads to. One that was not signed here is answered as if it led nowhere."""
        if kind := specimen_kind(token):
            return await _picture(kind, SPECIMENS.get(kind, PLACEHOLDER), LONGEST_KEPT_S)
        shown = read_token(token, await self._slots.read(self._store.picture_key))
        if shown is None:
            raise RequestError(404, NO_PICTURE)
        seconds = shown.seconds_left(datetime.now(timezone.utc))
        if seconds <= 0:
            raise RequestError(410, "the code of this picture has ended")
        code = await self._slots.read(self._store.pictured_code, shown.run_id, shown.contact_id)
        if code is None:
            raise RequestError(404, NO_PICTURE)
        return await _picture(shown.kind, code, min(seconds, LONGEST_KEPT_S))


async def _picture(kind: str, text: str, seconds: int) -> Response:
    try:
        picture = await anyio.to_thread.run_sync(draw, kind, text)
    except NoBarcodeError:  # the link was made of the kind's name alone
        raise RequestError(404, NO_PICTURE) from None
    headers = {name: value.format(seconds=seconds) for name, value in _HEADERS.items()}
    return Response(picture, media_type="image/png", headers=headers)
