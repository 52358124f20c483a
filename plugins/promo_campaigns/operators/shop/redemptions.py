"""Codes that were used in a shop, into the store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.hooks.page_links import CodesPageLink
from promo_campaigns.model.parameters import optional_text
from promo_campaigns.model.redaction import printable_name
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.redemptions.store import RedemptionsReport

_TOLD = 20


class LoadRedemptionsOperator(StoreOperator):
    """Reads redemptions from a table of any database that Airflow connects to, those that are new since the last time.

    The SELECT yields ``code, orderId, redeemedAt``, and may yield ``amount, currency, contactId, externalId,
    email, sms``, however written. ``:since`` in it becomes the newest moment that was read, less an hour, as
    ``'2027-03-31 18:05:00'`` in UTC. How far it was read is kept in the store in the transaction that keeps the rows:
    a retry, or a cleared task, loses and doubles nothing.

    Returns counts only: rows, added, known, rejected_count, findings. Rejected rows are logged by reason.

    :param sql: one SELECT (templated)
    :param conn_id: connection of the database, of any type whose hook is a ``DbApiHook`` (templated)
    :param source: the name under which is kept how far it was read; by default that of DAG and task (templated)
    :param time_zone: IANA name of the zone in which times without an offset are read (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ConfigurationError: the connection is of no database
    :raises AirflowFailException: every row was rejected
    """

    template_fields: Sequence[str] = ("sql", "conn_id", "source", "time_zone", "promo_db_conn_id")
    operator_extra_links = (CodesPageLink(),)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql"}  # noqa: RUF012  (Airflow's own class attribute)
    ui_color = "#e8e3f4"

    def __init__(self, *, sql: str, conn_id: str, source: str = "", time_zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.conn_id = conn_id
        self.source = source
        self.time_zone = time_zone

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Read what is new."""
        from promo_campaigns.hooks.other_database import database_hook, read_frames
        from promo_campaigns.redemptions.query import load_redemptions

        source = optional_text(self.source) or f"{self.dag_id}.{self.task_id}"
        ask, select = partial(read_frames, database_hook(self.conn_id)), self.sql.strip().rstrip(";")
        with self.hook.connect() as connection:
            report = load_redemptions(connection, ask, select, source=source, time_zone=self.time_zone)
        return _told(self, report)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage from which tables redemptions came."""
        return Lineage(
            store=self.promo_db_conn_id,
            select=(self.sql.replace(":since", "''"), self.conn_id),
            writes=["redemptions"],
        ).told()


class LoadRedemptionFileOperator(StoreOperator):
    """Loads a file of codes that were used in a shop; the same file again adds nothing.

    Returns counts only: rows, added, known, rejected_count, findings. Rejected rows are logged by reason.

    :param file: path of the file, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param time_zone: IANA name of the zone in which times without an offset are read (templated)
    :param sheet: the sheet to read of a workbook that has several (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises RedemptionFileError: it is no such file, or cannot be read; nothing was loaded
    :raises AirflowFailException: every row was rejected
    """

    template_fields: Sequence[str] = ("file", "time_zone", "sheet", "promo_db_conn_id")
    operator_extra_links = (CodesPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, file: str, time_zone: str = "UTC", sheet: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.time_zone = time_zone
        self.sheet = sheet

    @property
    def mapped_name(self) -> str:
        """The name of the file."""
        return printable_name(str(self.file).rpartition("/")[2])

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Load the file."""
        from promo_campaigns.redemptions.rules import RedemptionFileError
        from promo_campaigns.redemptions.store import load_redemption_file

        path = ObjectStoragePath(self.file)
        try:
            stream = path.open("rb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
        except OSError as error:
            problem = f"cannot be read: {error.strerror or type(error).__name__}"
            raise RedemptionFileError(problem, file=path.name) from error
        with stream, self.hook.connect() as connection:
            report = load_redemption_file(
                connection, stream, file=path.name, time_zone=self.time_zone, sheet=optional_text(self.sheet)
            )
        return _told(self, report)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage from which file redemptions came."""
        return Lineage(store=self.promo_db_conn_id, files=[self.file], writes=["redemptions"]).told()


def _told(operator: StoreOperator, report: RedemptionsReport) -> dict[str, Any]:
    counts = report.counts()
    operator.log.info("%s: %s", report.source, counts)
    for group in report.rejected_by_reason[:_TOLD]:
        operator.log.warning("%s: not kept: %s", report.source, group.in_words(report.row_noun))
    for finding, count in report.findings.items():
        operator.log.warning("%s: %d redemptions: %s", report.source, count, finding)
    if report.is_refused:
        msg = f"{report.source}: all {report.rows:,} rows were rejected; the reasons are above"
        raise AirflowFailException(msg)
    return counts | {"findings": report.findings}
