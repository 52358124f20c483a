"""The thread that works off bulk requests beside the profile API."""

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
"""An import whose contacts others hold is begun so often; then those contacts are refused and the others written."""


class ImportWorker:
    """Works off the queue of imports: at once when woken, and now and then what other servers accepted.

    :param store: an open store
    """

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._held = 0
        self._thread = threading.Thread(target=self._run, name="contact-imports", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier server left behind."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()

    def stop(self) -> None:
        """Stop; an import that is under way is broken off, stays queued, and is done anew by the next server."""
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
            # Nothing of it is held while it waits, so that it stops nobody else.
            self._held += 1
        except PromoError as error:
            if not self._stopping.is_set():
                _log.warning("imports wait: %s", error)
