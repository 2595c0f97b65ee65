"""Postal addresses: registered ones found however they are written, others recognised, made-up ones refused."""

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.postal import MAX_EXCERPT, recognise, registered
from sealgate.profile.model import PostalAddress

HQ = PostalAddress("hq", "Example Widgets Inc., 4100 Harbor Avenue, Suite 160, Springfield, New York 10003, USA")
BOX = PostalAddress("box", "P.O. Box 2210, Portland, OR 97208")
KOELN = PostalAddress("koeln", "Beispiel GmbH, Hafenstraße 12, 50968 Köln, Deutschland")


@pytest.mark.parametrize(
    "text",
    [
        "Example Widgets Inc., 4100 Harbor Avenue, Suite 160, Springfield, New York 10003, USA",
        "EXAMPLE WIDGETS INC\n4100 Harbor Ave #160\nSpringfield NY 10003-4411",
        "example widgets, inc. | 4100 Harbor Ave. | Ste 160 | Springfield | N.Y. 10003".replace("N.Y.", "NY"),
        "Example Widgets Inc., Marketing Dept., 4100 Harbor Avenue PMB 160, 8th Floor, Springfield, NY 10003",
    ],
)
def test_case_punctuation_lines_and_usual_abbreviations_do_not_matter(text: str) -> None:
    assert registered(f"Hello.\n{text}\nUnsubscribe", (BOX, HQ)) is HQ


@pytest.mark.parametrize("box", ["P.O. Box 2210", "PO Box 2210", "p.o.box 2210", "Post Office Box 2210"])
def test_a_post_office_box_is_one_however_it_is_written(box: str) -> None:
    assert registered(f"{box}, Portland, Oregon 97208", (BOX,)) is BOX


def test_accents_and_sharp_s_do_not_matter() -> None:
    assert registered("BEISPIEL GMBH - HAFENSTRASSE 12 - 50968 KOLN", (KOELN,)) is KOELN


@pytest.mark.parametrize(
    "text",
    [
        "Example Widgets Inc., 4200 Harbor Avenue, Suite 160, Springfield, NY 10003",  # another house
        "Example Widgets Inc., 4100 Harbor Avenue, Suite 161, Springfield, NY 10003",  # another suite
        "10003 NY Springfield, 160 Suite, Harbor Avenue 4100, Example Widgets Inc.",  # another order
        "Example Widgets Inc. is new. " + "x " * 40 + "4100 Harbor Avenue, Suite 160, Springfield, NY 10003",
        "",
    ],
)
def test_another_address_is_another_address(text: str) -> None:
    assert registered(text, (HQ,)) is None


def test_words_scattered_with_small_gaps_are_no_address() -> None:
    words = ["p", "o", "box", "2210", "portland", "or", "97208"]
    assert registered(" so and so ".join(words), (BOX,)) is None


def test_an_address_of_two_words_is_never_matched() -> None:
    assert registered("USA 10003", (PostalAddress("short", "USA 10003"),)) is None


def test_an_address_above_a_long_text_is_found() -> None:
    assert registered(f"{HQ.text}\n" + "lorem words " * 3_000, (HQ,)) is HQ


