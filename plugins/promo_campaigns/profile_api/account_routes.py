"""The resources that say what serves: its version, its account, its additional fields."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.profile_api.keys.scopes import Scope, client_of
from promo_campaigns.profile_api.models import ADDRESS_BOOK, address_book_out
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

_DISTRIBUTION = "airflow-provider-promo-campaigns"
_PROTOCOL = "1.0"
_ORGANISATION = 1


class AccountRoutes:
    """The resources of the server itself.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        field = {"id": 12345, "name": "Promo code", "fieldKey": "PROMO_CODE"}
        described = {**field, "description": {"type": "textfield", "required": False, "readonly": False}}
        group = {"name": "Additional fields", "profileKey": "ADDITIONAL", "fields": [described]}
        book = {"addressBookId": ADDRESS_BOOK, "name": "Contacts", "fieldGroups": [group]}
        return [
            Resource(
                method="GET",
                path="/api/v1/version",
                call=self.get_version,
                scope=Scope.READ,
                answer={"version": "1.0.0", "protocolVersion": _PROTOCOL},
            ),
            Resource(
                method="GET",
                path="/api/v1/account/info",
                call=self.get_account,
                scope=Scope.READ,
                answer={"orgId": _ORGANISATION, "userEmail": "shop", "organisationName": "promo_campaigns"},
            ),
            Resource(
                method="GET",
                path="/api/v1/addressbooks",
                call=self.get_address_books,
                scope=Scope.READ,
                answer={"addressBook": book},
            ),
        ]

    async def get_version(self) -> JSONResponse:
        """Return the version of the server and of its protocol."""
        return JSONResponse({"version": product_version(), "protocolVersion": _PROTOCOL})

    async def get_account(self, request: Request) -> JSONResponse:
        """Return who calls: the name of the client's key stands in place of the vendor's user."""
        name = client_of(request).name or "profile API"
        return JSONResponse({"orgId": _ORGANISATION, "userEmail": name, "organisationName": "promo_campaigns"})

    async def get_address_books(self) -> JSONResponse:
        """Return the additional fields with their ids, names and types."""
        return JSONResponse(address_book_out(await self._slots.read(self._store.fields)))


def product_version() -> str:
    """Return the version of the product that serves."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:  # a folder of DAGs and plugins, without an installation
        return "0"
