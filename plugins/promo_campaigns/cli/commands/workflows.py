"""``promo workflows``: check the files of campaign authors, and print the schema they are written by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import INCLUDE, AsJson, Fields, Include, workflow_names
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.errors import ConfigurationError, DefinitionError

if TYPE_CHECKING:
    from promo_campaigns.definitions.workflow_files import IncludeFolder

app = Commands()

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
) -> ExitStatus:
    """Read every workflow and every file it names.

    Prints what is wrong, by file and line. The exit status is 1 if a file is wrong.
    """
    from promo_campaigns.definitions.workflow_files import IncludeFolder

    output = Output(as_json=as_json, fields=fields)
    folder = IncludeFolder(include)
    if not include.is_dir():
        msg = f"there is no folder {include}; name the include folder with --include"
        raise ConfigurationError(msg)
    names = workflows or list(folder.workflow_ids)
    with progress("Checking the workflows", len(names)) as bar:
        faults = []
        for name in names:
            faults += [fault] if (fault := _fault(folder, name)) else []
            bar.advance()
    if output.is_plain:
        print("\n".join([*map(str, faults), f"{len(names)} workflows, {len(faults)} wrong"]))
    else:
        output.rows([_row(fault) for fault in faults], empty="No file is wrong.")
    return ExitStatus.NO if faults else ExitStatus.OK


def _row(fault: DefinitionError) -> dict[str, Any]:
    return {"file": fault.file, "line": fault.line, "problem": fault.problem, "hint": fault.hint}


def _fault(folder: IncludeFolder, workflow_id: str) -> DefinitionError | None:
    from promo_campaigns.definitions.workflow_files import check_workflow

    try:
        check_workflow(folder, workflow_id)
    except DefinitionError as error:
        return error
    return None


@app.add("schema", "promo workflows schema > include/workflows/workflow.schema.json")
def schema() -> None:
    """Print the JSON schema of a workflow file, for an editor."""
    from promo_campaigns.definitions.published import schema_text

    print(schema_text(), end="")
