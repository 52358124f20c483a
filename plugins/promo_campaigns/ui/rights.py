"""Who asks, and what Airflow's auth manager lets them do. Whatever it does not grant is refused.

The four rights stand on methods that the simple and the FAB auth manager agree about. ``is_authorized_custom_view`` is
not one of them: the first grants it to everybody, the second to nobody.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends

from promo_campaigns.ui.page_errors import PageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Method = Literal["GET", "POST", "PUT"]

STORE_CONNECTION = "promo_db"


class Right(str, Enum):
    """What a user may do with the pages."""

    VIEW = "view"
    """See counts and masked codes of the workflows whose DAG runs they may read."""
    ACT = "act"
    """Start and halt runs, and decide about unknown sends, of the workflows whose DAG runs they may create."""
    REVEAL = "reveal"
    """See codes and addresses in full."""
    EXPORT = "export"
    """Take codes out, bring code files in or withdraw them, erase contacts."""


_WHY = {
    Right.VIEW: "you may not read DAG runs here",
    Right.ACT: "you may not create DAG runs here",
    Right.REVEAL: f"this needs the right to read the connection {STORE_CONNECTION}",
    Right.EXPORT: f"this needs the right to edit the connection {STORE_CONNECTION}",
}


class Caller:
    """A user who is signed in. Its methods may ask Airflow's database: they are called from worker threads.

    :param user: as the auth manager knows them
    """

    def __init__(self, user: Any) -> None:  # noqa: ANN401  (each auth manager has its own class of users)
        self._user = user

    @property
    def name(self) -> str:
        """How audit entries name them."""
        return str(self._user.get_name())

    def may(self, right: Right) -> bool:
        """Tell whether they have a right at all; viewing and acting are also asked for each workflow."""
        manager = get_auth_manager()
        if right in {Right.VIEW, Right.ACT}:
            dag_method: Method = "GET" if right is Right.VIEW else "POST"
            return manager.is_authorized_dag(method=dag_method, access_entity=DagAccessEntity.RUN, user=self._user)
        method: Method = "GET" if right is Right.REVEAL else "PUT"
        details = ConnectionDetails(conn_id=STORE_CONNECTION)
        return manager.is_authorized_connection(method=method, details=details, user=self._user)

    def require(self, right: Right) -> None:
        """Refuse who has not a right at all.

        :raises PageError: they have not
        """
        if not self.may(right):
            raise PageError(403, _WHY[right])

    def visible(self, workflows: Iterable[str]) -> set[str]:
        """Return those of the workflows whose DAG runs they may read."""
        return self._allowed("GET", workflows)

    def sees(self, workflow: str) -> bool:
        """Tell whether they may read the DAG runs of a workflow."""
        return bool(self.visible([workflow]))

    def acts_on(self, workflow: str) -> bool:
        """Tell whether they may create DAG runs of a workflow."""
        return bool(self._allowed("POST", [workflow]))

    def acts_on_any(self, workflows: Iterable[str]) -> bool:
        """Tell whether there is one of the workflows whose DAG runs they may create."""
        return bool(self._allowed("POST", workflows))

    def require_view_of(self, workflow: str, what: str) -> None:
        """Hide what belongs to a workflow that they may not see.

        :param what: what was asked for, such as ``run 7``
        :raises PageError: as if there were no such thing
        """
        if not self.sees(workflow):
            raise PageError(404, f"there is no {what}")

    def may_turn_on(self, workflow: str) -> bool:
        """Tell whether they may turn a workflow's DAG on, and with it its schedule."""
        teams = _teams({workflow})
        details = DagDetails(id=workflow, team_name=teams.get(workflow))
        return workflow in teams and get_auth_manager().is_authorized_dag(
            method="PUT", details=details, user=self._user
        )

    def require_act_on(self, workflow: str) -> None:
        """Refuse to act on a workflow.

        :raises PageError: they may not create DAG runs of it
        """
        if not self.acts_on(workflow):
            raise PageError(403, f"this needs the right to create DAG runs of {workflow}")

    def require_act_on_all(self, workflows: Iterable[str]) -> None:
        """Refuse what concerns every workflow to who may not act on each of them.

        :raises PageError: there is one on which they may not act
        """
        self.require(Right.ACT)
        wanted = set(workflows)
        if missing := sorted(wanted - self._allowed("POST", wanted)):
            raise PageError(403, f"this concerns all runs, and you may not create DAG runs of {missing[0]}")

    def _allowed(self, method: Method, workflows: Iterable[str]) -> set[str]:
        """Return the workflows whose DAG runs a method is allowed on; a workflow's DAG has its name."""
        wanted = set(workflows)
        teams = _teams(wanted)
        manager = get_auth_manager()
        return {
            workflow
            for workflow in wanted & set(teams)
            if manager.is_authorized_dag(
                method=method,
                access_entity=DagAccessEntity.RUN,
                details=DagDetails(id=workflow, team_name=teams[workflow]),
                user=self._user,
            )
        }


def _teams(workflows: set[str]) -> dict[str, str | None]:
    """Return the team of each workflow's DAG. Where there are teams, a DAG that Airflow does not know is nobody's."""
    if not workflows or not conf.getboolean("core", "multi_team", fallback=False):
        return dict.fromkeys(workflows)
    return {workflow: team for workflow in workflows if (team := DagModel.get_team_name(workflow))}


def caller(user: GetUserDep) -> Caller:
    """Return who asks; Airflow's own dependency refuses who is not signed in."""
    return Caller(user)


CallerDep = Annotated[Caller, Depends(caller)]


def needs(right: Right) -> Callable[[Caller], Awaitable[None]]:
    """Return a dependency that refuses who has not a right at all."""

    async def check(asking: CallerDep) -> None:
        await anyio.to_thread.run_sync(asking.require, right)

    return check
