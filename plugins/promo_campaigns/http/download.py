"""Fetches a file from an address that a caller names: bounded in size and time, and never from the private network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, BinaryIO

import aiohttp
from yarl import URL

from promo_campaigns.http.client import MAX_CONNECT_S, USER_AGENT
from promo_campaigns.http.no_connection import explain
from promo_campaigns.http.request_paths import holds_control_character
from promo_campaigns.http.signing.headers import basic_auth
from promo_campaigns.http.ssrf import VettedResolver, require_public_literal
from promo_campaigns.model.errors import SendError

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_LINK = 2_048
DOWNLOAD_S = 60.0
_BLOCK = 64 * 1024
_OK = 200
_PRIVATE = "its host has a private address; name the host with --upload-host, if that is meant"


class DownloadError(Exception):
    """A file cannot be fetched; says why, and names nothing of the link."""


async def download(
    link: str, sink: BinaryIO, *, most_bytes: int, own_hosts: Collection[str] = (), within_s: float = DOWNLOAD_S
) -> int:
    """Fetch a file; return its length. Redirects are not followed, and no proxy of the environment is used.

    :param link: over https; a login and a password in it are sent by HTTP Basic
    :param sink: takes the bytes
    :param own_hosts: ``host`` or ``host:port``, which may have private addresses, and be asked over http
    :param within_s: seconds for all of it
    :raises DownloadError: the link is none, the file is not to be had, or it is too long
    """
    url, login = _parsed(link)
    is_own = not {str(url.host), f"{url.host}:{url.port}"}.isdisjoint(own_hosts)
    if url.scheme != "https" and not (is_own and url.scheme == "http"):
        msg = "it is no https address"
        raise DownloadError(msg)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **login}
    try:
        if not is_own:
            require_public_literal(url.host or "")
        async with (
            _session(within_s, is_own=is_own) as session,
            session.get(url, allow_redirects=False, headers=headers) as answer,
        ):
            return await _kept(answer, sink, most_bytes)
    except SendError:
        raise DownloadError(_PRIVATE) from None
    except asyncio.TimeoutError:
        msg = f"it did not arrive within {within_s:.0f} s"
        raise DownloadError(msg) from None
    except aiohttp.ClientPayloadError:
        msg = "it broke off on its way"
        raise DownloadError(msg) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise DownloadError(explain(error).detail) from None


def _parsed(link: str) -> tuple[URL, dict[str, str]]:
    """Return an address without its login, and the header that carries the login."""
    msg = "it is no https address"
    if len(link) > MAX_LINK or holds_control_character(link):
        raise DownloadError(msg)
    try:
        url = URL(link, encoded=link.isascii() and " " not in link)  # a signed link stays as it is
        login = basic_auth(url.user, url.password or "") if url.user else ""
        bare = url.with_user(None).with_fragment(None) if url.host else url
    except ValueError:
        raise DownloadError(msg) from None
    if not bare.host or bare.scheme not in {"http", "https"}:
        raise DownloadError(msg)
    return bare, {"Authorization": login} if login else {}


def _session(within_s: float, *, is_own: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=within_s, sock_connect=MAX_CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        connector=aiohttp.TCPConnector(resolver=None if is_own else VettedResolver(), force_close=True),
        trust_env=False,
    )


async def _kept(answer: aiohttp.ClientResponse, sink: BinaryIO, most_bytes: int) -> int:
    if answer.status != _OK:
        msg = f"its server answered {answer.status}"
        if answer.headers.get("Location"):
            msg += "; name the address that it leads to"
        raise DownloadError(msg)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        msg = "its server packed it, though it was asked not to"
        raise DownloadError(msg)
    length = 0
    async for block in answer.content.iter_chunked(_BLOCK):
        length += len(block)
        if length > most_bytes:
            msg = f"the file is longer than {most_bytes >> 20} MiB; split it"
            raise DownloadError(msg)
        sink.write(block)
    return length
