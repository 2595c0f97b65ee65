"""sealgate: no outbound message leaves that is not lawful, proven, sealed and recorded.

The package is layered and imports run one way: mail, profile, seal, checks, verdict, audit (all pure), then app,
adapters, wiring, daemon, screening and cli. `doc/architecture.md` walks through it.

For programs that make mail, `screen` says what the gate would answer, without an MTA:

    from sealgate import screen
    assert screen(message, "profile.yaml", identity="newsletter").is_lawful
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sealgate.screening import Screening, screen

__version__ = "0.1.0"
__all__ = ["Screening", "__version__", "screen"]

_LAZY: Final = ("Screening", "screen")  # the whole core stands behind them; `import sealgate` alone stays cheap


def __getattr__(name: str) -> Any:
    """Bring in what `_LAZY` names when it is asked for (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("sealgate.screening"), name)
