"""Whatever befalls a message, nothing secret of it is said anywhere: by log, exception, reason or rendered field."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from contract.stages import SECRET, fcm_stage, readme_stage, reteno_stage, smtp_stage, webhook_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contract.stages import Stage

FATES = ("ok", "refuse", "later", "unknown")


def forms(secret: str) -> set[str]:
    """Return a text as it may show: as it is, in a URL, in JSON, in base64 wherever it begins, in another case."""
    padded = [base64.b64encode(b"." * shift + secret.encode()).decode() for shift in range(3)]
    # The first and the last characters depend on the neighbours.
    inner = {text.rstrip("=")[4:-4] for text in padded}
    return {secret, secret.lower(), secret.upper(), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], *inner}


@pytest.fixture(params=["smtp", "webhook", "fcm", "reteno", "readme"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Return the stage of each transport that reaches out."""
    stages = {"webhook": webhook_stage, "fcm": fcm_stage, "reteno": reteno_stage, "readme": readme_stage}
    with smtp_stage(tmp_path) if request.param == "smtp" else stages[request.param]() as running:
        yield running


def test_no_log_line_and_no_result_holds_what_is_secret(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    messages = [stage.message(number, fate) for number, fate in enumerate(FATES, start=1)]
    results: list[object] = []

    async def each_alone() -> None:
        for message in messages:
            async with stage.transport() as transport:
                results.extend(await transport.send([message], deadline=math.inf))
                results.extend(await transport.look_up([message.idempotency_key]))

    asyncio.run(each_alone())
    of_server = "mail."  # aiosmtpd's own log, which is the receiver's
    shown = repr(results) + "\n".join(
        f"{record.getMessage()} {record.args} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith(of_server)
    )
    secrets = [SECRET, *(part for one in messages for part in (one.locator, one.title, one.body))]
    assert [secret for secret in secrets for form in forms(secret) if form in shown] == []
    assert len(results) >= len(FATES)
