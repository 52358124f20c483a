"""Reads what campaign authors write: messages, data sources and audiences of an include folder."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.definitions.data_source_file import KEYS, parse_source
from promo_campaigns.definitions.list_file import read_list
from promo_campaigns.definitions.message_variants import check_texts, is_message_name, read_variants
from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.settings.text_settings import TextSettings
from promo_campaigns.delivery.templates import compile_body, compile_path
from promo_campaigns.model.audience.columns import (
    AUDIENCE,
    HOW_DECLARED,
    ColumnLineError,
    declares_columns,
    read_columns,
)
from promo_campaigns.model.errors import CannotCarryError, ConfigurationError, DefinitionError
from promo_campaigns.model.run_spec import Audience, Message, RunSpec
from promo_campaigns.model.template_context import VALUE_NAMES
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.model.run_spec import CodeRequest, DataSource
    from promo_campaigns.velocity import BoundSource

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")
_AUDIENCES = (".sql", ".csv")
_MEANT_CONNECTION = re.compile(r"--[ \t]*connection\b", re.IGNORECASE)
_CHANNEL = re.compile(r"[a-z][a-z0-9_]*")
_MESSAGE_KEYS = frozenset({"description", "channel", "title", "body", "html", "options", "webhook"})


def read_message(include: Path, name: str) -> Message:
    """Read ``messages/<name>.yaml``, and ``messages/<name>.<language>.yaml`` for each language that it is there in.

    :raises DefinitionError: the file is missing or wrong, or one of its templates does not compile
    """
    file = message_file(include, name)
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
    check_texts(file, message)
    return replace(message, variants=read_variants(include / "messages", message))


def message_file(include: Path, name: str) -> TextSettings:
    """Return the settings of ``messages/<name>.yaml``, with their lines.

    :raises DefinitionError: the file is missing, or holds a setting that does not exist
    """
    return _open(include, "messages", name, keys=_MESSAGE_KEYS)


def source_file(include: Path, name: str) -> TextSettings:
    """Return the settings of ``data_sources/<name>.yaml``, with their lines.

    :raises DefinitionError: the file is missing, or holds a setting that does not exist
    """
    return _open(include, "data_sources", name, keys=KEYS)


def require_carried(include: Path, message: Message, transport: BaseTransport) -> None:
    """Refuse a message that its transport cannot carry, in whichever language.

    :raises DefinitionError: naming the line at fault
    """
    try:
        transport.check(message)
    except CannotCarryError as error:
        file = message_file(include, message.name)
        file.fail(error.problem, line=file.line(error.setting), hint=error.hint)
    for version in message.versions():
        require_carried(include, version, transport)


def read_bound_sources(include: Path, message: Message) -> tuple[DataSource, ...]:
    """Read the data sources of a message, in the order it binds or reads them.

    A source is bound with ``#set($url = $!data.get('<name>'))``. One whose answer the message reads, through that
    variable or by the source's own name, is called before the message.

    :raises DefinitionError: a source is missing or wrong, or reads an answer that is not there when it is called
    """
    bound: dict[str, bool] = {}
    for version, key, text in _texts(message):
        template = compile_template(text)
        for source in template.data_sources:
            if not source.answer_read or _is_source(include, source.name):
                _require_source(include, version, key, source)
                bound[source.name] = bound.get(source.name, False) or source.answer_read
        for name in sorted({*template.names_read, *template.references}):
            if _is_source(include, name):
                bound[name] = True
    for name, before in bound.items():
        _check_reading(include, name, before=before, answered={other for other in bound if bound[other]})
    return tuple(read_data_source(include, name, before=before) for name, before in bound.items())


def _texts(message: Message) -> Iterator[tuple[str, str, str]]:
    """Yield each text of a message and of its variants: the name of the file, the setting, the text."""
    for version in (message, *message.versions()):
        yield from ((version.name, key, getattr(version, key)) for key in ("title", "body", "html"))
        yield from ((version.name, "options", text) for text in version.options.values())


def read_data_source(include: Path, name: str, *, before: bool = False) -> DataSource:
    """Read ``data_sources/<name>.yaml``.

    :param before: whether a message reads its answer
    :raises DefinitionError: the file is missing or wrong, or one of its templates does not compile
    """
    return parse_source(source_file(include, name), name, before=before)


def read_webhook(include: Path, message: Message) -> DataSource | None:
    """Read the data source that carries the message, if it names one; a request for each.

    :raises DefinitionError: it is missing or wrong
    """
    if not message.webhook:
        return None
    file = source_file(include, message.webhook)
    source = parse_source(file, message.webhook)
    if source.records_per_request:
        file.fail("a message is carried by a request of its own", line=file.line("records_per_request"))
    return source


def connection_line(include: Path, name: str) -> int | None:
    """Return the line of a data source's file that names its connection."""
    return source_file(include, name).line("connection")


