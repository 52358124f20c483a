"""A campaign by mail in Airflow itself: neither logs nor rendered fields nor the ledger's reasons give anybody away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trustme

from contract.stages import SECRET, MailServer, may_log_in, running_mail_server, server_tls
from contract.test_canary import forms
from integration.scenario import add_codes, add_contacts
from promo_campaigns.postgres.connection import connect
from system.campaign_process import run_campaign

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = """\
channel: email
title: "Your code is here"
body: "Code: $promocode"
html: "<b>$promocode</b>"
options:
  unsubscribe: "https://shop.example/u?who=$contact_unique_identifier"
"""
WAY = {"message": "mail", "transport": "smtp", "transport_conn_id": "mail"}


def test_a_campaign_by_mail_gives_nobody_away(dsn: str, tmp_path: Path) -> None:
    with connect(dsn) as store:
        add_contacts(store, 4, channel="email")
        store.execute(
            "update promo.contact_channel set value = (case contact_id % 2 when 0 then 'ok' else 'refuse' end)"
            " || '-canary-' || contact_id || '@mail.example'"
        )
        addresses = [row["value"] for row in store.execute("select value from promo.contact_channel").fetchall()]
        codes = add_codes(store, 4, prefix="CANARY")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server, tls = MailServer(), server_tls(authority, "localhost")
    with running_mail_server(server, tls_context=tls, authenticator=may_log_in, auth_required=True) as port:
        account = {
            "conn_type": "smtp",
            "host": "localhost",
            "port": port,
            "login": "promo",
            "password": SECRET,
            "extra": {"from": "news@shop.example", "ca_file": str(tmp_path / "ca.pem")},
        }
        ran = run_campaign(tmp_path / "campaign", MESSAGE, WAY, {"promo_db": dsn, "mail": account})
    assert ran.state == "success"
    assert len(server.mails) == 2
    with connect(dsn) as store:
        kept = store.execute("select reason from promo.assignment").fetchall()
        kept += store.execute("select detail from promo.attempt").fetchall()
    shown = ran.printed + str(kept)
    assert "SMTP 550 to the recipient" in shown
    assert "4 contacts of run 1 and their codes" in shown
    assert [secret for secret in (*codes, *addresses, SECRET) for form in forms(secret) if form in shown] == []
