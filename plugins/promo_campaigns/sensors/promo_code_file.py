"""Waits for code files."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.hooks.code_inbox import describe, finished, look
from promo_campaigns.hooks.page_links import CodesPageLink
from promo_campaigns.hooks.run_conf import require_known_conf
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class PromoCodeFileSensor(BaseSensorOperator):
    """Waits until a folder holds finished code files, and returns their paths, sorted.

    A file is finished when two looks, ``unchanged_s`` apart, find the same size and time of change; or, with
    ``done_marker``, when ``<name>.done`` stands beside it. Lock files, half uploads and what desktops leave behind
    (``code_inbox.NO_CODE_FILE``) are ignored. Files that are there at once are returned without deferring.

    :param path: the folder, or a file: any path that ``ObjectStoragePath`` reaches, ``s3://connection@bucket/inbox``
        (templated)
    :param pattern: glob of names in the folder (templated)
    :param unchanged_s: seconds between the two checks, > 0
    :param done_marker: wait for the marker file instead of comparing two checks
    :param poke_interval: seconds between checks of an empty folder
    :param deferrable: wait in the triggerer, without a worker; by default as ``[operators] default_deferrable`` says,
        which is no
    """

    template_fields: Sequence[str] = ("path", "pattern")
    operator_extra_links = (CodesPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(  # noqa: PLR0913  (one keyword a parameter of the sensor)
        self,
        *,
        path: str,
        pattern: str = "*",
        unchanged_s: float = 5.0,
        done_marker: bool = False,
        poke_interval: timedelta | float = 10.0,
        deferrable: bool | None = None,
        **kwargs: Any,  # noqa: ANN401  (BaseSensorOperator's)
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.path = path
        self.pattern = pattern
        self.unchanged_s = unchanged_s
        self.done_marker = done_marker
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable

    def pre_execute(self, context: Context) -> None:
        """Refuse a run that was triggered with a name its DAG does not take; trying again would not help.

        :raises AirflowFailException: it was
        """
        try:
            require_known_conf(context)
        except ConfigurationError as error:
            raise AirflowFailException(str(error)) from None

    def execute(self, context: Context) -> list[str]:
        """Return the finished files, or wait for them."""
        if not self.deferrable:
            files: list[str] = super().execute(context)
            return files
        return self._finished() or self._wait()

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002  (Airflow's signature)
        """Check the folder twice."""
        files = self._finished()
        if not files:
            self._tell()
        return PokeReturnValue(is_done=bool(files), xcom_value=files)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:  # noqa: ARG002  (Airflow's signature)
        """Return what the trigger found."""
        files: list[str] = event["files"]
        return files

    def _finished(self) -> list[str]:
        before = look(self.path, self.pattern, done_marker=self.done_marker)
        if self.done_marker or not before:
            return finished(before, before)
        time.sleep(self.unchanged_s)
        return finished(before, look(self.path, self.pattern, done_marker=self.done_marker))

    def _tell(self) -> None:
        seen = look(self.path, self.pattern, done_marker=self.done_marker)
        self.log.info("%s", describe(self.path, self.pattern, seen, done_marker=self.done_marker))

    def _wait(self) -> list[str]:
        self._tell()
        from promo_campaigns.triggers.promo_code_file import PromoCodeFileTrigger  # noqa: PLC0415  (needed to defer only)

        trigger = PromoCodeFileTrigger(
            path=self.path,
            pattern=self.pattern,
            unchanged_s=self.unchanged_s,
            poll_s=self.poke_interval,
            done_marker=self.done_marker,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))
