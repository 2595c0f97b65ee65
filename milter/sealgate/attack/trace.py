"""Trace fields that a client forges, so that the next host or a reader believes that we wrote them.

RFC 8601 5 wants results that claim our name removed. All of these are harmless once the fields are gone.
"""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape, hostile

_OWN: Final = b"From: {own_name} <{own}>\r\n"
_PASS: Final = b"; dkim=pass header.d={victim_domain}; dmarc=pass header.from={victim_domain}\r\n"
_RESULTS: Final = b"Authentication-Results: {authserv_id}" + _PASS
_DKIM: Final = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=%s;\r\n h=from:subject; bh="
    + b"A" * 43 + b"=;\r\n b=" + b"B" * 342 + b"==\r\n"
)  # fmt: skip
_ARC: Final = (
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d={domain}; s=rsa; t=1795000000; b=" + b"C" * 86 + b"==\r\n"
    b"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=rsa;\r\n"
    b" h=from:subject; bh=" + b"A" * 43 + b"=; b=" + b"D" * 86 + b"==\r\n"
    b"ARC-Authentication-Results: i=1; {authserv_id}" + _PASS
)

SHAPES: Final[tuple[Shape, ...]] = tuple(
    replace(shape, may_be_mended=True)
    for shape in hostile(
        "trace fields",
        ("ar-one", _RESULTS + _OWN, "Our own host seems to have found the victim's domain authentic."),
        ("ar-eight", _RESULTS * 8 + _OWN, "Eight of them: filters that delete by rising index miss every second."),
        ("ar-many", _RESULTS * 40 + _OWN, "Forty of them: more than some filters have room for."),
        ("ar-apart", _RESULTS + _OWN + b"X-A: b\r\n" + _RESULTS + b"X-C: d\r\n" + _RESULTS, "Scattered in the header."),
        ("ar-version", b"Authentication-Results: {authserv_id} 1" + _PASS + _OWN, "With a version (RFC 8601 2.2)."),
        ("ar-upper", b"Authentication-Results: {authserv_id_upper}" + _PASS + _OWN, "Our name in capitals."),
        ("ar-comment", b"Authentication-Results: (x) {authserv_id} (y)" + _PASS + _OWN, "Comments around our name."),
        ("ar-comment-nested", b"Authentication-Results: (a(b)c){authserv_id}" + _PASS + _OWN, "Nested comments."),
        ("ar-folded", b"Authentication-Results:\r\n {authserv_id}" + _PASS + _OWN, "Our name on a folded line."),
        ("ar-quoted", b'Authentication-Results: "{authserv_id}"' + _PASS + _OWN, "Our name in quotes."),
        ("ar-name-case", b"AUTHENTICATION-RESULTS: {authserv_id}" + _PASS + _OWN, "The field's name in capitals."),
        ("ar-space-colon", b"Authentication-Results : {authserv_id}" + _PASS + _OWN, "A blank before the colon."),
        ("ar-last", _OWN + _RESULTS, "Below From, where other hosts' fields stand."),
        ("arc-set", _ARC + _OWN, "A whole ARC set that claims our name and domain."),
        ("arc-results", b"ARC-Authentication-Results: i=1; {authserv_id}" + _PASS + _OWN, "ARC's results alone."),
        ("spf-received", b"Received-SPF: pass ({authserv_id}: domain of {victim} designates 192.0.2.1)\r\n"
         b" client-ip=192.0.2.1; envelope-from={victim};\r\n" + _OWN, "Our host seems to vouch by SPF."),
        ("dkim-own-domain", _DKIM % (b"{domain}", b"rsa") + _OWN, "A signature in our name that we never made."),
        ("dkim-own-many", _DKIM % (b"{domain}", b"old") * 6 + _OWN, "Six of them, to use up a verifier's patience."),
        ("dkim-own-upper", (_DKIM % (b"{domain}", b"rsa")).replace(b"DKIM-S", b"dkim-s") + _OWN, "Lower-case name."),
        ("x-sealgate", b"X-Sealgate-Verdict: accept\r\nX-Sealgate-Principal: {victim}\r\n" + _OWN,
         "A field in this gate's name."),
        ("return-path", b"Return-Path: <{victim}>\r\n" + _OWN, "Only the last host writes it (RFC 5321 4.4)."),
        ("return-path-two", b"Return-Path: <{own}>\r\nRETURN-PATH: <{victim}>\r\n" + _OWN, "Two of them."),
    )
)  # fmt: skip
