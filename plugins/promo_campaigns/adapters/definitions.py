"""Reads what campaign authors write: messages, data sources and audiences of an include folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from promo_campaigns.adapters.yaml_file import YamlFile
from promo_campaigns.core.errors import CannotCarry, ConfigurationError, DefinitionError, TemplateError
from promo_campaigns.core.models import Audience, DataSource, Message, RunSpec
from promo_campaigns.core.rendering import HTML
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from promo_campaigns.core.models import CodeRequest
    from promo_campaigns.core.transport import BaseTransport
    from promo_campaigns.velocity import Template

MAX_WINDOW_S = 365 * 86400
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")
_CHANNEL = re.compile(r"[a-z][a-z0-9_]*")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_MESSAGE_KEYS = frozenset({"description", "channel", "title", "body", "html", "options", "webhook"})
_METHODS = ("POST", "GET")
_FORMATS = ("json", "text")


def read_message(include: Path, name: str) -> Message:
    """Read ``messages/<name>.yaml``.

    :raises DefinitionError: the file is missing or wrong, or one of its templates does not compile
    """
    file = _open(include, "messages", name, keys=_MESSAGE_KEYS)
    channel = file.text("channel")
    if not _CHANNEL.fullmatch(channel):
        file.fail(f"{channel!r} is no channel", line=file.line("channel"), hint="Use email, sms or mobilepush")
    message = Message(
        name=name,
        channel=channel,
        title=file.text("title", ""),
        body=file.text("body"),
        html=file.text("html", ""),
        options=file.mapping("options"),
        webhook=file.text("webhook", ""),
    )
    _compile(file, "title", message.title)
    _compile(file, "body", message.body)
    _compile(file, "html", message.html, mode="html")
    for option, value in message.options.items():
        if not _OPTION.fullmatch(option) or option == HTML:
            file.fail(f"{option!r} cannot be the name of an option", line=file.line("options"))
        _compile(file, "options", value)
    return message


def require_carried(include: Path, message: Message, transport: BaseTransport) -> None:
    """Refuse a message that its transport cannot carry.

    :raises DefinitionError: naming the line at fault
    """
    try:
        transport.check(message)
    except CannotCarry as error:
        file = _open(include, "messages", message.name, keys=_MESSAGE_KEYS)
        file.fail(error.problem, line=file.line(error.setting), hint=error.hint)


def read_bound_source(include: Path, message: Message) -> DataSource | None:
    """Read the data source that the message binds with ``#set($url = $!data.get('<name>'))``, if it binds one.

    :raises DefinitionError: the source is missing or wrong, its answer is read, or several are bound
    """
    shown_as = f"messages/{message.name}.yaml"
    bound = [*compile_template(message.body).data_sources, *compile_template(message.html).data_sources]
    answers = sorted({source.name for source in bound if source.answer_read and _is_source(include, source.name)})
    if answers:
        problem = f"the message reads the answer of the data source {answers[0]!r}"
        hint = "A source is called after the message was accepted, so its answer cannot stand in the message"
        raise DefinitionError(problem, file=shown_as, hint=hint)
    names = sorted({source.name for source in bound if not source.answer_read})
    if len(names) > 1:
        problem = f"the message binds {len(names)} data sources: {', '.join(names)}"
        raise DefinitionError(problem, file=shown_as, hint="Bind one")
    return read_data_source(include, names[0]) if names else None


def read_data_source(include: Path, name: str) -> DataSource:
    """Read ``data_sources/<name>.yaml``.

    :raises DefinitionError: the file is missing or wrong, or one of its templates does not compile
    """
    keys = {"description", "method", "connection", "path", "headers", "format", "body", "key_window_s"}
    file = _open(include, "data_sources", name, keys=keys)
    source = DataSource(
        name=name,
        method=file.choice("method", _METHODS, "POST"),
        connection=file.text("connection"),
        path=file.text("path"),
        headers=file.mapping("headers"),
        body=file.text("body", ""),
        format=file.choice("format", _FORMATS, "json"),
        key_window_s=_seconds(file, "key_window_s"),
    )
    if not source.path.startswith("/"):
        file.fail("'path' must begin with a slash", line=file.line("path"), hint="The host is the connection's")
    if source.method == "GET" and source.body.strip():
        file.fail("a GET request has no body", line=file.line("body"))
    _compile(file, "path", source.path)
    _compile(file, "body", source.body, mode="json" if source.format == "json" and source.body.strip() else "text")
    for value in source.headers.values():
        _compile(file, "headers", value)
    return source


def read_audience(include: Path, name: str) -> Audience:
    """Read ``audiences/<name>.sql``: one SELECT that yields ``contact_id``.

    :raises DefinitionError: there is no such file, or it is empty
    """
    shown_as = f"audiences/{name}.sql"
    _require_name(name, shown_as)
    path = include / "audiences" / f"{name}.sql"
    if not path.is_file():
        others = ", ".join(sorted(file.stem for file in path.parent.glob("*.sql"))) or "none"
        problem = "there is no such file"
        raise DefinitionError(problem, file=shown_as, hint=f"Present in that folder: {others}")
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        problem = "the file is empty"
        raise DefinitionError(problem, file=shown_as, hint="Write one SELECT that yields contact_id")
    return Audience(name=name, sql=text)


def read_run_spec(  # noqa: PLR0913  (the parts of a campaign, one keyword each)
    include: Path,
    *,
    workflow: str,
    audience: str,
    contact_ids: Sequence[int] = (),
    message: str,
    codes: CodeRequest,
    transport: str = "inbox",
    transport_conn_id: str = "",
) -> RunSpec:
    """Put together the definition of a run from its files.

    :param contact_ids: the audience itself, in place of a file
    :param transport: the way out of the message
    :param transport_conn_id: the connection the transport is opened with, empty for none
    :raises ConfigurationError: neither or both of audience and contact ids are given
    :raises DefinitionError: a file is missing or wrong
    """
    if bool(audience) == bool(contact_ids):
        msg = "a run needs an audience: name a file of include/audiences or give contact ids, one of the two"
        raise ConfigurationError(msg)
    read = read_message(include, message)
    return RunSpec(
        workflow=workflow,
        audience=read_audience(include, audience)
        if audience
        else Audience(name="contact ids", contact_ids=tuple(sorted(set(contact_ids)))),
        codes=codes,
        message=read,
        data_source=read_bound_source(include, read),
        transport=transport,
        transport_conn_id=transport_conn_id,
        webhook=read_data_source(include, read.webhook) if read.webhook else None,
    )


def _open(include: Path, folder: str, name: str, keys: Collection[str]) -> YamlFile:
    shown_as = f"{folder}/{name}.yaml"
    _require_name(name, shown_as)
    return YamlFile(include / folder / f"{name}.yaml", shown_as=shown_as, keys=keys)


def _require_name(name: str, shown_as: str) -> None:
    if not _NAME.fullmatch(name):
        problem = "a name holds letters, digits, spaces, '_' and '-' only"
        raise DefinitionError(problem, file=shown_as)


def _compile(file: YamlFile, key: str, text: str, *, mode: Literal["text", "json", "html"] = "text") -> Template:
    try:
        return compile_template(text, mode=mode)
    except TemplateError as error:
        file.fail(f"{key}: {error.problem}", line=file.line(key, error.line), hint=error.hint)


def _seconds(file: YamlFile, key: str) -> int:
    value = file.text(key, "0")
    if not value.isdecimal() or int(value) > MAX_WINDOW_S:
        file.fail(f"{key!r} must be a whole number of seconds", line=file.line(key), hint="A day is 86400")
    return int(value)


def _is_source(include: Path, name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and (include / "data_sources" / f"{name}.yaml").is_file()
