"""Reads the variants of a message: its texts in other languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.settings.text_settings import TextSettings
from promo_campaigns.delivery.rendering import HTML
from promo_campaigns.model.errors import DefinitionError, TemplateError
from promo_campaigns.model.run_spec import Variant
from promo_campaigns.model.typed.languages import normalize_language
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run_spec import Message
    from promo_campaigns.velocity.template import Mode

_TEXTS = ("title", "body", HTML)
_KEYS = frozenset({"description", *_TEXTS, "options"})
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def read_variants(folder: Path, message: Message) -> dict[str, Variant]:
    """Read ``<message>.<language>.yaml`` for each language that the message is there in, by the languages' tags.

    :param folder: of messages
    :raises DefinitionError: a variant is wrong, has other texts than the message, or is of no message or language
    """
    found: dict[str, Variant] = {}
    for path in sorted(folder.glob("*.*.y*ml")):
        base, _, language = path.stem.partition(".")
        _require_variant(path, base, language)
        if base != message.name:
            continue
        tag = normalize_language(language)
        if tag in found:
            _refuse(path, f"the message is there in {tag!r} twice", "Keep one of the files")
        file = TextSettings(path, shown_as=f"messages/{path.name}", keys=_KEYS)
        found[tag] = _texts(file)
        check_texts(file, found[tag])
        _require_same_texts(file, found[tag], message)
    return found


def check_texts(file: TextSettings, texts: Message | Variant) -> None:
    """Check that the texts of a message are whole and Velocity, and that its options have names.

    :raises DefinitionError: naming the line at fault
    """
    for text in ("title", "body", HTML):
        file.require_whole(text)
    _compile(file, "title", texts.title)
    _compile(file, "body", texts.body)
    _compile(file, HTML, texts.html, mode="html")
    for option, value in texts.options.items():
        if not _OPTION.fullmatch(option) or option == HTML:
            file.fail(f"{option!r} cannot be the name of an option", line=file.line("options"))
        file.require_whole("options", option)
        _compile(file, "options", value)


def is_message_name(name: str, is_name: re.Pattern[str]) -> bool:
    """Tell whether a name is that of a message, or of a variant: ``promo_push.uk``."""
    base, dot, language = name.partition(".")
    return bool(is_name.fullmatch(base) and (not dot or normalize_language(language)))


def _texts(file: TextSettings) -> Variant:
    return Variant(
        title=file.text("title", ""), body=file.text("body"), html=file.text(HTML, ""), options=file.mapping("options")
    )


def _require_variant(path: Path, base: str, language: str) -> None:
    """Refuse a file that looks like a variant and would be read by nobody."""
    from babel.localedata import exists  # noqa: PLC0415  (only a message in several languages needs it)

    if path.suffix != ".yaml":
        _refuse(path, "the file of a message ends in .yaml", f"Call it {path.stem}.yaml")
    if not path.with_name(f"{base}.yaml").is_file():
        others = [file.stem for file in path.parent.glob("*.yaml") if "." not in file.stem]
        _refuse(path, f"there is no message {base!r} whose variant it would be", nearest(base, others))
    if not normalize_language(language) or not exists(normalize_language(language).partition("-")[0]):
        _refuse(path, f"{language!r} is no language", "Write a code such as uk, en-GB or pt-BR")


def _require_same_texts(file: TextSettings, variant: Variant, message: Message) -> None:
    """Refuse a variant that lacks a text of its message, or has one that the message lacks."""
    has, wanted = _named(variant), _named(message)
    base = f"messages/{message.name}.yaml"
    if missing := sorted(wanted - has):
        file.fail(f"it lacks {', '.join(missing)}", hint=f"Write what {base} has, in this language")
    if more := sorted(has - wanted):
        line = file.line(more[0].partition(":")[0])
        file.fail(
            f"it has {', '.join(more)}, and {base} has not", line=line, hint="Write it there too, or leave it out"
        )


def _named(texts: Message | Variant) -> set[str]:
    return {*(name for name in _TEXTS if getattr(texts, name)), *(f"options: {name}" for name in texts.options)}


def _refuse(path: Path, problem: str, hint: str) -> NoReturn:
    raise DefinitionError(problem, file=f"messages/{path.name}", hint=hint)


def _compile(file: TextSettings, key: str, text: str, *, mode: Mode = "message") -> None:
    try:
        compile_template(text, mode=mode)
    except TemplateError as error:
        file.fail(f"{key}: {error.problem}", line=file.line(key, error.line), hint=error.hint)
