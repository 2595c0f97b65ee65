"""Who counts where: the folder of the counts in the runtime folder, and the counters of each kind of process.

The supervisor prepares the folder before it forks: a fresh one at each start; the same one where it replaced itself and
both programs write alike, so that workers which still drain are counted. Without `prometheus-client`, or where the
folder cannot be had, the gate serves without counting, and the log says so once.
"""

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from sealgate import __version__
from sealgate.adapters.prometheus import WHY_NOT
from sealgate.app.ports import PortError

FOLDER: Final = "metrics"  # in the runtime folder
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

if not WHY_NOT:  # with the supervisor, before the first fork: it may be replaced on disk later
    from sealgate.adapters.prometheus import counting, page, slots


def prepare(runtime: Path, log: Any, *, goes_on: bool) -> None:
    """Make the folder, and say in the environment where it is.

    Args:
        runtime: the runtime folder.
        log: told why nothing is counted.
        goes_on: whether workers of the program before this one still serve.
    """
    os.environ.pop(VARIABLE, None)
    if WHY_NOT:
        log.warning("no-metrics", why=WHY_NOT)
        return
    folder = runtime / FOLDER / _format()
    try:
        if not goes_on or not folder.is_dir():
            clear(runtime)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("no-metrics", why=f"{folder}: {error.strerror}")
        return
    os.environ[VARIABLE] = str(folder)


def clear(runtime: Path) -> None:
    """Take everything away that was counted."""
    shutil.rmtree(runtime / FOLDER, ignore_errors=True)


def counted_in() -> Path | None:
    """The folder of the counts; None where nothing is counted."""
    place = os.environ.get(VARIABLE, "")
    return Path(place) if place and not WHY_NOT else None


def worker_counts(log: Any) -> "counting.WorkerCounts | None":
    """The counts of this process, a worker; None where nothing is counted. To be called once, after the fork."""
    folder = counted_in()
    if folder is None:
        return None
    try:
        return counting.WorkerCounts(slots.claim(folder, "worker", counting.WORKER_FILES), log)
    except PortError as error:
        log.error("no-metrics", why=str(error))
        return None


def writer_counts(log: Any) -> "counting.WriterCounts | None":
    """The counts of this process, the writer; None where nothing is counted. To be called once, after the fork."""
    folder = counted_in()
    if folder is None:
        return None
    try:
        return counting.WriterCounts(slots.claim(folder, "writer", counting.WRITER_FILES), log)
    except PortError as error:
        log.error("no-metrics", why=str(error))
        return None


def sums() -> "page.Sums":
    """What all processes have counted.

    Raises:
        PortError: it cannot be read.
    """
    folder = counted_in()
    return page.Sums() if folder is None else page.summed(folder)


def _format() -> str:
    """What must be the same for two programs to write the same files."""
    try:
        client = version("prometheus-client")
    except PackageNotFoundError:
        client = "unknown"
    return f"{__version__}-{client}"
