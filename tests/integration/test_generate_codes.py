"""Codes that are drawn: into the pool and into a file, both or neither, once."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.killed_generation import STEPS, TERMS
from promo_campaigns.cli import main
from promo_campaigns.code_files import generate
from promo_campaigns.code_files.code_pattern import ALPHABET, CodePattern, parse_pattern
from promo_campaigns.code_files.generate import generate_codes
from promo_campaigns.code_files.load import load_code_file, withdraw_code_file
from promo_campaigns.code_files.shop_file import LocalShopFile
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

SCRIPT = Path(__file__).with_name("killed_generation.py")


def pool(store: Connection) -> list[str]:
    return [
        row["code"] for row in store.execute('select code from promo.promo_code order by code collate "C"').fetchall()
    ]


def codes_in(file: Path) -> list[str]:
    header, *lines = file.read_text().splitlines()
    assert header == "code,expirationDate,discount,type"
    assert all(line.endswith(",2037-03-31,15,Spring") for line in lines)
    return [line.partition(",")[0] for line in lines]


def test_a_drawn_code_has_no_vowel_and_no_twin_and_each_character_is_as_likely_as_another() -> None:
    assert not set(ALPHABET) & set("AEIOUY0134LQSZ68")
    assert len(set(ALPHABET)) == len(ALPHABET)
    codes = CodePattern("É-??-x??").draw(40_000)
    assert list(CodePattern("É-??-x??").others(codes)) == []
    counts = Counter("".join(code[2:4] + code[6:] for code in codes))
    assert set(counts) == set(ALPHABET)
    expected = 160_000 / len(ALPHABET)
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 60  # chi-squared of 19: p < 1e-5


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("SPRING", "has no place to draw"),
        ("A ??????????", "holds a blank"),
        ("=????????????", "holds a formula"),
        ("@????????????", "begins with ="),
        ("test-no-code-????????????", "stands for a code in tests"),
        ("?.??????????????", "decimal sign"),
        ("?" * 256, "longer than 255"),
    ],
)
def test_a_pattern_whose_codes_could_not_be_loaded_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parse_pattern(pattern)


def test_a_set_is_in_the_pool_and_in_a_file_that_is_a_code_file(store: Connection, tmp_path: Path) -> None:
    path = tmp_path / "spring.csv"
    made = generate_codes(store, TERMS, LocalShopFile(path))
    assert (made.codes, made.written, made.already_made, made.guesses_per_hit) == (250, True, False, 20**8 // 250)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(codes_in(path)) == pool(store)
    assert len(set(pool(store))) == 250
    lines = store.execute(
        "select line, discount, type, retired, expires_at::text as at from promo.promo_code"
    ).fetchall()
    assert sorted(row["line"] for row in lines) == list(range(2, 252))
    assert {(row["discount"], row["type"], row["retired"]) for row in lines} == {(15, "Spring", False)}
    report = load_code_file(store, io.BytesIO(path.read_bytes()), name="again.csv")
    assert (report.already_loaded, report.rows, report.code_file_id) == (True, 250, made.code_file_id)
    audit = store.execute("select subject, revealed, row_count from promo.audit").fetchall()
    assert audit == [{"subject": "generated codes spring.csv", "revealed": True, "row_count": 250}]


def test_a_second_call_draws_nothing_and_writes_a_file_that_is_gone_again(store: Connection, tmp_path: Path) -> None:
    path = tmp_path / "spring.csv"
    first = generate_codes(store, TERMS, LocalShopFile(path))
    whole = path.read_bytes()
    again = generate_codes(store, TERMS, LocalShopFile(path))
    assert again == replace(first, already_made=True, written=False)
    path.unlink()
    assert generate_codes(store, TERMS, LocalShopFile(path)) == replace(first, already_made=True)
    assert path.read_bytes() == whole
    path.write_text("somebody's notes")
    with pytest.raises(ConfigurationError, match="not that of this set"):
        generate_codes(store, TERMS, LocalShopFile(path))
    with pytest.raises(ConfigurationError, match="belongs to another set"):
        generate_codes(store, replace(TERMS, count=251), LocalShopFile(path))
    path.unlink()
    store.execute("update promo.promo_code set line = 900 where line = 7")
    with pytest.raises(ConfigurationError, match="cannot be written again"):
        generate_codes(store, TERMS, LocalShopFile(path))
    assert list(tmp_path.iterdir()) == []
    assert len(pool(store)) == 250
    withdraw_code_file(store, first.code_file_id)
    with pytest.raises(ConfigurationError, match="was withdrawn"):
        generate_codes(store, TERMS, LocalShopFile(path))


def test_a_code_that_the_pool_holds_in_another_case_or_form_is_drawn_anew(
    store: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a small space is in the pool already, decomposed and in lower case; the bound is lifted for it."""
    monkeypatch.setattr(CodePattern, "require_room", lambda *_: None)
    every = [f"É{one}{two}" for one in ALPHABET for two in ALPHABET]
    rows = [f"{unicodedata.normalize('NFD', code.lower())},2037-03-31,1,Old" for code in every[::2]]
    upload = "\n".join(["code,expirationDate,discount,type", *rows]).encode()
    load_code_file(store, io.BytesIO(upload), name="old.csv")
    path = tmp_path / "spring.csv"
    made = generate_codes(store, replace(TERMS, pattern="É??", count=200), LocalShopFile(path))
    assert made.codes == 200
    assert sorted(codes_in(path)) == sorted(every[1::2])
    assert len(pool(store)) == 400


