"""``promo init``: the files of a first project, in one's own folder."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Fields
from promo_campaigns.cli.output import Output

if TYPE_CHECKING:
    from promo_campaigns.starter.project import Project

app = Commands()
_NAMED = 5

_STEPS = """\
Next:
  1. Make a Postgres database, and tell Airflow and this shell where it is:
       export AIRFLOW_CONN_PROMO_DB=postgresql://user:password@host:5432/promo
       promo db migrate
  2. Load the samples, or your own:
       promo contacts field "Promo code" --id 12345
       promo contacts load include/samples/contacts.csv
       promo codes load include/samples/promo_codes.csv
  3. Look at a campaign, then turn its DAG on in Airflow, whose DAGs folder is {dags}:
       promo workflows check
       promo preview welcome_push
       promo doctor"""


@app.add("init", "promo init", "promo init ~/airflow")
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Your Airflow project, which holds the folder of DAGs.")
    ] = Path(),
    *,
    as_json: AsJson = False,
    fields: Fields = "",
) -> None:
    """Put DAGs, campaign files and a code inbox into an Airflow project, and say what to do next.

    These are dags/, include/ with working examples for push and e-mail, and code_inbox/. A file that is there already
    is left as it is.
    """
    from promo_campaigns.starter.project import make_project

    output = Output(as_json=as_json, fields=fields)
    project = make_project(folder)
    output.record({"folder": str(folder), **asdict(project)}, _in_words(folder, project))


def _in_words(folder: Path, project: Project) -> str:
    lines = [f"{folder.resolve()}: {len(project.made)} files made, {len(project.kept)} left as they were"]
    lines += [f"  left: {name}" for name in project.kept[:_NAMED]]
    if len(project.kept) > _NAMED:
        lines.append(f"  and {len(project.kept) - _NAMED} more; --json names all")
    enter = [] if folder.resolve() == Path.cwd() else [f"  0. cd {folder}"]
    dags = folder.resolve() / "dags"
    head, *steps = _STEPS.format(dags=dags).splitlines()
    lines += ["", head, *enter, *steps]
    read = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER")
    if read and Path(read).resolve() != dags:
        lines += ["", f"Airflow reads {read}: set AIRFLOW__CORE__DAGS_FOLDER to {dags}, or move the files there."]
    return "\n".join(lines)
