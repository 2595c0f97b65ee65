"""The report as one HTML page: nothing from elsewhere, no script, readable without colours, on paper and in the dark.

Everything that stands in the document goes through `escape`; the page also forbids itself whatever could be loaded or
run (Content-Security-Policy), so that a mistake here would show words and not obey them.
"""

import re
from html import escape
from typing import Final

from sealgate.audit.document import Document, Section, Table
from sealgate.cli.audit_report_plot import svg
from sealgate.cli.audit_report_text import plain, shown

_CODE: Final = re.compile(r"`([^`<]{1,100})`")
_STYLE: Final = """
:root{--ink:#1a1a1a;--soft:#55585c;--paper:#fff;--line:#c9ccd1;--band:#f4f5f7;--warn:#8a1c12;
--s0:#2d6a9f;--s1:#b3261e;--s2:#9a5b00;--s3:#6a4c93}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#b0b4ba;--paper:#17191c;--line:#454a52;--band:#202328;
--warn:#ff9d92;--s0:#6fb1e6;--s1:#f0837a;--s2:#e0a243;--s3:#b79be0}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--ink);
background:var(--paper);max-width:62rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.2rem;margin:2.6rem 0 .6rem;padding-top:.7rem;border-top:2px solid var(--ink)}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p,ul.says{margin:.5rem 0;max-width:46rem}
ul.says{padding-left:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:0 0 1rem}
dt{color:var(--soft)}dd{margin:0}
nav ol{columns:2;padding-left:1.3rem;margin:0}
a{color:inherit}
a:focus-visible,.scroll:focus-visible{outline:3px solid var(--s0);outline-offset:2px}
.scroll{overflow-x:auto;margin-top:1.2rem}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);
overflow-wrap:break-word}
td{overflow-wrap:anywhere}
thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
tbody tr:nth-child(even){background:var(--band)}
td.n{white-space:nowrap}.n{text-align:right}
.fix{white-space:nowrap}
td.wide{min-width:16rem}td.law{min-width:9rem}
.unseen{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.note{color:var(--soft);font-size:.875rem}
figure{margin:1rem 0}figcaption{font-weight:600}
svg{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:var(--soft)}
.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:var(--line);stroke-width:1}
.s0{fill:var(--s0);background:var(--s0)}.s1{fill:var(--s1);background:var(--s1)}
.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:.3rem 0;font-size:.875rem}
.key{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem;vertical-align:-.08rem;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
@media print{:root{--ink:#000;--soft:#333;--paper:#fff;--line:#999;--band:#fff;--s0:#2d6a9f;--s1:#b3261e;--s2:#9a5b00;
--s3:#6a4c93}body{max-width:none;padding:0;font-size:10.5pt}nav{display:none}h2,h3,caption{break-after:avoid}
table{font-size:8.5pt}th,td{padding:.2rem .35rem}td.wide{min-width:18rem}tr,figure{break-inside:avoid}
thead{display:table-header-group}.scroll{overflow:visible}rect{print-color-adjust:exact;
-webkit-print-color-adjust:exact}@page{margin:18mm 15mm}}
"""


def page(report: Document) -> str:
    """Render the report as HTML."""
    about = "".join(f"<dt>{escape(name)}</dt><dd>{escape(plain(value))}</dd>" for name, value in report.about)
    ways = "".join(f'<li><a href="#p{at}">{escape(one.title)}</a></li>' for at, one in enumerate(report.sections))
    sections = "".join(_section(section, at) for at, section in enumerate(report.sections))
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(report.title)}</h1>"
        f'<dl>{about}</dl><nav aria-label="Contents"><ol>{ways}</ol></nav>{sections}</main></body></html>\n'
    )


def _section(section: Section, at: int) -> str:
    sentences = [_CODE.sub(r"<code>\1</code>", escape(plain(sentence, 1_000))) for sentence in section.says]
    says = "".join(f"<li>{sentence}</li>" for sentence in sentences)
    says = f"<p>{sentences[0]}</p>" if len(sentences) == 1 else f'<ul class="says">{says}</ul>' if says else ""
    chart = svg(section.chart, f"c{at}") if section.chart else ""
    tables = "".join(_table(table, section.title) for table in section.tables)
    return (
        f'<section aria-labelledby="p{at}"><h2 id="p{at}">{escape(section.title)}</h2>{says}{chart}{tables}</section>'
    )


def _table(table: Table, section: str) -> str:
    title = escape(table.title or section)
    if not table.rows:
        return f"<h3>{title}</h3><p>None.</p>"
    kinds = [_kind([row[column] for row in table.rows]) for column in range(len(table.head))]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(table.head, kinds, strict=True))
    rows = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(shown(cell))}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in table.rows
    )
    rest = f'<p class="note">{escape(plain(table.rest))}</p>' if table.rest else ""
    caption = f"<caption>{title}</caption>" if table.title else f'<caption class="unseen">{title}</caption>'
    scroll = f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">'
    return f"{scroll}<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{rest}"


def _kind(column: list[str | int]) -> str:
    """How a column is set: numbers to the right, times and codes in one piece, long texts wide."""
    if all(isinstance(cell, int) for cell in column):
        return ' class="n"'
    longest = max(len(str(cell)) for cell in column)
    return ' class="fix"' if longest <= 32 else ' class="wide"' if longest > 60 else ' class="law"'
