r"""Kerberos principals, and how SASL's spelling of a login becomes one.

What an MTA calls the login is not the principal: depending on its SASL library the realm is cut off, folded to lower
case, or the whole name is xtext-encoded. So nothing is guessed here. A row of the profile's `logins:` says how a
principal is spelled on one listener, as a template with `{user}`, and a spelling that fits no row is no principal.

`{user}` stands for any text that holds no unescaped `@`: `alice/admin` and `bob\@corp.example` fit, `alice@` and
`alice@PARTNER.TEST` do not, so a name of a foreign realm can never pass for a local one. All times are linear.
"""

import re
from itertools import pairwise
from typing import Final

from sealgate.profile.model import USER, Login, Principal

MAX_NAME: Final = 512  # characters; krb5 sets no limit, and no real name comes near
_ESCAPES: Final = frozenset("@/\\ntb0")  # what krb5_unparse_name writes after a backslash
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")  # control characters and octets that were no UTF-8
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461 4: xchar without "+" and "=", or hexchar
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")
_WITNESS: Final = "some-user"  # stands for {user} where two templates are compared


def parse_principal(text: str) -> Principal:
    r"""Read `user[/instance]@REALM`, split at its one unescaped `@`.

    A backslash escapes as krb5_unparse_name writes it: `\@`, `\/`, `\\`, `\n`, `\t`, `\b`, `\0`. Escapes are kept.

    Raises:
        ValueError: it is no full principal; the message says why.
    """
    if len(text) > MAX_NAME:
        raise ValueError(f"longer than {MAX_NAME} characters")
    if _UNFIT.search(text):
        raise ValueError("control characters, or octets that are no UTF-8")
    at, slashes = _separators(text)
    if not at:
        raise ValueError("no realm: write user@REALM")
    if len(at) > 1:
        raise ValueError(r"two @: one that belongs to the name is written \@")
    name, realm = text[: at[0]], text[at[0] + 1 :]
    if not realm or realm.isspace():
        raise ValueError("the realm after the @ is empty")
    if not name or name.isspace():
        raise ValueError("the name before the @ is empty")
    cuts = [-1, *(s for s in slashes if s < at[0]), at[0]]
    if any(after - before == 1 for before, after in pairwise(cuts)):
        raise ValueError("an empty component: something must stand on both sides of a /")
    if name != name.strip() or realm != realm.strip():
        raise ValueError("blanks at the beginning or end of name or realm")
    return Principal(name, realm)


def _separators(text: str) -> tuple[list[int], list[int]]:
    """Return the places of the unescaped `@` and of the unescaped `/`.

    Raises:
        ValueError: a backslash that escapes nothing.
    """
    at: list[int] = []
    slashes: list[int] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            escaped = text[position + 1 : position + 2]
            if escaped not in _ESCAPES:
                raise ValueError(r"a backslash must be followed by one of @ / \ n t b 0")
            position += 1
        elif char == "@":
            at.append(position)
        elif char == "/":
            slashes.append(position)
        position += 1
    return at, slashes


def match_login(login: Login, spelling: str) -> Principal | None:
    """Read SASL's `spelling` of a login by one row; None where it does not fit. The caller has matched the listener.

    With `encoding: xtext` (Sendmail) the spelling is decoded first (RFC 3461 4); what is no xtext fits nothing.
    """
    if len(spelling) > 3 * MAX_NAME:  # xtext writes three characters for one
        return None
    plain = _from_xtext(spelling) if login.encoding == "xtext" else spelling
    return None if plain is None else _apply(login, plain)


def _from_xtext(spelling: str) -> str | None:
    try:
        octets = spelling.encode("ascii")
        if not _XTEXT.fullmatch(octets):
            return None
        return _HEXCHAR.sub(lambda m: bytes((int(m[1], 16),)), octets).decode("utf-8")
    except UnicodeError:
        return None


def _apply(login: Login, spelling: str) -> Principal | None:
    """Match a decoded spelling against the row's template and fill in its principal."""
    try:
        if USER not in login.spelled:
            return parse_principal(login.principal) if spelling == login.spelled else None
        before, _, after = login.spelled.partition(USER)
        user = spelling[len(before) : len(spelling) - len(after)]
        if not user or before + user + after != spelling or _separators(user)[0]:
            return None
        return parse_principal(login.principal.replace(USER, user))
    except ValueError:
        return None


def template_fault(spelled: str, principal: str) -> str:
    """Return what is wrong with the two templates of a row, or an empty string."""
    for template, name in ((spelled, "spelled"), (principal, "principal")):
        if template.count(USER) > 1:
            return f"{USER} may stand once in `{name}`"
        if set("{}") & set(template.replace(USER, "")):
            return f"only {USER} may stand in braces in `{name}`"
    if USER in spelled and USER not in principal:
        return f"`principal` has no {USER}: everybody who logs in would be the same principal"
    if USER in principal and USER not in spelled:
        return f"`spelled` has no {USER} to fill in `principal`"
    try:
        found = parse_principal(principal.replace(USER, _WITNESS))
    except ValueError as error:
        return f"`principal` is no principal: {error}"
    if USER in principal and _WITNESS in found.realm:
        return "the realm of `principal` must be written out: a login does not choose its realm"
    return ""


def collision(one: Login, other: Login) -> str:
    """Return what two rows of one listener disagree about, or an empty string: the same spelling, two principals."""
    if USER not in one.spelled + other.spelled and one.spelled != other.spelled:
        return ""
    first, second = (login.spelled.partition(USER) for login in (one, other))
    if not first[1] or not second[1]:
        witness = one.spelled if not first[1] else other.spelled
    else:
        before, after = max(first[0], second[0], key=len), max(first[2], second[2], key=len)
        witness = before + _WITNESS + after
    mine, theirs = _apply(one, witness), _apply(other, witness)
    if mine is None or theirs is None:
        return ""
    if one.encoding != other.encoding:
        return f"the login `{witness}` would be read as plain text and as xtext"
    return f"the login `{witness}` would be both {mine} and {theirs}" if mine != theirs else ""


def can_produce(login: Login, principal: Principal) -> bool:
    """Whether some spelling becomes `principal` by this row."""
    target = str(principal)
    before, found, after = login.principal.partition(USER)
    if not found:
        return target == login.principal
    return len(target) > len(before) + len(after) and target.startswith(before) and target.endswith(after)


def realm_spelled(login: Login) -> str:
    """Return the realm that a row's `spelled` ends with, as written, or an empty string where it has none."""
    _, found, after = login.spelled.partition(USER)
    tail = after if found else login.spelled
    try:
        at = _separators(tail)[0]
    except ValueError:
        return ""
    return tail[at[-1] + 1 :] if at else ""
