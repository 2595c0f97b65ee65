"""The metrics: what the gate tells a Prometheus, described once.

Each row is what is counted, sampled and shown; `doc/metrics.md` is made of these rows, and a test holds dashboard and
alert rules to them. Names follow Prometheus: unit last, `_total` behind counters. Label values come from enums, from
the catalogue of rules and from the profile, never from a message, so that no sender can add a series. Pure: nothing is
counted here, and nothing can fail.
"""

import enum
from dataclasses import dataclass
from itertools import chain
from typing import Final

from sealgate.app.observing import MAX_DOMAINS, NO_IDENTITY, NOBODY, OTHER, SIGNED, STAGES, STEPS, UNSIGNED


class MetricKind(enum.StrEnum):
    """What Prometheus does with the numbers."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(enum.StrEnum):
    """Whose numbers they are."""

    WORKERS = "workers"  # summed over all of them; counters outlive a worker
    WRITER = "writer"
    HEALTH = "health process"  # what it knows, and what it sees of the others when it is asked


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: as it is exposed; of a histogram without `_bucket`, `_sum` and `_count`.
        labels: name and meaning of each.
        unit: of the values; empty for numbers of things.
        buckets: upper bounds of a histogram; `+Inf` comes on top.
    """

    name: str
    kind: MetricKind
    help: str
    source: Source
    labels: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """The name without `_total`, as client libraries keep it."""
        return self.name.removesuffix("_total") if self.kind is MetricKind.COUNTER else self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels."""
        return tuple(name for name, _ in self.labels)

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names that a query can use."""
        if self.kind is MetricKind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


