"""An include folder of two campaigns: a push with a data source, and a text message in two languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WELCOME = """\
name: Welcome by push
audience: everybody
promo_code: {type: Welcome, discount: 10, days: 7}
message: push
schedule: "0 9 * * 1"
send_by: 12h
"""
FILES = {
    "audiences/everybody.sql": "select contact_id from promo.contact",
    "audiences/nobody.sql": "select contact_id from promo.contact where false",
    "data_sources/profile.yaml": """\
connection: promo_profile_api
path: /api/v1/contact
body: '{"contact": "$contact_unique_identifier", "code": "$promocode"}'
""",
    "messages/push.yaml": """\
channel: mobilepush
title: Hi $!first_name
body: |
  #set($url=$!data.get('profile'))
  Code: $promocode
""",
    "messages/text.yaml": "channel: sms\nbody: 'Code: $promocode'\n",
    "messages/text.uk.yaml": "body: 'Код: $promocode'\n",
    "workflows/welcome.yaml": WELCOME,
    "workflows/texted.yaml": """\
audience: everybody
promo_code: {type: Welcome, discount: 10, days: 7}
message: text
""",
}


def write_include(folder: Path, files: dict[str, str]) -> None:
    """Write files of an include folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def profile_api() -> str:
    """Return the connection of the profile API as Airflow's environment holds it; it leads nowhere."""
    extra = {"auth": "bearer", "requests_per_s": 50}
    return json.dumps({"conn_type": "http", "host": "profiles.example", "password": "a secret key", "extra": extra})
