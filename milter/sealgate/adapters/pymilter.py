"""libmilter's callbacks turned into one `Message`, and an `Outcome` turned into header edits and a reply.

The only file that knows the milter protocol. All state of a connection sits on its context: libmilter moves callbacks
of one connection between threads. One guard around every callback catches whatever escapes and answers 451 4.3.0: a
fault of ours defers, it never refuses and never lets through. An MTA that cannot keep header blanks or take header
edits is refused at negotiation, because what we sign would not be what it sends.

The module is long because the protocol's twelve callbacks, their guard and what is said of them are one thing: apart,
none of them could be understood, and nobody could see that every way out of a callback is guarded.
"""

import contextlib
import functools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import milter

from sealgate.app.inflight import FIELD_OCTETS, MEBIBYTE, MESSAGE_OCTETS, InFlight, NoRoomError, Share
from sealgate.app.intake import Intake
from sealgate.app.observing import Observer, Timings
from sealgate.app.ports import PortError, Reader
from sealgate.app.recording import recorded
from sealgate.app.runtime import Runtime
from sealgate.app.screen import Outcome, at_end, at_mail
from sealgate.audit.record import VERSION, moment
from sealgate.checks.caller import Caller, handling
from sealgate.checks.finding import Action
from sealgate.mail.message import Envelope, Session
from sealgate.mail.reply import Reply, printable
from sealgate.profile.model import Handling
from sealgate.seal.plan import SealPlan

_NEEDED_ACTIONS: Final = milter.ADDHDRS | milter.CHGHDRS | milter.QUARANTINE
# Steps that never answer: each saves a round trip. CONNECT, MAIL and the end do answer.
_NO_REPLY: Final = {
    "helo": milter.P_NR_HELO,
    "rcpt": milter.P_NR_RCPT,
    "data": milter.P_NR_DATA,
    "header": milter.P_NR_HDR,
    "eoh": milter.P_NR_EOH,
    "body": milter.P_NR_BODY,
    "unknown": milter.P_NR_UNKN,
}
_SILENT: Final = functools.reduce(int.__or__, _NO_REPLY.values())
# Postfix sends login macros only at MAIL, and the queue id is certain only at the end. {mail_addr}, never absent, must
# stay: libmilter passes over a list that has no macro and keeps the one before, so that an earlier login would stand.
_MACROS: Final = (
    (milter.M_CONNECT, "j v i M {daemon_name}"),
    (
        milter.M_ENVFROM,
        "{auth_type} {auth_authen} {mail_addr} {tls_version} {cipher_bits} {cert_subject} {cert_issuer} {verify}",
    ),
    (milter.M_EOM, "i"),
)
MAX_IN_FLIGHT: Final = 128 * MEBIBYTE  # where nothing else is said
MAX_OWED: Final = 1000  # corrections kept while the journal is away
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Callback = Callable[..., int]

if TYPE_CHECKING:
    from milter import Context


