"""Connections as Airflow's http provider has them: what each of their extras means in the words of our own type.

An extra that its hook reads is translated, or refused by name where it asks for what the product does not do. Every
other one is a header, as there; except those that our own type has, and what is nearly one of them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from promo_campaigns.connections.settings import ConnectionSettings

PROVIDER_TYPES = frozenset({"http", "https"})
_ALWAYS: dict[str, tuple[str, str]] = {
    "stream": ("false", "answers are read to their end"),
    "allow_redirects": ("false", "redirects are never followed; write the address that they lead to"),
    "check_response": ("true", "the status of an answer always counts; a data source's success rule may say how"),
    "srv_lookup": ("false", "SRV records are not looked up; write host and port that they lead to"),
}
"""Extras that may only say what is done anyway: the value that they may have, and why."""


def as_own_type(settings: ConnectionSettings, own: Collection[str]) -> ConnectionSettings:
    """Return a connection of the provider's type as one of ours would be; any other as it is.

    :param own: the extras that our own type has, and those that the caller reads
    :raises ConfigurationError: an extra asks for what cannot be honoured, or for two things at once
    """
    if settings.conn_type not in PROVIDER_TYPES:
        return settings
    given = {name: value for name, value in settings.extras.items() if value not in (None, "")}
    translated = _translated(settings, given)
    _require_what_is_done(settings, given)
    kept = {name: given.pop(name) for name in list(given) if name in own}
    _refuse_near_misses(settings, given, own)
    if given:
        told = kept.get("headers", {})
        if not isinstance(told, dict):
            settings.fail("has the extra headers and headers beside it; write them in one way")
        kept["headers"] = {**given, **told}
    return replace(settings, extras={**kept, **translated})


def _translated(settings: ConnectionSettings, given: dict[str, Any]) -> dict[str, object]:
    """Take what the provider's hook reads out of the extras, and return it in our own words."""
    ours: dict[str, object] = {}
    for names, translate in _TRANSLATED.items():
        told = [given.pop(name) for name in names if name in given]
        if len(told) > 1:
            settings.fail(f"has the extras {' and '.join(names)}, which are one; leave one of them out")
        ours.update(translate(settings, told[0]) if told else {})
    if twice := next((name for name in ours if name in given), ""):
        settings.fail(f"has the extra {twice} and another one of the same meaning; leave one of them out")
    return ours


def _require_what_is_done(settings: ConnectionSettings, given: dict[str, Any]) -> None:
    for name, (value, why) in _ALWAYS.items():
        if str(given.pop(name, value)).strip().lower() != value:
            settings.fail(f"has an extra {name} that is not {value}: {why}")
    if "max_redirects" in given:
        settings.fail(f"has the extra max_redirects: {_ALWAYS['allow_redirects'][1]}")


def _refuse_near_misses(settings: ConnectionSettings, headers: Collection[str], own: Collection[str]) -> None:
    """Refuse what would be sent as a header and is most likely a setting: headers are hardly ever written with a _."""
    for name in headers:
        if "_" in name and (close := get_close_matches(name.lower(), own, 1, 0.8)):
            settings.fail(f"has the extra {name}, which would be sent as a header; did you mean {close[0]}?")


def _verify(settings: ConnectionSettings, value: object) -> dict[str, object]:
    """Return whether certificates are verified, or by which authority's."""
    word = str(value).strip()
    if word.lower() in {"true", "false"}:
        return {"verify": word.lower()}
    if not isinstance(value, str):
        settings.fail("has an extra verify that is neither true nor false nor the path of certificates")
    return {"ca_file": word}


def _cert(settings: ConnectionSettings, value: object) -> dict[str, object]:
    """Return our certificate: one file, or a certificate and its key."""
    files = value
    if isinstance(value, str):
        try:
            files = json.loads(value) if value.lstrip().startswith("[") else [value.strip()]
        except ValueError:
            files = None
    names = ("cert_file", "key_file")
    if (
        not isinstance(files, list)
        or not 1 <= len(files) <= len(names)
        or not all(isinstance(one, str) for one in files)
    ):
        settings.fail("has an extra cert that is neither a path nor the paths of a certificate and its key")
    return dict(zip(names, files, strict=False))


def _timeout(settings: ConnectionSettings, value: object) -> dict[str, object]:
    if isinstance(value, list | dict):
        settings.fail("has an extra timeout of several numbers; write the seconds of a whole request")
    return {"timeout_s": value}


def _proxy(settings: ConnectionSettings, value: object) -> dict[str, object]:
    del settings  # what it means is read where the address is known
    return {"proxy": value}


_TRANSLATED: dict[tuple[str, ...], Callable[[ConnectionSettings, object], dict[str, object]]] = {
    ("verify", "verify_ssl"): _verify,
    ("cert",): _cert,
    ("proxies", "proxy"): _proxy,
    ("timeout",): _timeout,
}
