"""Keys and passwords of a local Airflow, made once and readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from promo_campaigns.local_airflow.layout import Layout

USER = "admin"


@dataclass(frozen=True)
class Credentials:
    """Keys and passwords that the processes share."""

    password: str = field(repr=False)
    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    api_secret: str = field(repr=False)
    profile_api_key: str = field(repr=False)


def keep_credentials(layout: Layout) -> Credentials:
    """Return the credentials kept in a layout, or make them; Airflow's password file is written to agree with them."""
    if layout.secrets.exists():
        credentials = Credentials(**json.loads(layout.secrets.read_text()))
    else:
        credentials = Credentials(
            password=secrets.token_urlsafe(12),
            fernet_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
            jwt_secret=secrets.token_urlsafe(48),
            api_secret=secrets.token_urlsafe(32),
            profile_api_key=secrets.token_urlsafe(24),
        )
        write_private(layout.secrets, asdict(credentials))
    write_private(layout.credentials, {USER: credentials.password})
    return credentials


def write_private(path: Path, content: Mapping[str, str]) -> None:
    """Write a JSON file that its owner alone can read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(dict(content)))
    partial.replace(path)
