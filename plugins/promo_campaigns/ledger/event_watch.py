"""Watches the queue of events over one connection, which is opened anew when it is lost."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg

from promo_campaigns.ledger.event_queue import listen, wake
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.store_errors import explained

if TYPE_CHECKING:
    from typing_extensions import Self

    from promo_campaigns.postgres.connection import Connection


class EventWatch:
    """Looks whether a workflow is to be woken. One look at a time, from any thread.

    :param dsn: ``postgresql://`` URI of the database
    :param quiet_s: see ``event_queue.wake``
    """

    def __init__(self, dsn: str, *, workflow: str, type_name: str, quiet_s: float) -> None:
        self._dsn = dsn
        self._workflow = workflow
        self._type = type_name
        self._quiet_s = quiet_s
        self._opened = ExitStack()
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def look(self) -> bool:
        """Return whether the workflow is to be woken now; the first look makes it listen.

        :raises DatabaseUnavailableError: the server cannot be reached; the next look tries again
        :raises ConfigurationError: the database has no schema yet
        """
        try:
            if self._connection is None:
                self._connection = self._opened.enter_context(connect(self._dsn))
                listen(self._connection, workflow=self._workflow, type_name=self._type)
            return wake(self._connection, self._workflow, quiet_s=self._quiet_s)
        except psycopg.Error as error:
            self._close()
            raise explained(error) or error from error
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._connection = None
        self._opened.close()
