"""The site of the documents: it is built without a warning, every link leads somewhere, and what judges that can judge.

Building takes a second or two; it needs mkdocs (Debian: mkdocs), and is skipped where that is missing.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LINKS = ROOT / "packaging" / "site" / "links.py"
MISSING = pytest.mark.skipif(shutil.which("mkdocs") is None, reason="mkdocs is not installed")


def build(tree: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tree / "packaging" / "docs", out], capture_output=True, text=True, check=False)


def copy(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in ("doc", "packaging/site", "conf", "systemd"):
        shutil.copytree(ROOT / name, tree / name)
    for name in ("mkdocs.yml", "packaging/docs"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def judged(site: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, LINKS, site], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_the_first_page_leads_to_every_document_in_the_order_of_the_menu() -> None:
    def pages(menu: list[dict[str, object]]) -> list[str]:
        found = []
        for entry in menu:
            for value in entry.values():
                found += pages(value) if isinstance(value, list) else [str(value)]
        return found

    config = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.SafeLoader)
    listed = (ROOT / "doc" / "index.md").read_text().partition("## All documents")[2]
    assert re.findall(r"\]\(([^)]+)\)", listed) == pages(config["nav"])[1:]


@MISSING
def test_the_site_is_built_without_a_fault(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "operations.html").is_file()
    assert (tmp_path / "site" / "conf" / "profile-fresh.yaml").is_file()
    assert not (tmp_path / "site" / "man").exists()
    decisions = (tmp_path / "site" / "decisions" / "index.html").read_text()
    assert "0001-listener-over-libmilters-descriptor.html" in decisions
    assert not [path for path in (tmp_path / "site").rglob("*") if path.suffix in (".js", ".woff", ".woff2")]


@MISSING
def test_what_is_broken_ends_the_build(tmp_path: Path) -> None:
    tree = copy(tmp_path)
    with (tree / "doc" / "rules.md").open("a") as file:
        file.write("\n[x](keys.md#nowhere)\n\nWords\n- that are no list\n\n![x](https://img.example/x.png)\n")
    done = build(tree, tmp_path / "site")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert [line for line in said.splitlines() if line.startswith("rules.html: ")] == [
        "rules.html: the link keys.html#nowhere leads to no heading",
        "rules.html: loads https://img.example/x.png from another host",
        "rules.html: a list or table is taken for text, an empty line is missing: -",
    ]


@MISSING
@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("rules.md", "# Rules\n\n[x](nowhere.md)\n", "'nowhere.md'"),
        ("orphan.md", "# Alone\n", "not in the nav of mkdocs.yml: orphan.md"),
    ],
)
def test_what_nobody_could_reach_ends_the_build(name: str, text: str, why: str, tmp_path: Path) -> None:
    tree = copy(tmp_path)
    for path in (tree / "doc").rglob("*.md"):
        path.write_text("# Short\n")  # what is there takes time
    (tree / "doc" / name).write_text(text)
    done = build(tree, tmp_path / "site")
    assert done.returncode != 0
    assert why in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ('<a href="b.html">', "leads nowhere"),
        ('<a href="#b">', "leads to no heading"),
        ('<a id="b"><a id="b">', "stands twice"),
        ('<script src="//cdn.example/x.js">', "from another host"),
        ('<link href="https://fonts.example/x.css">', "from another host"),
        ("<p>such as\n| a | b |</p>", "an empty line is missing"),
    ],
)
def test_a_fault_is_named_with_its_page(html: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(html)
    status, said = judged(tmp_path)
    assert status == 1
    assert said.startswith("a.html: ")
    assert why in said


def test_what_is_sound_passes_and_nothing_at_all_does_not(tmp_path: Path) -> None:
    assert judged(tmp_path)[0] == 65
    (tmp_path / "a.html").write_text(
        '<h1 id="a">A</h1><a href="a.html#a"><a href="https://example.test/"><p>a - b\n-c</p>'
    )
    assert judged(tmp_path)[0] == 0
    (tmp_path / "a.css").write_text("@font-face { src: url('//fonts.example/x') }")
    assert judged(tmp_path) == (1, "a.css: loads something from another host\n")
