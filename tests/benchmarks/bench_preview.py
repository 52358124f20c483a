"""A whole campaign as a table: contacts a second, from the store into CSV and Parquet at once.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_preview.py --contacts 100000 --rounds 5

Each contact has a token and two additional fields, which the message and the request of its data source read; each is
shown a code. The best round counts, since other work slows all of them. The probe is how fast this machine reads the
same rows, renders nothing and writes nothing, and ``cpu`` what a processor of its own would do: they tell a
busy machine from a slow preview.

Exit status 1 when the aim is missed: at least 20,000 contacts a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench_send_path import Speed, options_of, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.model.limits import limit_parameters
from promo_campaigns.model.run_spec import Audience, CodeRequest, DataSource, Message, RunSpec
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.preview.dry_run import audience_parts, write_preview
from promo_campaigns.preview.rows import COLUMNS
from promo_campaigns.tables.writers import open_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection

LEAST_PER_S = 20_000
SPEC = RunSpec(
    workflow="bench",
    audience=Audience(name="everybody", sql="select contact_id from promo.contact"),
    codes=CodeRequest(type="Bench", discount=10, days=7),
    message=Message(
        name="bench",
        channel="mobilepush",
        title="Hi $!first_name",
        body="#set($url=$!data.get('bench'))#if($tier == 'gold')Dear member, your#{else}Your#end code: "
        "$!data.get('promocode'), $discount % in $!city until $expiration_date",
    ),
    data_sources=(
        DataSource(
            name="bench",
            method="POST",
            connection="bench",
            path="/api/v1/contact",
            headers={},
            body='{"channels": [{"type": "mobilepush", "value": "$data.get(\'contact_unique_identifier\')"}],\n'
            ' "fields": [{"id": 12345, "value": "$data.get(\'promocode\')"}], "firstName": "$!first_name"}',
            format="json",
        ),
    ),
)


def fill(connection: Connection, count: int) -> None:
    """Add contacts with a token and two additional fields each, and as many codes."""
    connection.execute(
        "with new as (insert into promo.contact (first_name) select 'Name ' || n from generate_series(1, %s) n"
        " returning contact_id)"
        " insert into promo.contact_channel (contact_id, type, value)"
        " select contact_id, 'mobilepush', 'token-' || contact_id from new",
        [count],
    )
    connection.execute(
        "with field as (insert into promo.contact_field (name, type)"
        " values ('tier', 'textfield'), ('city', 'textfield') returning contact_field_id, name)"
        " insert into promo.contact_field_value (contact_id, contact_field_id, value)"
        " select c.contact_id, f.contact_field_id, case when f.name = 'tier' then"
        " case when c.contact_id % 3 = 0 then 'gold' else 'blue' end else 'Kyiv ' || c.contact_id % 50 end"
        " from promo.contact c cross join field f"
    )
    connection.execute(
        "with file as (insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)"
        "  values ('codes.csv', sha256('bench'), 0, 0, 0, 0, 0) returning code_file_id)"
        " insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)"
        " select 'BENCH' || n, 'Bench', 10, now() + interval '90 days', false, code_file_id, n"
        " from file, generate_series(1, %s) n",
        [count],
    )
    connection.execute(
        "vacuum analyze promo.contact, promo.contact_channel, promo.contact_field_value, promo.promo_code"
    )


def preview(connection: Connection, contacts: int) -> None:
    """Write the preview as the block does."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "preview.csv", Path(folder) / "preview.parquet"]
        with open_tables(files, COLUMNS) as tables:
            report = write_preview(connection, CompiledCampaign(SPEC), tables)
    assert report.states == {"send": contacts}


def probe(connection: Connection, contacts: int) -> None:
    """Read the audience and do nothing with it."""
    with reading(connection), closing(audience_parts(connection, SPEC, limits=limit_parameters(SPEC.limits))) as parts:
        assert sum(len(part) for part in parts) == contacts


def measured(work: Callable[[Connection, int], None], connection: Connection, contacts: int) -> Speed:
    """Do it once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(connection, contacts)
    return Speed(time.perf_counter() - wall, time.process_time() - cpu)


def compare(contacts: int, rounds: int) -> list[Figure]:
    """Run both in turns and return the figures."""
    speeds: dict[str, list[Speed]] = {"probe": [], "preview": []}
    with store_dsn() as dsn, connect(dsn) as connection:
        fill(connection, contacts)
        for _ in range(rounds):
            speeds["probe"].append(measured(probe, connection, contacts))
            speeds["preview"].append(measured(preview, connection, contacts))
    best = {name: min(each, key=lambda speed: speed.wall_s) for name, each in speeds.items()}
    ratio = best["probe"].wall_s / best["preview"].wall_s
    per_s = {name: round(contacts / speed.wall_s) for name, speed in best.items()}
    return [
        Figure(name="probe", value=per_s["probe"], unit="contacts/s"),
        Figure(
            name="ours",
            value=per_s["preview"],
            unit="contacts/s",
            peer="reading the same rows",
            ratio=ratio,
            least=LEAST_PER_S,
        ),
        Figure(name="cpu", value=round(contacts / best["preview"].cpu_s), unit="contacts a processor second"),
    ]


def main() -> int:
    """Compare, and keep the figures."""
    options = options_of(__doc__, contacts=100_000, rounds=5)
    return keep("preview", compare(options.contacts, options.rounds), options)


if __name__ == "__main__":
    sys.exit(main())
