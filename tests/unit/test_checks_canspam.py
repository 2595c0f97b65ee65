"""What CAN-SPAM demands: each element found, missing, dead or unread, for commercial identities only."""

import csv
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from sealgate.checks import classify, optout, postal
from sealgate.checks.canspam import Elements, as_record, check, read_elements
from sealgate.checks.facts import Facts, Known, Unknown
from sealgate.mail.headers import Headers, parse_block
from sealgate.mail.message import Envelope, Message, Session
from sealgate.mail.mime import Body, Splitter, TextPart
from sealgate.mail.visible import Link, Look, View, read_html, read_plain
from sealgate.profile.model import Domain, Identity, Kind, MailClass, PostalAddress, Profile

HQ = PostalAddress("hq", "Example Widgets, 4100 Harbor Ave, Springfield, NY 10003")
ADDRESS = "Example Widgets, 4100 Harbor Avenue, Springfield, New York 10003"
OTHER = "12 Elm Street, Portland, OR 97208"
LIVE = "https://news.corp.example/u/8f3a?t=secret"


def identity(mail_class: MailClass = MailClass.COMMERCIAL, *addresses: PostalAddress) -> Identity:
    return Identity("shop", Kind.SERVICE, mail_class, consent=True, postal_addresses=addresses)


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
    postal, opt_out, label = as_record(elements)
    assert (postal["how"], postal["offset"], len(str(postal["digest"]))) == ("registered", 0, 64)
    assert (opt_out["how"], label["state"]) == ("link", "waived")
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


def test_of_very_many_parts_the_last_are_looked_at_and_the_first_are_unread() -> None:
    many = [Known(View("Hello"))] * 40
    assert judged(*many)[1] == ["canspam.unread"]
    assert judged(*many, Known(view(ADDRESS)))[1] == []


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
    assert all(len(str(value)) <= 200 for element in as_record(elements) for value in element.values())


# -- what is doubtful --------------------------------------------------------------------------------------------------
SHOP = Profile(domains={"corp.example": Domain("corp.example", sign=False)})


def doubtful(
    *shown: View,
    paths: tuple[str, ...] = ("1.1", "1.2"),
    who: Identity | None = None,
    profile: Profile = SHOP,
    sender: bytes = b"News <news@corp.example>",
    subject: bytes = b"Hello",
    defects: tuple[str, ...] = (),
    contents: tuple[bytes, ...] = (b"", b""),
) -> dict[str, tuple[str, str]]:
    """The findings by code, each with its detail and place. Two views are a plain text and HTML beside it."""
    kinds = ("plain", "html") if len(shown) > 1 else ("html",)
    parts = tuple(TextPart(p, k, "utf-8", c) for p, k, c in zip(paths, kinds, contents, strict=False))
    headers = parse_block([b"From: " + sender, b"Subject: " + subject])
    body = Body(0, parts, defects)
    message = Message("r1", 0.0, Session("smtp", "", 0), Envelope(b"<a@corp.example>"), headers, body)
    who = who or identity()
    elements = read_elements(message, Facts(tuple(Known(one) for one in shown)), who, profile)
    return {f.rule.code: (f.detail, f.where) for f in check(elements, who)}


WHOLE = view(f"Dear reader, our spring collection is here.\n{ADDRESS}")


def test_a_whole_message_has_no_doubts() -> None:
    assert doubtful(WHOLE) == {}
    assert doubtful(WHOLE, WHOLE) == {}


@pytest.mark.parametrize("text", ["[Sender_Address]", "*|LIST:ADDRESS|*", "123 Main Street, Anytown"])
def test_an_unfilled_address_is_told_and_missing(text: str) -> None:
    met = doubtful(view(f"Spring\n{text}"))
    assert set(met) == {"canspam.unfilled-address", "canspam.no-postal-address"}


def test_an_unfilled_address_beside_a_real_one_is_told_only() -> None:
    assert set(doubtful(view(f"Spring\n[Sender_Address]\n{ADDRESS}"))) == {"canspam.unfilled-address"}


@pytest.mark.parametrize(
    ("where", "why"), [("unseen", "no reader is shown"), ("alternatives", "a picture's alternative text")]
)
def test_what_is_hidden_or_a_picture_does_not_count(where: str, why: str) -> None:
    shown = replace(view("Spring", None), **{where: f"{ADDRESS}\nUnsubscribe here"})
    met = doubtful(shown)
    assert why in met["canspam.no-postal-address"][0]
    assert why in met["canspam.no-opt-out"][0]
    assert ("canspam.inconspicuous" in met) == (where == "alternatives")