SECONDS: Final = (
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
LINES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

_VERDICT: Final = ("verdict", "`accept`, `quarantine`, `reject`, `tempfail`")
_DOMAIN: Final = (
    "domain",
    f"a domain of the profile, the first {MAX_DOMAINS} of them; `{OTHER}` for every other, also foreign ones",
)
_SKIPPED: Final = ", ".join(f"`{reason}`" for reason in UNSIGNED)
_PROCESS: Final = ("process", "`supervisor`, `worker`, `writer`, `reader`, `health`")
_NUMBER: Final = ("number", "from 0, the oldest first: it is handed on where a process dies")
_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM

MESSAGES: Final = Metric(
    "sealgate_messages_total", _C, "Messages answered", Source.WORKERS,
    (
        _VERDICT,
        ("class", f"what the identity declares: `commercial`, `transactional`, `personal`, `auto`, `{NO_IDENTITY}`"),
        ("identity", f"`person`, `service`, `forwarder`, `{NO_IDENTITY}` (a login without an identity), `{NOBODY}`"),
    ),
    "messages",
)  # fmt: skip
DOMAIN_MESSAGES: Final = Metric(
    "sealgate_domain_messages_total", _C,
    "Messages answered, by the domain of From (of MAIL FROM where nothing more was seen)", Source.WORKERS,
    (_DOMAIN, _VERDICT), "messages",
)  # fmt: skip
ACCEPTED: Final = Metric(
    "sealgate_accepted_messages_total", _C, "Messages that went on, by whether they are signed", Source.WORKERS,
    (("seal", f"`{SIGNED}`, or why not: {_SKIPPED}"),), "messages",
)  # fmt: skip
SIGNATURES: Final = Metric(
    "sealgate_signatures_total", _C, "DKIM signatures made", Source.WORKERS,
    (_DOMAIN, ("algorithm", "`rsa-sha256`, `ed25519-sha256`")), "signatures",
)  # fmt: skip
FINDINGS: Final = Metric(
    "sealgate_findings_total", _C, "Rules that messages met", Source.WORKERS,
    (("rule", "a code of the catalogue (doc/rules.md)"), ("mode", "`enforce` or `report`, as the profile says")),
    "findings",
)  # fmt: skip
SPARED: Final = Metric(
    "sealgate_spared_messages_total", _C, "Messages that report mode let pass, by what enforce mode had answered",
    Source.WORKERS, (("would", "`quarantine`, `reject`, `tempfail`"),), "messages",
)  # fmt: skip
UNAUTHENTICATED: Final = Metric(
    "sealgate_unauthenticated_refusals_total", _C,
    "Refusals of clients that did not log in (the record only counts these)", Source.WORKERS, (), "messages",
)  # fmt: skip
FAULTS: Final = Metric(
    "sealgate_faults_total", _C, "Messages deferred (451) for a fault of the gate's own", Source.WORKERS,
    (("step", "of the milter protocol: " + ", ".join(f"`{step}`" for step in STEPS)),), "messages",
)  # fmt: skip
STAGE: Final = Metric(
    "sealgate_stage_seconds", _H, "What the gate itself took for a message, by stage", Source.WORKERS,
    (("stage", "; ".join(f"`{name}`: {meaning}" for name, meaning in STAGES.items())),), "seconds", SECONDS,
)  # fmt: skip
CONNECTIONS: Final = Metric(
    "sealgate_connections", _G, "Connections of the MTA that are open", Source.WORKERS, (), "connections"
)
TRANSACTIONS: Final = Metric(
    "sealgate_transactions", _G, "Messages under way", Source.WORKERS, (), "messages"
)  # fmt: skip

WRITER_LINES: Final = Metric("sealgate_writer_lines_total", _C, "Audit lines written", Source.WRITER, (), "lines")
WRITER_BATCH: Final = Metric(
    "sealgate_writer_batch_lines", _H, "Audit lines that shared one write and one sync", Source.WRITER, (), "lines",
    LINES,
)  # fmt: skip
WRITER_SYNC: Final = Metric(
    "sealgate_writer_sync_seconds", _H, "Writing one batch and waiting for the disk", Source.WRITER, (), "seconds",
    SECONDS,
)  # fmt: skip
WRITER_WAITING: Final = Metric(
    "sealgate_writer_waiting_lines", _G, "The most lines that waited together for the disk within the last second",
    Source.WRITER, (), "lines",
)  # fmt: skip
WRITER_ERRORS: Final = Metric(
    "sealgate_writer_errors_total", _C, "Batches that could not be written; their messages were deferred",
    Source.WRITER, (), "batches",
)  # fmt: skip
WRITER_FAILING: Final = Metric(
    "sealgate_writer_failing", _G, "1 where the last write failed, less than 30 seconds ago", Source.WRITER
)
WRITER_ERROR_AT: Final = Metric(
    "sealgate_writer_last_error_timestamp_seconds", _G, "When a batch last could not be written; 0: never",
    Source.WRITER, (), "seconds since the epoch",
)  # fmt: skip

BUILD: Final = Metric("sealgate_build_info", _G, "Always 1", Source.HEALTH, (("version", "of sealgate"),))
PROFILE: Final = Metric(
    "sealgate_profile_info", _G, "Always 1; the profile in force", Source.HEALTH,
    (("profile", "SHA-256 of it, as in the record"),),
)  # fmt: skip
ENFORCING: Final = Metric("sealgate_enforcing", _G, "1 in enforce mode, 0 in report mode", Source.HEALTH)
READY: Final = Metric("sealgate_ready", _G, "1 where `/readyz` says ready", Source.HEALTH)
REASONS: Final = Metric(
    "sealgate_unready_reasons", _G, "What speaks against readiness; `sealgate status` names it", Source.HEALTH, (),
    "reasons",
)  # fmt: skip
WARNINGS: Final = Metric(
    "sealgate_warnings", _G, "What is to be mended while the gate works; `sealgate status` names it", Source.HEALTH,
    (), "warnings",
)  # fmt: skip
START: Final = Metric(
    "sealgate_start_time_seconds", _G, "When the supervisor started or last replaced itself", Source.HEALTH, (),
    "seconds since the epoch",
)  # fmt: skip
WORKERS: Final = Metric(
    "sealgate_workers", _G, "Worker processes", Source.HEALTH,
    (("state", "`serving`, `starting`, `behind` (serves by the profile before), `silent`, `draining` (ends)"),),
    "processes",
)  # fmt: skip
WANTED: Final = Metric(
    "sealgate_workers_wanted", _G, "Worker processes there should be", Source.HEALTH, (), "processes"
)
DEATHS: Final = Metric(
    "sealgate_process_deaths_total", _C, "Processes that died and were started again", Source.HEALTH,
    (("process", "`worker`, `writer`, `reader`, `health`"),), "processes",
)  # fmt: skip
RELOADS: Final = Metric(
    "sealgate_reloads_total", _C, "Reloads of the profile", Source.HEALTH, (("result", "`done`, `failed`"),), "reloads"
)
RELOAD_OK: Final = Metric(
    "sealgate_last_reload_successful", _G, "0 where the last reload failed and the profile before it is in force",
    Source.HEALTH,
)  # fmt: skip
RELOAD_AT: Final = Metric(
    "sealgate_last_reload_timestamp_seconds", _G, "When the profile in force was read", Source.HEALTH, (),
    "seconds since the epoch",
)  # fmt: skip
KEY_VERIFIES: Final = Metric(
    "sealgate_key_verifies", _G, "1 where a signature made with the key verifies by its own public record",
    Source.HEALTH, (("key", "DNS name of its record, as far as the profile's first 200 keys"),),
)  # fmt: skip
KEY_PUBLISHED: Final = Metric(
    "sealgate_key_published", _G, "1 where the DNS publishes the key, else 0; absent while unknown",
    Source.HEALTH, (("key", "as above"),),
)  # fmt: skip
KEYLESS: Final = Metric(
    "sealgate_domains_without_key", _G, "What the profile wants signed and has no key for: mail of it is deferred",
    Source.HEALTH, (), "domains",
)  # fmt: skip
UNSIGNED_RATIO: Final = Metric(
    "sealgate_unsigned_ratio", _G, "Share of the accepted messages since the start that are not signed; absent before "
    "the first", Source.HEALTH, (), "0 to 1",
)  # fmt: skip
MEMORY: Final = Metric(
    "sealgate_memory_bytes", _G, "Memory in RAM (RSS), with what a process shares with others", Source.HEALTH,
    (_PROCESS, _NUMBER), "bytes",
)  # fmt: skip
DESCRIPTORS: Final = Metric(
    "sealgate_open_descriptors", _G, "File descriptors that are open", Source.HEALTH, (_PROCESS, _NUMBER), "descriptors"
)
DESCRIPTOR_LIMIT: Final = Metric(
    "sealgate_descriptor_limit", _G, "File descriptors that may be open (RLIMIT_NOFILE)", Source.HEALTH,
    (_PROCESS, _NUMBER), "descriptors",
)  # fmt: skip
AUDIT_FREE: Final = Metric(
    "sealgate_audit_free_bytes", _G, "What is free on the disk of the audit file", Source.HEALTH, (), "bytes"
)

METRICS: Final = (
    MESSAGES, DOMAIN_MESSAGES, ACCEPTED, UNSIGNED_RATIO, SIGNATURES, FINDINGS, SPARED, UNAUTHENTICATED, FAULTS, STAGE,
    CONNECTIONS, TRANSACTIONS,
    WRITER_LINES, WRITER_BATCH, WRITER_SYNC, WRITER_WAITING, WRITER_ERRORS, WRITER_FAILING, WRITER_ERROR_AT, AUDIT_FREE,
    READY, REASONS, WARNINGS, KEY_VERIFIES, KEY_PUBLISHED, KEYLESS,
    BUILD, PROFILE, ENFORCING, RELOADS, RELOAD_OK, RELOAD_AT, START, WORKERS, WANTED, DEATHS, MEMORY, DESCRIPTORS,
    DESCRIPTOR_LIMIT,
)  # fmt: skip
"""Every metric there is, in the order of the reference."""

EXPOSED: Final = frozenset(chain.from_iterable(metric.exposed for metric in METRICS))
"""Every name that a query can use."""
