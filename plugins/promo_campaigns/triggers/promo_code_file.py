"""Waits for code files on the triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from promo_campaigns.hooks.code_inbox import finished, look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class PromoCodeFileTrigger(BaseTrigger):
    """Fires when a folder holds finished code files, with ``{"files": [path, …]}``. It changes nothing.

    :param path: the folder, or a file, on any storage that ``ObjectStoragePath`` reaches
    :param pattern: glob of names in the folder
    :param unchanged_s: seconds between the two checks that must find the same size and modification time, > 0
    :param poll_s: seconds between two pairs of checks, > 0
    :param done_marker: a file is finished when ``<name>.done`` exists beside it, whatever its age
    """

    def __init__(self, *, path: str, pattern: str, unchanged_s: float, poll_s: float, done_marker: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's base class has no types here
        self.path = path
        self.pattern = pattern
        self.unchanged_s = unchanged_s
        self.poll_s = poll_s
        self.done_marker = done_marker

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger in the form that Airflow stores."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "path": self.path,
                "pattern": self.pattern,
                "unchanged_s": self.unchanged_s,
                "poll_s": self.poll_s,
                "done_marker": self.done_marker,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until there are finished files."""
        before = await self._look()
        while True:
            if self.done_marker and before:
                yield _event(finished(before, before))
                return
            await asyncio.sleep(self.unchanged_s if before else self.poll_s)
            now = await self._look()
            if files := finished(before, now):
                yield _event(files)
                return
            before = now

    async def _look(self) -> Any:  # noqa: ANN401  (a Look, whose name exists for type checkers only)
        return await asyncio.to_thread(look, self.path, self.pattern, done_marker=self.done_marker)


def _event(files: list[str]) -> TriggerEvent:
    return TriggerEvent({"files": files})  # type: ignore[no-untyped-call]  # Airflow's class has no types here