@pytest.mark.parametrize(
    "address",
    [
        "4100 Harbor Avenue, Springfield, NY 10003",
        "4100 Harbor Ave Ste 160 Portland, Oregon 97208-1234",
        "1968 S Coast Parkway #739, Laguna, CA 92651",
        "12 Mill Road / Manchester / New Hampshire / 03110",
        "P.O. Box 2210, Portland, OR 97208",
        "PMB 55, 120 Elm St, Austin, TX 78748",
        "PO Box 311, Washington, D.C. 20026",
        "17 Example Wharf Road, Leeds, LS27 0WH",
        "4736 Maple Avenue, Oshawa ON L1G 6Z8, Canada",
        "Level 1, 399 Elizabeth St, Melbourne VIC 3000",
        "GPO Box 41, Sydney NSW 2001",
        "Reiterweg 11, 50968 Köln, Deutschland",
        "Postfach 12 34, 80331 München",
        "Ringstrasse 5, CH-8001 Zürich",
        "Mariengasse 3, 1010 Wien",
        "Keizersgracht 123-B, 1015 CJ Amsterdam",
        "1 rue du Lac, 75002 Paris",
        "Avenida das Flores, 3097, Butantã - SP - CEP 05339-900",
        "Plot 14, Sector 18, Gurugram, Haryana 122015, India",
        "Calle Mayor 5, 28013 Madrid",
        "Via Roma 10, 20121 Milano",
        "ul. Polna 15, 02-274 Warszawa",
        "00-950 Warszawa, ul. Polna 15",
        "Suite 4, P.O. Box 712, George Town, Grand Cayman, KY1-9006",
        "41 Palm Street, Saint John, Antigua and Barbuda",
        "〒100-0001 東京都千代田区千代田1-1",
    ],
)
def test_addresses_of_many_countries_are_recognised(address: str) -> None:
    text = f"Our spring collection is here.\nView in browser\n{address}\nUnsubscribe | Privacy"
    found = recognise(text)
    assert found is not None
    code = re.findall(r"\d[\dA-Z-]+", address)
    assert any(piece in found for piece in code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Copyright 2026 Example Ltd. All rights reserved.",
        "Order 48110 shipped on 2026-11-20, total 10,003.00 USD",
        "Call +1 212 555 0100 or 0800 123 4567 today",
        "Visit https://shop.test/street/12345/CA/90028 now",
        "San Francisco, CA 94105",  # a city is no street
        "The sale ends at 1200 PM. Save 5000 MB.",
        "Bitcoin House, Coinland, B1TC01N, United Kingdom",
        "100 Oak Street, Springfield, NY 90210",  # a ZIP code of California
        "123 Main Street, Anytown, CA 92345",
        "123 Your Street, Portland, OR 97208",
        "{{street}} 12, Portland, OR 97208",
        "%%Member_Addr%% 12 Elm Street, *|CITY|*, OR 97208",
        "- CP - • -, - • -",
        "Example Ltd, N/A, United States",
        "12 Elm Street, Portland, OR 00000",
    ],
)
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert recognise(text) is None


def test_the_excerpt_is_short_and_in_one_line() -> None:
    found = recognise("Example Ltd\n4100   Harbor Avenue\nFloor 3\nSpringfield,\nNY 10003\nbye")
    assert found == "4100 Harbor Avenue Floor 3 Springfield, NY 10003"


@given(st.text(max_size=400))
def test_no_text_raises(text: str) -> None:
    found = recognise(text)
    assert found is None or (0 < len(found) <= MAX_EXCERPT and "\n" not in found)
    assert registered(text, (HQ, BOX, KOELN)) is None


@given(st.text(alphabet=string.digits + " ABab,.-#\n", max_size=300))
def test_no_text_of_digits_raises(text: str) -> None:
    recognise(text)


@given(st.lists(st.sampled_from(["\n", ", ", " | ", " - ", "  "]), min_size=8, max_size=8))
def test_separators_never_matter_to_a_registered_address(separators: list[str]) -> None:
    words = ["Example", "Widgets", "4100", "Harbor", "Avenue", "Springfield", "NY", "10003"]
    address = PostalAddress("x", " ".join(words))
    text = "".join(word + separator for word, separator in zip(words, separators, strict=True))
    assert registered(text, (address,)) is address


@pytest.mark.parametrize(
    "piece",
    [
        "12345 ",
        "Street 1 ",
        "P.O. Box ",
        "NY 10003 ",
        "4100 Harbor ",
        "Rua A ",
        "1A 1AA ",
        "ireland ",
        "1 ",
        "é",
        "Aa1-",
    ],
)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    before = time.process_time()
    recognise(text)
    registered(text, (HQ, BOX, KOELN))
    assert time.process_time() - before < 2.0
