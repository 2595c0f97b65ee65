"""Lawful newsletters for the load generator: templates with slots that `load.c` fills in for each message.

    python -m tests.bench.messages FILE [0.5|15|20|200|5000]

A slot is a marker as long as what replaces it: number (ten digits), name (eight letters), token (32 hex digits). The
text is a commercial newsletter with all that 15 U.S.C. 7704(a)(5) and RFC 8058 want: a postal address, an opt-out link,
List-Unsubscribe and List-Unsubscribe-Post. The sizes are those of the body, in KB: a plain notice, a usual newsletter
(multipart/alternative, about 18 KB of it HTML), and two with pictures inside. The same size gives the same octets.
"""

import base64
import hashlib
import sys
import textwrap
from pathlib import Path
from typing import Final

NUMBER: Final = "%%NUMBER%%"
NAME: Final = "%%NAME%%"
TOKEN: Final = "%%TOKEN%%".ljust(32, "%")
ADDRESS: Final = "Example Inc., 12 Main Street, Springfield, IL 62701"
LINK: Final = f"https://www.example.test/u/{TOKEN}"
SIZES: Final = {"0.5": 512, "15": 15_360, "20": 20_480, "200": 204_800, "5000": 5_120_000}  # octets of body

_HEAD: Final = f"""\
From: Example News <news@example.test>
To: {NAME} Reader <reader{NUMBER}@example.net>
Subject: {NAME}, our garden tools for the autumn
Date: Fri, 20 Nov 2026 09:00:00 +0000
Message-ID: <{NUMBER}.{TOKEN}@example.test>
List-Unsubscribe: <{LINK}>,
 <mailto:unsubscribe@example.test?subject={TOKEN}>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Id: Example News <news.example.test>
MIME-Version: 1.0
"""
_PLAIN: Final = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n"
_FOOT: Final = f"""\
This is an advertisement. You get it because you asked for our news.
To unsubscribe: {LINK}
{ADDRESS}
"""
_GOODS: Final = (
    ("spade", "A spade with an ash handle that turns heavy soil without bending"),
    ("rake", "A leaf rake whose tines spring back, wide enough for a lawn of any size"),
    ("watering can", "A can of ten litres that pours evenly to the last drop"),
    ("pruning shears", "Shears with a blade that you can take out and sharpen at home"),
    ("wheelbarrow", "A barrow with a tyre that needs no air and a tray of galvanised steel"),
    ("seed tray", "Trays with lids for the window sill, so that spring begins in February"),
    ("garden line", "A line of twenty metres on two oak pegs, for beds as straight as you like"),
)
_HTML_HEAD: Final = f"""\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Our garden tools for the autumn</title>
<style>body {{ font-family: sans-serif; color: #222 }} td {{ padding: 8px }} .price {{ color: #060 }}</style></head>
<body><table role="presentation" width="600" align="center">
<tr><td><h1>Dear {NAME},</h1><p>the leaves fall, and our new tools are here. See what is worth having.</p></td></tr>
"""
_HTML_FOOT: Final = f"""\
<tr><td><p>This is an advertisement. You get it because you asked for our news.
<a href="{LINK}">Unsubscribe here</a> with one click.</p><p>{ADDRESS}</p></td></tr>
</table></body></html>
"""


def newsletter(size: str = "20") -> bytes:
    """Return a template of about `size` KB of body, CRLF line ends.

    Args:
        size: a key of `SIZES`.
    """
    octets = SIZES[size]
    if size == "0.5":
        text = f"Dear {NAME},\n\nour autumn sale begins on Monday: a third off all garden tools.\n"
        text += "Spades, rakes and shears are in the shop and at https://www.example.test/autumn\n"
        text += f"See yours at https://www.example.test/s/{NUMBER}\n\n"
        return _wire(f"{_HEAD}{_PLAIN}\n{text}{_FOOT}")
    if size in ("15", "20"):
        return _wire(f'{_HEAD}Content-Type: multipart/alternative; boundary="=_alt"\n\n{_alternative(octets)}')
    inner = f'--=_mix\nContent-Type: multipart/alternative; boundary="=_alt"\n\n{_alternative(SIZES["20"])}\n'
    head = f'{_HEAD}Content-Type: multipart/related; boundary="=_mix"\n\n'
    return _wire(f"{head}{inner}{_pictures(octets - len(inner))}--=_mix--\n")


def filled(size: str, number: int) -> bytes:
    """Return the newsletter of reader `number`, without slots: another number means another name, token and address."""
    token = hashlib.sha256(b"%d" % number).hexdigest()[: len(TOKEN)]
    values = {NUMBER: f"{number:010}", NAME: f"Reader{number % 100:02}", TOKEN: token}
    text = newsletter(size)
    for marker, value in values.items():
        text = text.replace(marker.encode(), value.encode())
    return text


def write(path: Path, size: str = "20") -> None:
    """Write a template of this size to `path`."""
    path.write_bytes(newsletter(size))


def _alternative(octets: int) -> str:
    plain = f"Dear {NAME},\n\nthe leaves fall, and our new tools are here:\n\n"
    plain += "".join(f"* {textwrap.fill(text, 66, subsequent_indent='  ')}.\n" for _, text in _GOODS)
    plain += f"\nAll of it: https://www.example.test/autumn?r={NUMBER}\n\n{_FOOT}"
    text = f"--=_alt\n{_PLAIN}\n{plain}\n--=_alt\n{_PLAIN.replace('plain', 'html')}\n"
    return f"{text}{_html(octets - len(text))}\n--=_alt--\n"


def _html(octets: int) -> str:
    rows, length, count = [], len(_HTML_HEAD) + len(_HTML_FOOT), 0
    while length < octets - 300:
        name, text = _GOODS[count % len(_GOODS)]
        count += 1
        row = f"""\
<tr><td><h2>Offer {count}: {name}</h2><p>{text}.</p>
<p class="price">Now $ {19 + count}.90 instead of $ {29 + count}.90 &ndash; until the end of the month.</p>
<a href="https://www.example.test/shop/{count}?r={NUMBER}">Look at offer {count}</a>
<img src="https://img.example.test/{count}.jpg" width="160" height="120" alt="A {name}"></td></tr>
"""
        rows.append(row)
        length += len(row)
    return _HTML_HEAD + "".join(rows) + _HTML_FOOT


def _pictures(octets: int) -> str:
    """Pictures of 30 KB in base64, as octets that do not compress and are the same each time."""
    parts: list[str] = []
    length = 0
    while length < octets - 1000:
        size = min(30_000, (octets - length) * 54 // 74 - 150)  # 54 octets make a line of 72 characters and CRLF
        seed = hashlib.shake_256(b"picture %d" % len(parts)).digest(size)
        lines = textwrap.wrap(base64.b64encode(seed).decode(), 72)
        head = f"--=_mix\nContent-Type: image/jpeg\nContent-ID: <{len(parts)}@example.test>\n"
        parts.append(f"{head}Content-Transfer-Encoding: base64\n\n" + "\n".join(lines) + "\n")
        length += len(parts[-1]) + len(lines)
    return "".join(parts)


def _wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]), *sys.argv[2:3])
