"""Codes from files, or from a table of any database, into the store."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.hooks.code_inbox import (
    LOADED,
    REJECTED,
    open_code_file,
    put_away,
    read_reports,
    refuse_links,
)
from promo_campaigns.hooks.page_links import CodesPageLink
from promo_campaigns.hooks.storage import storage_path
from promo_campaigns.model.errors import CodeFileError, CodeFileRejectedError, ConfigurationError
from promo_campaigns.model.parameters import optional_text, parse_flag
from promo_campaigns.model.redaction import printable_name
from promo_campaigns.monitoring.metrics import LOADED_CODES, REJECTED_ROWS, Measurement
from promo_campaigns.operators.assets import CODE_FILES, POOLS, PROMO_CODES, member
from promo_campaigns.operators.base.alerting import tell_metrics
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.load_report import LoadReport

_COUNTS = ("rows", "inserted", "updated", "unchanged", "rejected_count")
_NAMED = 5
_REASONS_LOGGED = 20


class LoadPromoCodesOperator(StoreOperator):
    """Loads codes from files, or from a table of any database that Airflow connects to.

    Each file is moved to ``loaded/`` or ``rejected/`` beside it with its report ``<name>.report.json``.

    A file that cannot be loaded does not stop the others; it fails the task at the end, without a retry. A file that an
    earlier try has put away counts as that try left it. Returns counts only: files, rows, inserted, updated, unchanged,
    rejected_count.

    Emits an event of the asset ``promo_codes``, and of ``promo_codes/<type>`` for each type it loaded. Airflow keeps
    the events of a task only if it succeeds, so a bad file would hide those of good ones beside it: map the operator
    over the files, and then name inlets and outlets to ``.partial``, as ``dags/load_promo_codes.py`` does.

    A SELECT yields the columns of a code file, however they are written, and its rows meet the same rules; codes that
    are known, and have not changed, stay as they are, so it may yield all there are each time. Scheduled on the asset
    ``promo_stock/<type>/low`` it refills a pool that reached a level.

    :param files: path of a file, or of several, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param sql: one SELECT, in place of files (templated)
    :param conn_id: connection of its database, of any type whose hook is a ``DbApiHook`` (templated)
    :param strict: refuse a whole file for one rejected row, and require the column inUse (templated)
    :param time_zone: IANA name of the zone in which dates are read (templated)
    :param code_only_expiration: the files hold the one column code, and their codes expire then (templated)
    :param sheet: the sheet to read of workbooks that have several (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises AirflowFailException: a file was rejected, or every row of one, or of the SELECT
    :raises ConfigurationError: neither files nor a SELECT with its connection is named, or both
    """

    template_fields: Sequence[str] = (
        "files",
        "sql",
        "conn_id",
        "strict",
        "time_zone",
        "code_only_expiration",
        "sheet",
        "promo_db_conn_id",
    )
    operator_extra_links = (CodesPageLink(),)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql"}  # noqa: RUF012  (Airflow's own class attribute)
    ui_color = "#e8e3f4"
    _types: Sequence[str] = ()
    """The types of the codes that were loaded, once they were."""

    def __init__(
        self,
        *,
        files: Sequence[str] | str = (),
        sql: str = "",
        conn_id: str = "",
        strict: bool | str = False,
        time_zone: str = "UTC",
        code_only_expiration: str | None = None,
        sheet: str = "",
        **kwargs: Any,
    ) -> None:
        assets: dict[str, Any] = {"inlets": [CODE_FILES], "outlets": [POOLS, PROMO_CODES]}
        super().__init__(**assets | kwargs)
        self.files = files
        self.sql = sql
        self.conn_id = conn_id
        self.strict = strict
        self.time_zone = time_zone
        self.code_only_expiration = code_only_expiration
        self.sheet = sheet

    @property
    def mapped_name(self) -> str:
        """The name of the file, or how many there are; of a SELECT its connection."""
        if self.conn_id:
            return printable_name(self.conn_id)
        if isinstance(self.files, str):
            return printable_name(self.files.rstrip("/").rpartition("/")[2])
        return f"{len(self.files)} files" if isinstance(self.files, list | tuple) else ""

    def execute(self, context: Context) -> dict[str, int]:
        """Load the files one by one, or what the SELECT yields."""
        if bool(self.sql) is bool(self.files) or bool(self.sql) is not bool(self.conn_id):
            msg = "name files, or a SELECT by sql and its database by conn_id"
            raise ConfigurationError(msg)
        return self._load_rows(context) if self.sql else self._load_files(context)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage from which files or tables codes came, and into which pools."""
        return Lineage(
            store=self.promo_db_conn_id,
            files=[self.files] if isinstance(self.files, str) else self.files,
            select=(self.sql, self.conn_id),
            writes=[f"codes/{name}" for name in self._types],
        ).told()

    def _load_rows(self, context: Context) -> dict[str, int]:
        """Load what the SELECT yields, as a code file that is called by its connection."""
        from promo_campaigns.hooks.other_database import database_hook, read_frames

        select = self.sql.strip().rstrip(";")
        with closing(read_frames(database_hook(self.conn_id), select)) as frames:
            try:
                report = self._load_frames(frames, f"select-{self.conn_id}")
            except CodeFileError as error:
                if isinstance(error, CodeFileRejectedError):
                    self._log_rejects(error.report)
                raise AirflowFailException(str(error)) from None
        self._tell(report)
        self._announce(context, report.types)
        return {"files": 1} | {name: getattr(report, name) for name in _COUNTS}

    def _load_files(self, context: Context) -> dict[str, int]:
        reports: list[Mapping[str, Any]] = []
        refused: list[str] = []
        left = 0
        for path in [self.files] if isinstance(self.files, str) else self.files:
            report = self._load(path, context["run_id"])
            if report and "error" in report:
                refused.append(report["error"])
                left += report.get("left_in_place", False)
            elif report:
                reports.append(report)
        self._announce(context, {name for report in reports for name in report["types"]})
        if refused:
            raise AirflowFailException(_summary(refused, left))
        return {"files": len(reports)} | {name: sum(report[name] for report in reports) for name in _COUNTS}

    def _announce(self, context: Context, types: Iterable[str]) -> None:
        self._types = tuple(sorted(types))
        for name in self._types:
            context["outlet_events"][PROMO_CODES].add(member(PROMO_CODES, name))

    def _load(self, path: str, run_id: str) -> Mapping[str, Any]:
        """Load one file and put it away; return its report, with ``error`` if refused, or nothing if it is gone."""
        file = storage_path(path)
        try:
            refuse_links(path)
        except CodeFileError as error:
            self.log.error("%s", error)  # noqa: TRY400  (as below)
            return _refusal(file.name, error) | {"left_in_place": True}
        if not file.exists():
            return self._earlier_report(path, run_id)
        try:
            report = self._load_open(path, file.name)
        except CodeFileError as error:
            self.log.error("%s", error)  # noqa: TRY400  (a traceback says nothing of a file that breaks a rule)
            if isinstance(error, CodeFileRejectedError):
                self._log_rejects(error.report)
            return put_away(path, REJECTED, _refusal(file.name, error) | {"run_id": run_id})
        self._tell(report)
        return put_away(path, LOADED, report.as_dict() | {"run_id": run_id})

    def _tell(self, report: LoadReport) -> None:
        self.log.info("%s: %s", printable_name(report.file), {name: getattr(report, name) for name in _COUNTS})
        tell_metrics([Measurement(LOADED_CODES, report.inserted), Measurement(REJECTED_ROWS, report.rejected_count)])
        self._log_rejects(report)

    def _log_rejects(self, report: LoadReport) -> None:
        for line in [group.in_words(report.row_noun) for group in report.rejected_by_reason[:_REASONS_LOGGED]]:
            self.log.warning("%s: not loaded: %s", printable_name(report.file), line)
        for warning in report.warnings():
            self.log.warning("%s: %s", printable_name(report.file), warning)

    def _load_open(self, path: str, name: str) -> LoadReport:
        with open_code_file(path) as file:
            return self._load_stream(file, name)

    def _load_stream(self, file: BinaryIO, name: str) -> LoadReport:
        from promo_campaigns.code_files.load import load_code_file

        with self.hook.connect() as connection:
            return load_code_file(connection, file, name=name, sheet=optional_text(self.sheet), **self._options())

    def _load_frames(self, frames: Iterable[Any], name: str) -> LoadReport:
        from promo_campaigns.code_files.load import load_code_frames

        with self.hook.connect() as connection:
            return load_code_frames(connection, frames, name=name, **self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "strict": parse_flag("strict", self.strict),
            "time_zone": self.time_zone,
            "code_only_expiration": optional_text(self.code_only_expiration) or None,
        }

    def _earlier_report(self, path: str, run_id: str) -> Mapping[str, Any]:
        """Return the report of the try that has put this file away."""
        for folder in (REJECTED, LOADED):
            for report in read_reports(path, folder):
                if report.get("run_id") == run_id:
                    self.log.info("%s was put into %s/ by an earlier try", printable_name(path), folder)
                    return report
        self.log.warning("%s is gone, and no try of this run has put it away", printable_name(path))
        return {}


def _refusal(name: str, error: CodeFileError) -> dict[str, Any]:
    report = error.report.as_dict() if isinstance(error, CodeFileRejectedError) else {"file": name}
    return report | {"error": str(error), "line": error.line}


def _summary(refused: Sequence[str], left: int) -> str:
    told = "; ".join(refused[:_NAMED])
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    but = f", but {left} left in place because of symbolic links" if left else ""
    files = "1 file was" if len(refused) == 1 else f"{len(refused)} files were"
    return f"{files} refused and moved to {REJECTED}/ with a report{but}: {told}{more}"
