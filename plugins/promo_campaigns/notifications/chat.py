"""A text of what happened, to a chat, to other notifiers, or to the task's log."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from promo_campaigns.hooks.data_source import DataSourceHook
from promo_campaigns.hooks.store import PromoStoreHook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.target import Endpoint

_WITHIN_S = 60.0


class ChatNotifier(BaseNotifier):
    """Base of our notifiers: it finds what there is to tell, renders a text for each, and hands it on.

    A subclass says in ``find`` what there is; nothing is told where there is nothing. The text goes as JSON
    ``{"text": …}`` to a receiver over HTTP, as the incoming webhooks of Slack, Mattermost, Google Chat and others take
    it; and to other notifiers, whose templates find the same names; or else into the log. What cannot be told is an
    error.

    :param text: what is told: Jinja, with the names that the notifier says, beside Airflow's own
    :param conn_id: a connection of type ``promo_http`` or ``http`` whose address takes a POST (templated)
    :param path: behind the connection's base path (templated)
    :param field: the member of the JSON object that holds the text, such as ``content`` (templated)
    :param notifiers: who else is told, such as ``SmtpNotifier``
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = ("conn_id", "path", "field", "promo_db_conn_id")

    def __init__(
        self,
        *,
        text: str,
        conn_id: str = "",
        path: str = "",
        field: str = "text",
        notifiers: Sequence[BaseNotifier] = (),
        promo_db_conn_id: str = PromoStoreHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.conn_id = conn_id
        self.path = path
        self.field = field
        self.notifiers = notifiers
        self.promo_db_conn_id = promo_db_conn_id

    def find(self, context: Context) -> Iterator[dict[str, Any]]:
        """Yield what there is to tell, as names for the text; each is told before the next is asked for."""
        raise NotImplementedError

    def notify(self, context: Context) -> None:
        """Tell it.

        :raises SendError: the receiver did not take it
        """
        for names in self.find(context):
            known: Context = {**context, **names}  # type: ignore[typeddict-item]  # names of ours beside Airflow's
            text = str(self.render_template(self.text, known)).strip()
            if self.conn_id:
                self._post(text)
            for notifier in self.notifiers:
                copy.copy(notifier)(known)  # it renders its templates in place, and is to be used again
            if not self.conn_id and not self.notifiers:
                self.log.warning("%s", text)

    async def async_notify(self, context: Context) -> None:
        """Tell it from the triggerer."""
        await asyncio.to_thread(self.notify, context)

    @property
    def hook(self) -> PromoStoreHook:
        """The hook that opens the store."""
        return PromoStoreHook(self.promo_db_conn_id)

    def _post(self, text: str) -> None:
        from promo_campaigns.model.errors import SendError
        from promo_campaigns.model.outcome import Outcome

        endpoint, body = DataSourceHook(self.conn_id).endpoint, json.dumps({self.field: text})
        with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop already
            answer = thread.submit(lambda: asyncio.run(_posted(endpoint, self.path, body))).result()
        if answer.outcome is not Outcome.OK:
            look_at = f"; {answer.look_at}" if answer.look_at else ""
            msg = f"connection {self.conn_id}: nobody was told: {answer.detail}{look_at}"
            raise SendError(msg)


async def _posted(endpoint: Endpoint, path: str, body: str) -> Answer:
    from promo_campaigns.http.client import Call, HttpClient

    client = HttpClient(endpoint)
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    async with client.connected():
        call = Call(method="POST", path=path or "?", headers=headers, body=body)
        (answer,) = await client.send_all([call], deadline=time.monotonic() + _WITHIN_S)
        return answer