def binding_line(include: Path, message: str, source: str) -> int | None:
    """Return the line of a message's file that binds or reads a data source first; that of its body if it does not."""
    file = message_file(include, message)
    body = file.text("body")
    bound = (one.line for one in compile_template(body).data_sources if one.name == source)
    named = (number for number, line in enumerate(body.splitlines(), start=1) if source in line)
    return file.line("body", next(bound, next(named, 0)))


def _require_source(include: Path, message: str, key: str, bound: BoundSource) -> None:
    if _is_source(include, bound.name):
        return
    present = {file.stem for file in (include / "data_sources").glob("*.yaml")}
    file = message_file(include, message)
    problem = f"{key}: there is no data source {bound.name!r}, which the message binds"
    meant = nearest(bound.name, {*present, *VALUE_NAMES}) if bound.name not in VALUE_NAMES else ""
    hint = meant if meant.startswith("Did") else nearest(bound.name, present)
    file.fail(problem, line=file.line(key, bound.line), hint=hint)


def _check_reading(include: Path, name: str, *, before: bool, answered: set[str]) -> None:
    """Check that a data source reads no answer but those that were there before any message."""
    file = source_file(include, name)
    source = parse_source(file, name, before=before)
    templates = {"path": compile_path(source.path), "body": compile_body(source)}
    for key, template in templates.items():
        for read in sorted({*template.names_read, *template.references}):
            if _is_source(include, read) and (before or read not in answered):
                hint = "Only a source called after the message can, and only answers that the message reads as well"
                file.fail(f"it reads the answer of {read!r}", line=file.line(key), hint=hint)


def read_audience(include: Path, name: str) -> Audience:
    """Read ``audiences/<name>.sql``, one SELECT that yields ``contact_id``, or ``audiences/<name>.csv``, a list.

    The SELECT of another database begins with a line ``-- connection: <id>``, and yields what a list may hold, and the
    columns that the lines below declare.

    :raises DefinitionError: there is no such file, there are both, or it is wrong
    """
    folder = include / "audiences"
    require_name(name, f"audiences/{name}.sql")
    present = [file for file in (folder / f"{name}.sql", folder / f"{name}.csv") if file.is_file()]
    if not present:
        others = sorted(file.stem for file in folder.glob("*") if file.suffix in _AUDIENCES)
        problem = "there is no such file"
        hint = f"Present in that folder: {', '.join(others) or 'none'}"
        raise DefinitionError(problem, file=f"audiences/{name}.sql", hint=hint)
    shown_as = f"audiences/{present[0].name}"
    if len(present) > 1:
        problem = f"there is {name}.csv as well"
        raise DefinitionError(problem, file=shown_as, hint="Give them different names")
    data = present[0].read_bytes()
    if not data.strip():
        problem = "the file is empty"
        hint = "Write one SELECT that yields contact_id, or a list of contacts with a header"
        raise DefinitionError(problem, file=shown_as, hint=hint)
    if present[0].suffix == ".sql":
        return _audience_of(name, data.decode("utf-8"), shown_as)
    listed = read_list(data, file=shown_as)
    return Audience(name=name, list_sha256=listed.sha256, listed=listed)


