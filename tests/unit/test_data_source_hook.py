"""What an Airflow connection says of a receiver's limits."""

from __future__ import annotations

import json

import pytest

from promo_campaigns.delivery.throttle.rate_limit import parse_budget
from promo_campaigns.hooks.data_source import DataSourceHook
from promo_campaigns.http.rate_limit_port import Budget
from promo_campaigns.model.errors import ConfigurationError


def hook(monkeypatch: pytest.MonkeyPatch, **extra: object) -> DataSourceHook:
    connection = {"conn_type": "http", "host": "receiver.example", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PROFILES", json.dumps(connection))
    return DataSourceHook("profiles")


@pytest.mark.parametrize(
    ("extra", "budget"),
    [
        ({}, None),
        ({"timeout_s": 10}, None),
        ({"requests_per_s": 200}, Budget(per_s=200)),
        ({"requests_per_s": "0.5", "concurrency": "8"}, Budget(per_s=0.5, concurrency=8)),
        ({"concurrency": 8}, Budget(concurrency=8)),
        ({"messages_per_s": 500}, Budget(per_s=500, by_message=True)),
        ({"requests_per_s": "", "concurrency": None}, None),
    ],
)
def test_limits_of_a_connection_are_a_budget(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], budget: Budget | None
) -> None:
    assert parse_budget(hook(monkeypatch, **extra).settings) == budget


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"requests_per_s": 0}, "profiles has an extra requests_per_s that is not between 0.1 and 10000"),
        ({"requests_per_s": "many"}, "extra requests_per_s that is not between"),
        ({"requests_per_s": "nan"}, "extra requests_per_s that is not between"),
        ({"concurrency": 0}, "extra concurrency that is not between 1 and 1000"),
        ({"requests_per_s": 5, "messages_per_s": 5}, "has both extras messages_per_s and requests_per_s"),
    ],
)
def test_a_limit_that_is_none_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parse_budget(hook(monkeypatch, **extra).settings)
