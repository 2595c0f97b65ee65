"""sealgate: no outbound message leaves that is not lawful, proven, sealed and recorded.

The package is layered and imports run one way: mail, profile, seal, checks, verdict, audit (all pure), then app,
adapters, wiring, daemon and cli. `doc/architecture.md` walks through it.
"""

__version__ = "0.1.0"
