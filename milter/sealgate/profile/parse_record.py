"""The section `record:` of a profile: what the audit file keeps of personal data, and for how long.

Nothing here raises; what is wrong is noted with its place, and the default stands in for it.
"""

import re
from typing import Final

from sealgate.profile.fields import Fields, read_fields
from sealgate.profile.form import CHOICES, KNOWN_KEYS
from sealgate.profile.model import MONTH, YEAR, Record, Showing
from sealgate.profile.nodes import shown

MAX_KEEP: Final = 100 * YEAR
_SPAN: Final = re.compile(r"([0-9]{1,5})([dMy])")
_SECONDS: Final = {"d": 86_400, "M": MONTH, "y": YEAR}


def read_record(top: Fields) -> Record:
    """Read the section; without it, the defaults."""
    usual = Record()
    if "record" not in top:
        return usual
    fields = read_fields(top.nodes["record"], KNOWN_KEYS["record"], "`record`", top.problems)
    record = Record(
        recipients=Showing(fields.choice("recipients", CHOICES["record.recipients"], usual.recipients)),
        subject=Showing(fields.choice("subject", CHOICES["record.subject"], usual.subject)),
        keep_lines=_span(fields, "keep_lines", usual.keep_lines),
        keep_personal=_span(fields, "keep_personal", usual.keep_personal),
        legal_hold=fields.yes_no("legal_hold", default=usual.legal_hold),
    )
    if record.keep_personal > record.keep_lines:
        top.problems.warning(
            fields.at("keep_personal"), "values are kept longer than the lines they belong to", "write a shorter span"
        )
    return record


def _span(fields: Fields, key: str, usual: int) -> int:
    """Read days, months of 31 days or years of 366, such as 13M, in seconds."""
    text = fields.text(key)
    if not text:
        return usual
    match = _SPAN.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= MAX_KEEP:
        fields.problems.error(
            fields.nodes[key].place, f"{shown(key)} must be a span of time, not {shown(text)}", "90d, 13M or 5y"
        )
        return usual
    return seconds
