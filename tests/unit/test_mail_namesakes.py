"""Which of many known names a name bears: what counts as the same name, and what as somebody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.mail.namesakes import Known

KNOWN = Known(["Carol Chief", "Big Bank", "Dr. Maria de la Cruz", "\u674e\u660e"])


@pytest.mark.parametrize(
    "name",
    [
        "Carol Chief", "Dr. Carol Chief", "Office of Carol Chief, CEO", "carolchief", "C a r o l Chief",
        "Carol M. Chief", "Carol A. B. Chief", "Carol van der Chief", "Carol (CEO) Chief", "Carol Anne Chief",
        "Carol Anne M. Chief", "Carol-Chief", "Carol\nChief", "CarolChiefCEO",
    ],
)  # fmt: skip
def test_the_words_of_a_name_in_their_order_are_the_name(name: str) -> None:
    """Side by side, or with titles, particles and initials between them, and one other word at most."""
    assert KNOWN.borne_in(name) == (0,)


@pytest.mark.parametrize(
    "name",
    [
        "Chief Carol", "Chief, Carol", "CHIEF Carol (office)", "Chief, Dr. Carol M.", "Frau Chief Carol", "ChiefCarol",
        "Office (Chief Carol)", "Office of Chief, Carol", "Office - Chief Carol", "the chiefcarol", "C h i e f, Carol",
        "Bob & Chief Carol",
    ],
)  # fmt: skip
def test_a_family_name_may_come_first_at_the_beginning_of_a_phrase_or_before_a_comma(name: str) -> None:
    assert KNOWN.borne_in(name) == (0,)


@pytest.mark.parametrize(
    "name",
    [
        "Carol", "Chief", "Carol Anne Bea Chief", "Chief & Carol", "Chief + Carol LLP", "Chief of Carol",
        "The Chief Carol", "Chief Anne Carol", "Carola Chief", "Chiefs of Big Banks", "Bank of the Big Thames", "",
        "...",
    ],
)  # fmt: skip
def test_other_names_are_somebody_elses(name: str) -> None:
    assert KNOWN.borne_in(name) == ()


def test_the_words_of_longer_names_are_turned_as_a_whole() -> None:
    for name in ("Maria de la Cruz", "de la Cruz, Maria", "Cruz, Maria de la", "Dr. Maria M. de la Cruz"):
        assert KNOWN.borne_in(name) == (2,), name
    assert KNOWN.borne_in("la Cruz de Maria") == ()


def test_a_chinese_character_is_no_initial() -> None:
    assert KNOWN.borne_in("\u674e \u660e") == (3,)
    two = Known(["\u674e \u660e"])
    assert two.borne_in("\u674e \u5c0f \u660e") == (0,)  # one word between
    assert two.borne_in("\u674e \u5c0f \u5927 \u660e") == ()


@pytest.mark.parametrize(
    ("name", "taken_for"),
    [
        ("John Paul Jones", ["John Paul", "John Jones", "Paul John", "Paul Jones"]),
        ("Anna Lee Smith", ["Anna Lee", "Anna Smith", "Lee Anna", "Lee Smith"]),
        ("Brown & David", ["Brown David"]),
    ],
)
def test_two_words_of_a_longer_name_are_a_name_in_their_order_only(name: str, taken_for: list[str]) -> None:
    """What is taken for somebody else's name, of all pairs of its words: in any order it would be all of them."""
    words = name.replace("&", "").split()
    pairs = [f"{one} {other}" for one in words for other in words if one != other]
    assert [pair for pair in pairs if Known([pair]).borne_in(name)] == taken_for


def test_all_names_that_are_borne_are_told_once_and_in_order() -> None:
    known = Known(["Big Bank", "Carol Chief", "Bank", "", "Carol Chief"])
    assert known.borne_in("Carol Chief of Big Bank") == (0, 1, 2, 4)
    assert Known([]).borne_in("Carol Chief") == Known(["", "..."]).borne_in("...") == ()


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=10))
def test_a_name_bears_itself_whatever_stands_around(name: str, before: str, behind: str) -> None:
    known = Known([name])
    if any(c.isalnum() and c.isascii() for c in name):
        assert known.borne_in(name) == (0,)
    known.borne_in(f"{before} {name} {behind}")
