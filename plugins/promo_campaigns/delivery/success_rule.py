"""What an answer proves by the rules of a data source, beyond its status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import TemplateError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.typed.strict_json import refuse_constant
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.http.client import Answer
    from promo_campaigns.model.run_spec import DataSource

KEPT_BYTES = 65_536
NO_JSON = "the answer is no JSON"
_HOLDS = "1"
_LOST = object()
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The one character of JSON that the store cannot keep."""


class Condition:
    """What stands between the brackets of an ``#if``.

    :param text: the condition, such as ``$answer.get('status') == 'OK'``
    :raises TemplateSyntaxError: it is none
    """

    def __init__(self, text: str) -> None:
        self._template = compile_template(f"#if({text}){_HOLDS}#end", mode="strict")

    @property
    def names(self) -> frozenset[str]:
        """The names it depends on."""
        return frozenset(self._template.references)

    def reads(self, name: str) -> bool:
        """Whether the condition depends on a name."""
        return self._template.reads(name)

    def holds(self, context: Mapping[str, object]) -> bool:
        """Whether it holds.

        :raises TemplateError: it cannot be told with these values
        """
        return self._template.render(context) == _HOLDS


class SuccessRule:
    """Applies a data source's rules to an answer: its condition, and whether a message can read it.

    A condition that reads ``$status`` decides on every status, so that it may name 409 as "already there"; another one
    decides on answers of success.

    :raises TemplateSyntaxError: the condition is none
    """

    def __init__(self, source: DataSource) -> None:
        self._condition = Condition(source.success) if source.success else None
        self._failure = Outcome(source.failure)
        self._keeps = source.before

    def outcome(self, answer: Answer, read: object) -> tuple[Outcome, str]:
        """Return what an answer proves, and why it is not ok.

        :param read: the answer as JSON, ``unreadable`` if it is none
        """
        condition, by_status = self._condition, (answer.outcome, answer.detail)
        if condition is None or not answer.status:
            return by_status
        is_success = answer.outcome is Outcome.OK
        if not is_success and not condition.reads("status"):
            return by_status
        if is_unreadable(read) and condition.reads("answer"):
            return (Outcome.UNKNOWN, answer.unread or NO_JSON) if is_success else by_status
        try:
            holds = condition.holds({"status": answer.status, "answer": None if is_unreadable(read) else read})
        except TemplateError:
            return (Outcome.UNKNOWN, "the success rule cannot be applied to the answer") if is_success else by_status
        if holds:
            return Outcome.OK, ""
        return (self._failure, "the answer fails the success rule") if is_success else by_status

    def result(self, contact_id: int, answer: Answer) -> DeliveryResult:
        """Return the result of one contact's call, with the answer if a message reads it."""
        read = read_json(answer.body) if answer.status else _LOST
        outcome, detail = self.outcome(answer, read)
        kept = ""
        if outcome is Outcome.OK and self._keeps:
            outcome, detail, kept = _kept(read, answer.unread)
        by_status = outcome is answer.outcome and outcome is not Outcome.OK
        return DeliveryResult(
            contact_id=contact_id,
            outcome=outcome,
            detail=detail,
            retry_after_s=answer.retry_after_s,
            locked_out=by_status and answer.locked_out,
            look_at=answer.look_at if by_status else "",
            called=answer.called,
            answer=kept,
        )


def read_json(body: bytes) -> Any:  # noqa: ANN401  (whatever was answered)
    """Return an answer as JSON values; of one that is no JSON, something that ``is_unreadable``."""
    try:
        return json.loads(body, parse_constant=refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return _LOST


def is_unreadable(read: object) -> bool:
    """Tell whether ``read_json`` found no JSON."""
    return read is _LOST


def _kept(read: object, unread: str) -> tuple[Outcome, str, str]:
    if is_unreadable(read):
        return Outcome.UNKNOWN, unread or NO_JSON, ""
    try:
        text = json.dumps(read, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (ValueError, RecursionError):
        return Outcome.REFUSED, "the answer holds what cannot be kept", ""
    if size > KEPT_BYTES:
        return Outcome.REFUSED, f"the answer is larger than {KEPT_BYTES} bytes", ""
    if _NUL.search(text):
        return Outcome.REFUSED, "the answer holds what cannot be kept", ""
    return Outcome.OK, "", text


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number
