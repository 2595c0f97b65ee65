"""The audit file and those that rotation made of it, read as one stream while the writer goes on and logrotate may run.

`files_of` lists them, oldest first; `stream` gives their lines, packed with gzip or not, and leaves out whole files
that a time cannot be in; `Tail` follows the live file over rotations. Memory is that of a block and a line, however
large the files are. What a file holds behind its last newline is no line yet, and is not given.

What can fail: whatever a file system answers, a damaged or removed file among it (`OSError`).
"""

from sealgate.adapters.auditfiles.opening import MAX_LINE, files_of
from sealgate.adapters.auditfiles.reading import Line, stream
from sealgate.adapters.auditfiles.tail import Tail

__all__ = ["MAX_LINE", "Line", "Tail", "files_of", "stream"]
