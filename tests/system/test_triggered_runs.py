"""A run that was triggered with a misspelt name is refused by Airflow's own run of the DAG, before anything is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from receiver import Receiver

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize(
    "case",
    [
        ({"audiance": "vip"}, "'audiance': Did you mean 'audience'?"),
        ({"edition": "e1", "dryRun": True}, "'dryRun': Did you mean 'dry_run'?"),
        ({"discount": "ten"}, "Invalid input for param discount"),
    ],
)
def test_nothing_is_done_for_a_run_with_a_misspelt_name_or_a_value_of_the_wrong_type(
    dsn: str,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    case: tuple[dict[str, object], str],
) -> None:
    conf, told = case
    api = {"conn_type": "http", "host": "127.0.0.1", "port": receiver.port, "password": "a-key-of-the-receiver"}
    api |= {"extra": {"allow_insecure": True, "allow_private": True}}
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(api))
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    sys.modules.pop("promo_code_to_profile", None)  # a DAG remembers the values it was run with last
    from promo_code_to_profile import end

    with connect(dsn) as store:
        add_contacts(store, 4)
        add_codes(store, 10)
        try:
            assert end.dag.test(run_conf=conf, use_executor=False).state == "failed"
            said = "".join(capfd.readouterr())
        except Exception as error:  # noqa: BLE001  (Airflow refuses a wrong value before there is a run)
            said = str(error)
        assert told in said
        counts = store.execute("select count(*) as runs from promo.run").fetchone()
        assert counts == {"runs": 0}
        assert receiver.received == []
