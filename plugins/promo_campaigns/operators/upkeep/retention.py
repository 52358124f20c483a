"""Erases what the store holds of people and nobody needs any more, and archives what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import RunsPageLink
from promo_campaigns.ledger.archive.keep import parse_keep
from promo_campaigns.model.parameters import MAX_DAYS, optional_text, whole_number
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context


class EraseOldDataOperator(StoreOperator):
    """Erases answers of data sources once their run is closed, and keys and parameters of events after some days.

    An answer for a contact whose send is unknown stays, since the same may be sent again; after as many days it goes
    as well. Events that still wait then are refused. What audiences of other databases told of contacts goes as many
    days after their run was opened.

    Returns what was done: ``{"answers": 1000, "audience_values": 0, "match_values": 0, "refused": 0, "erased": 340,
    "deleted": 12}``.

    :param days: how long to keep, at least 1 (templated)
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = ("days", "promo_db_conn_id")
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, days: int | str = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.days = days

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Erase it."""
        from promo_campaigns.ledger.retention import erase_old

        days = whole_number("days", self.days, least=1, most=MAX_DAYS)
        with self.hook.connect() as connection:
            done = erase_old(connection, days=days)
        self.log.info("Done: %s", done)
        return done


class ArchiveOldDataOperator(StoreOperator):
    """Does away with what is older than it is kept: what ``EraseOldDataOperator`` erases, runs, messages, the audit.

    A closed run's contacts and attempts are written to Parquet files, read back and noted in the audit before the first
    row goes. What is left of it: its key, its counts, and which code went to whom. Killed anywhere, the next try goes
    on. Without an archive runs and the audit stay.

    Returns what was done: ``{"runs": 2, "contacts": 2000, "waiting": 1, "messages": 10, "entries": 0, ...}``.

    :param keep: how many days of each kind, such as ``runs=365 events=30 inbox=90 audit=forever``, or a mapping; kinds
        that are not named keep these defaults (templated)
    :param archive: the folder of the files, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ConfigurationError: there is no such kind, or pyarrow is not installed
    :raises LedgerError: another archiver is at work, or a file that was read back is not what was written
    """

    template_fields: Sequence[str] = ("keep", "archive", "promo_db_conn_id")
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, keep: str | Mapping[str, object] = "", archive: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep = keep
        self.archive = archive

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Do it."""
        from promo_campaigns.hooks.archive_shelf import StorageShelf
        from promo_campaigns.ledger.retention import run_retention

        folder = optional_text(self.archive)
        with self.hook.connect() as connection:
            done = run_retention(connection, parse_keep(self.keep), StorageShelf(folder) if folder else None)
        self.log.info("Done: %s", done)
        return done
