"""Hold a built site against what it promises: every link leads somewhere, and a browser fetches nothing from elsewhere.

Usage: python3 links.py FOLDER. Prints one line a fault; exit status 1 where there is any, 65 where there is no page.
Seen are links to pages, files and anchors, twins among anchors, anything loaded from another host, and lists and tables
that were taken for text because an empty line is missing before them. Links to other hosts are not followed.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "embed": "src",
}
LOST = re.compile(r"(?m)^\s*(?:[-*] |\d+\. |\| ?[^|\n]+\|)")
IMPORTED = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")


class Page(HTMLParser):
    """What a page links to, loads, can be linked at, and says in its paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: list[str] = []
        self.paragraphs: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, what is loaded, and anchors."""
        known = {name: value or "" for name, value in attrs}
        if "id" in known:
            self.anchors.append(known["id"])
        if tag == "a" and "href" in known:
            self.links.append(known["href"])
        if tag in LOADS and LOADS[tag] in known:
            self.loads.append(known[LOADS[tag]])
        if tag == "p":
            self._open = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        """A paragraph ends."""
        self._open = self._open and tag != "p"

    def handle_data(self, data: str) -> None:
        """Words of a paragraph."""
        if self._open:
            self.paragraphs[-1] += data


def faults(site: Path) -> Iterator[str]:
    """Every fault of a site, with the page that it is on."""
    pages = {path: Page() for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name}: {why}" for why in _of_page(path, page, pages))
    for path in sorted(site.rglob("*.css")):
        if IMPORTED.search(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads something from another host"


def _of_page(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for anchor in sorted({each for each in page.anchors if page.anchors.count(each) > 1}):
        yield f"the anchor {anchor} stands twice"
    for link in (*page.links, *page.loads):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            if link in page.loads:
                yield f"loads {link} from another host"
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            yield f"the link {link} leads nowhere"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"the link {link} leads to no heading"
    for text in page.paragraphs:
        if "\n" in text and (found := LOST.search(text.partition("\n")[2])):
            yield f"a list or table is taken for text, an empty line is missing: {found[0].strip()}"


def main() -> int:
    """Print the faults of the folder that is named."""
    site = Path(sys.argv[1]).resolve()
    if not any(site.rglob("*.html")):
        print(f"{site}: there is no page", file=sys.stderr)
        return 65
    found = list(faults(site))
    print("\n".join(found) if found else f"{site}: every link leads somewhere", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
