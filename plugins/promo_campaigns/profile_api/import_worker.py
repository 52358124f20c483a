"""The background thread that carries out bulk requests."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ContactHeldError, PromoError

if TYPE_CHECKING:
    from promo_campaigns.profile_api.store import ProfileStore

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 2.0
_STOP_WITHIN_S = 5.0
_COME_BACK_AFTER_S = 0.5
_TRIES = 20
"""Tries of an import whose contacts are locked; then those contacts are refused and the others written."""


class ImportWorker:
    """Carries out queued imports: at once when woken, and regularly those that other servers accepted.

    :param store: an open store
    """

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._held = 0
        self._thread = threading.Thread(target=self._run, name="contact-imports", daemon=True)

    def start(self) -> None:
        """Start, with the imports that an earlier server left."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue at once."""
        self._woken.set()

    def stop(self) -> None:
        """Stop; an import in progress is cancelled, stays queued, and is carried out by the next server."""
        self._stopping.set()
        self._woken.set()
        self._store.cancel_import()
        self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._empty_queue()
            if self._held:
                self._stopping.wait(_COME_BACK_AFTER_S)
            elif not self._stopping.is_set():
                self._woken.wait(_LOOK_EVERY_S)

    def _empty_queue(self) -> None:
        try:
            while not self._stopping.is_set() and self._store.run_next_import(refuse_held=self._held >= _TRIES):
                self._held = 0
            self._held = 0
        except ContactHeldError:
            # It locks nothing while it waits, so other writers go on.
            self._held += 1
        except PromoError as error:
            if not self._stopping.is_set():
                _log.warning("imports wait: %s", error)
