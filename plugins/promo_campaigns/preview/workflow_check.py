"""What is wrong with a workflow file and all it names, by file and line, and what is to be known of a right one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.connections.airflow_database import ConnectionsHiddenError
from promo_campaigns.connections.lookup import variable_name
from promo_campaigns.definitions import workflow_files
from promo_campaigns.definitions.names.store_check import require_store
from promo_campaigns.definitions.receiver_checks import find_transport_connection, require_settings
from promo_campaigns.definitions.workflow_files import check_workflow
from promo_campaigns.definitions.workflow_notes import notes_on
from promo_campaigns.model.errors import ConfigurationError, DefinitionError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_files import IncludeFolder
    from promo_campaigns.postgres.connection import Connection

    FindConnection = Callable[[str], ConnectionSettings | None]
    """Returns the settings of a connection by its id, None if there is none, or raises ``ConnectionsHiddenError``."""


class Remark(NamedTuple):
    """What should be known of a file that is right."""

    file: str
    line: int
    text: str


def find_faults(
    files: IncludeFolder,
    workflow_id: str,
    find_connection: FindConnection,
    *,
    store: Connection | None = None,
    remarks: list[Remark],
) -> Iterator[DefinitionError]:
    """Yield all that is wrong with a workflow; the store is asked about one that is right by its files.

    :param store: where its audience's SELECT is run for one contact, and fields are looked up, if there is one
    :param remarks: where it is noted that a connection cannot be looked for from here
    """
    is_right = True
    for fault in workflow_files.find_faults(
        files, workflow_id, partial(_look_at_connection, files, find_connection, remarks)
    ):
        is_right = False
        yield fault
    if store is not None and is_right:
        try:
            require_store(store, files, check_workflow(files, workflow_id))
        except DefinitionError as error:
            yield error


def remarks_on(files: IncludeFolder, workflow_id: str) -> list[Remark]:
    """Return what should be known of a workflow that is right.

    :raises DefinitionError: it is not
    """
    file = files.workflow(workflow_id)
    shown_as = f"workflows/{workflow_id}.yaml"
    return [
        Remark(shown_as, file.line(note.setting) or 1, note.text)
        for note in notes_on(check_workflow(files, workflow_id))
    ]


def _look_at_connection(
    files: IncludeFolder, find_connection: FindConnection, remarks: list[Remark], workflow: Workflow
) -> None:
    conn_id = find_transport_connection(files.path, workflow)
    if not conn_id:
        return
    try:
        found = find_connection(conn_id)
    except ConnectionsHiddenError:
        problem = (
            f"the connection {conn_id!r} of its transport was not looked for: {variable_name(conn_id)} is not set "
            "here, and no Airflow answers"
        )
        line = files.workflow(workflow.workflow_id).line("transport_conn_id") or 1
        remarks.append(Remark(f"workflows/{workflow.workflow_id}.yaml", line, problem))
        return
    except ConfigurationError as error:
        raise SettingError(str(error), setting=("transport_conn_id",)) from None
    if found is None:
        hint = f"Add it in Airflow under Admin, Connections, or set {variable_name(conn_id)}"
        problem = f"there is no connection {conn_id!r}"
        raise SettingError(problem, setting=("transport_conn_id",), hint=hint)
    require_settings(files.path, workflow, found)
