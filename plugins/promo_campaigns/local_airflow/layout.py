"""Where a local Airflow keeps its state: in ``.demo/`` of the checkout, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Files and folders of one checkout.

    :param checkout: the folder that holds ``dags/``, ``plugins/`` and ``include/``
    """

    checkout: Path

    @property
    def state(self) -> Path:
        """Folder of everything that is made."""
        return self.checkout / ".demo"

    @property
    def lock(self) -> Path:
        """File that the running demo holds locked."""
        return self.state / "lock"

    @property
    def processes(self) -> Path:
        """Ids of the processes that were started, so that a later start can end what a killed one left."""
        return self.state / "processes.json"

    @property
    def postgres(self) -> Path:
        """Folder of the embedded Postgres."""
        return self.state / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.state / "airflow"

    @property
    def logs(self) -> Path:
        """Folder with one log file for each process."""
        return self.state / "logs"

    @property
    def secrets(self) -> Path:
        """File of all keys and passwords; readable by its owner only."""
        return self.state / "secrets.json"

    @property
    def credentials(self) -> Path:
        """User and password of Airflow's UI; readable by its owner only."""
        return self.state / "credentials.json"

    @property
    def code_files(self) -> Path:
        """Folder that the sensor of ``load_promo_codes`` watches."""
        return self.state / "code_files"

    @property
    def previews(self) -> Path:
        """Folder of previews."""
        return self.state / "previews"

    @property
    def environment(self) -> Path:
        """Environment of the running processes, with all secrets; readable by its owner only."""
        return self.state / "environment.json"

    @property
    def samples(self) -> Path:
        """Folder of the sample codes and contacts."""
        return self.checkout / "include" / "samples"

    def make(self) -> None:
        """Create the folders that are missing."""
        # The database server may run as another account, which must be able to pass. Secret files have their own modes.
        self.state.mkdir(mode=0o755, exist_ok=True)
        self.code_files.mkdir(mode=0o755, exist_ok=True)
        for private in (self.airflow, self.logs):
            private.mkdir(mode=0o700, exist_ok=True)
