"""What of a workflow only the store can say: whether its audience can be selected, and the fields that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.contacts.audiences import require_select
from promo_campaigns.contacts.store import list_fields
from promo_campaigns.definitions.definitions import read_audience
from promo_campaigns.definitions.names.check import require_names
from promo_campaigns.definitions.names.declared import read_declared, require_fields
from promo_campaigns.definitions.workflow_files import campaign_texts

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.definitions.names.check import Texts
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_files import IncludeFolder
    from promo_campaigns.postgres.connection import Connection


def require_fields_read(connection: Connection, include: Path, texts: Texts) -> None:
    """Check every text of a campaign, and that the store has the fields that they read.

    :raises DefinitionError: a text reads what nothing can be called, or a declared field that the store has not
    """
    if read := require_names(include, texts):
        require_fields(read_declared(include), read, list_fields(connection))


def require_store(connection: Connection, files: IncludeFolder, workflow: Workflow) -> None:
    """Check a workflow, which is right by its files, with the store.

    :raises DefinitionError: its audience's SELECT fails, or a declared field that it reads is not there
    """
    require_fields_read(connection, files.path, campaign_texts(files, workflow))
    if isinstance(workflow.audience, str):
        audience = read_audience(files.path, workflow.audience)
        if audience.sql and not audience.connection:
            require_select(connection, audience)
