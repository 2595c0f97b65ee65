"""Bar charts of the report as inline SVG: no script, no font, no picture from elsewhere; colours come from the page.

A chart is a picture of numbers that stand in a table below it. It has a title and a description for who cannot see it.
Labels may hold a sender's words and are escaped.
"""

from html import escape
from math import floor, log10
from typing import Final

from sealgate.audit.document import Chart
from sealgate.cli.audit_report_text import plain

_WIDE: Final = 880
_RIGHT: Final = 24
_HIGH: Final = 220
_LEFT: Final = 64
_UNDER: Final = 34
_LABEL: Final = 250  # of bars that lie
_STEP: Final = 24
_MAX_LABEL: Final = 40


def svg(chart: Chart, name: str) -> str:
    """Draw a chart; `name` is its id in the page, of letters and digits."""
    body = _standing(chart) if chart.is_over_time else _lying(chart)
    high = _HIGH + _UNDER if chart.is_over_time else _STEP * len(chart.bars) + 8
    total = ", ".join(f"{series}: {sum(row[at] for _, row in chart.bars):,}" for at, series in enumerate(chart.series))
    return (
        f'<figure><figcaption id="{name}">{escape(chart.title)}</figcaption>{_legend(chart)}'
        f'<svg viewBox="0 0 {_WIDE} {high}" role="img" aria-labelledby="{name}" aria-describedby="{name}d">'
        f'<desc id="{name}d">{escape(f"In all: {total}. Every number is in a table below.")}</desc>{body}</svg>'
        "</figure>"
    )


def _legend(chart: Chart) -> str:
    items = "".join(
        f'<li><span class="key s{at + chart.colour}"></span>{escape(name)}</li>' for at, name in enumerate(chart.series)
    )
    return f'<ul class="legend">{items}</ul>'


def _standing(chart: Chart) -> str:
    most = max((sum(row) for _, row in chart.bars), default=0)
    top, step = _scale(most)
    parts = []
    for tick in range(0, top + 1, step):
        y = _HIGH - (_HIGH - 12) * tick / top
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 8}" y="{y + 4:.1f}">{tick:,}</text>')
    room = (_WIDE - _LEFT - _RIGHT) / max(1, len(chart.bars))
    every = max(1, -(-len(chart.bars) // 11))
    for at, (label, row) in enumerate(chart.bars):
        x, y = _LEFT + room * at, float(_HIGH)
        for series, number in enumerate(row):
            height = (_HIGH - 12) * number / top
            if number:
                y -= height
                parts.append(
                    f'<rect class="s{series + chart.colour}" x="{x + room * 0.12:.1f}" y="{y:.1f}" '
                    f'width="{room * 0.76:.1f}" height="{max(height, 0.6):.1f}"/>'
                )
        if at % every == 0:
            shown = escape(plain(label[5:] if len(label) == 10 else label, _MAX_LABEL))
            parts.append(f'<text class="mid" x="{x + room / 2:.1f}" y="{_HIGH + 20}">{shown}</text>')
    return "".join(parts)


def _lying(chart: Chart) -> str:
    most = max((sum(row) for _, row in chart.bars), default=0) or 1
    room = _WIDE - _LABEL - 80
    parts = []
    for at, (label, row) in enumerate(chart.bars):
        y, x = at * _STEP + 4, float(_LABEL)
        parts.append(f'<text class="end" x="{_LABEL - 8}" y="{y + 13}">{escape(plain(label, _MAX_LABEL))}</text>')
        for series, number in enumerate(row):
            width = room * number / most
            if number:
                wide = max(width, 1)
                parts.append(
                    f'<rect class="s{series + chart.colour}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="16"/>'
                )
                x += wide
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 13}">{sum(row):,}</text>')
    return "".join(parts)


def _scale(most: int) -> tuple[int, int]:
    """The top of an axis that shows so many, and the step of its marks: whole and round."""
    if most < 4:
        return max(1, most), 1
    power = 10 ** floor(log10(most / 4))
    step = next(power * times for times in (1, 2, 5, 10) if power * times * 4 >= most)
    return -(-most // step) * step, step
