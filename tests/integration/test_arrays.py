"""Arrays as text are read by Postgres as what they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

LEAST, MOST = -(2**63), 2**63 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(scope="module")
def store(postgres_server: str) -> Iterator[Connection]:
    """Return a connection to a server; no table is needed."""
    with connect(postgres_server) as connection:
        yield connection


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(numbers=st.lists(st.integers(LEAST, MOST)), texts=st.lists(TEXTS))
def test_what_is_written_is_read(store: Connection, numbers: list[int], texts: list[str]) -> None:
    given_ = {"numbers": bigint_array(numbers), "texts": text_array(texts)}
    row = store.execute("select %(numbers)s::bigint[] as numbers, %(texts)s::text[] as texts", given_).fetchone()
    assert row == {"numbers": numbers, "texts": texts}


@pytest.mark.parametrize("text", ["", "NULL", "null", "{}", '"', "\\", "a,b", " a ", "{1,2}", "\n"])
def test_texts_with_a_meaning_of_their_own_stay_texts(store: Connection, text: str) -> None:
    row = store.execute("select %(texts)s::text[] as texts", {"texts": text_array([text, text])}).fetchone()
    assert row == {"texts": [text, text]}
