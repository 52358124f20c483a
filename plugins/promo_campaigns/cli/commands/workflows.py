"""``promo workflows``: list and check the files of campaign authors, and print the schema they are written by."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import INCLUDE, AsJson, Dsn, Fields, Include, workflow_names
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.errors import (
    ConfigurationError,
    DatabaseNotFoundError,
    DatabaseUnavailableError,
    DefinitionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.definitions.workflow_files import IncludeFolder
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.workflow_check import Remark

app = Commands()
_MOST_SHOWN = 10

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORKFLOW", help="Those to check; all by default.", autocompletion=workflow_names),
]


@app.add("check", "promo workflows check", "promo workflows check welcome_push --json")
def check(
    workflows: Names = None,
    *,
    include: Include = INCLUDE,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Read every workflow and every file it names.

    Prints all that is wrong, by file and line, and what should be known of the others. The connection of a transport is
    looked for in the environment, and where the Airflow of this machine keeps connections. With a database, the SELECT
    of each audience is run for its first contact, and the fields that texts read are compared with those of the store.
    The exit status is 1 if a file is wrong.
    """
    from promo_campaigns.connections.lookup import known_connection
    from promo_campaigns.definitions.workflow_files import IncludeFolder, misnamed_files
    from promo_campaigns.preview.workflow_check import find_faults, remarks_on

    output = Output(as_json=as_json, fields=fields)
    folder = IncludeFolder(include)
    names = workflows or _all_names(folder)
    faults = [] if workflows else [*misnamed_files(include), *_skipped(include)]
    notes: list[Remark] = []
    wrong = len(faults)
    with _store(dsn) as (store, untold), progress("Checking the workflows", len(names)) as bar:
        for name in names:
            found = list(find_faults(folder, name, known_connection, store=store, remarks=notes))
            faults += found
            wrong += bool(found)
            notes += [] if found else remarks_on(folder, name)
            bar.advance()
    if output.is_plain:
        told = [f"{note.file}:{note.line}: note: {note.text}" for note in notes]
        checked = f"{len(names)} workflow{'s' * (len(names) != 1)}, {wrong} wrong"
        print("\n".join([*map(str, faults), *told, *untold, checked]))
    else:
        output.rows([*map(_row, faults), *map(_note, notes)], empty="No file is wrong.")
    return ExitStatus.NO if faults else ExitStatus.OK


def _all_names(folder: IncludeFolder) -> list[str]:
    """Return the workflows of a folder.

    Empty where one lies there under a wrong name, which is told then.

    :raises ConfigurationError: there is no folder, or no workflow in it
    """
    from promo_campaigns.definitions.workflow_files import misnamed_files

    if not folder.path.is_dir():
        msg = f"there is no folder {folder.path}; name the include folder with --include"
        raise ConfigurationError(msg)
    if not folder.workflow_ids and not misnamed_files(folder.path):
        others = ", ".join(sorted(one.name for one in folder.path.iterdir())[:_MOST_SHOWN]) or "nothing"
        msg = (
            f"there is no workflow in {folder.path}: no file workflows/<name>.yaml; there is: {others}. Name the "
            "include folder with --include; its folders are workflows, messages, data_sources, audiences"
        )
        raise ConfigurationError(msg)
    return folder.workflow_ids


@contextmanager
def _store(dsn: str) -> Iterator[tuple[Connection | None, list[str]]]:
    """Yield the store, if there is one to be reached, and what is to be said if there is none."""
    from promo_campaigns.postgres.connection import connect

    with ExitStack() as stack:
        try:
            found = stack.enter_context(connect(find_dsn(dsn)))
        except (DatabaseNotFoundError, DatabaseUnavailableError) as error:
            if dsn:
                raise
            reason = str(error) if isinstance(error, DatabaseUnavailableError) else "no database was named"
            yield None, [f"Audiences were not selected, nor fields compared: {reason}"]
        else:
            yield found, []


def _row(fault: DefinitionError) -> dict[str, Any]:
    return {"kind": "wrong", "file": fault.file, "line": fault.line, "problem": fault.problem, "hint": fault.hint}


def _note(note: Remark) -> dict[str, Any]:
    return {"kind": "note", "file": note.file, "line": note.line, "problem": note.text, "hint": ""}


def _skipped(include: Path) -> list[DefinitionError]:
    """Return the files of DAGs that Airflow does not look into."""
    from promo_campaigns.definitions.dag_files import skipped_files

    if os.environ.get("AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE", "true").lower() in {"false", "f", "0"}:
        return []
    dags = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER")
    return list(skipped_files(Path(dags) if dags else include.resolve().parent / "dags"))


@app.add("list", "promo workflows list", "promo workflows list --json --fields workflow,schedule")
def list_all(*, include: Include = INCLUDE, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> ExitStatus:
    """List the workflow files, when they run, and by what they send.

    With a database, workflows that had a run and have no file follow, as their newest run was: they are written in
    Python, or their file is not here. The exit status is 1 if a file is wrong.
    """
    from promo_campaigns.definitions.workflow_files import IncludeFolder

    folder = IncludeFolder(include)
    rows = [_listed(folder, name) for name in folder.workflow_ids]
    with _store(dsn) as (store, _):
        rows += _without_file(store, folder.workflow_ids) if store else []
    empty = f"There is no workflow in {include / 'workflows'}; name the include folder with --include."
    Output(as_json=as_json, fields=fields).rows(rows, empty=empty)
    return ExitStatus.NO if any(row["wrong"] for row in rows) else ExitStatus.OK


def _listed(folder: IncludeFolder, workflow_id: str) -> dict[str, Any]:
    from promo_campaigns.definitions.workflow_files import check_workflow
    from promo_campaigns.preview.workflow_outline import audience_in_words, codes_in_words, schedule_in_words

    try:
        found = check_workflow(folder, workflow_id)
    except DefinitionError as error:
        shown = dict.fromkeys(("schedule", "audience", "codes", "message", "transport"))
        return {"workflow": workflow_id, **shown, "file": True, "wrong": str(error)}
    return {
        "workflow": workflow_id,
        "schedule": schedule_in_words(found),
        "audience": audience_in_words(found),
        "codes": codes_in_words(found.promo_code),
        "message": found.message,
        "transport": found.transport,
        "file": True,
        "wrong": "",
    }


def _without_file(store: Connection, known: list[str]) -> list[dict[str, Any]]:
    """Return the workflows that had a run and have no file, as their newest run was."""
    from promo_campaigns.ledger.lookups.progress import list_workflows
    from promo_campaigns.ledger.run_list import newest_of_workflows
    from promo_campaigns.ledger.runs import read_run
    from promo_campaigns.preview.workflow_outline import codes_in_words

    others = sorted({*list_workflows(store)} - {*known})
    specs = [read_run(store, line.run_id).spec for line in newest_of_workflows(store, others)]
    return [
        {
            "workflow": spec.workflow,
            "schedule": None,
            "audience": spec.audience.name,
            "codes": codes_in_words(spec.codes),
            "message": spec.message.name,
            "transport": spec.transport,
            "file": False,
            "wrong": "",
        }
        for spec in sorted(specs, key=lambda one: one.workflow)
    ]


@app.add("schema", "promo workflows schema > include/workflows/workflow.schema.json")
def schema() -> None:
    """Print the JSON schema of a workflow file, for an editor."""
    from promo_campaigns.definitions.published import schema_text

    print(schema_text(), end="")
