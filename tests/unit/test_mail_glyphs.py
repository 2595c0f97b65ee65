"""Which characters a reader sees: where hidden ones are at home, and the bounds of each place."""

import pytest

from sealgate.mail.glyphs import drawn, hidden_in, is_letterlike, mixes_alphabets

FLAG = "\U0001f3f4"
LATER = "\U0001faff"  # of the emoji block; unassigned up to Unicode 16
AT_HOME = [
    "",
    "Dean\tExample ~!",
    "علی\u200cرضا",
    "क\u094d\u200dष",
    "👩\u200d💻",
    f"{LATER}\u200d👩",
    LATER,
    "\U0003fffd",
    "No 1\ufe0f\u20e3",
    "0\ufe0e\u20e3",
    "#\ufe0f\u20e3",
    "*\ufe0f\u20e3",
    "❤\ufe0f",
    "❤\ufe0e",
    "〰\ufe0f",
    "\u2139\ufe0f",
    "葛\ufe00",
    "葛\ufe0f",
    "葛\U000e0100",
    "葛\U000e01ef",
    "\u1820\u180b",
    "\u1820\u180f",
    "\u1800\u180c",
    "\u18aa\u180d",
    f"{FLAG}\U000e0020",
    f"{FLAG}\U000e0067\U000e007f",
    f"{FLAG}\U000e0020\U000e0061",
    f"{FLAG}\U000e007e\U000e007f",
]
HIDDEN = [  # what stands before, the character that is not at home there, what follows
    ("Dean", "\n", ""), ("", "\x00", ""), ("", "\x7f", "x"), ("Dean", "\x85", ""),
    # Joiners: not at the beginning, not after ASCII, not after a blank or a comma.
    ("", "\u200d", "é"), ("e", "\u200d", "é"), ("e", "\u200c", ""), (" ", "\u200d", ""), ("、", "\u200d", ""),
    # Unassigned, but neither an emoji nor a Chinese character to be; and noncharacters.
    ("", "\u0378", ""), ("é", "\u0378", ""), ("", "\U0001efff", ""), ("", "\U0002fffe", ""), ("", "\U0002ffff", ""),
    ("é", "\U0003fffe", ""), ("", "\U00040000", ""),
    ("❤", "\u200b", ""), ("+", "\u200b", ""), ("\u2139", "\u200b", ""),
    # Text or emoji style.
    ("1", "\ufe0f", ""), ("1", "\ufe0e", "1"), ("a", "\ufe0f", "\u20e3"),
    ("X", "\ufe0f", "\u20e3"), ("é", "\ufe0f", ""),
    ("+", "\ufe0f", ""), ("1", "\ufe00", "\u20e3"), ("\u2139", "\ufe00", ""),
    # Forms of Chinese characters.
    ("é", "\ufe00", ""), ("❤", "\ufe00", ""), ("葛", "\u200b", ""), ("葛", "\u00ad", ""), ("葛", "\ufeff", ""),
    ("葛", "\U000e01f0", ""), ("é", "\U000e0100", ""), ("❤", "\U000e0100", ""), ("葛", "\U000e0061", ""),
    # Mongolian.
    ("\u1820", "\u00ad", ""), ("\u1820", "\u200b", ""), ("é", "\u180b", ""), ("葛", "\u180b", ""),
    ("\u17dc", "\u180b", ""), ("\u18b0", "\u180b", ""),
    # Tags.
    (FLAG, "\U000e001f", ""), (FLAG, "\U000e0080", ""), (f"{FLAG}\U000e0067\U000e007f", "\U000e0067", ""),
    ("❤", "\U000e0067", ""), ("é", "\U000e0067", ""),
    # Never.
    ("é", "\u2028", ""), ("é", "\u2029", ""), ("é", "\ufff9", ""), ("é", "\u0600", ""),
    ("é", "\ue000", ""), ("é", "\ud800", ""), ("é", "\u3164", ""), ("é", "\u2800", ""),
]  # fmt: skip


@pytest.mark.parametrize("text", AT_HOME, ids=ascii)
def test_what_people_have_in_their_names_is_not_hidden(text: str) -> None:
    assert hidden_in(text) == ""


@pytest.mark.parametrize(("before", "hidden", "after"), HIDDEN, ids=ascii)
def test_what_is_not_drawn_is_named(before: str, hidden: str, after: str) -> None:
    assert hidden_in(before + hidden + after) == hidden


def test_the_first_hidden_character_is_named() -> None:
    assert hidden_in("Dean\u200b\u202e") == "\u200b"
    assert hidden_in("Dean\u202e\u200b") == "\u202e"
    assert hidden_in("1\ufe0fx\u20e3") == "\ufe0f"


def test_every_blank_is_drawn_as_one_and_what_is_hidden_not_at_all() -> None:
    for blank in ("\t", "\r\n", "\v", "\x1c", "\x85", "\u2028", "\u00a0", "\u3000", "\u2800", " \u2800 "):
        assert drawn(f"{blank}a{blank}b") == "a b"
    for hidden in ("\u200b", "\u00ad", "\x00", "\u202e", "\u3164", "\ufe0f", "\u0378"):
        assert drawn(f"a{hidden}b") == "ab"
    assert drawn(f"a {LATER}") == f"a {LATER}"


def test_letters_digits_and_marks_are_letterlike_and_nothing_else_beyond_ascii() -> None:
    assert is_letterlike("a+b.\u00fc\u0967\u0915\u093f")
    for c in "\u2713\u00a0\u3164\ufe00\u200d\u00d7\uff0e\u115f\u034f":
        assert not is_letterlike(f"a{c}"), ascii(c)


@pytest.mark.parametrize(
    "word", ["d\u0435an", "\u0391bc", "\u0430\u03b1", "a\u0585", "\u13a0a", "a\u2c81", "\u00e9\u0435", "x1\u0435"]
)
def test_a_word_of_two_alphabets_that_look_alike_is_mixed(word: str) -> None:
    """Latin with Cyrillic, Greek, Armenian, Cherokee or Coptic, or two of these."""
    assert mixes_alphabets(word)


@pytest.mark.parametrize(
    "word", ["", "dean", "\u00e9t\u00e9", "\u0438\u0432\u0430\u043d1-_", "\u5c71T", "\u0915a", "\u03b1\u03b21"]
)
def test_a_word_of_one_alphabet_or_beside_one_that_looks_otherwise_is_not_mixed(word: str) -> None:
    assert not mixes_alphabets(word)
