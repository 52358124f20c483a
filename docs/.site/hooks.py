"""What the site does to pages: files in fences get a title, and two pages come from the top level."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"CONTRIBUTING.md": "develop/contributing.md", "CHANGELOG.md": "develop/changelog.md"}
"""Documents outside of the folder of pages, and the page that each is on the site."""
_NAMED_FENCE = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)
_DIAGRAM = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
"""A picture of the page's name stands in its place: what draws diagrams would be loaded from elsewhere."""
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that come from the top level, with links as they are from there."""
    for name, place in TOP_LEVEL.items():
        text = _LINK.sub(_from_develop, (ROOT / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Show the name of a file above its fence, a diagram as its text, and lead links that leave the folder."""
    up = "../" * page.file.src_uri.count("/")
    text = _NAMED_FENCE.sub(r'```\1 title="\2"', markdown)
    text = _DIAGRAM.sub(f"![{page.title}]({up}pictures/{Path(page.file.src_uri).stem}.svg)", text)
    for name, place in {**TOP_LEVEL, "README.md": "index.md"}.items():
        text = text.replace(f"]({up}../{name}", f"]({up}{place}")
    return re.sub(rf"\[([^\]]+)\]\({re.escape(up)}(?:\.\./LICENSE|campaign\.ipynb)\)", r"\1", text)


def _from_develop(link: re.Match[str]) -> str:
    """Return a link of the top level as it is from the folder ``develop``."""
    target, place = link[1], link[2] or ""
    if "://" in target:
        return link[0]
    if target.startswith("docs/"):
        return f"](../{target.removeprefix('docs/')}{place})"
    return f"](../../{target}{place})"
