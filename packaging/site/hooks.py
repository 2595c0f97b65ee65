"""What the site needs beyond the documents as they lie in doc, where they are read on a forge or on disk.

The samples that documents link to come along, links to files outside of doc are bent, the decisions are listed, and
man pages in roff are left out. Raises where a document is missing in the navigation: it could not be found by anybody.
"""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([A-Za-z0-9._@/-]+)\)")


def sample(name):
    """Whether a document may lead there: a file of the tree that comes along. The README is the site's first page."""
    return name != "README.md" and (ROOT / name).is_file()


def bent(found):
    """A link out of doc: a file comes along, a folder is only named, and what is missing stays, as a fault."""
    if found[2] == "README.md":
        return f"[{found[1]}](index.md)"
    if sample(found[2]):
        return f"[{found[1]}]({found[2]})"
    return found[1] if (ROOT / found[2]).is_dir() else found[0]


def on_files(files, config):
    """Leave out man pages; take along the samples that some document links to."""
    for file in list(files):
        if file.src_uri.startswith("man/"):
            files.remove(file)
    texts = [Path(page.abs_src_path).read_text() for page in files.documentation_pages()]
    for name in sorted({name for text in texts for _, name in OUTSIDE.findall(text) if sample(name)}):
        files.append(File(name, str(ROOT), config["site_dir"], use_directory_urls=False))
    return files


def on_nav(nav, files, **_):
    """Every document is in the navigation; the decisions are listed on a page of their own."""
    shown = {page.file.src_uri for page in nav.pages}
    lost = [f.src_uri for f in files.documentation_pages() if f.src_uri not in shown and "/" not in f.src_uri]
    if lost:
        raise PluginError(f"not in the nav of mkdocs.yml: {', '.join(sorted(lost))}")


def on_page_markdown(markdown, page, **_):
    """Bend links to what lies outside of doc; list the decisions."""
    if "/" not in page.file.src_uri:
        markdown = OUTSIDE.sub(bent, markdown)
    if page.file.src_uri == "decisions/README.md":
        here = sorted(Path(page.file.abs_src_path).parent.glob("[0-9]*.md"))
        titles = [(path.name, path.read_text().partition("\n")[0].removeprefix("# ")) for path in here]
        markdown += "\n\n" + "\n".join(f"- [{title.replace('. ', ' · ', 1)}]({name})" for name, title in titles)
    return markdown
