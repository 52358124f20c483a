"""Codes as pictures, from the message to whoever holds the link, on a real store and the profile API."""

from __future__ import annotations

import asyncio
import io
import re
from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import zxingcpp
from PIL import Image

from integration.profile_server import serving
from integration.scenario import PUSH, SPEC, add_codes, add_contacts, open_welcome, tamper
from promo_campaigns.cli import main
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.transports.inbox import inbox_message, inbox_page
from promo_campaigns.ledger.lookups.pictures import picture_key
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.picture_link import ENDING, PATH, PictureLinks, read_token, without_pictures
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.preview.rows import COLUMNS

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

HOST = "https://codes.shop.example"
SHOWN = replace(
    PUSH,
    html='<img src="$barcode.qr($promocode)"><img src="$barcode.link(\'code128\')">',
    body="Code: $promocode, $barcode.link('qr')",
)
PROFILE = replace(SPEC.data_sources[0], body='{"picture": "$barcode.link(\'qr\')"}')
PICTURES = replace(SPEC, message=SHOWN, data_sources=(PROFILE,), pictures_url=HOST)
DOCS = Path(__file__).parents[2] / "docs"


def scanned(picture: bytes) -> list[str]:
    return [one.text for one in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]


def path_of(link: str) -> str:
    assert link.startswith(HOST + PATH)
    return link.removeprefix(HOST)


def test_a_picture_is_shown_to_whoever_holds_its_link_and_to_nobody_else(
    store: Connection, dsn: str, receiver: Receiver
) -> None:
    extras = {"allow_insecure": True, "allow_private": True}
    settings = ConnectionSettings(name="profiles", host="127.0.0.1", port=receiver.port, extras=extras)
    ann, _ = add_contacts(store, 2)
    codes = add_codes(store, 2)
    opened = open_welcome(store, spec=PICTURES)
    (batch,) = read_batches(store, opened, 100)
    with DeliveryService(dsn, lambda _: settings).open(opened.run_id) as delivery:
        asyncio.run(delivery.deliver(batch))
    mails = {row["contact_id"]: row for row in inbox_page(store, before=None, limit=10)}
    kept = inbox_message(store, mails[ann]["key"])
    assert kept
    drawn, bars = re.findall(r'src="([^"]+)"', kept["html"])
    square = mails[ann]["body"].rpartition(" ")[2]
    assert scanned(b64decode(drawn.partition(",")[2])) == [codes[0]]
    assert codes[0] not in bars + square
    assert square.encode() in b"".join(one.body for one in receiver.received)
    with serving(dsn) as client, httpx.Client(base_url=str(client.base_url.join("/")), trust_env=False) as stranger:
        answers = [stranger.get(path_of(link)) for link in (square, bars)]
        assert [scanned(answer.content) for answer in answers] == [[codes[0]], [codes[0]]]
        assert answers[0].headers["content-type"] == "image/png"
        assert answers[0].headers["cache-control"] == "private, max-age=86400, immutable"
        assert stranger.head(path_of(square)).status_code == 200
        _refuses(stranger, path_of(square), store)
        erase_contact(store, ann, actor="ops")
        assert stranger.get(path_of(square)).status_code == 404
        (specimen,) = scanned(stranger.get(f"{PATH}{PLACEHOLDER}.qr{ENDING}").content)
        assert specimen == PLACEHOLDER
    assert without_pictures(kept["html"]).count("TEST-NO-CODE") == 1
    assert scanned(b64decode(without_pictures(drawn).partition(",")[2])) == []


def _refuses(stranger: httpx.Client, path: str, store: Connection) -> None:
    """Nothing but the very link is answered: no other contact's, kind's or run's, none that ended, no list."""
    token = path.removeprefix(PATH).removesuffix(ENDING)
    shown = read_token(token, picture_key(store))
    assert shown
    changed = [f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}" for at in range(0, len(token) - 1, 3)]
    for wrong in (*changed, token[:-2], token + "AAAA", "x" * 200, "", ".", "%00", "é", f"{PLACEHOLDER}.pdf"):
        assert stranger.get(f"{PATH}{wrong}{ENDING}").status_code == 404
    assert stranger.get(PATH).status_code == 404
    assert stranger.post(path).status_code == 401
    assert stranger.get(f"/api/v1/contact/{shown.contact_id}").status_code == 401
    links = PictureLinks(url="", run_id=shown.run_id, key=picture_key(store))
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    assert stranger.get(links.link(shown.contact_id, now - day, "qr")).status_code == 410
    for wrong_link in (links.link(10**9, now + day, "qr"), links.link(shown.contact_id, now + day, "ean13")):
        assert stranger.get(wrong_link).status_code == 404  # nobody's, and of a code that is no EAN-13


def test_a_preview_shows_specimens_and_names_codes_that_a_picture_cannot_hold(store: Connection) -> None:
    add_contacts(store, 2)
    codes = add_codes(store, 2)
    tamper(store, "update promo.promo_code set code = '5901234123457' where code = %s", [codes[0]])
    number = replace(PICTURES, message=replace(SHOWN, html='<img src="$barcode.ean13($promocode)">'))
    report = write_preview(store, CompiledCampaign(number), [])
    assert report.states == {"send": 1, "rejected": 1}
    (reason,) = report.reasons
    assert "an EAN-13 holds 13 digits" in reason
    rows: list[Any] = []
    write_preview(store, CompiledCampaign(PICTURES), [rows.extend])
    for row in rows:
        shown = dict(zip(COLUMNS, map(str, row), strict=True))
        assert f"{HOST}{PATH}{PLACEHOLDER}.qr{ENDING}" in shown["body"]
        assert scanned(b64decode(re.findall(r"base64,([^\"]+)", shown["html"])[0])) == [PLACEHOLDER]
    assert len(rows) == 2
    assert CompiledCampaign(SPEC).pictures is None
    assert "pictures_url" not in SPEC.as_dict()


@pytest.mark.parametrize("says_where", [True, False])
def test_the_example_of_the_page_is_right_if_it_says_where_the_pictures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, says_where: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "."]) == 0
    page = (DOCS / "barcodes.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"^```yaml (\S+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        kept = text if says_where else re.sub(r"^pictures_url: .*\n", "", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(kept, encoding="utf-8")
    status = main(["workflows", "check", "--include", "include"])
    told = "".join(capsys.readouterr())
    assert (status == 0) is says_where, told
    if not says_where:
        assert "messages/coupon_mail.yaml:" in told
        assert "$barcode.link leads to a picture" in told