def test_a_quoted_footer_is_not_the_senders() -> None:
    text = f"See below.\nOn Monday Kim wrote:\n{ADDRESS}\nUnsubscribe"
    start = text.index("On Monday")
    quoted = View(text, (Link("Unsubscribe", LIVE, text.index("Unsubscribe")),), quotes=((start, len(text)),))
    assert set(doubtful(quoted)) == {"canspam.no-postal-address", "canspam.no-opt-out"}
    own = replace(quoted, quotes=((0, 10),))
    assert doubtful(own) == {}


@pytest.mark.parametrize(
    ("look", "said"),
    [({"size": 6.0}, "letters of 6 px"), ({"contrast": 1.3}, "contrast 1.3"), ({"size": 9.0, "contrast": 3.0}, "")],
)
def test_small_and_faint_letters_are_told(look: dict[str, float], said: str) -> None:
    met = doubtful(replace(WHOLE, looks=(Look(0, len(WHOLE.text), **look),)))
    assert bool(said) == ("canspam.inconspicuous" in met)
    assert said in met.get("canspam.inconspicuous", ("", ""))[0]


def test_one_that_can_be_seen_is_enough() -> None:
    twice = view(f"[x] {WHOLE.text}\nUnsubscribe")
    links = (Link("Unsubscribe", LIVE, twice.text.index("Unsubscribe")), *twice.links)
    faint = Look(twice.text.rindex("Unsubscribe"), len(twice.text), contrast=1.2)
    assert doubtful(replace(twice, links=links, looks=(faint,))) == {}


def test_what_stands_after_a_screen_of_nothing_is_told() -> None:
    content = b"Spring." + b"\n" * 50 + ADDRESS.encode() + b"\nTo unsubscribe, open https://corp.example/u\n"
    message = TextPart("1", "plain", "utf-8", content)
    shown = read_plain(content, "utf-8")
    met = doubtful(shown, View(""), paths=("1", "2"), contents=(message.content, b""))
    assert "blank lines" in met["canspam.inconspicuous"][0]
    html = b"<p>Spring</p>" + b"<br>" * 50 + WHOLE.text.encode()
    assert "canspam.inconspicuous" in doubtful(replace(WHOLE, text="Spring\n" + WHOLE.text), contents=(html,))


def test_alternatives_that_differ_are_told_with_what_is_lacking() -> None:
    met = doubtful(View("Spring is here."), WHOLE)
    assert set(met) == {"canspam.alternatives-differ"}
    detail, where = met["canspam.alternatives-differ"]
    assert detail == "part 1.1 (plain) lacks the opt-out of part 1.2 (html)"
    assert where == "1.1"
    assert doubtful(View("Spring is here."), WHOLE, paths=("1.1", "2.1")) == {}
    for beside in ("1.2.1", "1.2.1.1"):  # the HTML with its pictures
        assert set(doubtful(View("Spring is here."), WHOLE, paths=("1.1", beside))) == {"canspam.alternatives-differ"}
    assert doubtful(View("Spring is here."), WHOLE, paths=("1.1", "1.2.2")) == {}


def test_lines_of_bullets_are_quoted_only_in_an_answer() -> None:
    shown = read_plain(f"Offers\n> Chairs\n> {ADDRESS}\n> Unsubscribe: {LIVE}".encode(), "utf-8")
    assert doubtful(shown) == {}
    assert set(doubtful(shown, subject=b"Re: Hello")) == {"canspam.no-postal-address", "canspam.no-opt-out"}


def test_a_plain_text_that_belongs_to_another_message_shows_nothing() -> None:
    other = view("Bonjour, nous avons détecté une connexion inhabituelle. " * 5 + OTHER, None)
    html = view("Amazing garden chairs, lamps and tables for sale", "https://shop.corp.example/u")
    met = doubtful(other, html)
    assert "nothing to do with" in met["canspam.no-postal-address"][0]
    related = replace(other, text=f"{other.text} https://shop.corp.example/chairs")
    assert "canspam.no-postal-address" not in doubtful(related, html)


def test_an_opt_out_that_is_the_offer_is_told() -> None:
    text = "Buy now\n" + "Lots of chairs for your garden. " * 10 + f"\n{ADDRESS}\nUnsubscribe"
    links = (Link("Buy now", LIVE, 0), Link("Unsubscribe", LIVE, text.index("Unsubscribe")))
    assert set(doubtful(View(text, links))) == {"canspam.opt-out-is-offer"}
    apart = (Link("Buy now", f"{LIVE}&buy", 0), links[1])
    assert doubtful(View(text, apart)) == {}


