"""Contact files into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.model.errors import ContactFileError
from promo_campaigns.model.redaction import printable_name
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

_TOLD = 20


class LoadContactsOperator(StoreOperator):
    """Loads a file of contacts in CSV, JSON or XLSX; the same file again changes nothing.

    Nothing is written unless the whole file can be read; then it is written in lots, so that others who write contacts
    meanwhile wait for one lot and not for the file.

    Returns counts only: rows, inserted, updated, unchanged, rejected_count. Rejected rows are logged by reason, with
    a count and the first lines, never by a value that says who somebody is. ``contacts.file`` says which columns there
    may be.

    :param file: path of the file, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param sheet: the sheet to read of a workbook that has several (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises AirflowFailException: every row was rejected
    :raises ContactFileError: it is no contact file, or cannot be read; nothing was loaded
    """

    template_fields: Sequence[str] = ("file", "sheet", "promo_db_conn_id")
    ui_color = "#e8e3f4"

    def __init__(self, *, file: str, sheet: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.sheet = sheet

    @property
    def mapped_name(self) -> str:
        """The name of the file."""
        return printable_name(str(self.file).rpartition("/")[2])

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Load the file."""
        from promo_campaigns.contacts.load import load_contact_file

        name = ObjectStoragePath(self.file).name
        with self.hook.connect() as connection, _open(self.file, name) as stream:
            report = load_contact_file(connection, stream, file=name, sheet=self.sheet)
        for reason in report.reasons(_TOLD):
            self.log.warning("%s: not loaded: %s", name, reason)
        counts = report.counts()
        self.log.info("%s: %s", name, counts)
        if report.is_refused:
            msg = f"{name}: all {report.rows:,} rows were rejected; the first ones are named above"
            raise AirflowFailException(msg)
        return counts


def _open(path: str, name: str) -> BinaryIO:
    try:
        file: BinaryIO = ObjectStoragePath(path).open("rb")  # type: ignore[no-untyped-call]  # Airflow's class has no types here
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ContactFileError(problem, file=name) from error
    return file