def new_reference(now: float) -> str:
    """An id for one transaction: 16 characters, sorting by time (48 bits of milliseconds, 32 random bits)."""
    number = (int(now * 1000) & 0xFFFFFFFFFFFF) << 32 | int.from_bytes(os.urandom(4), "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))


class _Transaction:
    """One message on its way in."""

    __slots__ = ("body_seconds", "caller", "envelope", "envelope_octets", "intake", "mail_seconds", "recipients",
                 "reference", "runtime", "session", "share")  # fmt: skip

    def __init__(
        self, runtime: Runtime, reference: str, session: Session, envelope: Envelope, caller: Caller, share: Share
    ) -> None:
        self.runtime = runtime
        self.reference = reference
        self.session = session
        self.envelope = envelope
        self.caller = caller
        self.recipients: list[bytes] = []
        self.envelope_octets = MESSAGE_OCTETS
        self.intake = Intake(runtime.profile.body_forms)
        self.share = share
        self.mail_seconds = self.body_seconds = 0.0

    def tell_share(self) -> None:
        """Enter in the account what is kept by now; raises `NoRoomError`."""
        self.share.hold(self.envelope_octets + self.intake.held)


class _Connection:
    """What is known of one connection of the MTA, and the transaction under way on it, if any."""

    __slots__ = (
        "_transaction", "address", "fault", "helo", "is_crowded", "listener", "masquerade", "mta", "mta_host", "name",
        "no_reply", "port", "share",
    )  # fmt: skip

    def __init__(self, no_reply: int, share: Share) -> None:
        self._transaction: _Transaction | None = None
        self.share = share
        self.no_reply = no_reply
        self.listener = self.mta = self.mta_host = self.masquerade = self.name = self.helo = self.address = ""
        self.port = -1
        self.fault = ""  # reference of a fault in a step that cannot be answered: the next one that can is a 451
        self.is_crowded = False  # whether that fault was no room for the message: a 452

    @property
    def transaction(self) -> _Transaction | None:
        """The message under way. Where it is taken away what it held is given back, whatever the way out."""
        return self._transaction

    @transaction.setter
    def transaction(self, new: _Transaction | None) -> None:
        self._transaction = new
        if new is None:
            self.share.release()


def _guarded(step: str) -> Callable[[Callable[..., int | None]], Callback]:
    """Catch everything that escapes a callback; `None` from it means "go on".

    Where no answer was negotiated libmilter swallows a refusal, takes the message for done and leaves the MTA waiting
    at its end. So a fault there is kept, the rest of that message is not looked at, and its end answers.
    """
    flag = _NO_REPLY.get(step, 0)

    def wrap(callback: Callable[..., int | None]) -> Callback:
        @functools.wraps(callback)
        def guarded(self: "Gate", ctx: "Context", *args: Any) -> int:
            connection: _Connection | None = ctx.getpriv()
            is_silent = connection is not None and bool(connection.no_reply & flag)
            go_on = milter.NOREPLY if is_silent else milter.CONTINUE
            try:
                if connection is not None and connection.fault and step != "abort":
                    return go_on if is_silent else self._answer_fault(ctx, connection)
                answer = callback(self, ctx, *args)
            except BaseException as error:
                is_crowded = isinstance(error, NoRoomError)
                reference = self._note_fault(ctx, step, error)
                if connection is not None:
                    connection.transaction = None
                if connection is not None and is_silent:
                    connection.fault, connection.is_crowded = reference, is_crowded
                    return go_on
                return _defer(ctx, reference, is_crowded=is_crowded)
            return go_on if answer is None else answer

        return guarded

    return wrap


class Gate:
    """The callbacks of one worker process.

    Args:
        current: returns the Runtime in force now.
        append: puts an event on disk and returns its sequence number, or raises PortError.
        reader: reads heavy HTML.
        log: the operational logger.
        clock: seconds since the epoch.
        observer: counts what becomes of messages.
        in_flight: the account of what messages under way hold.
    """

    def __init__(
        self,
        current: Callable[[], Runtime],
        append: Callable[..., int],
        reader: Reader,
        log: Any,
        clock: Callable[[], float] = time.time,
        observer: Observer | None = None,
        in_flight: InFlight | None = None,
    ) -> None:
        self._current = current
        self._append = append
        self._reader = reader
        self._log = log
        self._clock = clock
        self._observer = observer
        self.in_flight = in_flight or InFlight(MAX_IN_FLIGHT)
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        self._owed: deque[str] = deque(maxlen=MAX_OWED)
        self.connections = 0
        self._open: set[_Connection] = set()

    def is_busy(self) -> bool:
        """Whether a message is under way on any connection."""
        return self.under_way() > 0

    def under_way(self) -> int:
        """How many messages are under way on all connections."""
        with self._lock:
            return sum(connection.transaction is not None for connection in self._open)

    def register(self) -> None:
        """Hand the callbacks to libmilter."""
        if not hasattr(milter, "opensocket"):  # a folder called milter is importable without pymilter
            raise RuntimeError("the module `milter` is not pymilter's: install pymilter (Debian: python3-milter)")
        milter.set_flags(_NEEDED_ACTIONS | milter.SETSYMLIST)
        milter.set_connect_callback(self._connect)
        milter.set_helo_callback(self._helo)
        milter.set_envfrom_callback(self._mail)
        milter.set_envrcpt_callback(self._rcpt)
        milter.set_header_callback(self._header)
        milter.set_eoh_callback(self._eoh)
        milter.set_body_callback(self._body)
        milter.set_eom_callback(self._end)
        milter.set_abort_callback(self._abort)
        milter.set_close_callback(self._close)
        milter.set_exception_policy(milter.TEMPFAIL)
        milter.register("sealgate", data=self._data, unknown=self._unknown, negotiate=self._negotiate)

    # -- callbacks, in the order of the protocol ---------------------------------------------------------------------

    def _negotiate(self, ctx: "Context", options: list[int]) -> int:
        try:
            actions, steps = options[0], options[1]
            if actions & _NEEDED_ACTIONS != _NEEDED_ACTIONS or not steps & milter.P_HDR_LEADSPC:
                self._log.error("refused", why="the MTA cannot take header edits or keep blanks", actions=actions)
                return milter.REJECT
            no_reply = steps & _SILENT
            options[0] = _NEEDED_ACTIONS | actions & milter.SETSYMLIST
            options[1] = milter.P_HDR_LEADSPC | no_reply
            options[2] = options[3] = 0
            if actions & milter.SETSYMLIST:
                for stage, names in _MACROS:
                    ctx.setsymlist(stage, names)
            self._opened(ctx, no_reply)
        except BaseException as error:
            self._log.error("fault", step="negotiate", error=repr(error))
            return milter.REJECT
        return milter.CONTINUE

    def _opened(self, ctx: "Context", no_reply: int) -> _Connection:
        connection = _Connection(no_reply, Share(self.in_flight))
        ctx.setpriv(connection)
        with self._lock:
            self.connections += 1
            self._open.add(connection)
        return connection

    @_guarded("connect")
    def _connect(self, ctx: "Context", hostname: str, _family: int, address: Any) -> int | None:
        # After SMFIC_QUIT_NC a client follows without a new negotiation, and ours was forgotten at its close. Leave not
        # to answer is always given: libmilter answers in our stead where the MTA offers none.
        connection: _Connection = ctx.getpriv() or self._opened(ctx, _SILENT)
        connection.name = hostname or ""
        if isinstance(address, tuple):
            connection.address, connection.port = address[0], address[1]
        if connection.port == 0 and not _macro(ctx, "i"):
            # cleanup(8) plays the client of sendmail(1) and has a queue id from the beginning; smtpd(8) never has.
            connection.port = -1
        connection.listener = _macro(ctx, "{daemon_name}")
        connection.mta, connection.mta_host = _macro(ctx, "v"), _macro(ctx, "j")
        connection.masquerade = _macro(ctx, "M")
        # Passing for the whole connection is safe here; at the envelope stages Postfix before 2026-08 may keep an
        # ACCEPT for the next message.
        profile = self._current().profile
        return milter.ACCEPT if handling(_session(ctx, connection), profile) is Handling.PASS else None

    @_guarded("helo")
    def _helo(self, ctx: "Context", helo: str) -> None:
        _negotiated(ctx).helo = helo

    @_guarded("mail")
    def _mail(self, ctx: "Context", sender: bytes, *_parameters: bytes) -> int | None:
        connection = _negotiated(ctx)
        connection.transaction = None
        connection.share.hold(MESSAGE_OCTETS)
        started = time.perf_counter()
        now = self._clock()
        runtime = self._current()
        session = _session(ctx, connection)
        envelope = Envelope(sender, _macro(ctx, "{mail_addr}"))
        reference = new_reference(now)
        outcome = at_mail(session, envelope, runtime, reference, now)
        transaction = connection.transaction = _Transaction(
            runtime, reference, session, envelope, outcome.caller, connection.share
        )
        transaction.mail_seconds = time.perf_counter() - started
        if not outcome.verdict.is_accepted:
            answer = self._conclude(ctx, outcome, transaction, "", ())
            connection.transaction = None  # where it raised, the guard still needs the reference, and clears it
            return answer
        if outcome.caller.findings:
            self._tell_once(session.listener, outcome)
        return None

    @_guarded("rcpt")
    def _rcpt(self, ctx: "Context", recipient: bytes, *_parameters: bytes) -> None:
        transaction = _under_way(ctx)
        transaction.recipients.append(recipient)
        transaction.envelope_octets += len(recipient) + FIELD_OCTETS
        if transaction.envelope_octets >= transaction.share.told_at:
            transaction.tell_share()

    @_guarded("data")
    def _data(self, ctx: "Context") -> None:
        """Nothing to do; answered because an MTA may insist."""

    @_guarded("header")
    def _header(self, ctx: "Context", name: str, value: bytes) -> None:
        # Folds arrive as newline + blank; on the wire they are CRLF + blank.
        crlf = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if b"\n" in value else value
        transaction = _under_way(ctx)
        transaction.intake.header(name.encode("utf-8", "surrogateescape"), crlf)
        if transaction.intake.header_octets >= transaction.share.told_at:
            transaction.tell_share()

    @_guarded("eoh")
    def _eoh(self, ctx: "Context") -> None:
        """Nothing to do; answered because an MTA may insist."""

    @_guarded("body")
    def _body(self, ctx: "Context", chunk: bytes) -> None:
        started, transaction = time.perf_counter(), _under_way(ctx)
        transaction.intake.body(chunk)
        transaction.tell_share()
        transaction.body_seconds += time.perf_counter() - started

    @_guarded("unknown")
    def _unknown(self, ctx: "Context", _command: str) -> None:
        """Nothing to do; answered because an MTA may insist."""

    @_guarded("end")
    def _end(self, ctx: "Context") -> int:
        transaction = _under_way(ctx)
        answer = self._answer(ctx, transaction)
        ctx.getpriv().transaction = None  # where it raised, the guard still needs the reference, and clears it
        return answer

    def _answer(self, ctx: "Context", transaction: _Transaction) -> int:
        queue_id, laps = _macro(ctx, "i"), [time.perf_counter()]
        message, body_hashes = transaction.intake.finish(
            reference=transaction.reference,
            received_at=self._clock(),
            session=transaction.session,
            envelope=replace(transaction.envelope, recipients=tuple(transaction.recipients)),
            queue_id=queue_id,
        )
        laps.append(time.perf_counter())
        outcome = at_end(
            message,
            body_hashes,
            transaction.runtime,
            self._reader,
            transaction.caller,
            over_limit=transaction.intake.is_over_limit,
            lap=lambda: laps.append(time.perf_counter()),
        )
        for removed, index in outcome.verdict.removals:
            ctx.chgheader(removed.decode("ascii"), index, "")
        for edited, index, value in outcome.edits:
            ctx.chgheader(edited, index, value)
        for name, value in outcome.inserts:  # as with OpenDKIM the last one stands on top
            # Leading blanks were negotiated: without ours, no blank would follow the colon.
            ctx.addheader(name, " " + value, 0)
        return self._conclude(ctx, outcome, transaction, queue_id, laps)

    def _conclude(
        self, ctx: "Context", outcome: Outcome, transaction: _Transaction, queue_id: str, laps: Sequence[float]
    ) -> int:
        """Record, then answer; where the answer cannot be given, a correcting line says that it became 451."""
        started, reference = time.perf_counter(), transaction.reference
        lines = recorded(outcome.event, transaction.runtime)
        self._record(lines.kind, **lines.event, more_lines=lines.more, side_values=lines.side)
        written = time.perf_counter() - started
        try:
            self._tell(outcome, reference, queue_id)
            if outcome.verdict.action is Action.QUARANTINE:
                ctx.quarantine(f"sealgate {reference}")
            answer = milter.ACCEPT if outcome.verdict.is_accepted else _refuse(ctx, outcome.verdict.reply)
            if self._observer is not None:
                self._observer.observe(outcome, transaction.runtime.profile, _timings(transaction, laps, written))
            return answer
        except BaseException as error:
            self._record("correction", **self._about(), id=reference, verdict="tempfail", why=repr(error)[:200])
            raise

    @_guarded("abort")
    def _abort(self, ctx: "Context") -> None:
        connection: _Connection | None = ctx.getpriv()
        if connection is None:
            return  # nothing was negotiated
        connection.transaction = None  # may come twice, and without a transaction
        connection.fault, connection.is_crowded = "", False

    def _close(self, ctx: "Context") -> int:
        connection = ctx.getpriv()
        if connection is not None:  # None where negotiation failed
            connection.transaction = None
            with self._lock:
                self.connections -= 1
                self._open.discard(connection)
        ctx.setpriv(None)
        return milter.CONTINUE

    # -- what is recorded and said of it ------------------------------------------------------------------------------

    def _record(self, kind: str, **event: Any) -> None:
        """Put one event on disk, after the corrections that are owed.

        Where the journal did not answer, nobody knows whether the line is on disk; its message was deferred. So a
        correction is owed for it, and goes ahead of the next line that can be written.
        """
        while self._owed:
            reference = self._owed.popleft()
            try:
                self._append(
                    "correction", **self._about(), id=reference, verdict="tempfail", why="the journal did not answer"
                )
            except PortError:
                self._owed.appendleft(reference)
                raise
        try:
            self._append(kind, **event)
        except PortError:
            if kind == "decision":
                self._owed.append(event["id"])
            raise

    def _about(self) -> dict[str, Any]:
        """What each line that we add to the decisions begins with."""
        runtime = self._current()
        return {"v": VERSION, "t": moment(self._clock()), "host": runtime.host, "software": runtime.software}

    def _tell(self, outcome: Outcome, reference: str, queue_id: str) -> None:
        event, verdict = outcome.event, outcome.verdict
        write = self._log.info if verdict.is_accepted else self._log.warning
        write(
            str(verdict.action),
            queue_id=queue_id,
            id=reference,
            principal=event["auth"]["principal"],
            sender=event["envelope"]["from"],
            would=str(verdict.would),
            findings=[f"{j.finding.rule.code}: {j.finding.detail[:300]}" for j in verdict.judged],
            reply=event["reply"],
        )
        if verdict.is_accepted and isinstance(outcome.seal, SealPlan) and outcome.inserts:
            for signer in outcome.seal.signers:  # the words of OpenDKIM, which log parsers know
                about = f"(s={signer.key.selector}, d={signer.key.domain})"
                write(f"{printable(queue_id) or 'NOQUEUE'}: DKIM-Signature field added {about}", as_line=True)

    def _tell_once(self, listener: str, outcome: Outcome) -> None:
        """In report mode an unnamed listener or unmapped login is said once a worker, not once a message."""
        for finding in outcome.caller.findings:
            if (key := (listener, finding.rule.code)) not in self._told and len(self._told) < 1000:
                self._told.add(key)
                self._log.warning("would-refuse", rule=finding.rule.code, detail=finding.detail)

    def _answer_fault(self, ctx: "Context", connection: _Connection) -> int:
        """Answer 451 for a fault in a step before, which could not be answered, and forget the message."""
        reference, connection.fault, connection.transaction = connection.fault, "", None
        is_crowded, connection.is_crowded = connection.is_crowded, False
        return _defer(ctx, reference, is_crowded=is_crowded)

    def _note_fault(self, ctx: "Context", step: str, error: BaseException) -> str:
        """Say what happened in log and, where that still works, in the record; return its reference. Never raises."""
        reference = "-"
        try:
            is_crowded = isinstance(error, NoRoomError)
            if self._observer is not None and not is_crowded:
                self._observer.observe_fault(step)
            connection = ctx.getpriv()
            transaction = connection.transaction if connection is not None else None
            reference = transaction.reference if transaction is not None else new_reference(self._clock())
            if is_crowded:
                why = f"452: no room, the messages under way hold {self.in_flight.limit} octets"
                self._tell_no_room(reference)
            else:
                why = repr(error)[:200]
                self._log.error("fault", step=step, id=reference, error=repr(error), exc_info=error)
            if not isinstance(error, PortError):
                self._record("fault", **self._about(), id=reference, step=step, verdict="tempfail", why=why)
        except BaseException as second:
            with contextlib.suppress(BaseException):
                self._log.error("fault", step=step, id=reference, error=repr(second))
        return reference

    def _tell_no_room(self, reference: str) -> None:
        """Say it in the log once a minute, not for each message."""
        room = self.in_flight
        if count := room.refuse(time.monotonic()):
            self._log.error("no-room", refused=count, held=room.held, limit=room.limit, id=reference)


def _timings(transaction: _Transaction, laps: Sequence[float], record: float) -> Timings:
    """What a message took: `laps` are the end's begin, frozen, read, judged, sealed; none of them at MAIL."""
    mail, body = transaction.mail_seconds, transaction.body_seconds
    if len(laps) != 5:
        return Timings(mail, None, None, None, None, record, mail + record)
    begin, frozen, read, judged, sealed = laps
    whole = mail + body + time.perf_counter() - begin
    return Timings(mail, body + frozen - begin, read - frozen, judged - read, sealed - judged, record, whole)


def _defer(ctx: "Context", reference: str, *, is_crowded: bool = False) -> int:
    reply = Reply("451", "4.3.0", f"internal fault, please try again later; refusal {reference}")
    if is_crowded:  # RFC 5321 4.2.3, RFC 3463 3.4 X.3.1
        reply = Reply("452", "4.3.1", f"insufficient system storage, please try again later; refusal {reference}")
    try:
        return _refuse(ctx, reply)
    except BaseException:
        return milter.TEMPFAIL


def _macro(ctx: "Context", name: str) -> str:
    """A macro's value, empty where the MTA sent none, U+FFFD (no address and no login) where it is no UTF-8."""
    try:
        return ctx.getsymval(name) or ""
    except UnicodeDecodeError:
        return "\ufffd"


def _session(ctx: "Context", connection: _Connection) -> Session:
    return Session(
        listener=connection.listener,
        client_address=connection.address,
        client_port=connection.port,
        client_name=connection.name,
        helo=connection.helo,
        tls_version=_macro(ctx, "{tls_version}"),
        cipher_bits=int(bits) if (bits := _macro(ctx, "{cipher_bits}")).isdecimal() and len(bits) < 6 else 0,
        certificate_subject=_macro(ctx, "{cert_subject}"),
        certificate_issuer=_macro(ctx, "{cert_issuer}"),
        certificate_verify=_macro(ctx, "{verify}"),
        mta=connection.mta,
        mta_host=connection.mta_host,
        mta_masquerade=connection.masquerade,
        auth_mechanism=_macro(ctx, "{auth_type}"),
        auth_name=_macro(ctx, "{auth_authen}"),
    )


def _negotiated(ctx: "Context") -> _Connection:
    """The connection; libmilter also calls for an MTA that began without a negotiation."""
    connection: _Connection | None = ctx.getpriv()
    if connection is None:
        raise RuntimeError("nothing was negotiated: the MTA left the order of the protocol")
    return connection


def _under_way(ctx: "Context") -> _Transaction:
    transaction = _negotiated(ctx).transaction
    if transaction is None:
        raise RuntimeError("no transaction is under way: the MTA left the order of the protocol")
    return transaction


def _refuse(ctx: "Context", reply: Reply | None) -> int:
    if reply is None:
        raise RuntimeError("a refusal without a reply")
    ctx.setreply(reply.code, reply.enhanced, reply.text)
    return milter.TEMPFAIL if reply.code[0] == "4" else milter.REJECT
