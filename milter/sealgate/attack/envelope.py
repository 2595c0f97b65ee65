"""The envelope sender, which becomes Return-Path and which SPF, and many a filter, take for the author."""

from dataclasses import replace
from typing import Final

from sealgate.attack.shape import Shape

_FAMILY: Final = "envelope"
_OWN: Final = b"From: {own_name} <{own}>\r\n"
_VICTIM: Final = b"From: {victim_name} <{victim}>\r\n"


def _mail(code: str, sender: bytes, says: str, header: bytes = _OWN) -> Shape:
    return Shape(code, _FAMILY, says, True, header, sender)


SHAPES: Final[tuple[Shape, ...]] = (
    _mail("env-victim", b"<{victim}>", "Bounces and Return-Path name the victim."),
    _mail("env-both", b"<{victim}>", "Envelope and From agree, and both are the victim's.", _VICTIM),
    _mail("env-null", b"<>", "A bounce, as it seems, of which the victim is the author.", _VICTIM),
    _mail(
        "env-null-no-from", b"<>", "A bounce without an author, of which only Sender speaks.", b"Sender: {victim}\r\n"
    ),
    _mail("env-null-two", b"<>", "A null sender, two From fields.", _OWN + _VICTIM),
    _mail("env-null-group", b"<>", "A null sender, a group as author.", b"From: {victim}:{own};\r\n"),
    _mail("env-route", b"<@{elsewhere}:{victim}>", "A source route before the victim (RFC 5321 appendix C)."),
    _mail("env-route-own", b"<@{domain},@{elsewhere}:{victim}>", "A source route through the own domain."),
    _mail("env-percent", b"<{victim_local}%{victim_domain}@{domain}>", "The percent hack."),
    _mail("env-bang", b"<{victim_domain}!{victim_local}>", "A UUCP path that Postfix may rewrite to the victim."),
    _mail("env-upper", b"<{victim_upper}>", "The victim in capitals."),
    _mail("env-blanks", b"< {victim} >", "Blanks within the brackets."),
    _mail("env-no-brackets", b"{victim}", "No brackets at all."),
    _mail("env-double-brackets", b"<<{victim}>>", "Brackets within brackets."),
    _mail("env-dot", b"<{victim}.>", "A dot behind the domain."),
    _mail("env-quoted", b'<"{victim_local}"@{victim_domain}>', "The victim's local part in quotes."),
    _mail("env-quoted-own", b'<"{own}"@{elsewhere}>', "The own address quoted as a foreign local part."),
    _mail("env-escaped", b"<\\{victim_local}@{victim_domain}>", "An escape outside quotes."),
    _mail("env-local", b"<{victim_local}>", "No domain: the MTA adds its own."),
    _mail("env-two-at", b"<{victim}@{domain}>", "Two @."),
    _mail("env-literal", b"<{victim_local}@[127.0.0.1]>", "A domain literal."),
    _mail("env-auth", b"<{victim}> AUTH={own}", "AUTH= (RFC 4954 5) claims the own address for the victim's mail."),
    _mail("env-auth-victim", b"<{own}> AUTH={victim}", "AUTH= claims that the victim logged in.", _VICTIM),
    _mail("env-utf8", b"<{victim_local_wide}@{victim_domain}> SMTPUTF8", "A full-width local part (RFC 6531)."),
    _mail("env-utf8-domain", b"<{own_local}@{domain_lookalike}> SMTPUTF8", "A domain drawn like the own one."),
    _mail("env-8bit", b"<{victim_local}\xff@{victim_domain}>", "An octet that is no UTF-8."),
    _mail("env-comment", b"<{victim_local}(x)@{victim_domain}>", "A comment within the path."),
    _mail("env-elsewhere", b"<{own_local}@{elsewhere}>", "Return-Path names a foreign domain."),
    _mail("env-subdomain", b"<{own_local}@sub.{domain}>", "Return-Path names a subdomain."),
    _mail("env-subaddress", b"<{victim_local}{delimiter}{own_local}@{victim_domain}>", "A subaddress of the victim's."),
    _mail("env-reverse-subaddress", b"<{own_local}.{victim_local}@{domain}>", "A longer local part than the own one."),
    replace(_mail("env-nul", b"<{own}\0{victim}>", "Cut at NUL the path is the own one."), may_be_mended=True),
)
