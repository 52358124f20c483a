"""Which campaign a command is about: a workflow file, or its parts by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.options import INCLUDE
from promo_campaigns.connections.lookup import command_connection, is_in_environment
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from promo_campaigns.cli.options import CampaignOptions
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What the options of a command say of a campaign: a workflow and what is changed of it, or all its parts.

    :param workflow: a file of include/workflows; empty for a campaign by its parts
    :param named: the name of a campaign without a workflow, which decides who is held out
    :param connection: the transport's connection itself; empty to look for it in the environment
    :param dsn: the option ``--dsn``
    """

    workflow: str = ""
    message: str = ""
    type: str = ""
    discount: str = ""
    days: str = ""
    audience: str = ""
    named: str = "preview"
    hold_out: str = "0"
    reuse: bool = False
    transport: str = "inbox"
    transport_conn_id: str = ""
    include: Path = INCLUDE
    connection: str = ""
    dsn: str = ""

    @classmethod
    def given(cls, options: CampaignOptions) -> Campaign:
        """Return the campaign that the options which all such commands have name."""
        return cls(
            workflow=options.workflow,
            message=options.message,
            type=options.code_type,
            discount=options.discount,
            days=options.days,
            include=options.include,
            connection=options.connection,
            dsn=options.dsn,
        )

    def spec(self, *, message: str = "", contact_ids: Sequence[int] = ()) -> RunSpec:
        """Return the definition of a run of the campaign.

        :param message: the message, if it is another than the campaign's
        :param contact_ids: the audience, where the command takes no other
        :raises ConfigurationError: neither a workflow nor all parts are named
        :raises DefinitionError: a file is missing or wrong
        """
        given: dict[str, Any] = {
            name: getattr(self, name) or None for name in ("type", "discount", "days", "message", "audience")
        }
        given |= {"message": message or given["message"]}
        if self.workflow:
            return self._of_workflow(given, contact_ids)
        wanted = {name: value for name, value in given.items() if name != "audience" or not contact_ids}
        if missing := [f"--{name}" for name, value in wanted.items() if not value]:
            msg = f"name a workflow, or all its parts: {', '.join(missing)} missing"
            raise ConfigurationError(msg)
        return self._of_parts(given, contact_ids)

    def _of_workflow(self, given: dict[str, Any], contact_ids: Sequence[int]) -> RunSpec:
        from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
        from promo_campaigns.definitions.workflow_specs import read_workflow_spec

        files = IncludeFolder(self.include)
        return read_workflow_spec(files, check_workflow(files, self.workflow), given, contact_ids=contact_ids)

    def _of_parts(self, given: dict[str, Any], contact_ids: Sequence[int]) -> RunSpec:
        from promo_campaigns.definitions.definitions import read_run_spec
        from promo_campaigns.definitions.names.check import Texts, require_names
        from promo_campaigns.model.parameters import code_request, parse_percent
        from promo_campaigns.model.reuse import Reuse

        spec = read_run_spec(
            self.include,
            workflow=self.named,
            audience=given["audience"] or "",
            contact_ids=contact_ids,
            message=given["message"],
            codes=code_request(given["type"], given["discount"], given["days"]),
            transport=self.transport,
            transport_conn_id=self.transport_conn_id,
            hold_out=parse_percent("--hold-out", self.hold_out),
        )
        require_names(self.include, Texts.of(spec, event=None))
        return replace(spec, reuse=Reuse.SAME) if self.reuse else spec

    def require_fields(self, spec: RunSpec, connection: Connection) -> None:
        """Make sure that the store has the fields that the campaign reads, as Start does.

        :raises DefinitionError: it lacks one
        """
        from promo_campaigns.definitions.names.check import Texts
        from promo_campaigns.definitions.names.store_check import require_fields_read

        require_fields_read(connection, self.include, Texts.of(spec, event=None, shows_code=False))

    def receivers(self) -> Receivers:
        """Return whom the campaign can call, by connections of the command line or the environment."""
        from promo_campaigns.delivery.receivers import Receivers

        return Receivers(find_dsn(self.dsn), partial(command_connection, given=self.connection or None))

    def notes_on_receivers(self, spec: RunSpec) -> list[str]:
        """Refuse a campaign whose receivers cannot be called, as Start does; say so where that cannot be known here.

        :raises ConfigurationError: naming what is at fault
        """
        from promo_campaigns.definitions.receiver_checks import check_receivers
        from promo_campaigns.delivery.receivers import transport_connection

        def knows(conn_id: str) -> bool:
            given = self.connection and conn_id == transport_connection(spec)
            return bool(given) or is_in_environment(conn_id)

        return check_receivers(self.include, spec, self.receivers(), knows=knows)

    def workflow_settings(self) -> Workflow | None:
        """Return the settings of the workflow, or None for a campaign by its parts.

        :raises DefinitionError: a file is missing or wrong
        """
        from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow

        return check_workflow(IncludeFolder(self.include), self.workflow) if self.workflow else None
