"""Named SQL: what several statements have in common is said once, and put together when it is read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

from named_sql import PACKAGE, sql_files
from promo_campaigns.postgres.sql import named_blocks, queries, without_comments

if TYPE_CHECKING:
    from pathlib import Path

_FILES = PACKAGE.rglob("fragments.sql")
FRAGMENTS = sorted(".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in _FILES)
LONGEST_COPY = 50
"""Words and signs of SQL that two statements may have in a row: a join on the keys of three tables."""
_WORD = re.compile(r"%\(\w+\)s|\w+|[^\w\s]")
_USED = re.compile(r"/\* fragment (?:([a-z_]+)\.)?([a-z_]+) \*/")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words and signs of SQL, without its comments and its layout."""
    return tuple(_WORD.findall(without_comments(text).lower()))


def written() -> dict[str, str]:
    """Return everything that is written as SQL: statements, fragments and the schema."""
    blocks = {
        f"{file}.{name}": text
        for file in (*sql_files(), *FRAGMENTS)
        for name, text in named_blocks(f"promo_campaigns.{file}").items()
    }
    return {**blocks, "postgres.schema": (PACKAGE / "postgres" / "schema.sql").read_text(encoding="utf-8")}


def copies_in(texts: dict[str, str], longest: int) -> set[tuple[str, ...]]:
    """Return the names of texts that have a longer passage in common."""
    places: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, text in texts.items():
        words = words_of(text)
        for at in range(len(words) - longest):
            places[words[at : at + longest + 1]].add(name)
    return {tuple(sorted(names)) for names in places.values() if len(names) > 1}


def test_no_sql_is_written_twice() -> None:
    """The invariants have other words for what they check: a shared text would share its mistakes."""
    assert copies_in(written(), LONGEST_COPY) == set()


def test_a_copy_is_found_whatever_its_layout() -> None:
    one = "-- One way. --\nselect a, b from promo.run where a = 1 and b = %(b)s order by a"
    other = "SELECT a,b\n  FROM promo.run -- the other\n WHERE a = 1 and b = %(b)s order by a desc"
    assert copies_in({"one": one, "other": other}, 10) == {("one", "other")}
    assert copies_in({"one": one, "other": other.replace("=", "<")}, 10) == set()


@pytest.mark.parametrize("fragments", FRAGMENTS)
def test_a_fragment_is_used_more_than_once(fragments: str) -> None:
    room = fragments.removesuffix(".fragments")
    used = Counter(
        name
        for file in sql_files()
        for text in named_blocks(f"promo_campaigns.{file}").values()
        for where, name in _USED.findall(text)
        if (where or file.rpartition(".")[0]) == room
    )
    assert {name for name in named_blocks(f"promo_campaigns.{fragments}") if used[name] < 2} == set()


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a package that can be imported, to be given files of SQL."""
    folder = tmp_path / tmp_path.name.replace("-", "_")
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_statement_is_read_with_its_fragments_and_without_their_comments(room: Path) -> None:
    (room / "fragments.sql").write_text("-- mine --\n-- Whose it is.\n-- And why.\nowner = %(me)s\n")
    (room / "run.sql").write_text("-- read --\n-- What it is.\nselect 1 where /* fragment mine */ and true;\n")
    assert queries(f"{room.name}.run") == {"read": "-- What it is.\nselect 1 where owner = %(me)s and true;"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("-- read --\n-- What it is.\nselect /* fragment others */;\n", "the fragment others"),
        ("-- read --\nselect 1;\n", "read has no line of intent"),
        ("-- read --\n-- It.\nselect 1;\n-- read --\n-- It.\nselect 2;\n", "names read twice"),
    ],
)
def test_a_file_that_is_not_written_as_it_must_be_is_refused(room: Path, text: str, named: str) -> None:
    (room / "fragments.sql").write_text("-- mine --\n-- Whose it is.\ntrue\n")
    (room / "run.sql").write_text(text)
    with pytest.raises(ValueError, match=named):
        queries(f"{room.name}.run")
