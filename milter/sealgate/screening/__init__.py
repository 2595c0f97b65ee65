"""What the gate would answer, asked where mail is made: no MTA, no daemon, no keys.

`screen` judges one message, `Screener` many, by the very function that the milter calls at the end of a message. It
takes what programs have at hand: octets, text, a message of the `email` package, or a rendered HTML template alone.
The profile is the gate's own file. Its keys are not needed: what would be signed is planned, and nothing is signed.

What can fail: the profile cannot be used, or it does not say who sends (`ScreeningError`). Nothing raises for what a
message holds.
"""

from sealgate.screening.preparing import ScreeningError
from sealgate.screening.result import ElementSeen, Looked, Remark, Screening, Sealing
from sealgate.screening.screener import Screener, screen

__all__ = ["ElementSeen", "Looked", "Remark", "Screener", "Screening", "ScreeningError", "Sealing", "screen"]