def _audience_of(name: str, select: str, shown_as: str) -> Audience:
    """Return the audience of a SELECT, whose first lines may name the connection of another database, and columns."""
    audience = Audience(name=name, sql=select)
    if _MEANT_CONNECTION.match(select) and not audience.connection:
        problem = "the first line names no connection"
        raise DefinitionError(problem, file=shown_as, line=1, hint="Write it as in: -- connection: warehouse")
    if not audience.connection and declares_columns(select):
        problem = "only an audience that another database is asked for has columns: its first line names the connection"
        hint = "Texts read what the store knows of a contact without them: its fields"
        raise DefinitionError(problem, file=shown_as, line=1, hint=hint)
    try:
        return replace(audience, columns=read_columns(select)) if audience.connection else audience
    except ColumnLineError as error:
        raise DefinitionError(error.problem, file=shown_as, line=error.line, hint=HOW_DECLARED) from error


def read_run_spec(  # noqa: PLR0913  (the parts of a campaign, one keyword each)
    include: Path,
    *,
    workflow: str,
    audience: str | Audience,
    contact_ids: Sequence[int] = (),
    message: str,
    codes: CodeRequest,
    transport: str = "inbox",
    transport_conn_id: str = "",
    hold_out: float = 0.0,
    pictures_url: str = "",
    unsubscribe_url: str = "",
) -> RunSpec:
    """Put together the definition of a run from its files.

    :param audience: name of a file, or an audience that needs none
    :param contact_ids: the audience itself, in place of a file
    :param transport: the transport of the message, by its name
    :param transport_conn_id: the connection the transport is opened with, empty for none
    :param hold_out: percent of the reachable contacts who are kept without a code
    :param pictures_url: where contacts reach the profile API's pictures of codes, empty for nowhere
    :param unsubscribe_url: where contacts reach the profile API to unsubscribe, empty for nowhere
    :raises ConfigurationError: neither or both of audience and contact ids are given
    :raises DefinitionError: a file is missing or wrong
    """
    if bool(audience) == bool(contact_ids):
        msg = "a run needs an audience: name a file of include/audiences or give contact ids, one of the two"
        raise ConfigurationError(msg)
    read = read_message(include, message)
    whose = _audience(include, audience, contact_ids)
    if not contact_ids:
        _require_columns(codes, whose)
    return RunSpec(
        workflow=workflow,
        audience=whose,
        codes=codes,
        message=read,
        data_sources=read_bound_sources(include, read),
        transport=transport,
        transport_conn_id=transport_conn_id,
        webhook=read_webhook(include, read),
        hold_out=hold_out,
        pictures_url=pictures_url,
        unsubscribe_url=unsubscribe_url,
    )


def _audience(include: Path, audience: str | Audience, contact_ids: Sequence[int]) -> Audience:
    if isinstance(audience, Audience):
        return audience
    if audience:
        return read_audience(include, audience)
    return Audience(name="contact ids", contact_ids=tuple(sorted(set(contact_ids))))


def _require_columns(codes: CodeRequest, audience: Audience) -> None:
    """Refuse codes that match a column which the audience has not."""
    columns = [column.name for column in audience.columns]
    for one in codes.match:
        source, _, name = one.source.partition(".")
        if source == AUDIENCE and name not in columns:
            has = f"has the columns {', '.join(columns)}" if columns else "has no columns"
            msg = f"match reads {one.name} from $audience.{name}, and the audience {audience.name} {has}"
            raise ConfigurationError(msg)


def _open(include: Path, folder: str, name: str, keys: Collection[str]) -> TextSettings:
    shown_as = f"{folder}/{name}.yaml"
    if folder != "messages" or not is_message_name(name, _NAME):
        require_name(name, shown_as)
    return TextSettings(include / folder / f"{name}.yaml", shown_as=shown_as, keys=keys)


def require_name(name: str, shown_as: str) -> None:
    """Refuse a name that could lead out of its folder.

    :raises DefinitionError: it is none
    """
    if not _NAME.fullmatch(name):
        problem = "a name holds letters, digits, spaces, '_' and '-' only"
        raise DefinitionError(problem, file=shown_as)


def _is_source(include: Path, name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and (include / "data_sources" / f"{name}.yaml").is_file()
