"""Where the demo keeps its state: everything in ``.demo/`` of the checkout, nothing in anybody's home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The places of one checkout.

    :param checkout: the folder that holds ``dags/``, ``plugins/`` and ``include/``
    """

    checkout: Path

    @property
    def state(self) -> Path:
        """Everything the demo makes."""
        return self.checkout / ".demo"

    @property
    def lock(self) -> Path:
        """Held by the demo that runs."""
        return self.state / "lock"

    @property
    def processes(self) -> Path:
        """What the demo that runs has started."""
        return self.state / "processes.json"

    @property
    def postgres(self) -> Path:
        """The folder of the database server."""
        return self.state / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.state / "airflow"

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.state / "logs"

    @property
    def secrets(self) -> Path:
        """The keys of this demo; readable by its owner only."""
        return self.state / "secrets.json"

    @property
    def credentials(self) -> Path:
        """User and password of Airflow's UI; readable by its owner only."""
        return self.state / "credentials.json"

    @property
    def code_files(self) -> Path:
        """Where the sensor of ``load_promo_codes`` waits."""
        return self.state / "code_files"

    @property
    def samples(self) -> Path:
        """The data the demo shows."""
        return self.checkout / "include" / "samples"

    def make(self) -> None:
        """Make the folders that are missing."""
        # The database server may run as another account, which has to get through; what is secret guards itself.
        self.state.mkdir(mode=0o755, exist_ok=True)
        self.code_files.mkdir(mode=0o755, exist_ok=True)
        for private in (self.airflow, self.logs):
            private.mkdir(mode=0o700, exist_ok=True)