@pytest.mark.parametrize(
    ("href", "is_told"),
    [
        ("https://corp.example/u", False),
        ("https://news.corp.example/u", False),
        ("https://lists.esp.example/u", False),
        ("https://click.track.example/u", False),
        ("https://track.example/u", False),
        ("mailto:leave@corp.example", False),
        ("https://evilcorp.example/u", True),
        ("https://other.esp.example/u", True),
        ("mailto:leave@evil.example", True),
    ],
)
def test_a_host_that_nobody_named_is_told(href: str, is_told: bool) -> None:
    who = replace(identity(), opt_out_hosts=("lists.esp.example",))
    profile = replace(SHOP, tracking_hosts=(".track.example",))
    met = doubtful(view(f"Spring\n{ADDRESS}", href), who=who, profile=profile)
    assert ("canspam.opt-out-host" in met) is is_told
    nothing = doubtful(view(f"Spring\n{ADDRESS}", href), profile=Profile())
    assert nothing == {}


def test_preferences_alone_and_burdens_are_told() -> None:
    text = f"Spring\n{ADDRESS}\nManage your preferences"
    choice = View(text, (Link("Manage your preferences", LIVE, text.index("Manage")),))
    assert set(doubtful(choice)) == {"canspam.preferences-only"}
    phone = View(f"Spring\n{ADDRESS}\nTo be removed, call 1-800-555-0100.")
    assert set(doubtful(phone)) == {"canspam.opt-out-burden"}


def test_an_advertisement_must_show_itself_without_consent() -> None:
    stranger = replace(identity(), consent=False)
    silent = view(f"Dear Kim, it rained all week and the river rose.\n{ADDRESS}")
    assert set(doubtful(silent, who=stranger)) == {"canspam.no-label"}
    assert doubtful(silent) == {}
    for subject in (b"Sale", b"ADV: chairs", b"=?utf-8?q?Angebote?="):
        assert doubtful(silent, who=stranger, subject=subject) == {}
    assert doubtful(view(f"Chairs are 20 % off.\n{ADDRESS}"), who=stranger) == {}


@pytest.mark.parametrize("sender", [b"News <news@other.example>", b"a@corp.example, b@other.example"])
def test_an_author_of_another_domain_is_told(sender: bytes) -> None:
    assert doubtful(WHOLE, sender=sender) == {"canspam.foreign-author": ("domain other.example", "From")}
    assert doubtful(WHOLE, sender=sender, profile=Profile()) == {}


def test_an_ambiguous_structure_is_told() -> None:
    assert doubtful(WHOLE, defects=("delimiter-after-end", "text-cut"))["canspam.ambiguous"][1] == "body"
    assert doubtful(WHOLE, defects=("text-cut",)) == {}


@pytest.mark.parametrize(
    "piece", ["10003 NY ", "Aa 12, 12345 Bb\n", "unsubscribe ", "no longer want mail ", "{address "]
)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    links = tuple(Link(piece, LIVE, place) for place in range(0, len(text) - len(piece), len(piece)))
    looks = tuple(Look(link.offset, link.offset + 3, 1.0) for link in links)
    quotes = tuple((link.offset, link.offset + 1) for link in links[::7])
    before = time.process_time()
    doubtful(View(text, links, looks, text, text, quotes))
    assert time.process_time() - before < 2.0


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
    assert (precision >= 0.99, recall >= 0.97) == (True, True), (precision, recall)


@needs_corpus
def test_postal_addresses_of_real_commercial_mail_are_found() -> None:
    precision, recall = measured(
        lambda row: row["has_postal_address"] == "y",
        lambda _, views: any(
            found and not found.is_foreign for found in map(postal.recognise, [v.text for v in views])
        ),
        lambda row: row["class"] == "commercial",
    )
    assert (precision >= 0.95, recall >= 0.9) == (True, True), (precision, recall)


@needs_corpus
def test_commercial_mail_is_told_from_the_rest() -> None:
    precision, recall = measured(
        lambda row: row["class"] == "commercial",
        lambda subject, views: classify.classify(subject, views).is_commercial,
        lambda _: True,
    )
    assert (precision >= 0.8, recall >= 0.75) == (True, True), (precision, recall)
