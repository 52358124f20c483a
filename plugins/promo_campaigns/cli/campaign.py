"""Which campaign a command is about: a workflow file, or its parts by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.connections.lookup import command_connection, is_in_environment
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.model.run_spec import RunSpec

_CODES = ("type", "discount", "days")


def add_campaign_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a campaign: a workflow and what its trigger form may change, or all the parts."""
    parser.add_argument(
        "workflow", nargs="?", metavar="WORKFLOW", help="a file of include/workflows; the options below change it"
    )
    parser.add_argument("--message", metavar="NAME", help="a file of include/messages")
    parser.add_argument("--type", help="the pool to take codes from")
    parser.add_argument("--discount", metavar="N", help="0 to 99, exact")
    parser.add_argument("--days", metavar="N", help="whole days a code must stay valid")
    parser.add_argument("--include", type=Path, default=Path("include"), metavar="FOLDER", help="(default: include)")


def campaign_spec(args: argparse.Namespace, *, message: str | None, contact_ids: Sequence[int] = ()) -> RunSpec:
    """Return the definition of a run of the campaign.

    :param message: the message, if it is another than the workflow's
    :param contact_ids: the audience, where the command takes no other
    :raises ConfigurationError: neither a workflow nor all parts are named
    :raises DefinitionError: a file is missing or wrong
    """
    given: dict[str, Any] = {name: getattr(args, name) for name in _CODES}
    given |= {"message": message, "audience": getattr(args, "audience", None)}
    if args.workflow:
        return _of_workflow(args, given, contact_ids)
    wanted = {name: value for name, value in given.items() if name != "audience" or not contact_ids}
    if missing := [f"--{name}" for name, value in wanted.items() if not value]:
        msg = f"name a workflow, or all its parts: {', '.join(missing)} missing"
        raise ConfigurationError(msg)
    return _of_parts(args, given, contact_ids)


def _of_workflow(args: argparse.Namespace, given: dict[str, Any], contact_ids: Sequence[int]) -> RunSpec:
    from promo_campaigns.definitions.workflow_files import IncludeFolder
    from promo_campaigns.definitions.workflow_specs import read_workflow_spec

    return read_workflow_spec(IncludeFolder(args.include), args.workflow, given, contact_ids=contact_ids)


def _of_parts(args: argparse.Namespace, given: dict[str, Any], contact_ids: Sequence[int]) -> RunSpec:
    from promo_campaigns.definitions.definitions import read_run_spec
    from promo_campaigns.model.parameters import code_request, percent_of
    from promo_campaigns.model.reuse import Reuse

    spec = read_run_spec(
        args.include,
        workflow=getattr(args, "named", "") or "preview",
        audience=given["audience"] or "",
        contact_ids=contact_ids,
        message=given["message"],
        codes=code_request(given["type"], given["discount"], given["days"]),
        transport=getattr(args, "transport", "") or "inbox",
        transport_conn_id=getattr(args, "transport_conn_id", "") or "",
        hold_out=percent_of("--hold-out", getattr(args, "hold_out", None) or "0"),
    )
    return replace(spec, reuse=Reuse.SAME) if getattr(args, "reuse", False) else spec


def campaign_transport(args: argparse.Namespace, spec: RunSpec) -> BaseTransport:
    """Build the transport with the connection that the campaign names, else with the one its webhook names.

    :raises ConfigurationError: the connection is not known here, or is wrong
    """
    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.delivery.transports.registry import make_transport

    conn_id, webhook = transport_connection(spec), spec.webhook if spec.transport == "webhook" else None
    connection = command_connection(conn_id, args.connection) if conn_id else None
    return make_transport(spec.transport, TransportSettings(connection=connection, dsn=find_dsn(args), webhook=webhook))


def note_on_transport(args: argparse.Namespace, spec: RunSpec) -> list[str]:
    """Refuse a message that its transport cannot carry, as Start does; say so where that cannot be known here.

    :raises DefinitionError: naming the line at fault
    """
    from promo_campaigns.definitions.definitions import require_carried

    conn_id = transport_connection(spec)
    if conn_id and not (args.connection or is_in_environment(conn_id)):
        return [f"the transport {spec.transport} is not weighed: its connection {conn_id} is not known here"]
    require_carried(args.include, spec.message, campaign_transport(args, spec))
    return []


def transport_connection(spec: RunSpec) -> str:
    """Return the id of the connection that the message leaves by; empty for none."""
    webhook = spec.webhook if spec.transport == "webhook" else None
    return spec.transport_conn_id or (webhook.connection if webhook else "")
