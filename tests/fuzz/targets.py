"""The table of targets: all that is fuzzed within one process. What is said on the socket is `packets`' own matter."""

from types import MappingProxyType
from typing import Final

from tests.fuzz.target import Target

_FIELD: Final = (
    b"\r\n", b"\r\n ", b"\n\t", b": ", b"=?utf-8?q?", b"=?utf-8?b?QQ==?=", b"?=", b"<", b">", b"\"", b"\\", b"(", b")",
    b"@example.test", b",", b";", b"\xc2\xad", b"\xe2\x80\x8b", b"\xef\xbc\xa0", b"xn--", b"From: ", b"Subject: ",
    b"iso-2022-jp", b"\x1b$B", b"utf-16", b"gb18030", b"utf-7", b"List-Unsubscribe: ", b"https://",
)  # fmt: skip
_MIME: Final = (
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--\r\n", b"\r\n\r\n", b"text/html",
    b"; charset=", b"boundary*0=", b"Content-Transfer-Encoding: base64\r\n", b"quoted-printable", b"message/rfc822",
    b"--", b"=\r\n", b"=3D", b"\n", b"\r", b"multipart/digest", b"Content-Disposition: attachment\r\n",
)  # fmt: skip
_HTML: Final = (
    b"<a href=\"", b"</a>", b"<p style=\"", b"<style>", b"</style>", b"<!--", b"-->", b"<table><tr><td>", b"<img alt=",
    b"display:none", b"font-size:1px", b"color:#fff", b"&nbsp;", b"&#8203;", b"<![CDATA[", b"<script>", b"<title>",
    b"<blockquote>", b"<b>", b"<svg>", b"<template>", b"<textarea>", b"@media (max-width:1px){", b"{", b"}", b"<br>",
    b"<select><option>", b"<math>", b"<noscript>", b"<plaintext>", b"hidden", b"On 1 Jan x wrote:\n> ",
    b"<body bgcolor=",
)  # fmt: skip
_YAML: Final = (
    b"version: 1\n", b"mode: enforce\n", b"identities:\n", b"  - ", b"{", b"}", b"[", b"]", b": ", b"\n", b"&a ", b"*a",
    b"!!int ", b"<<: ", b"|\n", b"\"", b"'", b"principals: ", b"senders: ", b"domains:\n", b"keys:\n", b"rules:\n",
    b"\xc2\x85", b"? ", b"--- ", b"...\n", b"%YAML 1.1\n", b"networks: ", b"signatures:\n", b"logins:\n",
)  # fmt: skip
_ROWS: Final = (
    b"\n", b"\n ", b"\t", b", ", b"#", b"@EXAMPLE.TEST", b"@example.test", b"alice", b"/^", b"$/", b"if /", b"endif\n",
    b"!", b"${1}", b"$1", b"(.*)", b"[^@]+", b"{2,9}", b"|", b"\\", b"svc/news", b"[[:alnum:]]", b"%u", b"*",
)  # fmt: skip
_CONF: Final = (
    b"KeyTable ", b"SigningTable ", b"refile:", b"/etc/keys\n", b"/etc/table\n", b"Mode s\n", b"Domain ", b"\0", b"*",
    b"%", b"@", b":", b"InternalHosts ", b"/etc/hosts\n", b"Include ", b"Canonicalization relaxed/simple\n", b"csl:",
    b"file:", b"SubDomains yes\n", b"Selector ", b"KeyFile ", b"OversignHeaders ", b"10.0.0.0/8", b"!",
    b"MultipleSignatures yes\n",
)  # fmt: skip
_TAGS: Final = (
    b"v=1;", b"v=DKIM1;", b"a=rsa-sha256;", b"a=ed25519-sha256;", b"c=relaxed/simple;", b"d=example.test;", b"s=s1;",
    b"h=From:To:Subject;", b"bh=", b"b=", b"t=", b"x=", b"l=", b"i=@example.test;", b"q=dns/txt;", b"k=ed25519;", b"p=",
    b"g=*;", b"n=", b"\r\n\t", b"-----BEGIN PRIVATE KEY-----\n",
)  # fmt: skip
_LINE: Final = (
    b"\n", b'"seq":', b'"prev":"', b'"kind":"checkpoint"', b'"kind":"gap"', b'"kind":"recovered"', b'"synced":{',
    b"\\u", b'"peaks":[', b"{", b"}", b"0" * 64, b"1e9", b"\\ud800", b"-1", b"null", b'"note":"', b"\xe2\x80\x94 ",
    b"+", b"\n\n", b"9" * 30, b"T09:00:00Z", b"checkpoint ",
)  # fmt: skip

_ALL: Final = (
    Target("headers", "of_mail.headers", words=_FIELD + _MIME),
    Target("address", "of_mail.address", words=_FIELD, longest=2_100),
    Target("words", "of_mail.words", words=_FIELD, longest=1_500),
    Target("names", "of_mail.names", words=_FIELD, longest=600),
    Target("lists", "of_mail.lists", words=_FIELD, longest=1_500),
    Target("mime", "of_mail.mime", words=_MIME),
    Target("html", "of_mail.html", words=_HTML, seconds=8.0),
    Target("template", "of_mail.template", words=(*_HTML, b"\0", b"\1"), longest=2_000, stretch=False, seconds=64.0),
    Target("style", "of_mail.style", words=_HTML, longest=1_500),
    Target("canonical", "of_seal.canonical", words=(b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\r", b"\n", b"\x0b", b"\x0c")),
    Target("keys", "of_seal.keys", words=_TAGS, longest=1_500),
    Target("signature", "of_seal.signature", words=_TAGS + _FIELD),
    Target("sealed", "of_seal.sealed", words=_FIELD + _MIME, longest=2_000, stretch=False, seconds=64.0),
    Target("profile", "of_profile.profile", words=_YAML, seconds=30.0),
    Target("settings", "of_profile.settings", words=_YAML, seconds=30.0),
    Target("senders", "of_profile.sender_table", words=_ROWS, seconds=8.0),
    Target("expression", "of_profile.expression", words=_ROWS, longest=400),
    Target("opendkim", "of_profile.opendkim", words=_CONF, seconds=30.0),
    Target("chain", "of_audit.chain", words=_LINE, seconds=8.0),
    Target("notes", "of_audit.notes", words=_LINE, longest=1_500),
    Target("ed25519", "of_audit.ed25519", longest=200, stretch=False),
    Target("message", "of_gate.message", words=_FIELD + _MIME + _HTML, seconds=16.0),
)
TARGETS: Final = MappingProxyType({each.name: each for each in _ALL})
"""By name, in the order in which they are run."""
