"""What CAN-SPAM demands: each element found, missing, dead or unread, for commercial identities only."""

import csv
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from sealgate.checks import classify, optout, postal
from sealgate.checks.canspam import Elements, as_record, check, read_elements
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, Splitter, TextPart
from sealgate.mail.visible import Link, View, read_html, read_plain
from sealgate.profile.model import Identity, Kind, MailClass, PostalAddress

HQ = PostalAddress("hq", "Example Widgets, 4100 Harbor Ave, Springfield, NY 10003")
ADDRESS = "Example Widgets, 4100 Harbor Avenue, Springfield, New York 10003"
OTHER = "12 Elm Street, Portland, OR 97208"
LIVE = "https://news.corp.example/u/8f3a?t=secret"


def identity(mail_class: MailClass = MailClass.COMMERCIAL, *addresses: PostalAddress) -> Identity:
    return Identity("shop", Kind.SERVICE, mail_class, postal_addresses=addresses)


def view(text: str, href: str | None = LIVE) -> View:
    if href is None:
        return View(text)
    label = "Unsubscribe"
    return View(f"{text}\n{label}", (Link(label, href, len(text) + 1),))


def judged(*facts: Known[View] | Unknown, who: Identity | None = None, cut: bool = False) -> tuple[Elements, list[str]]:
    parts = tuple(TextPart(str(n), "plain", "utf-8", b"", cut) for n in range(1, len(facts) + 1))
    message = Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<a@corp.example>"), Headers(()), Body(0, parts))
    who = who or identity()
    elements = read_elements(message, Facts(facts), who)
    return elements, [finding.rule.code for finding in check(elements, who)]


def states(elements: Elements) -> tuple[str, str]:
    assert elements.postal_address is not None
    assert elements.opt_out is not None
    return elements.postal_address.state, elements.opt_out.state


@pytest.mark.parametrize("mail_class", [c for c in MailClass if c is not MailClass.COMMERCIAL])
def test_only_commercial_identities_are_looked_at(mail_class: MailClass) -> None:
    elements, codes = judged(Known(View("Hello")), who=identity(mail_class))
    assert (elements, codes, as_record(elements)) == (Elements(), [], [])


def test_nobody_is_not_commercial() -> None:
    message = Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<>"), Headers(()), Body(0))
    assert check(read_elements(message, Facts(), None), None) == ()


def test_a_lawful_message_has_no_finding_and_a_record() -> None:
    elements, codes = judged(Known(view(ADDRESS)), who=identity(MailClass.COMMERCIAL, HQ))
    assert codes == []
    assert states(elements) == ("registered", "live")
    postal, opt_out = as_record(elements)
    assert (postal["name"], postal["where"], postal["target"]) == ("postal-address", "1", "hq")
    assert (opt_out["name"], opt_out["where"], opt_out["target"]) == ("opt-out", "1", "https://news.corp.example/...")
    assert "secret" not in json.dumps(as_record(elements))


def test_without_registered_addresses_a_recognised_one_suffices() -> None:
    elements, codes = judged(Known(view(OTHER)))
    assert (states(elements)[0], codes) == ("recognised", [])


def test_an_address_that_is_not_registered_is_reported() -> None:
    _, codes = judged(Known(view(OTHER)), who=identity(MailClass.COMMERCIAL, HQ))
    assert codes == ["canspam.unregistered-address"]


def test_no_address_is_a_finding() -> None:
    assert judged(Known(view("Hello")))[1] == ["canspam.no-postal-address"]


def test_no_opt_out_is_a_finding() -> None:
    assert judged(Known(view(ADDRESS, None)))[1] == ["canspam.no-opt-out"]


@pytest.mark.parametrize("href", ["", "#", "{{unsubscribe}}"])
def test_a_dead_opt_out_is_another_finding(href: str) -> None:
    assert judged(Known(view(ADDRESS, href)))[1] == ["canspam.dead-opt-out"]


def test_a_message_without_text_lacks_both() -> None:
    assert judged()[1] == ["canspam.no-postal-address", "canspam.no-opt-out"]


def test_elements_may_stand_in_different_parts() -> None:
    elements, codes = judged(Known(View(ADDRESS)), Known(view("Hello")))
    assert codes == []
    assert elements.postal_address is not None
    assert elements.opt_out is not None
    assert (elements.postal_address.where, elements.opt_out.where) == ("1", "2")


def test_nothing_read_is_unread_and_not_absent() -> None:
    elements, codes = judged(Unknown("the reader died"))
    assert codes == ["canspam.unread"]
    assert states(elements) == ("unread", "unread")


