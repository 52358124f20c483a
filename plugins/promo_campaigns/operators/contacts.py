"""Contacts into the store, out of files and other databases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.hooks.page_links import ContactsPageLink
from promo_campaigns.model.errors import ConfigurationError, ContactFileError
from promo_campaigns.model.redaction import printable_name
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.contacts.file import ContactFileReport

_TOLD = 20


class LoadContactsOperator(StoreOperator):
    """Loads contacts: a file in CSV, JSON or XLSX, or what a SELECT yields in any database that Airflow connects to.

    The same rows again change nothing. Nothing is written unless all rows can be read; then they are written in lots,
    so that others who write contacts meanwhile wait for one lot and not for all. Memory is bounded.

    Returns counts only: rows, inserted, updated, unchanged, rejected_count. Rejected rows are logged by reason, with
    a count and the first lines, never by a value that says who somebody is. ``contacts.file`` says which columns there
    may be, in a file and in a SELECT.

    With a watermark a SELECT is asked for what has changed since the last load that was whole. A row without a value in
    that column is read the first time only.

    :param file: path of the file, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param sheet: the sheet to read of a workbook that has several (templated)
    :param sql: one SELECT that yields contacts, or a file ``.sql`` that holds it, in place of ``file`` (templated)
    :param conn_id: connection of the database that is asked, of any provider whose hook is a ``DbApiHook`` (templated)
    :param watermark: a column of the SELECT that only grows, such as ``updated_at``; empty for all rows (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises AirflowFailException: every row was rejected
    :raises ContactFileError: it is no table of contacts, or cannot be read; nothing was loaded
    :raises ConfigurationError: neither or both of ``file`` and ``sql`` are given, or the connection takes no SQL
    """

    template_fields: Sequence[str] = ("file", "sheet", "sql", "conn_id", "watermark", "promo_db_conn_id")
    operator_extra_links = (ContactsPageLink(),)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql"}  # noqa: RUF012  (Airflow's own class attribute)
    ui_color = "#e8e3f4"

    def __init__(
        self, *, file: str = "", sheet: str = "", sql: str = "", conn_id: str = "", watermark: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.sheet = sheet
        self.sql = sql
        self.conn_id = conn_id
        self.watermark = watermark

    @property
    def mapped_name(self) -> str:
        """The name of the file, or of the connection."""
        return printable_name(str(self.file or self.conn_id).rpartition("/")[2])

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Load the file, or what the SELECT yields."""
        if bool(self.file) is bool(self.sql) or bool(self.sql) is not bool(self.conn_id):
            msg = "give either a file, or sql with the conn_id of the database that is asked"
            raise ConfigurationError(msg)
        if self.watermark and not self.sql:
            msg = "a watermark is a column of a SELECT; a file has none"
            raise ConfigurationError(msg)
        report = self._load_file() if self.file else self._load_select()
        for reason in report.reasons(_TOLD):
            self.log.warning("%s: not loaded: %s", report.file, reason)
        counts = report.counts()
        self.log.info("%s: %s", report.file, counts)
        if report.is_refused:
            msg = f"{report.file}: all {report.rows:,} rows were rejected; the first ones are named above"
            raise AirflowFailException(msg)
        return counts

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage from which file or tables contacts came."""
        return Lineage(
            store=self.promo_db_conn_id, files=[self.file], select=(self.sql, self.conn_id), writes=["contacts"]
        ).told()

    def _load_file(self) -> ContactFileReport:
        from promo_campaigns.contacts.load import load_contact_file

        name = ObjectStoragePath(self.file).name
        with self.hook.connect() as connection, _open(self.file, name) as stream:
            return load_contact_file(connection, stream, file=name, sheet=self.sheet)

    def _load_select(self) -> ContactFileReport:
        from promo_campaigns.contacts.load import load_contact_frames
        from promo_campaigns.contacts.watermark import Watermark
        from promo_campaigns.hooks.other_database import database_hook, read_frames

        asked = database_hook(self.conn_id)
        with self.hook.connect() as connection:
            if not self.watermark:
                with closing(read_frames(asked, self.sql.strip().rstrip(";"))) as frames:
                    return load_contact_frames(connection, frames, name=self.conn_id)
            reader = f"{self.dag_id}.{self.task_id}"
            mark = Watermark(connection, reader=reader, select=self.sql, column=self.watermark)
            with closing(read_frames(asked, mark.select())) as frames:
                report = load_contact_frames(connection, mark.watch(frames), name=self.conn_id, left_out=[mark.name])
            if report.may_come_in_later:
                self.log.warning("%s: the watermark stays where it is, for rows that may come in later", self.conn_id)
            else:
                mark.move()
            return report


def _open(path: str, name: str) -> BinaryIO:
    try:
        file: BinaryIO = ObjectStoragePath(path).open("rb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ContactFileError(problem, file=name) from error
    return file
