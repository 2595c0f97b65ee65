"""doc/man says what the program says; `python -m tests.unit.test_doc_man` writes its pages anew.

The pages are made from click's tree, the samples in conf and the schema of the record (tests/manual), so that no option
and no field can be added without them. sealgate-rules(7) is made by test_doc_rules.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.settings import SETTINGS_KEYS
from tests.manual.commands import help_of, statuses, verbs
from tests.manual.lines import schema
from tests.manual.pages import written
from tests.manual.roff import prose, typed, verbatim

FOLDER = Path(__file__).resolve().parents[2] / "doc" / "man"
PAGES = written()
RULES = "sealgate-rules.7"


def test_the_folder_holds_these_pages_and_no_others() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*PAGES, RULES}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_program_says(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name]


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("name", PAGES)
def test_groff_sets_the_page_without_a_warning(name: str) -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", FOLDER / name], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_has_nothing_to_say_but_that_there_is_no_date() -> None:
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *(FOLDER / name for name in PAGES)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def commands(found: Mapping[str, click.Command], *above: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in found.items():
        yield above[0] if above else name, command
        if isinstance(command, click.Group):
            yield from commands(command.commands, above[0] if above else name)


@pytest.mark.parametrize(("verb", "command"), [*commands(verbs())], ids=lambda each: getattr(each, "name", each))
def test_every_option_and_example_is_on_the_verb_s_page(verb: str, command: click.Command) -> None:
    page = PAGES[f"sealgate-{verb}.8"]
    for param in command.params:
        for option in (*param.opts, *param.secondary_opts) if isinstance(param, click.Option) else ():
            assert re.search(rf"(?m)^\.B .*{re.escape(typed(option))}(?![a-z])", page), option
    for example in help_of(command).examples:
        assert typed(example) in page


def test_what_ends_a_verb_is_taken_out_of_its_text() -> None:
    assert help_of(verbs()["status"]).exits.startswith("0: ready.")
    assert not any("Exit " in text for text in help_of(verbs()["status"]).more)
    assert ("64", "usage") in statuses()
    assert len(statuses()) == 9


@pytest.mark.parametrize("key", SETTINGS_KEYS)
def test_every_setting_is_told_with_its_default(key: str) -> None:
    assert re.search(rf"(?m)^\.B {key}: .", PAGES["sealgate.yaml.5"])


def test_every_field_and_word_of_the_profile_is_told() -> None:
    said = re.sub(r"\\f[BR]", "", PAGES["sealgate-profile.yaml.5"]).replace("\\-", "-")
    for key in {key for keys in KNOWN_KEYS.values() for key in keys}:
        assert re.search(rf"(?<![a-z_]){key}(?![a-z_])", said.partition(".SH EXAMPLES")[0]), key
    for word in {word for words in CHOICES.values() for word in words}:
        assert re.search(rf"(?<![a-z_]){re.escape(word)}(?![a-z_])", said), word


def test_no_word_of_the_samples_is_lost() -> None:
    for sample, page in (("sealgate.yaml", "sealgate.yaml.5"), ("profile.yaml", "sealgate-profile.yaml.5")):
        text = (FOLDER.parents[1] / "conf" / sample).read_text().partition("\n\n")[2]
        said = re.sub(r"\\f[BR]|^\.B |:", "", PAGES[page], flags=re.MULTILINE)
        for word in re.split(r"[\s`]+", re.sub(r"^ *#", "", text, flags=re.MULTILINE)):
            assert typed(word.replace(":", "")) in said, word


def fields(node: dict[str, Any]) -> Iterator[str]:
    items = [node["items"]] if "items" in node else []
    for each in (*node.get("oneOf", ()), *node.get("$defs", {}).values(), *items):
        yield from fields(each)
    for name, each in node.get("properties", {}).items():
        yield name
        yield from fields(each)


def test_every_field_and_kind_of_the_record_is_told() -> None:
    page = PAGES["sealgate-audit.5"]
    names = set(fields(schema()))
    assert len(names) > 100
    for name in names:
        assert f".B {typed(name)}\n" in page, name


def test_nothing_is_taken_for_a_request() -> None:
    assert prose(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert prose("'tis a\\b `--x`") == "\\(aqtis a\\eb \\fB\\-\\-x\\fR"
    assert verbatim([".x", "", "a 'b'"])[3:-2] == ["\\&.x", "\\&", "a \\(aqb\\(aq"]
    assert prose("§") == "\\[u00A7]"


if __name__ == "__main__":
    for name, text in PAGES.items():
        (FOLDER / name).write_text(text)