def test_what_an_unread_part_may_hold_is_not_called_absent() -> None:
    elements, codes = judged(Known(View(ADDRESS)), Unknown("the reader died"))
    assert (states(elements), codes) == (("recognised", "unread"), ["canspam.unread"])


def test_an_unread_part_does_no_harm_where_the_others_suffice() -> None:
    assert judged(Known(view(ADDRESS)), Unknown("the reader died"))[1] == []


def test_a_part_that_was_cut_may_have_held_it() -> None:
    assert judged(Known(View("Hello")), cut=True)[1] == ["canspam.unread"]


def test_a_missing_fact_is_not_a_harmless_one() -> None:
    parts = (TextPart("1", "plain", "utf-8", b""),)
    message = Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<>"), Headers(()), Body(0, parts))
    who = identity()
    assert [f.rule.code for f in check(read_elements(message, Facts(), who), who)] == ["canspam.unread"]


def test_findings_say_where_and_what_in_printable_ascii() -> None:
    elements, _ = judged(Known(View("Hi")), Known(view(f"Grüße\n{ADDRESS}", "{{u}}")))
    (finding,) = check(elements, identity())
    assert finding.where == "2"
    assert "unfilled placeholder" in finding.detail
    assert finding.detail.isascii()
    assert finding.detail.isprintable()


def test_recipients_are_left_out_of_the_record() -> None:
    sent = "You get this as kim.doe@client.example from https://t.corp.example/x/kim"
    elements, _ = judged(Known(view(f"{ADDRESS}\n{sent}")))
    record = json.dumps(as_record(elements))
    assert "kim" not in record
    assert "client.example" in record


def test_excerpts_are_short() -> None:
    elements, _ = judged(Known(view("word " * 400 + ADDRESS)))
    assert all(len(value) <= 200 for element in as_record(elements) for value in element.values())


# -- labelled mail -----------------------------------------------------------------------------------------------------
# A folder of real messages and their labels, not part of the project: `labels.tsv` and one `.eml` each.
CORPUS = Path(os.environ.get("SEALGATE_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")
needs_corpus = pytest.mark.skipif(
    not (CORPUS / "labels.tsv").is_file(), reason="no labelled mail: set SEALGATE_CORPUS to a folder with labels.tsv"
)
Row = dict[str, str]


@lru_cache(maxsize=1)
def labelled() -> tuple[tuple[Row, str, tuple[View, ...]], ...]:
    """Each labelled message whose class is beyond doubt: its labels, its subject, its views."""
    with (CORPUS / "labels.tsv").open(encoding="utf-8") as table:
        rows = [
            row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE) if "AMBIG" not in row["notes"]
        ]
    messages = []
    for row in rows:
        raw = (CORPUS / row["file"]).read_bytes().replace(b"\r\n", b"\n")
        head, _, body = raw.partition(b"\n\n")
        headers = parse_block(head.split(b"\n"))
        splitter = Splitter(headers)
        splitter.feed(body.replace(b"\n", b"\r\n"))
        parts = splitter.finish().parts
        views = tuple((read_html if p.subtype == "html" else read_plain)(p.content, p.charset) for p in parts)
        messages.append((row, headers.text(b"subject"), views))
    return tuple(messages)


def measured(
    wanted: Callable[[Row], bool], found: Callable[[str, tuple[View, ...]], bool], among: Callable[[Row], bool]
) -> tuple[float, float]:
    """Precision and recall."""
    pairs = [(found(subject, views), wanted(row)) for row, subject, views in labelled() if among(row)]
    both = sum(1 for pair in pairs if all(pair))
    return both / sum(1 for hit, _ in pairs if hit), both / sum(1 for _, want in pairs if want)


@needs_corpus
def test_opt_outs_of_real_mail_are_found() -> None:
    precision, recall = measured(
        lambda row: row["has_unsubscribe_link_or_text"] == "y",
        lambda _, views: optout.find(views).state is not optout.State.NONE,
        lambda row: row["class"] == "commercial",
    )
    assert (precision >= 0.97, recall >= 0.97) == (True, True), (precision, recall)


@needs_corpus
def test_postal_addresses_of_real_commercial_mail_are_found() -> None:
    precision, recall = measured(
        lambda row: row["has_postal_address"] == "y",
        lambda _, views: any(postal.recognise(view.text) for view in views),
        lambda row: row["class"] == "commercial",
    )
    assert (precision >= 0.9, recall >= 0.9) == (True, True), (precision, recall)


@needs_corpus
def test_commercial_mail_is_told_from_the_rest() -> None:
    precision, recall = measured(
        lambda row: row["class"] == "commercial",
        lambda subject, views: classify.classify(subject, views).is_commercial,
        lambda _: True,
    )
    assert (precision >= 0.8, recall >= 0.75) == (True, True), (precision, recall)
