"""Reads a data source as its author writes it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.delivery.success_rule import Condition
from promo_campaigns.delivery.templates import compile_body, compile_data_source, compile_headers, compile_path
from promo_campaigns.http.request_paths import holds_control_character
from promo_campaigns.model.errors import TemplateError
from promo_campaigns.model.run_spec import DataSource, Poll
from promo_campaigns.velocity import can_hold
from promo_campaigns.velocity.positions.url_text import leads_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.definitions.settings.text_settings import TextSettings

    Made = TypeVar("Made")

KEYS = frozenset(
    {
        *("description", "method", "connection", "path", "headers", "format", "body"),
        *("timeout_s", "success", "failure", "records_per_request", "poll", "key_window_s"),
    }
)
BATCH = "batch"
MAX_RECORDS = 10_000
MAX_TIMEOUT_S = 55.0
MAX_WAIT_S = 600.0
MAX_WINDOW_S = 365 * 86400
METHODS = ("POST", "GET")
"""How a data source, and so a webhook, may call; the receiver tests misbehave towards each."""
_FORMATS = ("json", "xml", "text")
_FAILURES = ("refused", "later", "unknown")
_STATUS = "status"
STATUSES = range(100, 600)
_FOLLOWED = range(200, 300)
"""Statuses of the answers by which a poll is followed; any other says nothing of the work."""
_KNOWN = frozenset({"status", "answer"})
_ENDS = frozenset({"done", "failed"})
_POLL = frozenset({"path", "wait_s", *_ENDS})
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "idempotency-key"})


def parse_source(file: TextSettings, name: str, *, before: bool = False) -> DataSource:
    """Return the data source that a file holds.

    :param before: whether a message reads its answer
    :raises DefinitionError: a setting is missing or wrong, or a template does not compile
    """
    source = DataSource(
        name=name,
        method=file.choice("method", METHODS, "POST"),
        connection=file.text("connection"),
        path=file.text("path"),
        headers=file.mapping("headers"),
        body=file.text("body", ""),
        format=file.choice("format", _FORMATS, "json"),
        key_window_s=_seconds(file, "key_window_s"),
        before=before,
        timeout_s=file.number("timeout_s", 0.0, least=0.1, most=MAX_TIMEOUT_S),
        success=_condition(file, "success", _STATUS),
        failure=file.choice("failure", _FAILURES, "refused"),
        records_per_request=int(file.number("records_per_request", 0, least=1, most=MAX_RECORDS)),
        poll=_poll(file),
    )
    _check_address(file, source)
    _check_headers(file, source)
    _check_body(file, source)
    return source


def _check_address(file: TextSettings, source: DataSource) -> None:
    if not source.path.startswith("/"):
        file.fail("'path' must begin with a slash", line=file.line("path"), hint="The host is the connection's")
    if holds_control_character(source.path + source.poll.path):
        file.fail("'path' holds what no address may", line=file.line("path"), hint="Write it in one line")
    for path in (source.path, source.poll.path):
        if leads_elsewhere(path.partition("?")[0]):
            hint = "Write the path that they lead to"
            file.fail("'path' has the part '.' or '..'", line=file.line("path"), hint=hint)
    _compiled(file, "path", partial(compile_path, source.path))


def _check_headers(file: TextSettings, source: DataSource) -> None:
    line = file.line("headers")
    for name, value in source.headers.items():
        if not _HEADER.fullmatch(name) or holds_control_character(value):
            file.fail("'headers' holds a name or value that no header may have", line=line)
        if name.lower() in _CREDENTIALS:
            file.fail(f"the header {name} is a secret", line=line, hint="Credentials stand in the connection: its auth")
        if name.lower() in _OURS:
            file.fail(f"the header {name} is set for each request", line=line, hint="Leave it out")
    _compiled(file, "headers", partial(compile_headers, source))


def _check_body(file: TextSettings, source: DataSource) -> None:
    many = source.records_per_request
    if source.method == "GET" and source.body.strip():
        file.fail("a GET request has no body", line=file.line("body"))
    body = _compiled(file, "body", partial(compile_body, source))
    if many and not body.reads(BATCH):
        hint = "Write #foreach($c in $batch)...#end"
        file.fail(
            "with 'records_per_request' the body must read $batch", line=file.line("records_per_request"), hint=hint
        )
    if not many and BATCH in body.references:
        hint = "Say how many contacts one request is for"
        file.fail("the body reads $batch and 'records_per_request' is missing", line=file.line("body"), hint=hint)
    if source.poll != Poll() and not many:
        file.fail("'poll' goes with 'records_per_request'", line=file.line("poll"))
    if source.before and many:
        hint = "A message reads the answer for its own contact: leave records_per_request out"
        file.fail("a message reads the answer", line=file.line("records_per_request"), hint=hint)
    compile_data_source(source)


def _condition(file: TextSettings, key: str, default: str) -> str:
    text = file.text(key, default).strip()
    if text == default:
        return ""
    condition = _compiled(file, key, partial(Condition, text))
    _require_known(file, (key,), condition)
    if not can_hold(text, _STATUS, STATUSES):
        hint = "$status is a number from 100 to 599, as in: $status < 300 || $status == 409"
        file.fail(f"{key}: no answer can ever meet this rule", line=file.line(key), hint=hint)
    return text


def _require_known(file: TextSettings, way: tuple[str, ...], condition: Condition) -> None:
    if strange := sorted(condition.names - _KNOWN):
        close = get_close_matches(strange[0], _KNOWN, 1)
        hint = f"Did you mean ${close[0]}?" if close else "A rule reads $status and $answer"
        file.fail(f"{'.'.join(way)}: there is no ${strange[0]}", line=file.line_in(way, 1), hint=hint)


def _poll(file: TextSettings) -> Poll:
    given, line = file.mapping("poll"), file.line("poll")
    if unknown := sorted(set(given) - _POLL):
        file.fail(f"'poll' has no {unknown[0]!r}", line=line, hint=nearest(unknown[0], _POLL))
    wait_s = given.pop("wait_s", f"{Poll().wait_s:.0f}")
    if not wait_s.isdecimal() or not 1 <= int(wait_s) <= MAX_WAIT_S:
        file.fail(f"'wait_s' must be a number between 1 and {MAX_WAIT_S:g}", line=line)
    poll = Poll(**given, wait_s=float(wait_s))
    if poll.path and not poll.path.startswith("/"):
        file.fail("the 'path' of 'poll' must begin with a slash", line=line, hint="The host is the connection's")
    _compiled(file, "poll", partial(compile_path, poll.path))
    for name in sorted(_ENDS & given.keys()):
        _check_end(file, name, given[name])
    if poll.done.split() == poll.failed.split():
        hint = "Work that failed is looked for first, so that none would ever be done"
        file.fail("poll: 'done' and 'failed' are one condition", line=line, hint=hint)
    return poll


def _check_end(file: TextSettings, name: str, text: str) -> None:
    """Refuse a condition by which followed work could never end, or would end whatever is answered."""
    way, line = ("poll", name), file.line_in(("poll", name), 1)
    condition = _compiled(file, "poll", partial(Condition, text))
    _require_known(file, way, condition)
    if not condition.names:
        hint = "Compare what the answer says, as in: $answer.get('status') == 'FINISHED'"
        file.fail(f"poll.{name}: the condition does not read the answer", line=line, hint=hint)
    if not can_hold(text, _STATUS, _FOLLOWED):
        hint = "Only an answer with a $status from 200 to 299 is looked at"
        file.fail(f"poll.{name}: no answer can ever meet this condition", line=line, hint=hint)


def _seconds(file: TextSettings, key: str) -> int:
    value = file.text(key, "0")
    if not value.isdecimal() or int(value) > MAX_WINDOW_S:
        file.fail(f"{key!r} must be a whole number of seconds", line=file.line(key), hint="A day is 86400")
    return int(value)


def _compiled(file: TextSettings, key: str, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except TemplateError as error:
        file.fail(f"{key}: {error.problem}", line=file.line(key, error.line), hint=error.hint)
