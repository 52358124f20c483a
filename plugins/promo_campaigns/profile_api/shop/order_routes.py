"""The resource of orders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.orders import delete_order, put_order, read_order
from promo_campaigns.model.contact_rules import clean_external_id
from promo_campaigns.model.errors import ContactError
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.requests import RequestError, first_problem, read_json
from promo_campaigns.profile_api.resources import Resource
from promo_campaigns.profile_api.shop.order_models import OrderIn, OrdersIn, order_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

ORDER_BYTES = 16 * 1024 * 1024
NO_ORDER = "order not found"
_PATH = "/api/v1/orders"
_ORDER = {
    "externalOrderId": "1001",
    "externalCustomerId": "customer-17",
    "totalCost": 19.9,
    "status": "DELIVERED",
    "date": "2026-05-14T10:11:00+03:00",
    "currency": "EUR",
    "email": "ada@example.com",
    "items": [{"externalItemId": "7", "name": "Cup", "quantity": 1, "cost": 19.9, "url": "https://example.com/cup"}],
}


class OrderRoutes:
    """The resource of orders, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        shown = {name: value for name, value in _ORDER.items() if name not in {"externalCustomerId", "email"}}
        named = {"externalOrderId": {"type": "string"}}
        return [
            Resource(
                method="POST",
                path=_PATH,
                call=self.put_orders,
                scope=Scope.ORDERS,
                body=OrdersIn,
                element=OrderIn,
                sent={"orders": [_ORDER]},
                answer={"id": 0, "stored": 1, "failedOrders": []},
            ),
            Resource(
                method="GET",
                path=_PATH,
                call=self.get_order,
                scope=Scope.ORDERS,
                query=named,
                answer={**shown, "contactId": 17, "totalCost": "19.9", "date": "2026-05-14T07:11:00+00:00"},
                errors=(404,),
            ),
            Resource(
                method="DELETE",
                path=_PATH,
                call=self.delete_order,
                scope=Scope.ORDERS,
                query=named,
                answer={"externalOrderId": "1001"},
                errors=(404,),
            ),
        ]

    async def put_orders(self, request: Request) -> JSONResponse:
        """Store orders, and make the event ``order<status>`` of each once; they are stored when this is answered."""
        sent = await read_json(request, OrdersIn, most_bytes=ORDER_BYTES)
        told = [await self._put_one(raw) for raw in sent.orders]
        failed = [{"position": position, **one} for position, one in enumerate(told) if one is not None]
        return JSONResponse({"id": 0, "stored": len(told) - len(failed), "failedOrders": failed})

    async def _put_one(self, raw: dict[str, Any]) -> dict[str, str] | None:
        """Store an order; return what is wrong with it, if anything is."""
        try:
            order = OrderIn.model_validate(raw).order(raw)
            name = order.identity.key or order.external_id
            await self._slots.write(name, self._store.run, partial(put_order, order=order))
        except (ValidationError, ContactError) as error:
            return first_problem(error)
        return None

    async def get_order(self, request: Request) -> JSONResponse:
        """Return an order by the shop's id for it."""
        found = await self._slots.read(self._store.run, partial(read_order, external_id=_named(request)))
        if found is None:
            raise RequestError(404, NO_ORDER)
        return JSONResponse(order_out(found))

    async def delete_order(self, request: Request) -> JSONResponse:
        """Delete an order by the shop's id for it; the events that it made stay."""
        external_id = _named(request)
        if not await self._slots.write(None, self._store.run, partial(delete_order, external_id=external_id)):
            raise RequestError(404, NO_ORDER)
        return JSONResponse({"externalOrderId": external_id})


def _named(request: Request) -> str:
    try:
        return clean_external_id(request.query_params.get("externalOrderId", ""))
    except ValueError:
        raise RequestError(404, NO_ORDER) from None
