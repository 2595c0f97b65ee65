"""A `Screening` as text: what was looked at, which element was found where, which rule was met and how to mend it.

Plain text of a width; a caller who has a terminal gives a `paint` that colours it. What a message holds goes through
`footer.shown`.
"""

import textwrap
from collections.abc import Iterator
from typing import Final

from sealgate.checks.finding import Action
from sealgate.screening.footer import Paint, footers, shown
from sealgate.screening.result import ElementSeen, Looked, Remark, Screening, Sealing

WIDTH: Final = 100
WORDS: Final = {
    Action.ACCEPT: "would leave",
    Action.REJECT: "would be refused",
    Action.TEMPFAIL: "would be deferred",
    Action.QUARANTINE: "would be held",
}
_STOPS: Final = {Action.REJECT: "refuses", Action.TEMPFAIL: "defers", Action.QUARANTINE: "holds"}
_UNSEALED: Final = {
    "seal-off": "the profile seals nothing (seal: off)",
    "domain-says-no": "the profile says sign: no for this domain",
    "foreign-author": "From is of no domain of the profile",
    "no-author-domain": "From has no domain that can be read",
    "no-key": "the profile names no key for this domain",
}
_NAMES: Final = {"postal-address": "postal address", "label": "mark of an advertisement"}
_GOOD: Final = ("registered", "recognised", "live", "present", "waived")
_INDENT: Final = " " * 11


def explain(screening: Screening, *, width: int = WIDTH, paint: Paint | None = None, show: bool = False) -> str:
    """Tell everything.

    Args:
        screening: what came out.
        width: columns.
        paint: colours a text by what it is (`found`, `bad`, `dim`, `accept`, `reject`, `tempfail`, `quarantine`).
        show: whether the end of the visible text is shown too.
    """
    paint = paint or _plain
    lines = _who(screening, width, paint)
    if screening.fault:
        lines += _block(
            "  fault    ", "the gate itself broke on it, which it answers with 451: " + shown(screening.fault), width
        )
    lines += [line for looked in screening.looked for line in _looked(looked, width)]
    if not screening.looked and not screening.fault:
        lines.append("  looked   at no text: the message has none that a reader is shown")
    lines += [line for element in screening.elements for line in _element(element, screening, width, paint)]
    for remark in sorted(screening.findings, key=lambda one: not one.stops):
        lines += ["", *_remark(remark, width, paint)]
    lines += [""] if screening.findings else []
    lines += _sealing(screening.seal, width)
    if screening.left_out:
        lines += _block("  not judged", shown(screening.left_out), width, hang=13)
    if show:
        lines += ["", *footers(screening, width, paint)]
    return "\n".join(lines)


def headline(screening: Screening, paint: Paint | None = None) -> str:
    """The answer in a few words, with the rules that were met."""
    paint = paint or _plain
    codes = ", ".join(dict.fromkeys(r.code for r in screening.findings if r.stops))
    reported = len({r.code for r in screening.findings if not r.stops})
    more = f"{reported} reported" if reported else ""
    rest = "; ".join(word for word in (codes or shown(screening.fault), more) if word)
    return f"{paint(WORDS.get(screening.would, str(screening.would)), screening.would)}{': ' if rest else ''}{rest}"


def _plain(text: str, what: str) -> str:
    return f"[[{text}]]" if what == "found" else text


def _who(screening: Screening, width: int, paint: Paint) -> list[str]:
    answer = WORDS.get(screening.would, str(screening.would))
    kind = f", declared {screening.mail_class}" if screening.mail_class else ""
    who = f"identity {shown(screening.identity)}{kind}" if screening.identity else "nobody that the profile knows"
    author = f", From {shown(screening.author)}" if screening.author else ""
    lines = _block("  ", f"{answer}, as mail of {who}{author}", width, hang=2)
    return [lines[0].replace(answer, paint(answer, screening.would), 1), *lines[1:]]


def _looked(looked: Looked, width: int) -> Iterator[str]:
    head = f"  looked   at part {looked.part}, {looked.kind}: "
    if looked.view is None:
        yield from _block(head, f"could not be read: {shown(looked.why)}", width)
        return
    said = f"{len(looked.view.text):,} characters that a reader sees, {len(looked.view.links)} links"
    if looked.view.unseen:
        said += f", and {len(looked.view.unseen):,} characters that no reader is shown"
    yield from _block(head, said, width)


def _element(element: ElementSeen, screening: Screening, width: int, paint: Paint) -> list[str]:
    name, excerpt, why = _NAMES.get(element.name, element.name), shown(element.excerpt), shown(element.why)
    said = f"{name}: {element.state}"
    if element.is_missing:
        where = " and ".join(looked.part for looked in screening.looked)
        said += f"; looked in part {where}" if where else "; there is no text to look in"
        said += f"; {why}" if why else ""
        said += f'; words that do not suffice: "{excerpt}"' if excerpt else ""
    else:
        part = f"part {element.part}" if element.part[:1].isdigit() else element.part
        said += f", {part}" if part else ""
        said += f" at character {element.offset:,}" if part and element.offset >= 0 else ""
        said += f': "{excerpt}"' if excerpt else ""
        said += f" -> {shown(element.target)}" if element.target else ""
        said += f"; {why}" if why else ""
    if element.state in _GOOD:
        return _block("  found    ", said, width)
    lines = _block("  missing  " if element.is_missing else "  at fault ", said, width)
    state = f": {element.state}"  # painted after the wrapping, which would count the colours as letters
    return [lines[0].replace(state, f": {paint(element.state, 'bad')}", 1), *lines[1:]]


def _remark(remark: Remark, width: int, paint: Paint) -> Iterator[str]:
    word = _STOPS.get(remark.action, "removes") if remark.stops else "removes" if _removes(remark) else "reports"
    status = f"{remark.status} " if remark.stops and remark.status else ""
    head = f"{paint(f'{word:<8}', remark.action if remark.stops else 'dim')} {status}{remark.code}"
    yield f"  {head} ({remark.law})"
    yield from _block(_INDENT, remark.says, width)
    where = f"part {remark.where}: " if remark.where[:1].isdigit() else f"{remark.where}: " if remark.where else ""
    if remark.detail:
        yield from _block(f"{_INDENT}found: ", f"{shown(where)}{shown(remark.detail)}", width)
    yield from _block(f"{_INDENT}mend:  ", remark.remedy, width)


def _removes(remark: Remark) -> bool:
    return remark.mode == "enforce" and remark.action is Action.REMOVE


def _sealing(seal: Sealing, width: int) -> Iterator[str]:
    if seal.why:
        yield from _block("  seal     ", f"none: {_UNSEALED.get(seal.why, seal.why)}", width)
    elif seal.domain:
        keys = f" with {', '.join(seal.selectors)}" if seal.selectors else ""
        said = (
            f"by {seal.domain}{keys}, over the body and {', '.join(seal.names)}"
            if seal.names
            else f"by {seal.domain}{keys}"
        )
        said += f"; no {', '.join(seal.absent)} can be added" if seal.absent else ""
        yield from _block("  seal     ", said, width)


def _block(head: str, text: str, width: int, hang: int = 0) -> list[str]:
    """Words under each other behind a head. What a sender wrote must have gone through `shown` before."""
    head = head if head.endswith(" ") else f"{head}: "
    indent = " " * (hang or (len(head) if head.startswith(_INDENT) else len(_INDENT)))
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True
    ) or [head.rstrip()]
