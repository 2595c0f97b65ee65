"""Counting for Prometheus with `prometheus-client`: in memory that processes share through files, read by another one.

`slots` gives each process its files, `series` are the numbers in them, `counting` fills the ports of workers and
writer, `page` sums them up and adds what is sampled. The library's multiprocess mode is used through its value class,
which is made for a slot rather than for a process id: whoever takes the slot of a dead process counts on in its files,
so that counters outlive workers and the number of files is that of the processes that live at once.

Where `prometheus-client` is missing, `WHY_NOT` says so and nothing else here may be used.
"""

from typing import Final

try:
    import prometheus_client.mmap_dict
    import prometheus_client.multiprocess
    import prometheus_client.values  # noqa: F401 - before the first fork: it may be replaced on disk later
except ImportError as error:  # the gate does without
    _why = f"prometheus-client is missing ({error}): apt install python3-prometheus-client"
else:
    _why = ""

WHY_NOT: Final = _why
"""Why nothing can be counted; empty: it can."""
