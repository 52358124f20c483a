"""What a result looks like: exact in JSON, readable in a table, harmless on a terminal."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from promo_campaigns.cli.output import Output, json_rows, readable
from promo_campaigns.model.errors import ConfigurationError

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc)
ROWS = [
    {"run_id": 12345, "name": "a", "rows": 1234567, "at": AT, "done": True, "note": None},
    {"run_id": 2, "name": "\x1b]0;mine\x07[bold]b", "rows": 0, "at": None, "done": False, "note": "x\ny"},
]


def test_a_table_in_a_pipe_has_a_line_for_each_row_with_readable_values(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).rows(ROWS, empty="nothing")
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "id", "name", "rows", "at", "done", "note"]
    assert first.split() == ["12345", "a", "1,234,567", "2026-01-02", "03:04", "UTC", "yes"]
    assert second.split() == ["2", "\ufffd]0;mine\ufffd[bold]b", "0", "no", "x\ufffdy"]


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).rows(ROWS, empty="nothing")
    told = json.loads(capsys.readouterr().out)
    assert told[1] == ROWS[1]
    assert told[0] == ROWS[0] | {"at": "2026-01-02T03:04:05.000678+00:00"}


def test_fields_are_chosen_in_their_order_of_the_table_and_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True, fields="name, run_id").rows(ROWS[:1], empty="nothing")
    assert capsys.readouterr().out == '[{"name": "a", "run_id": 12345}]\n'
    Output(as_json=False, fields="name,run_id").rows(ROWS[:1], empty="nothing", columns=("rows",))
    assert capsys.readouterr().out == "name  run id\na      12345\n"


def test_a_table_shows_its_columns_and_json_all_fields(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).rows(ROWS[:1], empty="nothing", columns=("name", "done"))
    assert capsys.readouterr().out == "name  done\na     yes\n"
    Output(as_json=True).rows(ROWS[:1], empty="nothing", columns=("name", "done"))
    assert json.loads(capsys.readouterr().out)[0].keys() == ROWS[0].keys()


def test_no_rows_are_said_in_words_and_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).rows([], empty="Nothing was loaded yet.")
    Output(as_json=True).rows([], empty="Nothing was loaded yet.")
    assert capsys.readouterr().out == "Nothing was loaded yet.\n[]\n"


def test_one_result_is_a_sentence_an_object_or_the_fields_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (Output(as_json=False), Output(as_json=True), Output(as_json=False, fields="rows,name")):
        output.record({"name": "x", "rows": 1000}, "x has 1,000 rows")
    assert capsys.readouterr().out == 'x has 1,000 rows\n{"name": "x", "rows": 1000}\nrows  1,000\nname  x\n'


@pytest.mark.parametrize("as_json", [True, False])
def test_a_field_that_there_is_not_is_named_with_those_that_there_are(as_json: bool) -> None:  # noqa: FBT001
    output = Output(as_json=as_json, fields="nme")
    told = r"no field 'nme'; did you mean name\? The fields are name, rows"
    with pytest.raises(ConfigurationError, match=told):
        output.record({"name": "x", "rows": 1}, "")
    with pytest.raises(ConfigurationError, match=told):
        output.rows([{"name": "x", "rows": 1}], empty="")


def test_rows_that_come_one_after_the_other_are_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    with json_rows(["id", "at"]) as write:
        write([(1, AT)])
        write([(2, None), (3, None)])
    told = json.loads(capsys.readouterr().out)
    assert (told[0], len(told)) == ({"id": 1, "at": AT.isoformat()}, 3)
    with json_rows(["id"]):
        pass
    assert capsys.readouterr().out == "[]\n"


def test_a_nested_value_is_one_cell() -> None:
    assert readable("turns", [{"at": AT}]) == '[{"at": "2026-01-02T03:04:05.000678+00:00"}]'
    assert readable("turns", []) == readable("turns", {}) == ""
    assert readable("seconds", 1234.56) == "1,234.6"
