"""``PromoStore``: the store for notebooks and for code of one's own."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, overload

import pandas as pd  # type: ignore[import-untyped]  # it has no types here

from promo_campaigns.code_files.load import load_code_frames
from promo_campaigns.code_files.stock import stock
from promo_campaigns.connections.lookup import store_connection
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.contacts.load import load_contact_frames
from promo_campaigns.frames.columns import FrameColumn, make_frame, number_columns
from promo_campaigns.frames.ledger_rows import read_parts
from promo_campaigns.frames.preview_rows import preview_parts
from promo_campaigns.frames.run_rows import run_frame
from promo_campaigns.frames.uplift_arms import uplift_frame
from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import parse_time
from promo_campaigns.postgres.connection import connect
from promo_campaigns.uplift.measure import Question, measure_uplift

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from promo_campaigns.contacts.file import ContactFileReport
    from promo_campaigns.frames.ledger_rows import Table
    from promo_campaigns.model.load_report import LoadReport

    Moment = date | str | None

_PART = 50_000


class PromoStore:
    """The store as pandas DataFrames, and DataFrames into the store.

    Each call opens a connection of its own and closes it: that of an iterator when it ends, or is closed. What is read
    by one call is as of one moment. Times are in UTC, with their zone; counts are Int64, which can be missing; states,
    types, workflows and run keys are categories. What somebody must not see by chance, codes and external ids, is
    masked unless ``reveal`` is true, and the audit notes that before the first row leaves.

    With ``chunksize`` a method returns an iterator of frames with up to so many rows, each read when it is asked for,
    in place of one frame.

    :param dsn: ``postgresql://`` URI of the store
    :param include: the folder of workflows, messages and audiences, for ``preview`` and ``uplift``
    """

    def __init__(self, dsn: str, *, include: str | Path = "include") -> None:
        self._dsn = dsn
        self._include = Path(include)

    def __repr__(self) -> str:
        """Return no address: it holds a password."""
        return f"{type(self).__name__}(…)"

    @classmethod
    def from_connection(cls, conn_id: str = "promo_db", *, include: str | Path = "include") -> PromoStore:
        """Return the store of an Airflow Connection: of the environment, or wherever the Airflow here keeps it.

        :raises ConfigurationError: there is none, it is of another type, or it has an extra that is not allowed
        """
        return cls(store_dsn(store_connection(conn_id)), include=include)

    def stock(self) -> pd.DataFrame:
        """Return the codes by type, discount and attributes, each counted once: free, issued, retired, expired."""
        counts = number_columns("free", "issued", "retired", "expired")
        words = (FrameColumn("type", "word"), *number_columns("discount"), FrameColumn("attributes", "word"))
        columns = (*words, *counts)
        with connect(self._dsn) as connection:
            rows = [[getattr(one, column.name) for column in columns] for one in stock(connection)]
        return make_frame(columns, rows)

    def runs(self, *, workflow: str = "", since: Moment = None, limit: int = 10_000) -> pd.DataFrame:
        """Return the runs, newest first, with where each stands and how far its audience is.

        :param workflow: of this workflow only
        :param since: opened since then
        :param limit: so many at most
        :raises ConfigurationError: ``since`` is no time with a zone
        """
        begin = _moment("since", since)
        with connect(self._dsn) as connection:
            return run_frame(connection, workflow, begin, limit)

    @overload
    def assignments(
        self,
        *,
        workflow: str = "",
        run_key: str = "",
        since: Moment = None,
        reveal: bool = False,
        chunksize: None = None,
    ) -> pd.DataFrame: ...
    @overload
    def assignments(
        self, *, workflow: str = "", run_key: str = "", since: Moment = None, reveal: bool = False, chunksize: int
    ) -> Iterator[pd.DataFrame]: ...
    def assignments(
        self,
        *,
        workflow: str = "",
        run_key: str = "",
        since: Moment = None,
        reveal: bool = False,
        chunksize: int | None = None,
    ) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Return everybody in the audience of a run, or of all runs of a workflow, with state, reason and code.

        :param workflow: all its runs, or
        :param run_key: this run, by its key or the beginning of it
        :param since: of a workflow, the runs opened since then
        :param reveal: codes and external ids in full, which the audit notes
        :raises ConfigurationError: neither or both of workflow and run are named, or ``since`` is no time with a zone
        :raises LedgerError: there is no such run
        """
        parts = self._read("assignments", workflow, run_key, since, chunksize, reveal=reveal)
        return parts if chunksize else _whole(parts)

    @overload
    def attempts(
        self, *, workflow: str = "", run_key: str = "", since: Moment = None, chunksize: None = None
    ) -> pd.DataFrame: ...
    @overload
    def attempts(
        self, *, workflow: str = "", run_key: str = "", since: Moment = None, chunksize: int
    ) -> Iterator[pd.DataFrame]: ...
    def attempts(
        self, *, workflow: str = "", run_key: str = "", since: Moment = None, chunksize: int | None = None
    ) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Return every call that was made for the contacts of a run, or of all runs of a workflow.

        A missing outcome means that nobody knows it. The parameters are those of ``assignments``.

        :raises ConfigurationError: see ``assignments``
        :raises LedgerError: see ``assignments``
        """
        parts = self._read("attempts", workflow, run_key, since, chunksize)
        return parts if chunksize else _whole(parts)

    @overload
    def redemptions(
        self,
        *,
        workflow: str = "",
        run_key: str = "",
        since: Moment = None,
        reveal: bool = False,
        chunksize: None = None,
    ) -> pd.DataFrame: ...
    @overload
    def redemptions(
        self, *, workflow: str = "", run_key: str = "", since: Moment = None, reveal: bool = False, chunksize: int
    ) -> Iterator[pd.DataFrame]: ...
    def redemptions(
        self,
        *,
        workflow: str = "",
        run_key: str = "",
        since: Moment = None,
        reveal: bool = False,
        chunksize: int | None = None,
    ) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Return what a shop has said of the codes that a run gave, or all runs of a workflow.

        ``owner_id`` held the code, ``contact_id`` placed the order, and ``finding`` says what is odd, if anything.
        Amounts are Float64, in the row's currency. What no run gave is listed by ``promo redemptions odd`` only. The
        parameters are those of ``assignments``.

        :raises ConfigurationError: see ``assignments``
        :raises LedgerError: see ``assignments``
        """
        parts = self._read("redemptions", workflow, run_key, since, chunksize, reveal=reveal)
        return parts if chunksize else _whole(parts)

    def uplift(  # noqa: PLR0913  (what is measured, one keyword each)
        self,
        *,
        within: str,
        workflow: str = "",
        run_key: str = "",
        since: Moment = None,
        conversions: str = "",
        event: str = "",
        redemptions: str = "",
    ) -> pd.DataFrame:
        """Return how many of each arm converted, and how far that is above those held out, with 95 % intervals.

        The rows are ``treated``, ``intended`` and ``held_out``; rates are of one, not of a hundred. The report as
        ``promo runs uplift --json`` prints it is in the frame's ``attrs``, by the name ``report``.

        :param within: for how long after a run was opened conversions count, such as ``14d``
        :param workflow: all its runs together, in which a contact counts once, or
        :param run_key: one run
        :param since: of a workflow, the runs opened since then
        :param conversions: name of a file in ``conversions`` of the include folder, or
        :param event: a type of event that is a conversion, or
        :param redemptions: a currency, such as ``EUR``: redeemed codes are conversions, worth what was paid in it
        :raises ConfigurationError: a parameter is wrong, or too few or too many are given
        :raises DefinitionError: the file is missing, or its SELECT fails
        :raises LedgerError: there is no such run
        """
        question = Question(
            run_key=run_key,
            workflow=workflow,
            since=_moment("since", since),
            conversions=conversions,
            event=event,
            redemptions=redemptions,
            within=within,
        )
        with connect(self._dsn) as connection:
            return uplift_frame(measure_uplift(connection, self._include, question))

    @overload
    def preview(self, workflow: str, *, at: Moment = None, chunksize: None = None, **given: object) -> pd.DataFrame: ...
    @overload
    def preview(
        self, workflow: str, *, at: Moment = None, chunksize: int, **given: object
    ) -> Iterator[pd.DataFrame]: ...
    def preview(
        self, workflow: str, *, at: Moment = None, chunksize: int | None = None, **given: object
    ) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Return what each contact of a workflow's audience would get now; nothing is sent, consumed or written.

        Codes are masked, and texts hold a placeholder. The report with counts, forecast and what Start would refuse is
        in the ``attrs`` of each frame, by the name ``report``.

        :param workflow: a file of ``workflows`` in the include folder
        :param at: when it is sent, if that is later than now
        :param given: what the trigger form says otherwise, such as ``discount=15``
        :raises DefinitionError: the workflow, or a file that it names, is missing or wrong
        :raises ConfigurationError: the trigger form has no such field, or ``at`` is no time with a zone
        """
        moment = _moment("at", at)

        def parts() -> Generator[pd.DataFrame]:
            with connect(self._dsn) as connection:
                yield from preview_parts(connection, self._include, workflow, given, at=moment, chunksize=chunksize)

        if chunksize:
            return _begun(parts())
        with closing(parts()) as told:
            return next(told)

    def load_codes(
        self,
        frame: pd.DataFrame,
        *,
        name: str = "DataFrame",
        strict: bool = False,
        time_zone: str = "UTC",
        code_only_expiration: str | None = None,
    ) -> LoadReport:
        """Load codes as ``promo codes load`` loads a file with the same table, with the same report.

        Rows are numbered from 1. The same frame again changes nothing.

        :param frame: with the columns code, expirationDate, discount, type, inUse
        :param name: what the report and the list of code files call it
        :param strict: refuse the whole frame for one rejected row, and require the column inUse
        :param time_zone: IANA name of the zone of days, and of times that have none of their own
        :param code_only_expiration: the frame has the one column code, and its codes expire then
        :raises CodeFileError: it has not these columns, or all its rows were rejected
        :raises ConfigurationError: there is no such time zone, or the expiration is no date
        """
        with connect(self._dsn) as connection:
            return load_code_frames(
                connection,
                [frame],
                name=name,
                strict=strict,
                time_zone=time_zone,
                code_only_expiration=code_only_expiration,
            )

    def load_contacts(self, frame: pd.DataFrame, *, name: str = "DataFrame") -> ContactFileReport:
        """Create or update contacts as ``promo contacts load`` does with a file, with the same report.

        Rows are numbered from 1. A missing value says nothing: the contact keeps what it has.

        :param frame: its columns are those of a contact file, and additional fields by their names
        :param name: what the report calls it
        :raises ContactFileError: a column is unknown, or none says whose row it is
        """
        with connect(self._dsn) as connection:
            return load_contact_frames(connection, [frame], name=name)

    def _read(  # noqa: PLR0913  (what is read, and which of it)
        self,
        table: Table,
        workflow: str,
        run_key: str,
        since: Moment,
        chunksize: int | None,
        *,
        reveal: bool = False,
    ) -> Iterator[pd.DataFrame]:
        """Return the frames; whatever is wrong with the question is raised at once."""
        begin = _moment("since", since)

        def parts() -> Generator[pd.DataFrame]:
            with connect(self._dsn) as connection:
                runs = ChosenRuns.of(connection, workflow, run_key, begin)
                yield from read_parts(connection, table, runs, chunksize or _PART, reveal=reveal)

        return _begun(parts())


def _whole(parts: Iterator[pd.DataFrame]) -> pd.DataFrame:
    frames = list(parts)
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _begun(parts: Generator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Read the first frame now, so that what is wrong is told by the call and not by the loop."""
    first = next(parts)

    def told() -> Generator[pd.DataFrame]:
        try:
            yield first
            yield from parts
        finally:
            parts.close()

    return told()


def _moment(name: str, given: Moment) -> datetime | None:
    """Return a moment that somebody named as a text or as a time.

    :raises ConfigurationError: it has no zone
    """
    if isinstance(given, date) and not isinstance(given, datetime):
        msg = f"{name} must be a time with a zone, such as 2026-12-24T18:00+02:00, not a day"
        raise ConfigurationError(msg)
    return parse_time(name, given.isoformat() if isinstance(given, datetime) else given)
