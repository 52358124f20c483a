"""A message in several languages: each has its texts, and a contact is written to in the nearest one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.definitions.definitions import read_bound_sources, read_message, require_carried
from promo_campaigns.definitions.workflow_files import IncludeFolder
from promo_campaigns.delivery.transports.base import BaseTransport, TransportSettings
from promo_campaigns.model.errors import CannotCarryError, DefinitionError
from promo_campaigns.model.run_spec import Audience, CodeRequest, Message, RunSpec, Variant
from promo_campaigns.model.typed.languages import nearest_text, normalize_language

if TYPE_CHECKING:
    from pathlib import Path

BASE = "channel: email\ntitle: Hello\nbody: Code $promocode\nhtml: <b>$promocode</b>\noptions:\n  campaign: spring\n"
UKRAINIAN = "title: Вітаємо\nbody: Код $promocode\nhtml: <b>$promocode</b>\noptions:\n  campaign: весна\n"


class TitlesOnOneLine(BaseTransport):
    """A transport that cannot carry every title."""

    name = "titles"
    needs_connection = False
    options = None

    def check(self, message: Message) -> None:
        super().check(message)
        if "\n" in message.title:
            raise CannotCarryError("the title is over several lines", setting="title", hint="Write one")  # noqa: EM101, TRY003


def folder(path: Path, **files: str) -> Path:
    (path / "messages").mkdir()
    for name, text in {"push": BASE, **files}.items():
        (path / "messages" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def test_a_message_is_read_with_its_variants(tmp_path: Path) -> None:
    include = folder(tmp_path, **{"push.uk": UKRAINIAN, "push.pt_BR": UKRAINIAN, "mail": BASE})
    message = read_message(include, "push")
    assert {tag: variant.title for tag, variant in message.variants.items()} == {"uk": "Вітаємо", "pt-br": "Вітаємо"}
    assert read_message(include, "mail").variants == {}
    assert IncludeFolder(include).messages == ["mail", "push"]
    assert [version.name for version in message.versions()] == ["push.pt-br", "push.uk"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"push.uk": UKRAINIAN.replace("title: Вітаємо\n", "")}, r"push\.uk\.yaml: it lacks title"),
        ({"push.uk": UKRAINIAN.partition("html")[0]}, "it lacks html, options: campaign"),
        ({"push.uk": UKRAINIAN + "  more: x\n"}, r"uk\.yaml:4: it has options: more, and messages/push\.yaml has not"),
        ({"push.uk": UKRAINIAN.replace("Код $promocode", "'#if($promocode)'")}, r"push\.uk\.yaml:2: body: "),
        ({"push.uk": UKRAINIAN + "channel: sms\n"}, r"push\.uk\.yaml:6: there is no setting 'channel'"),
        ({"push.ukr": UKRAINIAN}, "'ukr' is no language"),
        ({"push.old": UKRAINIAN}, "'old' is no language"),
        ({"push.v2": UKRAINIAN}, "'v2' is no language"),
        ({"pish.uk": UKRAINIAN}, "there is no message 'pish' whose variant it would be. Did you mean 'push'"),
        ({"push.pt-BR": UKRAINIAN, "push.pt_br": UKRAINIAN}, "the message is there in 'pt-br' twice"),
    ],
)
def test_what_is_wrong_with_a_variant_is_named(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        read_message(folder(tmp_path, **files), "push")


def test_a_variant_with_another_ending_is_not_passed_over(tmp_path: Path) -> None:
    (folder(tmp_path) / "messages" / "push.uk.yml").write_text(UKRAINIAN, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"Call it push\.uk\.yaml"):
        read_message(tmp_path, "push")


def test_what_a_transport_cannot_carry_is_named_in_each_language(tmp_path: Path) -> None:
    include = folder(tmp_path, **{"push.uk": UKRAINIAN.replace("title: Вітаємо", 'title: "a\\nb"')})
    message = read_message(include, "push")
    with pytest.raises(DefinitionError, match=r"push\.uk\.yaml"):
        require_carried(include, message, TitlesOnOneLine(TransportSettings()))


def test_a_data_source_that_one_language_binds_is_bound(tmp_path: Path) -> None:
    bound = UKRAINIAN.replace("Код $promocode", "\"#set($u=$!data.get('profile'))Код\"")
    include = folder(tmp_path, **{"push.uk": bound})
    (include / "data_sources").mkdir()
    (include / "data_sources" / "profile.yaml").write_text("connection: c\npath: /\nbody: '{}'\n")
    assert [source.name for source in read_bound_sources(include, read_message(include, "push"))] == ["profile"]


def test_a_definition_keeps_its_variants_and_one_without_any_its_digest() -> None:
    message = Message(name="push", channel="email", title="t", body="b")
    codes = CodeRequest(type="T", discount=1, days=1)
    spec = RunSpec(workflow="w", audience=Audience(name="a"), codes=codes, message=message)
    assert "variants" not in spec.as_dict()["message"]
    told = replace(spec, message=replace(message, variants={"uk": Variant(title="Код", body="Ось він")}))
    assert RunSpec.from_dict(told.as_dict()) == told
    assert told.sha256 != spec.sha256


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *(("uk-UA", "uk"), ("uk_UA", "uk"), ("UK", "uk"), ("pt-BR", "pt-br")),
        *(("pt-PT", "base"), ("ukr", "base"), (None, "base"), ("", "base")),
    ],
)
def test_the_nearest_language_is_chosen(language: str | None, text: str) -> None:
    assert nearest_text({"uk": "uk", "pt-br": "pt-br"}, language, "base") == text


@given(st.text(max_size=20))
def test_whatever_a_language_is_called_there_is_a_text(language: str) -> None:
    assert nearest_text({"uk": "uk"}, language, "base") == (
        "uk" if normalize_language(language).split("-")[0] == "uk" else "base"
    )
