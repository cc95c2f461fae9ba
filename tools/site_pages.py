"""Pages of the site that lie outside of docs/, and links that are right in the repository and in the site.

A hook of mkdocs.yml. Pages are written for the repository: docs/energy.md links to ../benchmarks/RESULTS.md.
In the site, such a link leads to the page made of that file, and a link to a file without a page becomes its
text. A link to a file that is not there stays as it is, and fails the strict build.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

__all__ = ["on_files", "on_page_markdown"]

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
}
README = "--8<-- README.md"  # stands in docs/index.md for the whole of it
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    here = page.file.src_uri
    sources = {page: source for source, page in OUTSIDE.items()}
    if here == "index.md":
        return linked(markdown, "docs/index.md", here, files).replace(README, readme(files))
    return linked(markdown, sources.get(here, f"docs/{here}"), here, files)


def readme(files: Files) -> str:
    return linked((ROOT / "README.md").read_text(encoding="utf8"), "README.md", "index.md", files)


def linked(markdown: str, source: str, here: str, files: Files) -> str:
    """``markdown`` of the repository's file ``source`` with its links made right for the page ``here``."""

    def link(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
        there = OUTSIDE.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(there) is not None and (path in OUTSIDE or path.startswith("docs/")):
            target = posixpath.relpath(there, posixpath.dirname(here) or ".")
            return f"{match['image']}[{match['text']}]({target}{match['anchor'] or ''})"
        return match["text"] if (ROOT / path).exists() else match[0]

    return LINK.sub(link, markdown)
