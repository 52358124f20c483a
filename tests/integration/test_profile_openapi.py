"""The documentation of the profile API says what a real server does, example by example and case by case."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from integration.profile_server import KEY, serving
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect
from receiver import Answer, running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ROOT = Path(__file__).parents[2]
CASES = 3
"""Generated requests of each operation: some 100 in all, of which each takes a moment."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def client(module_dsn: str) -> Iterator[httpx.Client]:
    with connect(module_dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
    with serving(module_dsn) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_operation_has_examples_errors_and_what_its_key_needs(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) > 30
    for method, path, operation in operations(document):
        assert operation["summary"].endswith("."), path
        assert "scope `" in operation["description"]
        assert {"200", "401", "403", "429", "500", "503"} <= operation["responses"].keys()
        (answer,) = operation["responses"]["200"]["content"].values()
        jsonschema.validate(answer["example"], answer["schema"])
        if method in {"post", "put"}:
            assert {"400", "413", "415"} <= operation["responses"].keys()
            body = operation["requestBody"]["content"]["application/json"]
            jsonschema.validate(body["example"], {**body["schema"], "components": document["components"]})


def test_the_examples_of_bodies_are_taken(client: httpx.Client, document: dict[str, Any]) -> None:
    with running_receiver() as files:
        files.answer = lambda _: Answer(body=b"Email\r\nann@example.com\r\n")
        for method, path, operation in operations(document):
            if method != "post" or "{group_id}" in path:
                continue
            url = str(client.base_url).removesuffix("/api/v1/") + path.format(message_id=5)
            body = operation["requestBody"]["content"]["application/json"]["example"]
            link = {"link": f"{files.url}/contacts.csv"} if "link" in body else {}
            answer = client.post(url, json={**body, **link})
            assert answer.status_code == 200, (path, answer.text)


def test_the_table_of_the_documentation_has_every_operation_and_tests_that_exist(document: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "reference" / "profile-api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    told = [(method, f"/api{path}") for method, path, _, _ in rows]
    assert sorted(told) == sorted((method.upper(), path) for method, path, _ in operations(document))
    tests = {name for *_, named in rows for name in re.findall(r"`(\w+\.py)`", named)}
    assert [name for name in tests if not (ROOT / "tests" / "integration" / name).exists()] == []


def test_the_page_shows_every_operation_and_needs_no_other_server(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    page = client.get(str(client.base_url).removesuffix("/api/v1/") + "/docs")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page.text)
    for method, path, _ in operations(document):
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in page.text


def test_whatever_fits_the_document_is_answered_as_it_says(client: httpx.Client, document: dict[str, Any]) -> None:
    url = str(client.base_url).removesuffix("/api/v1/")
    tried = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=CASES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(base_url=url, auth=("x", KEY), checks=CHECKS)

        ask()
    assert tried > 60
