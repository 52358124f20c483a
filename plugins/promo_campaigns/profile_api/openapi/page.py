"""Draws an OpenAPI document as one page: no script, nothing from another server."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6rem; background: #8881; }
code, pre { font: .875rem/1.4 ui-monospace, monospace; }
th, td { text-align: left; vertical-align: top; padding-right: 1rem; }
b { display: inline-block; min-width: 4.5rem; }
"""
_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def draw_page(document: Mapping[str, Any]) -> str:
    """Return the page of a document."""
    info = document["info"]
    operations = [
        _operation(method.upper(), path, operation, document)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    head = f"{escape(info['title'])} {escape(info['version'])}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{head}</title><style>{_STYLE}</style><body><h1>{head}</h1><p>{escape(info['description'])}</p>"
        f"<p>As <a href='/api/v1/openapi.json'>OpenAPI</a>.</p><main>{''.join(operations)}</main></body></html>"
    )


def _operation(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>", _parameters(operation["parameters"])]
    if body := operation.get("requestBody"):
        parts.append(f"<h3>Body</h3>{_example(body['content']['application/json']['example'])}")
    for status, response in operation["responses"].items():
        parts.append(_response(status, response, document))
    named = f"<b>{method}</b> <code>{escape(path)}</code>"
    return f"<details><summary>{named} {escape(operation['summary'])}</summary>{''.join(parts)}</details>"


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code><td>{one['in']}<td><code>{escape(json.dumps(one['schema']))}</code>"
        for one in parameters
    ]
    head = "<tr><th scope=col>Name<th scope=col>In<th scope=col>Form"
    return f"<h3>Parameters</h3><table>{head}{''.join(rows)}</table>" if rows else ""


def _response(status: str, response: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    (content,) = response["content"].values()
    return f"<h3>{status}</h3><p>{escape(response['description'])}</p>{_example(content['example'])}"


def _example(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"
