"""``promo workflows``: check the files of campaign authors, and print the schema they are written by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ConfigurationError, DefinitionError

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.definitions.workflow_files import IncludeFolder

_WRONG = 1


def add_parser(nouns: Parsers) -> None:
    """Add ``promo workflows`` and its verbs."""
    parser = nouns.add_parser("workflows", help="check the workflow files, print their schema")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    check = verbs.add_parser("check", help="read every workflow and every file it names; status 1 if one is wrong")
    check.add_argument("--include", type=Path, default=Path("include"), metavar="FOLDER", help="default: include")
    check.add_argument("workflow_ids", nargs="*", metavar="WORKFLOW", help="those to check (default: all)")
    check.set_defaults(run=_check)

    schema = verbs.add_parser("schema", help="print the JSON schema of a workflow file, for an editor")
    schema.set_defaults(run=_schema)


def _check(args: argparse.Namespace) -> int:
    from promo_campaigns.definitions.workflow_files import IncludeFolder

    folder = IncludeFolder(args.include)
    if not args.include.is_dir():
        msg = f"there is no folder {args.include}; name the include folder with --include"
        raise ConfigurationError(msg)
    workflow_ids = args.workflow_ids or folder.workflow_ids
    faults = [fault for workflow_id in workflow_ids if (fault := _fault(folder, workflow_id))]
    for fault in faults:
        print(fault)
    print(f"{len(workflow_ids)} workflows, {len(faults)} wrong")
    return _WRONG if faults else 0


def _fault(folder: IncludeFolder, workflow_id: str) -> DefinitionError | None:
    from promo_campaigns.definitions.workflow_files import check_workflow

    try:
        check_workflow(folder, workflow_id)
    except DefinitionError as error:
        return error
    return None


def _schema(_: argparse.Namespace) -> int:
    from promo_campaigns.definitions.workflow_schema import schema_text

    print(schema_text(), end="")
    return 0
