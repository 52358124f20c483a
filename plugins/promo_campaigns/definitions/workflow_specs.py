"""The definition of a run of a workflow file, as Start would freeze it; without Airflow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.definitions.definitions import read_run_spec
from promo_campaigns.definitions.names.check import Texts, require_names
from promo_campaigns.definitions.settings.model import form_fields
from promo_campaigns.definitions.workflow_parts import PromoCode
from promo_campaigns.ledger.fallback import require_fallback
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import parse_limits
from promo_campaigns.model.run_spec import FallbackCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_files import IncludeFolder
    from promo_campaigns.model.run_spec import RunSpec


def read_workflow_spec(
    files: IncludeFolder, workflow: Workflow, given: Mapping[str, object], *, contact_ids: Sequence[int] = ()
) -> RunSpec:
    """Return the definition of a run of a workflow that was checked.

    :param given: what the trigger form says otherwise, by the names of its fields; None says nothing
    :param contact_ids: the audience, in place of the workflow's
    :raises DefinitionError: a file that it names, or that is given, is missing or wrong
    :raises ConfigurationError: its audience is the contact of an event, and no other is given
    """
    said = {name: getattr(part, name) for part in (workflow.promo_code, workflow) for name in form_fields(type(part))}
    said |= {name: given[name] for name in said if given.get(name) is not None}
    if contact_ids:
        said["audience"] = ""
    if not isinstance(said["audience"], str):
        whose = f"the audience of {workflow.workflow_id} is the contact of an event"
        msg = f"{whose}; name a file of include/audiences instead"
        raise ConfigurationError(msg)
    spec = read_run_spec(
        files.path,
        workflow=workflow.workflow_id,
        audience=said["audience"],
        contact_ids=contact_ids,
        message=str(said["message"]),
        codes=workflow.promo_code.request(**{name: said[name] for name in form_fields(PromoCode)}),
        transport=workflow.transport,
        transport_conn_id=workflow.transport_conn_id,
        hold_out=workflow.hold_out,
        pictures_url=workflow.pictures_url,
        unsubscribe_url=workflow.unsubscribe_url,
    )
    if contact_ids and isinstance(workflow.audience, str):  # whose columns are there by their examples
        spec = replace(spec, audience=replace(spec.audience, columns=files.audience_columns(workflow.audience) or ()))
    require_names(files.path, Texts.of(spec, event=workflow.event, shows_code=workflow.shows_code))
    limits = parse_limits(
        quiet_hours=workflow.effective_quiet_hours, time_zone=workflow.time_zone, frequency_cap=workflow.frequency_cap
    )
    return replace(spec, limits=limits, reuse=workflow.promo_code.reuse, fallback=_fallback(workflow, spec))


def _fallback(workflow: Workflow, spec: RunSpec) -> FallbackCode | None:
    said = workflow.fallback_code
    if said is None:
        return None
    fallback = FallbackCode(
        code=said.code, type=said.type, discount=said.discount, expires=said.expires, time_zone=workflow.time_zone
    )
    return require_fallback(fallback, spec.codes)
