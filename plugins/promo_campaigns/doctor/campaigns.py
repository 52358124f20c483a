"""What campaign authors write, the connections that it names, and the folder in which codes arrive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.definitions.dag_files import skipped_files
from promo_campaigns.definitions.receiver_checks import check_receivers
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_notes import notes_on
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.delivery.receivers import Receivers, transport_connection
from promo_campaigns.doctor.findings import Finding, Health
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.delivery.receivers import ReadConnection
    from promo_campaigns.model.run_spec import RunSpec

_NOBODY = (1,)
"""Stands for an audience where only receivers are looked at."""


def look_at_campaigns(
    include: Path, dags: Path, read_connection: ReadConnection, knows: Callable[[str], bool]
) -> Iterator[Finding]:
    """Look at the include folder, each workflow in it, and the connections that they name.

    :param dags: the folder of DAGs
    :param read_connection: returns a connection by its id
    :param knows: tells whether a connection can be looked at here
    """
    files = IncludeFolder(include)
    if not files.workflow_ids:
        advice = "Name the folder with --include, or make one: promo init"
        yield Finding(about="include", health=Health.WRONG, found=f"no workflow in {include}", advice=advice)
    receivers = Receivers("", read_connection)
    for workflow_id in files.workflow_ids:
        yield from _workflow(files, workflow_id, receivers, knows)
    for fault in skipped_files(dags):
        found = f"{fault.file}: {fault.problem}"
        yield Finding(about="dags", health=Health.WRONG, found=found, advice=fault.hint)


def _workflow(
    files: IncludeFolder, workflow_id: str, receivers: Receivers, knows: Callable[[str], bool]
) -> Iterator[Finding]:
    about = f"workflow {workflow_id}"
    try:
        workflow = check_workflow(files, workflow_id)
        spec = read_workflow_spec(files, workflow, {}, contact_ids=_NOBODY)
        unseen = check_receivers(files.path, spec, receivers, knows=knows)
    except PromoError as error:
        yield Finding(about=about, health=Health.WRONG, found=str(error), advice="Correct it: promo workflows check")
        return
    for note in notes_on(workflow):
        yield Finding(about=about, health=Health.NOTE, found=note.text)
    for text in unseen:
        advice = "Set AIRFLOW_CONN_<ID> here, or run promo doctor where Airflow runs"
        yield Finding(about=about, health=Health.NOT_LOOKED_AT, found=text, advice=advice)
    if not unseen:
        yield Finding(about=about, health=Health.RIGHT, found=f"its files are right{_named(spec)}")


def _named(spec: RunSpec) -> str:
    named = sorted({source.connection for source in spec.data_sources} | {transport_connection(spec)} - {""})
    return f", and so is what is written of {', '.join(named)}" if named else ""


def look_at_inbox(named: str, usual: Path) -> Finding:
    """Look at the folder in which code files arrive.

    :param named: as the Variable ``promo_code_inbox`` says, empty if that is not known here
    :param usual: where it is if the Variable is not set
    """
    about, folder = "code inbox", named or str(usual)
    place = Path(folder.removeprefix("file://"))
    if not named and not usual.is_dir():
        found = f"there is no folder {usual}, and AIRFLOW_VAR_PROMO_CODE_INBOX is not set here"
        advice = "Name the folder that the Airflow Variable promo_code_inbox names, with --inbox"
        return Finding(about=about, health=Health.NOT_LOOKED_AT, found=found, advice=advice)
    if "://" in folder and not folder.startswith("file://"):
        return Finding(about=about, health=Health.NOT_LOOKED_AT, found=f"{folder} is no folder of this machine")
    if not place.is_dir():
        advice = "Make it, or set the Airflow Variable promo_code_inbox to the folder where code files arrive"
        return Finding(about=about, health=Health.WRONG, found=f"there is no folder {place}", advice=advice)
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        advice = "Let the account of Airflow's workers read and write it: loaded files are moved"
        return Finding(about=about, health=Health.WRONG, found=f"{place} cannot be written here", advice=advice)
    waiting = sum(1 for file in place.iterdir() if file.is_file() and not file.name.startswith("."))
    return Finding(about=about, health=Health.RIGHT, found=f"{place}; {waiting:,} files in it")
