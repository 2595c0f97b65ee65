"""The audit file: `file` holds it, `opening` opens it with care, `reserve` keeps room on the disk for its end."""

from sealgate.adapters.journal.file import JournalFile
from sealgate.adapters.journal.opening import LockTimeout, timestamp

__all__ = ["JournalFile", "LockTimeout", "timestamp"]
