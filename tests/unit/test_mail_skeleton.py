"""Skeletons by UTS 39: what looks alike comes out equal, and the table is the one that the data give."""

import importlib.util
import random
import sys
import time
import unicodedata
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from sealgate.mail import confusables
from sealgate.mail.skeleton import alike, bare, skeleton

GENERATOR = Path(__file__).resolve().parents[2] / "packaging" / "confusables"


def _generator() -> ModuleType:
    loader = SourceFileLoader("confusables_generator", str(GENERATOR))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    dont, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = dont
    return module


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return _generator()


@pytest.fixture(scope="module")
def icu(generator: ModuleType) -> object:
    try:
        found = generator.Icu()
    except OSError as error:
        pytest.skip(str(error))
    if found.unicode != confusables.UNICODE:
        pytest.skip(f"ICU has Unicode {found.unicode}, the table {confusables.UNICODE}")
    return found


def test_the_table_is_what_the_generator_makes_of_icu(generator: ModuleType, icu: object) -> None:
    assert generator.module(icu) == Path(confusables.__file__).read_text()


def test_a_skeleton_is_the_one_of_icu(generator: ModuleType, icu: object) -> None:
    """For whole texts, too: those that hold no default-ignorable, which ICU of this age keeps and UTS 39 now drops."""
    dice = random.Random(39)
    known = [chr(code) for code in confusables.PROTOTYPES if unicodedata.category(chr(code)) != "Cn"] + list(
        "abcnrmIl01 é"
    )
    for _ in range(3_000):
        text = "".join(dice.choices(known, k=8))
        assert skeleton(text) == generator._fixed(icu.skeleton, text)  # type: ignore[attr-defined]


def test_what_looks_alike_has_one_skeleton() -> None:
    for one, other in (
        ("m", "rn"), ("0", "O"), ("1", "l"), ("I", "l"), ("|", "l"), ("а", "a"), ("с", "c"), ("ο", "o"), ("𝐚", "a"),
        ("paypal", "раураl"), ("cornpany", "company"), ("é", "e\u0301"), ("a\u200bb", "ab"), ("a\u3164b", "ab"),
        ("x\ufe0f", "x"), ("a\u00a0b", "a b"), ("\ufe81", "\u0622"),
    ):  # fmt: skip
        assert skeleton(one) == skeleton(other), (one, other)
    for one, other in (("a", "A"), ("a", "b"), ("n", "m"), ("é", "e")):
        assert skeleton(one) != skeleton(other), (one, other)


def test_every_character_has_a_skeleton_that_stays() -> None:
    for code in (*confusables.PROTOTYPES, *range(0x3000)):
        once = skeleton(chr(code))
        assert skeleton(once) == once, hex(code)


def test_names_are_alike_whatever_case_marks_and_points_they_have() -> None:
    for name in (
        "CAROL CHIEF", "carol  chief", "Carol.Chief", "Carol-Chief", "Cárol Chief ✔", "CaroI Chief", "Car0l Chief",
        "Саrоl Сhiеf", "𝐂𝐚𝐫𝐨𝐥 Chief", "Ｃａｒｏｌ　Ｃｈｉｅｆ", "Ca\u200brol Chief", "*Carol* 'Chief'", "Ⓒarol Chief",
        "Carol\u00a0Chief", "CAR0L CHlEF", "Carøl Chief",
    ):  # fmt: skip
        assert alike(name, "Carol Chief"), name
    for one, other in (
        ("ΝΊΚΟΣ ΠΑΠΠΑΣ", "Νίκος Παππάς"), ("ИВАН ПЕТРОВ", "Иван Петров"), ("STRASSE", "Straße"), ("O’Alice", "O'Alice"),
        ("Mary", "Rnary"), ("Łukasz", "Lukasz"), ("ALICE", "AIice"),
    ):  # fmt: skip
        assert alike(one, other), (one, other)


def test_other_names_are_not_alike() -> None:
    for one, other in (
        ("Bob Chief", "Carol Chief"), ("Ivan", "Inan"), ("Chief", "Carol Chief"), ("कि", "का"), ("が", "か"),
        ("山田", "田中"), ("", ""), ("...", "✔"), ("Hanna", "Nanna"),
    ):  # fmt: skip
        assert not alike(one, other), (one, other)


def test_bare_names_are_words_of_letters_and_digits() -> None:
    assert bare("  Carol -- O'Chief, 3rd ✔ ") == "carol ochlef 3rd"
    assert bare("\u0301✔ …") == ""


def test_the_table_is_quickly_there() -> None:
    """Each start of the gate, and each call of its command, reads it."""
    source = Path(confusables.__file__).read_text()
    code = compile(source, "confusables", "exec")
    best = 1.0
    for _ in range(3):
        start = time.process_time()
        exec(code, {"__name__": "confusables"})
        best = min(best, time.process_time() - start)
    assert best < 0.02
    assert len(source) < 60_000


def test_the_table_holds_nothing_that_decomposition_or_dropping_would_have_taken() -> None:
    ignorable = {code for first, last in confusables.IGNORABLE for code in range(first, last + 1)}
    for code, target in confusables.PROTOTYPES.items():
        assert unicodedata.normalize("NFD", chr(code)) == chr(code)
        assert code not in ignorable
        assert target != chr(code)
