"""The links from a task to the product's pages in Airflow's navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

NAV = "promo"
"""The last part of the address under which Airflow shows them."""


def pages_base() -> str:
    """Return where Airflow's own pages are."""
    base: str = conf.get("api", "base_url", fallback="")
    return base.rstrip("/")


class PageLink(BaseOperatorLink):
    """Leads from a block to one of the product's pages in Airflow's navigation.

    :cvar page: the last part of the page's address
    """

    page = ""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002  (Airflow's signature)
        """Return the address of the page, below that of Airflow's own pages."""
        return f"{pages_base()}/plugin/{NAV}/{self.page}"


class RunsPageLink(PageLink):
    """Leads to the list of runs."""

    name, page = "Promo runs", "runs"


class CodesPageLink(PageLink):
    """Leads to the stock and the code files."""

    name, page = "Promo codes", "codes"


class ContactsPageLink(PageLink):
    """Leads to the contacts and their fields."""

    name, page = "Promo contacts", "contacts"


class WorkflowsPageLink(PageLink):
    """Leads to the workflows, their messages and previews."""

    name, page = "Promo workflows", "workflows"


class ReceiversPageLink(PageLink):
    """Leads to the receivers, and what each of them says."""

    name, page = "Promo receivers", "receivers"
