"""A header block as it leaves Sendmail: which fields are touched, which are named, what is added."""

from sealgate.mail.headers import Field, Headers
from sealgate.seal.settle import MAX_SETTLED, Relay, Settled, settle

RELAY = Relay(b"mail.example.test", b"example.test")
COVERS = frozenset((b"from", b"to", b"cc", b"reply-to", b"date", b"message-id"))
DATE, IDENT = Field(b"Date", b" Sat, 21 Nov 2026 09:00:00 +0000"), Field(b"Message-ID", b" <a@example.test>")
NOW = 1_795_251_600.0  # 21 November 2026, 09:00 UTC


def done(*fields: tuple[bytes, bytes], to_the_octet: bool = False, whole: bool = True) -> Settled:
    block = Headers((*(Field(*field) for field in fields), *((DATE, IDENT) if whole else ())))
    return settle(block, COVERS, RELAY, NOW, b"<new@example.test>", to_the_octet=to_the_octet)


def test_ordinary_mail_is_left_as_it_is() -> None:
    settled = done((b"From", b" Alice <a@example.test>"), (b"To", b" b@example.org"), (b"Subject", b" J. R. <x>"))
    assert (settled.edits, settled.unsettled, settled.is_longer) == ((), (), False)


def test_edits_count_fields_of_one_name_in_any_spelling() -> None:
    settled = done((b"To", b" a@example.org"), (b"tO ", b" O'B <b@example.org>"), (b"TO", b" a@b,c@d"))
    assert settled.edits == ((b"tO", 2, b' "O\'B" <b@example.org>'), (b"TO", 3, b" a@b, c@d"))
    assert [field.value for field in settled.headers][:3] == [
        b" a@example.org",
        b' "O\'B" <b@example.org>',
        b" a@b, c@d",
    ]


def test_unsigned_fields_are_not_touched() -> None:
    assert done((b"Resent-To", b" O'B <b@example.org>"), (b"X-To", b" O'B <b@example.org>")).edits == ()


def test_blanks_and_folds_count_only_in_the_simple_form() -> None:
    field = (b"To", b"  a@example.org,\r\n\tb@example.org")
    assert done(field).edits == ()
    assert done(field, to_the_octet=True).edits == ((b"To", 1, b" a@example.org, b@example.org"),)


def test_senders_without_a_domain_get_the_masquerade() -> None:
    settled = done((b"Reply-To", b" desk"), (b"Cc", b" desk"))
    assert [value for _, _, value in settled.edits] == [b" desk@example.test", b" desk@mail.example.test"]


def test_what_cannot_be_settled_is_named_once() -> None:
    settled = done((b"To", b" a@localhost"), (b"To", b' "x'), (b"Cc", b" caf\xe9 J. <a@example.org>"))
    assert settled.unsettled == (b"To", b"Cc")
    assert settled.edits == ()


def test_date_and_message_id_are_added() -> None:
    settled = done((b"From", b" a@example.test"), whole=False)
    assert settled.edits == (
        (b"Date", 1, b" Sat, 21 Nov 2026 09:00:00 +0000"),
        (b"Message-Id", 1, b" <new@example.test>"),
    )
    assert settled.is_longer
    assert settled.headers.keys == (b"from", b"date", b"message-id")


def test_empty_ones_are_filled() -> None:
    settled = done((b"date", b" "), (b"Message-Id", b""), whole=False)
    assert [name for name, _, _ in settled.edits] == [b"Date", b"Message-Id"]
    assert not settled.is_longer
    assert settled.headers.keys == (b"date", b"message-id")


def test_fields_beyond_the_cap_are_named() -> None:
    settled = done(*[(b"Cc", b" " + b"a@example.org," * 4_000)] * (MAX_SETTLED // 50_000 + 1))
    assert settled.unsettled == (b"Cc",)


def test_no_time_of_day_makes_it_raise() -> None:
    for now in (-1.0, 1e18, 0.5):
        settle(Headers(()), COVERS, Relay(), now, b"<x@y>", to_the_octet=False)
