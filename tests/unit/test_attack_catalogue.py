"""The catalogue: enough of both kinds, each named and explained, each filled in whole; doc/attack.md lists them."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from sealgate.attack.catalogue import SHAPES, chosen, completed
from sealgate.attack.shape import Cast, Needs, Shape
from sealgate.wiring import build, read_profile
from tests.drivers.attack import by_core

DOCUMENT = Path(__file__).resolve().parents[2] / "doc" / "attack.md"
BEGIN, END = "<!-- shapes: begin -->\n", "<!-- shapes: end -->\n"
CAST = Cast("alice@example.test", "ceo@example.test", "me@example.test")
EACH = pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.code) for shape in SHAPES])


def listing() -> str:
    """The list of shapes as doc/attack.md shows it."""
    lines: list[str] = []
    for family, members in groupby(SHAPES, lambda shape: shape.family):
        rows = tuple(members)
        lines += ["", f"### {family}", "", "| shape | a reader would believe |", "|---|---|"]
        if not rows[0].is_hostile:
            lines[-2] = "| shape | why it must leave |"
        lines += [f"| `{shape.code}` | {_remarks(shape)} |" for shape in rows]
    return "\n".join(lines) + "\n\n"


def _remarks(shape: Shape) -> str:
    needs = f" *Needs: {shape.needs}.*" if shape.needs else ""
    mended = " *May be mended.*" if shape.may_be_mended else ""
    says = shape.says.replace("|", "\\|").replace("<", "\\<")
    return f"{says}{needs}{mended}"


def test_there_are_enough_of_both_kinds() -> None:
    assert sum(shape.is_hostile for shape in SHAPES) >= 300
    assert sum(not shape.is_hostile for shape in SHAPES) >= 75


def test_codes_are_unique_and_short() -> None:
    codes = [shape.code for shape in SHAPES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", code) and len(code) <= 24 for code in codes)
    assert not set(codes) & {shape.family for shape in SHAPES}


def test_no_two_shapes_are_the_same_mail() -> None:
    seen: dict[tuple[bytes, bytes], str] = {}
    for shape in SHAPES:
        mail = shape.mail(CAST, "1@example.test", "today")
        assert seen.setdefault((mail.sender, mail.content), shape.code) == shape.code


@EACH
def test_a_shape_is_filled_in_whole_and_says_one_sentence(shape: Shape) -> None:
    mail = shape.mail(CAST, "1@example.test", "today")
    assert not re.search(rb"\{[a-z]", mail.sender + mail.content)
    assert shape.header.endswith(b"\r\n")
    assert re.fullmatch(r"[^\n]+\.", shape.says)


@EACH
def test_an_honest_shape_is_good_mail_by_its_form(shape: Shape) -> None:
    """One From field with the own address, lines within RFC 5322 2.1.1, no controls."""
    if shape.is_hostile:
        return
    head = shape.mail(CAST, "1@example.test", "today").content.partition(b"\r\n\r\n")[0]
    authors = re.findall(rb"(?im)^from:((?:.*\r\n[ \t])*.*)", head)
    assert len(authors) == 1
    assert b"alice@" in authors[0].lower() or b"alice+" in authors[0]
    assert b"ceo@" not in authors[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", head)


def test_shapes_are_chosen_by_code_or_family_and_by_what_a_site_has() -> None:
    assert chosen(("GROUPS", "ok-plain")) == tuple(
        shape for shape in SHAPES if shape.family == "groups" or shape.code == "ok-plain"
    )
    assert {shape.needs for shape in chosen()} == {Needs.NOTHING}
    assert chosen(has=frozenset(Needs)) == SHAPES
    assert chosen(("several-from-fields",)) == chosen(("Several From fields",)) != ()
    with pytest.raises(KeyError, match="nonsense"):
        chosen(("nonsense", "groups"))


def test_the_document_lists_every_shape() -> None:
    text = DOCUMENT.read_text()
    listed = text.partition(BEGIN)[2].partition(END)[0]
    assert listed == listing(), f"put this between the markers of doc/attack.md:\n{listing()}"


def test_families_and_codes_are_completed() -> None:
    assert completed("display") == ("display-names",)
    assert completed("Several F") == ("several-from-fields",)
    assert {"name-two", "name-soft"} <= set(completed("name-"))
    assert all(chosen((word,), frozenset(Needs)) for word in completed(""))
    assert len(completed("")) == len(SHAPES) + len({shape.family for shape in SHAPES})


DEFAULTS = """\
version: 1
mode: enforce
listeners: {submission: judge}
logins:
  - {listener: submission, mechanism: GSSAPI, spelled: "{user}@EXAMPLE.TEST", principal: "{user}@EXAMPLE.TEST"}
domains:
  example.test: {sign: no}
identities:
  alice: {principals: [alice@EXAMPLE.TEST], senders: [alice@example.test]}
  ceo: {principals: [ceo@EXAMPLE.TEST], senders: [ceo@example.test]}
"""


def test_the_usual_run_finds_no_fault_in_a_profile_that_leaves_all_rules_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(DEFAULTS)
    ingredients, problems = read_profile(path)
    assert ingredients is not None, problems
    runtime = build(ingredients)
    out = {shape.code: by_core(shape, runtime).is_out for shape in chosen(has=frozenset({Needs.OPEN_REPLY_TO}))}
    by_code = {shape.code: shape for shape in SHAPES}
    wrong = [code for code, is_out in out.items() if is_out is by_code[code].is_hostile]
    assert [code for code in wrong if not by_code[code].may_be_mended] == []
    assert len(out) > 300


def test_the_shapes_that_such_a_profile_lets_pass_say_what_refuses_them() -> None:
    names = {shape.code for shape in SHAPES if shape.needs is Needs.FOREIGN_NAMES}
    assert names == {"name-elsewhere", "ew-glued"}