def test_a_pattern_in_which_codes_are_too_easy_to_guess_is_refused_with_the_places_it_needs(
    store: Connection, tmp_path: Path
) -> None:
    file = LocalShopFile(tmp_path / "spring.csv")
    with pytest.raises(ConfigurationError, match=r"5 places .* one guess in 12,800 would .* It needs 6 places"):
        generate_codes(store, replace(TERMS, pattern="SPRING-?????"), file)
    generate_codes(store, replace(TERMS, pattern="SPRING-??????", count=600), file)
    with pytest.raises(ConfigurationError, match=r"beside the 600 that there are of it: .* It needs 7 places"):
        generate_codes(store, replace(TERMS, pattern="spring-??????"), LocalShopFile(tmp_path / "more.csv"))
    with pytest.raises(ConfigurationError, match="over already"):
        generate_codes(store, replace(TERMS, expires="2020-01-01"), LocalShopFile(tmp_path / "old.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["spring.csv"]
    assert len(pool(store)) == 600


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_file_and_pool_agree_once_the_same_call_was_made_again(
    step: str, store: Connection, dsn: str, tmp_path: Path
) -> None:
    """Nobody can be given a code that the file does not hold, not even before that call."""
    path = tmp_path / "spring.csv"
    died = subprocess.run([sys.executable, SCRIPT, dsn, path, step], capture_output=True, text=True, check=False)
    assert (died.returncode, died.stderr) == (-signal.SIGKILL, "")
    there = codes_in(path) if path.exists() else []
    assert len(there) == (250 if step in STEPS[-2:] else 0)
    assert pool(store) == (sorted(there) if step == STEPS[-1] else [])
    made = generate_codes(store, TERMS, LocalShopFile(path))
    assert made.written is (step not in STEPS[-2:])
    assert made.already_made is (step == STEPS[-1])
    assert sorted(codes_in(path)) == pool(store)
    assert len(pool(store)) == 250
    assert sorted(there) in ([], pool(store))
    assert [file.name for file in tmp_path.iterdir()] == ["spring.csv"]


@pytest.mark.parametrize("change", ["shorter", "longer", "other", "pool"])
def test_a_file_that_is_not_of_the_set_is_not_taken_up(change: str, store: Connection, tmp_path: Path) -> None:
    path = tmp_path / "spring.csv"
    generate_codes(store, TERMS, LocalShopFile(path), key="one")
    lines = path.read_text().splitlines(keepends=True)
    changed = {
        "shorter": lines[:-1],
        "longer": [*lines, lines[-1]],
        "other": ["x" + lines[0], *lines[1:]],
        "pool": lines,
    }
    path.write_text("".join(changed[change]))
    with pytest.raises(ConfigurationError, match="not that of this set"):
        generate_codes(store, TERMS, LocalShopFile(path), key="two")
    assert len(pool(store)) == 250


def test_the_command_names_the_file_by_the_codes_and_says_how_hard_they_are_to_guess(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "codes generate 1000 --type Spring --discount 15 --expires 2037-03-31 --pattern SPRING-????-????"
    assert main([*words.split(), "--dsn", dsn]) == 0
    told = capsys.readouterr().out
    assert told.startswith("file       Spring-15-2037-03-31.csv\n")
    assert "guessing   one guess in 25,600,000 of this pattern hits a code\n" in told
    assert "SPRING-B" not in told
    assert main([*words.split(), "--dsn", dsn]) == 0
    assert "was made before, as file 1; no code was drawn" in capsys.readouterr().out


def test_a_task_that_is_run_again_makes_no_second_set(
    dsn: str, store: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    from promo_campaigns import GeneratePromoCodesOperator

    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    terms: dict[str, Any] = {"count": "250", "type": "Spring", "discount": "15", "pattern": "SPRING-????-????"}
    results = []
    for task_id, run_id in (("make", "manual__1"), ("make", "manual__2"), ("other", "backfill__1")):
        operator = GeneratePromoCodesOperator(
            task_id=task_id, **terms, expires="2037-03-31", file=f"file://{tmp_path}/spring.csv"
        )
        context: Any = {"run_id": run_id, "outlet_events": OutletEventAccessors()}
        results.append(operator.execute(context))
    assert [made["already_made"] for made in results] == [False, True, True]
    assert {made["sha256"] for made in results} == {results[0]["sha256"]}
    assert pool(store) == sorted(codes_in(tmp_path / "spring.csv"))
    store.execute(
        "delete from promo.generated_codes"
    )  # another day's set under the same name is not taken for this one
    with pytest.raises(ConfigurationError, match="from elsewhere"):
        operator.execute(context)


def test_a_storage_elsewhere_gets_the_file_whole(
    store: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.io import attach
    from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types

    from promo_campaigns.hooks.shop_file import shop_file

    attach("memory", fs=MemoryFileSystem())
    monkeypatch.setattr(generate, "_DRAWN_AT_ONCE", 100)
    place = shop_file("memory://shop/spring.csv")
    made = generate_codes(store, TERMS, place)
    assert generate_codes(store, TERMS, place) == replace(made, already_made=True, written=False)
    with place.reading() as stream:
        assert stream is not None
        whole = stream.read()
    file = tmp_path / "copy.csv"
    file.write_bytes(whole)
    assert sorted(codes_in(file)) == pool(store)
