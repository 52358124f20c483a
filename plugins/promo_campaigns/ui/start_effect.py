"""What starting a workflow by hand would do: for how many, with which codes, and what Start would refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowNotFoundException

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.contacts.audiences import count_up_to
from promo_campaigns.definitions.receiver_checks import check_receivers
from promo_campaigns.delivery.receivers import Receivers
from promo_campaigns.ledger.repeats import require_no_repeat
from promo_campaigns.ledger.run_list import newest_of_workflows
from promo_campaigns.ledger.runs import has_run, read_run_by_key
from promo_campaigns.ledger.start_checks import audience_problem, run_problem, zone_problem
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.errors import ConfigurationError, RepeatedRunError
from promo_campaigns.model.parameters import parse_mode, parse_span
from promo_campaigns.model.run_spec import note_on_transport
from promo_campaigns.ui.effects import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.ui.campaign_files import CampaignFiles

_COUNTED, _WITHIN_S = 100_001, 1.0
"""An audience is counted up to so many, and for so long: the page waits for it."""
_NO_RUN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the trigger form says beside the definition of the run."""

    edition: str = ""
    mode: str = ""
    repeat: bool = False


def start_effect(
    connection: Connection, files: CampaignFiles, spec: RunSpec, occasion: Occasion, *, paused: bool
) -> dict[str, Any]:
    """Return a sentence, numbers, and what Start would refuse the run for as far as can be told at once.

    :param paused: whether the workflow's DAG is
    """
    contacts = count_up_to(connection, spec.audience, _COUNTED, within_s=_WITHIN_S)
    last = newest_of_workflows(connection, [spec.workflow])
    found = weigh(connection, spec.codes)
    numbers = {
        "audience": contacts if contacts is not None else (last[0].audience if last else None),
        "audience_is": "more" if contacts == _COUNTED else "counted" if contacts is not None else "as the last run",
        "free": max(0, found.free),
        "last_given": last[0].given if last else None,
        "is_inbox": bool(note_on_transport(spec.transport)),
        "paused": paused,
    }
    refusals = list(_refusals(connection, files, spec, occasion, contacts=contacts))
    return {"sentence": _sentence(spec, numbers), "numbers": numbers, "refusals": refusals}


def _refusals(
    connection: Connection,
    files: CampaignFiles,
    spec: RunSpec,
    occasion: Occasion,
    *,
    contacts: int | None,
) -> Iterator[str]:
    try:
        check_receivers(files.folder.path, spec, Receivers("", airflow_connection), missing=(AirflowNotFoundException,))
    except ConfigurationError as error:
        yield str(error)
    key = f"{spec.workflow}/edition/{occasion.edition}"
    if occasion.edition and has_run(connection, key):
        problem = run_problem(read_run_by_key(connection, key), spec, parse_mode(occasion.mode))
        yield from [str(problem)] if problem else []
        return
    workflow = files.outline(spec.workflow).workflow
    if not occasion.edition and not occasion.repeat and workflow is not None:
        try:
            within = parse_span("confirm_repeats_within", workflow.confirm_repeats_within)
            require_no_repeat(connection, _NO_RUN, spec, within)
        except RepeatedRunError as error:
            yield str(error)
    wrong = [zone_problem(connection, spec.limits)]
    wrong += [audience_problem(spec.audience, contacts)] if contacts is not None else []
    yield from (str(one) for one in wrong if one)


def _sentence(spec: RunSpec, numbers: dict[str, Any]) -> str:
    audience, free = numbers["audience"], numbers["free"]
    many = {
        "more": f"more than {_COUNTED - 1:,} contacts",
        "counted": counted(audience or 0, "contact"),
        "as the last run": f"an unknown number of contacts (its last run had {counted(audience or 0, 'contact')})",
    }[numbers["audience_is"]]
    pool = ", then ".join(f"{pool.type} with {pool.discount} %" for pool in spec.codes.pools)
    told = [
        f"The message {spec.message.name} goes to {many} of {spec.audience.name}, less those who cannot be reached.",
        f"{counted(free, 'code')} of {pool} can be given out.",
    ]
    if audience is not None and audience > free:
        told.append(f"If all of them can be reached, {counted(audience - free, 'code')} or more are missing.")
    if numbers["is_inbox"]:
        told.append("Nobody is really sent anything: the messages are kept in the inbox.")
    if numbers["paused"]:
        told.append("The DAG is paused: the run waits until it is turned on, and its schedule with it.")
    return " ".join(told)
