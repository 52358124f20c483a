"""The mobile push transport: Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.delivery.transports.base import closing
from promo_campaigns.delivery.transports.google_tokens import (
    ServiceAccount,
    account_tokens,
    read_service_account,
)
from promo_campaigns.delivery.transports.http_transport import HttpTransport
from promo_campaigns.http.endpoint import WAY, parse_endpoint
from promo_campaigns.http.signing.access_tokens import MAX_TOKEN_S, NoTokenError
from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.model.errors import CannotCarryError, ReceiverRefusesError, ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.redaction import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run_spec import Message

HOST = "fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
QUOTA_S = 60.0
"""How long to back off from FCM when a quota is used up and its answer names no time."""
_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:-]*")
_RESERVED = re.compile(r"(?:google|gcm)\..*|google.*|from|message_type|notification|collapse_key", re.IGNORECASE)
_FORBIDDEN, _UNAUTHORIZED, _TOO_MANY = 403, 401, 429
_LOOK_AT_KEY = "look at the key file in the connection's password: whether its account may send to the project"
_DEAD = "UNREGISTERED"
_OF_THE_TOKEN = frozenset({_DEAD, "SENDER_ID_MISMATCH", "INVALID_ARGUMENT"})


class FcmTransport(HttpTransport):
    """Pushes to the device whose token is the locator; the options of a message become its ``data``.

    The connection's password is the key file of a service account, as JSON. Its host may name another server, for
    tests. Extras are those of a ``promo_http`` receiver, without those that say who we are. FCM knows no idempotency
    keys.
    """

    name = "fcm"
    channels = frozenset({"mobilepush"})
    options = None

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        self._account = self._read_account()
        asked = urlsplit(self._account.token_uri)
        tokens = self._endpoint(asked.hostname or "", asked.port, asked.scheme)
        self._tokens = account_tokens(
            self._account, SCOPE, replace(tokens, timeout_s=min(tokens.timeout_s, MAX_TOKEN_S))
        )

    def endpoint(self) -> Endpoint:
        """Return where pushes go: to FCM, unless the connection names a host."""
        self.connection.allow_extras(WAY)
        return self._endpoint(self.connection.host or HOST, self.connection.port, self.connection.scheme)

    def check(self, message: Message) -> None:
        """Refuse options that FCM keeps for itself."""
        super().check(message)
        if taken := [name for name in message.options if _RESERVED.fullmatch(name)]:
            problem = f"FCM keeps the name {taken[0]!r} for itself"
            raise CannotCarryError(problem, setting="options", hint="Give the option another name")

    async def __aenter__(self) -> Self:
        """Get an access token and keep connections open from one batch to the next.

        :raises ReceiverRefusesError: no token is given, and no waiting helps
        :raises ReceiverUnavailableError: no token is given just now
        """
        await super().__aenter__()
        try:
            await self._open.enter_async_context(self._tokens.client.connected())
            await self._require_token()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def call(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        """Push one message."""
        (message,) = messages
        try:
            token = await self._tokens.current()
        except NoTokenError as none:
            return [
                DeliveryResult(
                    contact_id=message.contact_id,
                    outcome=Outcome.LATER,
                    detail=str(none),
                    locked_out=none.for_good,
                    look_at=none.look_at,
                )
            ]
        answer = await self.post(self._path, _push(message), headers={"Authorization": f"Bearer {token}"})
        if answer.status == _UNAUTHORIZED:
            self._tokens.forget(token)
            if self._tokens.was_taken(token):  # it has ended before its time: the next one is asked for
                answer = replace(answer, locked_out=False)
        elif answer.status:
            self._tokens.mark_taken(token)
        return [_result(message, answer)]

    def show(self, message: OutgoingMessage) -> ShownCall:
        """Return the push; the access token is asked for when it is sent."""
        return self.show_post(self._path, _push(message), headers={"Authorization": HIDDEN})

    @property
    def _path(self) -> str:
        return f"/v1/projects/{self._account.project_id}/messages:send"

    async def _require_token(self) -> None:
        try:
            await self._tokens.current()
        except NoTokenError as none:
            look_at = f"; {none.look_at}" if none.look_at else ""
            msg = f"{self.connection.name}: {none}{look_at}; nothing was sent"
            raise (ReceiverRefusesError(msg) if none.for_good else ReceiverUnavailableError(msg)) from None

    def _read_account(self) -> ServiceAccount:
        try:
            account = read_service_account(self.connection.password)
        except ValueError as error:
            self.connection.fail(f"needs the key file of a service account, as JSON, for its password: {error}")
        if not _PROJECT.fullmatch(account.project_id):
            self.connection.fail("has a key file whose project_id is none")
        return account

    def _endpoint(self, host: str, port: int | None, scheme: str) -> Endpoint:
        mine = self.connection
        return parse_endpoint(
            ConnectionSettings(name=mine.name, host=host, port=port, scheme=scheme, extras=mine.extras)
        )


def _push(message: OutgoingMessage) -> dict[str, object]:
    shown = {"title": message.title, "body": message.body} if message.title else {"body": message.body}
    push: dict[str, object] = {"token": message.locator, "notification": shown}
    if message.options:
        push["data"] = message.options
    return {"message": push}


def _result(message: OutgoingMessage, answer: Answer) -> DeliveryResult:
    """Classify an answer by its status, and where there is one, by FCM's error code.

    A token that is none any more, or another sender's, is that contact's fault; 403 otherwise is ours, and so is 404.
    Only UNREGISTERED proves that a token is dead: another sender's may be right for another key file, and an
    INVALID_ARGUMENT may be the message's.
    """
    code = _error_code(answer.body) if answer.status else ""
    outcome, locked, retry_s = answer.outcome, answer.locked_out, answer.retry_after_s
    look_at = _LOOK_AT_KEY if answer.status in {_UNAUTHORIZED, _FORBIDDEN} else answer.look_at
    if outcome is Outcome.OK and not _is_named(answer.body):
        outcome, code = Outcome.UNKNOWN, "NO_NAME"
    elif code in _OF_THE_TOKEN and answer.status in {400, _FORBIDDEN, 404}:
        outcome, locked, look_at = Outcome.REFUSED, False, ""
    elif answer.status == 404:  # noqa: PLR2004  (no such project: nobody's token is at fault)
        outcome, locked, look_at = Outcome.LATER, True, "look at the project_id of the key file"
    elif answer.status == _TOO_MANY:
        retry_s = retry_s or QUOTA_S
    detail = f"FCM {code}" if code else answer.detail
    is_dead = code == _DEAD and outcome is Outcome.REFUSED
    return DeliveryResult(
        contact_id=message.contact_id,
        outcome=outcome,
        detail=detail,
        retry_after_s=retry_s,
        locked_out=locked,
        look_at=look_at,
        called=answer.called,
        closes=closing(message, ClosedFor.UNREGISTERED, f"fcm: {code}") if is_dead else None,
    )


def _error_code(body: bytes) -> str:
    """Return the code of an error, a word of FCM's own or of Google's; empty where there is none."""
    try:
        error = json.loads(body).get("error", {})
        codes = [detail["errorCode"] for detail in error.get("details", ()) if "errorCode" in detail]
        code = str(codes[0] if codes else error.get("status", ""))
    except (ValueError, AttributeError, TypeError):
        return ""
    return code if re.fullmatch(r"[A-Z_]{1,40}", code) else ""


def _is_named(body: bytes) -> bool:
    """Whether an answer names the message that was taken."""
    try:
        return bool(json.loads(body).get("name"))
    except (ValueError, AttributeError):
        return False
