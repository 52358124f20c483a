"""The third-party transport of docs/how-to/own-transport.md, taken out of the page."""

from __future__ import annotations

from doc_pages import texts

PAGE = "how-to/own-transport.md"
(LINE_TRANSPORT,) = texts(PAGE, "python")
(LINE_PROJECT,) = texts(PAGE, "toml")
