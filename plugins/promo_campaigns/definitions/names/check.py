"""Refuses texts of messages and data sources that read a name which nothing can have, or that lose what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.definitions.definitions import message_file, source_file
from promo_campaigns.definitions.names.date_patterns import pattern_mistake
from promo_campaigns.definitions.names.declared import FILE, Declared, read_declared
from promo_campaigns.definitions.names.known import (
    answer_shape,
    audience_names,
    batch_names,
    contact_names,
    example_shape,
    is_owner,
    is_word,
    meant_name,
    webhook_names,
    written,
)
from promo_campaigns.definitions.names.merge_tags import merge_tags
from promo_campaigns.definitions.names.picture_links import refuse_links
from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.delivery.pictures import place_of_link
from promo_campaigns.delivery.templates import CODE, compile_body, compile_headers, compile_path
from promo_campaigns.model.audience.columns import AUDIENCE, HOW_DECLARED
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.links.unsubscribing import NAME as UNSUBSCRIBE_LINK
from promo_campaigns.model.template_context import DATA, TOOL_NAMES, VALUE_NAMES
from promo_campaigns.velocity import ANYTHING, compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from promo_campaigns.definitions.names.known import Known
    from promo_campaigns.definitions.settings.text_settings import TextSettings
    from promo_campaigns.model.audience.columns import AudienceColumn
    from promo_campaigns.model.run_spec import DataSource, Message, RunSpec
    from promo_campaigns.velocity import Shape, Template, UnknownName

ANSWER = "answer"
POLLED = ".poll"
"""``data_sources/<name>.poll.answer.json`` is an example of what the path of a poll answers."""
_NOT_LISTED = {DATA, *TOOL_NAMES}
_MOST_SHOWN = 16
_AS_TEXT = "To print it as it is, write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of a campaign, and what decides which names they can read.

    :ivar sources: the data sources that the message binds
    :ivar webhook: the request that carries the message, if it names one
    :ivar event: the type of the events it answers, empty for an audience; None where that is not known
    :ivar shows_code: whether the message must show the promo code
    :ivar columns: the columns of its audience; None where the audience is not known
    :ivar pictures_url: where contacts reach pictures of codes; empty for nowhere
    :ivar unsubscribe_url: where contacts unsubscribe; likewise
    """

    message: Message
    sources: tuple[DataSource, ...] = ()
    webhook: DataSource | None = None
    event: str | None = ""
    shows_code: bool = True
    columns: tuple[AudienceColumn, ...] | None = ()
    pictures_url: str = ""
    unsubscribe_url: str = ""

    @classmethod
    def of(cls, spec: RunSpec, *, event: str | None = "", shows_code: bool = True) -> Texts:
        """Return what a run says."""
        return cls(
            message=spec.message,
            sources=spec.data_sources,
            webhook=spec.webhook,
            event=event,
            shows_code=shows_code,
            columns=spec.audience.columns,
            pictures_url=spec.pictures_url,
            unsubscribe_url=spec.unsubscribe_url,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One template, where it stands, and what it can read."""

    file: TextSettings
    way: tuple[str, ...]
    template: Template
    known: Known

    def fail(self, problem: str, at: int, hint: str) -> NoReturn:
        line = self.file.line_in(self.way, self.template.line_of(at))
        self.file.fail(f"{'.'.join(self.way)}: {problem}", line=line, hint=hint)


def require_names(include: Path, texts: Texts) -> frozenset[str]:
    """Check every text of a campaign.

    :return: the names of the declared fields that it reads
    :raises DefinitionError: a text reads what nothing can be called, or holds a merge tag of another product; a ``##``
        swallows text; the message never shows the code; nobody declared the answer that it reads
    """
    for fault in name_faults(include, texts):
        raise fault
    declared = read_declared(include)
    without = _parts(include, texts, replace(declared, fields={}))
    return frozenset(unknown.name for part in without for unknown in part.template.unknown_names(part.known))


def name_faults(include: Path, texts: Texts) -> Iterator[DefinitionError]:
    """Yield what ``require_names`` refuses: the first fault of each text."""
    try:
        declared = read_declared(include)
        parts = list(_parts(include, texts, declared))
    except DefinitionError as error:
        yield error
        return
    checks: list[Callable[[], None]] = [partial(_check, part, declared) for part in parts]
    if not texts.pictures_url:
        checks += [partial(refuse_links, include, texts.message, texts.sources)]
    if texts.shows_code:
        checks += [partial(_require_code, include, version) for version in (texts.message, *texts.message.versions())]
    for check in checks:
        yield from _fault_of(check)


def _fault_of(check: Callable[[], None]) -> Iterator[DefinitionError]:
    try:
        check()
    except DefinitionError as error:
        yield error


def _parts(include: Path, texts: Texts, declared: Declared) -> Iterator[_Part]:
    """Yield every template of a campaign."""
    events = [parameters for kind, parameters in declared.events.items() if texts.event in {kind, None}]
    told = {name: example_shape(example) for parameters in events for name, example in parameters.items()}
    further: dict[str, Shape] = {**dict.fromkeys(declared.fields, ANYTHING), **told}
    answers = {source.name: _answer(include, source) for source in texts.sources}
    columns = audience_names(texts.columns)
    linked = {UNSUBSCRIBE_LINK: ANYTHING} if texts.unsubscribe_url else {}
    message = contact_names({**further, **answers, **columns, **linked})
    for version in (texts.message, *texts.message.versions()):
        yield from _message_parts(message_file(include, version.name), version, message)
    asked = {source.name: answers[source.name] for source in texts.sources if source.before}
    for source in texts.sources:
        names = contact_names({**further, **({} if source.before else asked), **columns})
        known = batch_names(names) if source.records_per_request else names
        shapes = [answer_shape(include, name) for name in (source.name, f"{source.name}{POLLED}")]
        yield from _source_parts(source_file(include, source.name), source, known, *shapes)
    if texts.webhook:
        file = source_file(include, texts.webhook.name)
        yield from _source_parts(file, texts.webhook, webhook_names(texts.message.options), ANYTHING)


def _answer(include: Path, source: DataSource) -> Shape:
    """Return what the answer of a data source holds.

    :raises DefinitionError: the message reads it, and nobody says what it holds
    """
    shape = answer_shape(include, source.name)
    if shape is None and source.before:
        problem = "the message reads the answer of this data source, and nobody says what it holds"
        hint = f"Write an example of the answer into data_sources/{source.name}.answer.json"
        source_file(include, source.name).fail(problem, hint=hint)
    return ANYTHING if shape is None else shape


def _message_parts(file: TextSettings, message: Message, known: Known) -> Iterator[_Part]:
    yield _Part(file, ("title",), compile_template(message.title, mode="message"), known)
    yield _Part(file, ("body",), compile_template(message.body, mode="message"), known)
    yield _Part(file, ("html",), compile_template(message.html, mode="html"), known)
    for name, text in message.options.items():
        yield _Part(file, ("options", name), compile_template(text, mode="message"), known)


def _source_parts(
    file: TextSettings, source: DataSource, known: Known, answer: Shape | None, polled: Shape | None = None
) -> Iterator[_Part]:
    """Yield the templates of a data source.

    :param answer: what its answer holds, by an example
    :param polled: what the answer holds by which its work is followed, likewise
    """
    answered: Known = {ANSWER: answer or ANYTHING}
    yield _Part(file, ("path",), compile_path(source.path), known)
    for name, template in compile_headers(source).items():
        yield _Part(file, ("headers", name), template, known)
    yield _Part(file, ("body",), compile_body(source), known)
    yield _Part(file, ("success",), _condition(source.success), {**answered, "status": ANYTHING})
    yield _Part(file, ("poll", "path"), compile_path(source.poll.path), answered)  # of the first answer
    for name in ("done", "failed"):
        ends: Known = {ANSWER: polled or ANYTHING, "status": ANYTHING}
        yield _Part(file, ("poll", name), _condition(getattr(source.poll, name)), ends)


def _condition(text: str) -> Template:
    return compile_template(f"#if({text})1#end" if text else "", mode="strict")


def _check(part: _Part, declared: Declared) -> None:
    for unknown in part.template.unknown_names(part.known):
        _refuse_name(part, unknown, declared)
    for piece in part.template.printed_texts:
        for tag in merge_tags(piece.text):
            meant = meant_name(tag.name, part.known.keys() - {*TOOL_NAMES}, is_near_enough=not tag.is_exact)
            if tag.is_certain or meant:
                problem = f"{tag.tag} is a merge tag of another product, which nothing replaces here"
                hint = f"Write {written(meant) if meant else 'the name as this product has it'}"
                part.fail(problem, piece.at(tag.at), f"{hint}. {_AS_TEXT} #[[{tag.tag}]]#")
    for comment in part.template.swallowed_texts:
        problem = f"'{comment.mark}' begins a comment, so that {comment.text!r} is not sent"
        hint = f"Write #[[{comment.mark}]]# to print the two signs; a comment stands on a line of its own"
        part.fail(problem, comment.at, hint if comment.mark == "##" else f"{hint}, or ends with *#")
    for pattern, at in part.template.date_patterns:
        if found := pattern_mistake(pattern):
            part.fail(f"the pattern {pattern!r} {found[0]}", at, found[1])
    _check_directives(part)


def _check_directives(part: _Part) -> None:
    for word in part.template.no_directives:
        meant = nearest(word.name, word.known)
        if word.is_certain or meant.startswith("Did"):
            hint = meant.replace("'", "'#", 1) if meant.startswith("Did") else f"{_AS_TEXT} #[[#{word.name}]]#"
            part.fail(f"there is no directive #{word.name}", word.at, hint)


def _refuse_name(part: _Part, unknown: UnknownName, declared: Declared) -> NoReturn:
    if unknown.is_method:
        part.fail(f"no value has a method {unknown.name!r}", unknown.at, nearest(unknown.name, unknown.known))
    problem = f"{unknown.source} reads {unknown.name!r}, which nothing is called here"
    if unknown.name == UNSUBSCRIBE_LINK:
        hint = "Texts of a message can read it, if the workflow says where contacts reach the profile API, as in "
        part.fail(problem, unknown.at, f"{hint}unsubscribe_url: https://codes.shop.example")
    path = unknown.source.strip("$!{}")
    is_owner_of = is_owner(unknown.name) and path != unknown.name
    if meant := meant_name(path if is_owner_of else unknown.name, unknown.known):
        keeps_form = not is_owner_of and (is_word(meant) or f"'{unknown.name}'" in unknown.source)
        better = unknown.source.replace(unknown.name, meant, 1) if keeps_form else written(meant)
        part.fail(problem, unknown.at, f"Did you mean {meant}? Write {better}")
    event = next((kind for kind, names in declared.events.items() if unknown.name in names), "")
    more = f"It is a parameter of the event {event}, which this campaign does not answer" if event else ""
    if unknown.source.lstrip("$!{").startswith(f"{AUDIENCE}."):
        more = f"Declare a column of the audience in its file. {HOW_DECLARED}"
    more = more or f"Declare a field, or a parameter of an event, in include/{FILE}"
    part.fail(problem, unknown.at, f"There are: {_listed(unknown.known)}. {more}. {_AS_TEXT} #[[{unknown.source}]]#")


def _listed(known: Collection[str]) -> str:
    """Return the first of the names that can be read, as they are written; those of every contact first."""
    names = sorted(known, key=lambda name: (name not in VALUE_NAMES, name))
    shown = [written(name) for name in names if name not in _NOT_LISTED]
    more = len(shown) - _MOST_SHOWN
    return ", ".join(shown[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _require_code(include: Path, message: Message) -> None:
    file = message_file(include, message.name)
    leads_to_code = any(place_of_link(text) >= 0 for text in message.texts())
    if not leads_to_code and not any(part.template.reads(CODE) for part in _message_parts(file, message, {})):
        hint = "Write $promocode where it is to stand, or 'shows_code: false' in the workflow"
        file.fail("the message never shows the promo code", line=file.line("body"), hint=hint)
