"""Honest mail in every spelling that people and programs really use: it must leave, and its seal must hold.

A gate that refuses these is switched off within a day.
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Needs, Shape, honest

_OWN: Final = b"From: {own_name} <{own}>\r\n"
_RECEIVED: Final = (
    b"Received: from laptop.{domain} ([192.0.2.4]) by inside.{domain} with ESMTPSA id %d;\r\n"
    b" Mon, 02 Nov 2026 10:00:0%d +0000\r\n"
)

_AUTHORS: Final = honest(
    "honest authors",
    ("ok-plain", _OWN, "Name and address."),
    ("ok-bare", b"From: {own}\r\n", "The address alone."),
    ("ok-brackets", b"From: <{own}>\r\n", "The address in brackets."),
    ("ok-no-blank", b"From:{own_name} <{own}>\r\n", "No blank behind the colon."),
    ("ok-glued", b"From: {own_name}<{own}>\r\n", "No blank before the bracket."),
    ("ok-quoted", b'From: "{own_name}" <{own}>\r\n', "A quoted name."),
    ("ok-comma", b'From: "Example, Alice" <{own}>\r\n', "A comma in quotes."),
    ("ok-dots", b"From: J. R. Alice <{own}>\r\n", "Dots outside quotes (RFC 5322 4.1)."),
    ("ok-apostrophe", b"From: Alice O'Neil <{own}>\r\n", "An apostrophe."),
    ("ok-hyphen", b"From: Anne-Marie Alice <{own}>\r\n", "A hyphen."),
    ("ok-quote-in-name", b'From: "Alice \\"Al\\" Example" <{own}>\r\n', "Escaped quotes."),
    ("ok-parens-quoted", b'From: "Alice (Sales)" <{own}>\r\n', "Parentheses in quotes."),
    ("ok-name-comment", b"From: Alice (Sales) <{own}>\r\n", "A comment in the name."),
    ("ok-comment-after", b"From: {own} (Alice Example)\r\n", "The name as a comment behind."),
    ("ok-brackets-comment", b"From: Alice <{own}> (Sales)\r\n", "A comment behind the brackets."),
    ("ok-slash", b'From: "Sales / Support" <{own}>\r\n', "A slash."),
    ("ok-ampersand", b"From: Smith & Sons <{own}>\r\n", "An ampersand."),
    ("ok-digits", b"From: Team 24/7 <{own}>\r\n", "Digits."),
    ("ok-colon-quoted", b'From: "Alice: Sales" <{own}>\r\n', "A colon in quotes."),
    ("ok-own-name", b'From: "{own}" <{own}>\r\n', "The own address as name, as many programs write it."),
    ("ok-own-name-case", b'From: "{own_upper}" <{own}>\r\n', "The same with the domain in capitals."),
    ("ok-empty-name", b'From: "" <{own}>\r\n', "An empty name."),
    ("ok-domain-case", b"From: {own_name} <{own_upper}>\r\n", "Domains have no case."),
    ("ok-via", b'From: "Bob via Team List" <{own}>\r\n', "As mailing lists write it."),
    ("ok-long-name", b'From: "' + b"Alice " * 20 + b'Example" <{own}>\r\n', "A long name."),
    ("ok-long-folded", b"From: =?utf-8?Q?Alice_of_the_Long_Department_Name?=\r\n =?utf-8?Q?_and_Sons?= <{own}>\r\n",
     "Two encoded-words, folded."),
    ("ok-b-word", b"From: =?utf-8?B?{own_name_b64}?= <{own}>\r\n", "A B encoded-word."),
    ("ok-q-word", b"From: =?utf-8?Q?J=C3=BCrgen_Alice?= <{own}>\r\n", "A Q encoded-word."),
    ("ok-latin1-word", b"From: =?ISO-8859-1?Q?J=FCrgen?= <{own}>\r\n", "Latin-1."),
    ("ok-latin2-word", b"From: =?iso-8859-2?Q?=A3ukasz?= <{own}>\r\n", "Latin-2."),
    ("ok-cp1252-word", b"From: =?Windows-1252?Q?Zo=EB_=96_Sales?= <{own}>\r\n", "Windows-1252."),
    ("ok-koi8-word", b"From: =?koi8-r?B?4czJ08E=?= <{own}>\r\n", "KOI8-R."),
    ("ok-iso2022-word", b"From: =?ISO-2022-JP?B?GyRCO3tFRBsoQg==?= <{own}>\r\n", "ISO-2022-JP."),
    ("ok-gb-word", b"From: =?GB2312?B?1cXI/Q==?= <{own}>\r\n", "GB2312."),
    ("ok-comma-word", b"From: =?utf-8?Q?M=C3=BCller=2C_Alice?= <{own}>\r\n", "An encoded comma in the name."),
    ("ok-utf8-name", "From: Jürgen Müller <{own}>\r\n".encode(), "A name in UTF-8."),
    ("ok-utf8-quoted", 'From: "Müller, Jürgen" <{own}>\r\n'.encode(), "The same with a comma."),
    ("ok-japanese", "From: 寺田有里 <{own}>\r\n".encode(), "A Japanese name."),
    ("ok-arabic", "From: ليلى أحمد <{own}>\r\n".encode(), "A name written from right to left."),
    ("ok-cyrillic", "From: Алиса Петрова <{own}>\r\n".encode(), "A Cyrillic name."),
    ("ok-emoji", "From: Alice 🌻 <{own}>\r\n".encode(), "An emoji."),
    ("ok-emoji-joined", "From: Alice 👩\u200d💻 <{own}>\r\n".encode(), "An emoji of two, with a joiner."),
    ("ok-folded", b"From: Alice\r\n Example\r\n <{own}>\r\n", "Folded everywhere."),
    ("ok-folded-first", b"From:\r\n\t{own_name} <{own}>\r\n", "Folded behind the colon."),
    ("ok-lower", b"from: {own_name} <{own}>\r\n", "The field's name in lower case."),
    ("ok-upper", b"FROM: {own_name} <{own}>\r\n", "The field's name in capitals."),
    ("ok-from-last", b"Subject: Order\r\nX-Mailer: Letters 3\r\n" + _OWN, "From as the last field."),
)  # fmt: skip
_FIELDS: Final = honest(
    "honest fields",
    ("ok-sender-own", _OWN + b"Sender: {own}\r\n", "A Sender of one's own, though not needed."),
    ("ok-sender-named", _OWN + b'Sender: "{own_name}" <{own}>\r\n', "The same with a name."),
    ("ok-reply-own", _OWN + b"Reply-To: {own_name} <{own}>\r\n", "A Reply-To of one's own."),
    ("ok-resent-own", b"Resent-From: {own}\r\nResent-To: {recipient}\r\n"
     b"Resent-Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nResent-Message-ID: <r1@{domain}>\r\n" + _OWN, "Resent."),
    ("ok-cc-victim", _OWN + b"Cc: {victim_name} <{victim}>\r\n", "The victim among the recipients."),
    ("ok-to-group", _OWN + b"To: undisclosed-recipients:;\r\n", "An empty group of recipients."),
    ("ok-to-many", _OWN + b'To: "Doe, Jane" <jane@{elsewhere}>,\r\n {recipient}\r\n', "Several recipients, folded."),
    ("ok-subject-address", _OWN + b"Subject: Fwd: mail from {victim_name} <{victim}>\r\n", "Another in the Subject."),
    ("ok-subject-foreign", _OWN + "Subject: Счёт за ноябрь – 請求書\r\n".encode(), "A Subject in other scripts."),
    ("ok-subject-encoded", _OWN + b"Subject: =?utf-8?B?0KHRh9GR0YI=?=\r\n =?utf-8?Q?_f=C3=BCr_Sie?=\r\n", "Encoded."),
    ("ok-subject-empty", _OWN + b"Subject:\r\n", "An empty Subject."),
    ("ok-ar-foreign", b"Authentication-Results: mx.{elsewhere}; spf=pass smtp.mailfrom={elsewhere}\r\n" + _OWN,
     "Results of a foreign host."),
    ("ok-dkim-foreign", b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={elsewhere}; s=s1;\r\n"
     b" h=from:subject; bh=" + b"A" * 43 + b"=; b=" + b"B" * 86 + b"==\r\n" + _OWN, "A foreign domain's signature."),
    ("ok-received", b"".join(_RECEIVED % (n, n) for n in range(1, 5)) + _OWN, "Several hops within the house."),
    ("ok-list-fields", _OWN + b"List-Id: Team <team.{domain}>\r\nList-Unsubscribe: <mailto:leave@{domain}>\r\n"
     b"Precedence: list\r\n", "A list's fields."),
    ("ok-auto", _OWN + b"Auto-Submitted: auto-replied\r\nIn-Reply-To: <q@{elsewhere}>\r\n", "An automatic answer."),
    ("ok-receipt-wanted", _OWN + b"Disposition-Notification-To: {own}\r\n", "Asks for a receipt."),
    ("ok-mime", _OWN + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     b"Content-Transfer-Encoding: 8bit\r\n", "A MIME message."),
    ("ok-many-fields", _OWN + b"".join(b"X-Field-%d: value\r\n" % n for n in range(150)), "Many fields."),
)  # fmt: skip
_SPECIAL: Final = (
    Shape("ok-null", "honest envelopes", "A read receipt: the null sender, one's own From.", False,
          _OWN + b"Auto-Submitted: auto-replied\r\n", b"<>"),
    Shape("ok-env-case", "honest envelopes", "The envelope's domain in capitals.", False, _OWN, b"<{own_upper}>"),
    Shape("ok-env-body", "honest envelopes", "An ESMTP parameter.", False, _OWN, b"<{own}> BODY=8BITMIME"),
    Shape("ok-env-auth", "honest envelopes", "AUTH= with one's own address.", False, _OWN, b"<{own}> AUTH={own}"),
    Shape("ok-env-auth-null", "honest envelopes", "AUTH=<> as relays write it.", False, _OWN, b"<{own}> AUTH=<>"),
    Shape("ok-quoted-body", "honest fields", "A forwarded header in the text.", False, _OWN,
          body=b"---- Original message ----\r\nFrom: {victim_name} <{victim}>\r\nSender: {victim}\r\n\r\nHello\r\n"),
    Shape("ok-dots-body", "honest fields", "Lines with dots first.", False, _OWN, body=b".\r\n..\r\n.x\r\nend\r\n"),
    Shape("ok-plus", "honest authors", "A subaddress of one's own.", False,
          b"From: {own_name} <{own_local}{delimiter}orders@{domain}>\r\n", needs=Needs.DELIMITER),
    Shape("ok-plus-env", "honest envelopes", "A subaddress as envelope sender.", False, _OWN,
          b"<{own_local}{delimiter}bounces@{domain}>", needs=Needs.DELIMITER),
    Shape("ok-idn", "honest authors", "An internationalised domain in A-labels.", False,
          b"From: {own_name} <{own_idn_a}>\r\n", needs=Needs.IDN),
    Shape("ok-idn-utf8", "honest authors", "The same in UTF-8 (RFC 6532).", False,
          b"From: {own_name} <{own_idn}>\r\n", needs=Needs.IDN),
    Shape("ok-idn-env", "honest envelopes", "An internationalised domain in the envelope (RFC 6531).", False,
          b"From: {own_name} <{own_idn}>\r\n", b"<{own_idn}> SMTPUTF8", needs=Needs.IDN),
)  # fmt: skip
_REPLY: Final = tuple(
    replace(shape, needs=Needs.OPEN_REPLY_TO)
    for shape in honest(
        "honest fields",
        ("ok-reply-foreign", _OWN + b"Reply-To: Alice <alice@{elsewhere}>\r\n", "Answers wanted elsewhere."),
        ("ok-reply-list", _OWN + b"Reply-To: team@{elsewhere}, {own}\r\n", "Answers wanted in two places."),
    )
)
SHAPES: Final[tuple[Shape, ...]] = _AUTHORS + _FIELDS + _SPECIAL + _REPLY
