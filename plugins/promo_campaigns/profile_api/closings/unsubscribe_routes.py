"""Clicks to unsubscribe, through a link that was signed here.

A GET shows a page and changes nothing: mail scanners and previews follow every link. A POST unsubscribes, whether it
comes from the page's button or from a mail program by ``List-Unsubscribe-Post`` (RFC 8058). No page says whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import HTMLResponse

from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.model.links.unsubscribing import PATH, is_specimen, read_unsubscribing
from promo_campaigns.profile_api.requests import read_body

if TYPE_CHECKING:
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

FORM_BYTES = 4 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;color:#111;background:#fff}}
button{{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#1b4dd8;color:#fff;cursor:pointer}}
button:focus-visible{{outline:3px solid #1a1a1a;outline-offset:2px}}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p>{form}</main></body></html>
"""
_FORM = (
    '<form method="post"><button type="submit" name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
)
_SPOKEN = {"email": "e-mails", "sms": "text messages", "mobilepush": "push notifications"}


class UnsubscribeRoutes:
    """The routes of unsubscribing, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots
        self.router = APIRouter()
        self.router.add_api_route(f"{PATH}{{token}}", self.ask, methods=["GET", "HEAD"])
        self.router.add_api_route(f"{PATH}{{token}}", self.unsubscribe, methods=["POST"])

    async def ask(self, token: str) -> HTMLResponse:
        """Show a page with a button."""
        if is_specimen(token):
            return _page("A test message", "This is the link of a preview or a test message. It changes nothing.")
        meant = read_unsubscribing(token, await self._slots.read(self._store.picture_key))
        if meant is None:
            return _nowhere()
        return _page("Unsubscribe", f"You will get no more {_spoken(meant.channel)} from us.", form=_FORM)

    async def unsubscribe(self, token: str, request: Request) -> HTMLResponse:
        """Close the channel of the contact whose link it is; a second click changes nothing."""
        await read_body(request, FORM_BYTES)
        if is_specimen(token):
            return _page("A test message", "Nobody was unsubscribed.")
        meant = read_unsubscribing(token, await self._slots.read(self._store.picture_key))
        if meant is None:
            return _nowhere()
        closing = Closing(
            contact_id=meant.contact_id,
            type=meant.channel,
            reason=ClosedFor.UNSUBSCRIBED,
            by=f"link of run {meant.run_id}",
        )
        await self._slots.write(None, self._store.close_channels, [closing])
        return _page("You are unsubscribed", f"You get no more {_spoken(meant.channel)} from us.")


def _spoken(channel: str) -> str:
    return _SPOKEN.get(channel, "messages")


def _nowhere() -> HTMLResponse:
    text = "It may have been cut off. Look at the whole link in the message, or answer the message."
    return _page("This link leads nowhere", text, status=404)


def _page(title: str, text: str, *, form: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, text=text, form=form), status_code=status, headers=_HEADERS)
