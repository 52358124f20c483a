"""A workflow file that cannot be built, as Airflow's list of import errors shows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from airflow.exceptions import SerializationError
from airflow.sdk import DAG
from airflow.sdk.configuration import conf

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_PROCESS = "_AIRFLOW_PROCESS_CONTEXT"
_DAG_PROCESSOR = "client"


class BrokenWorkflow(DAG):
    """Stands in for a workflow in the bag of its Python file, and refuses to be stored.

    Airflow keeps one import error a file, and one of the Python file would take every DAG of it down. So Airflow's DAG
    processor is told when it comes to store the DAG, under the name of the YAML file. Anything else that fills a bag,
    such as a test of all DAGs, is told when it validates it, under the name of the Python file.
    """

    file: Path
    error: Exception

    @classmethod
    def of(cls, file: Path, error: Exception) -> BrokenWorkflow:
        """Make the stand-in of a file."""
        with cls(f"broken.{file.stem}") as broken:
            broken.file = file
            broken.error = error
        return broken

    @property
    def relative_fileloc(self) -> str:
        """Where the error is shown: the YAML file, seen from the folder of DAGs."""
        return os.path.relpath(self.file, conf.get("core", "dags_folder"))

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        """Leave it: the bag says the Python file."""

    def validate(self) -> None:
        """Refuse, unless it is the DAG processor that asks."""
        if os.environ.get(_PROCESS) != _DAG_PROCESSOR:
            raise ConfigurationError(str(self.error)) from None

    def get_serialized_fields(self) -> NoReturn:  # type: ignore[override]  # the base answers, this refuses
        """Refuse."""
        raise SerializationError(str(self.error)) from None
