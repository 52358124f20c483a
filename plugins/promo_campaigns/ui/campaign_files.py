"""What campaign authors wrote, as the pages read it: the include folder of this API server, and of now."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.definitions.definitions import read_message
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.model.errors import DefinitionError, PromoError
from promo_campaigns.model.run_spec import receivers_of
from promo_campaigns.ui.page_errors import PageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.model.run_spec import DataSource, Message, RunSpec

    Stamp = tuple[tuple[str, int, int], ...]
    """Name, time of change and size of each file."""


@dataclass(frozen=True)
class Outline:
    """A workflow as its files say, or what is wrong with them.

    :ivar sources: what its message binds
    """

    workflow_id: str
    workflow: Workflow | None = None
    message: Message | None = None
    sources: tuple[DataSource, ...] = ()
    fault: DefinitionError | None = None


class CampaignFiles:
    """The include folder as it is at one moment.

    :param path: the folder
    """

    def __init__(self, path: Path) -> None:
        self.folder = IncludeFolder(path)
        self._messages: dict[str, Message | None] = {}

    @cached_property
    def outlines(self) -> Mapping[str, Outline]:
        """Every workflow of the folder, by its name, in order."""
        return {name: self._outline(name) for name in self.folder.workflow_ids}

    @cached_property
    def receivers(self) -> Mapping[str, list[str]]:
        """Whom the runs of each workflow would call, by its name; one whose files are wrong calls nobody."""
        found: dict[str, list[str]] = {name: [] for name in self.outlines}
        for name in self.outlines:
            with suppress(PromoError):
                found[name] = receivers_of(self.spec(name, contact_ids=[1]).as_dict())
        return found

    def outline(self, workflow_id: str) -> Outline:
        """Return a workflow.

        :raises PageError: there is no such file
        """
        if workflow_id not in self.outlines:
            raise PageError(404, f"there is no workflow {workflow_id} in the include folder")
        return self.outlines[workflow_id]

    def message(self, name: str) -> Message | None:
        """Return a message; None if there is no such file, or it is wrong."""
        if name not in self._messages:
            self._messages[name] = None
            with suppress(DefinitionError):
                self._messages[name] = read_message(self.folder.path, name)
        return self._messages[name]

    def spec(self, workflow_id: str, **given: object) -> RunSpec:
        """Return the definition of a run of a workflow.

        :param given: what is otherwise than in its file; ``contact_ids`` for the audience itself
        :raises PageError: there is no such file
        :raises DefinitionError: it, or one that it names, is wrong
        :raises ConfigurationError: its audience are those to whom an event happens, and no other is given
        """
        workflow = self.outline(workflow_id).workflow or check_workflow(self.folder, workflow_id)
        contact_ids = given.pop("contact_ids", ())
        return read_workflow_spec(self.folder, workflow, given, contact_ids=contact_ids)  # type: ignore[arg-type]  # ids

    def _outline(self, workflow_id: str) -> Outline:
        try:
            workflow = check_workflow(self.folder, workflow_id)
            message = read_message(self.folder.path, workflow.message)
            return Outline(workflow_id, workflow, message, self.folder.bound_sources(workflow.message))
        except DefinitionError as error:
            return Outline(workflow_id, fault=error)


_lock = threading.Lock()
_known: dict[Path, tuple[Stamp, CampaignFiles]] = {}


def campaign_files() -> CampaignFiles:
    """Return the include folder; what was read before is kept as long as no file of it changes.

    :raises PageError: this API server has no include folder
    """
    path = include_folder(None)
    if not path.is_dir():
        raise PageError(
            503,
            f"this API server has no include folder {path}: let it see the folder that the workers have, or name it in "
            "Airflow's option [promo_campaigns] include_folder",
        )
    stamp = _stamp(path)
    with _lock:
        known = _known.get(path)
        if known is None or known[0] != stamp:
            known = _known[path] = stamp, CampaignFiles(path)
        return known[1]


def find_connection(conn_id: str) -> ConnectionSettings | None:
    """Return a connection from wherever Airflow keeps it; None if there is none.

    :raises ConfigurationError: it cannot be read
    """
    with suppress(AirflowNotFoundException):
        return airflow_connection(conn_id)
    return None


def _stamp(path: Path) -> Stamp:
    found = []
    for file in sorted(path.rglob("*")):
        with suppress(OSError):  # it was removed meanwhile
            state = file.stat()
            found.append((str(file), state.st_mtime_ns, state.st_size))
    return tuple(found)
