"""The words of the report: what verdicts, states and events are called for a lawyer, who is no operator."""

from types import MappingProxyType
from typing import Final

VERDICTS: Final = MappingProxyType(
    {"accept": "Went on", "reject": "Refused", "tempfail": "Deferred", "quarantine": "Held"}
)
CLASSES: Final = MappingProxyType(
    {
        "commercial": "Commercial, as declared",
        "other": "All other mail",
        "unseen": "Stopped before the message was sent",
    }
)
ELEMENTS: Final = MappingProxyType(
    {
        "postal-address": ("Postal address of the sender", "15 USC 7704(a)(5)(A)(iii); 16 CFR 316.2(p)"),
        "opt-out": ("Notice and means of opting out", "15 USC 7704(a)(5)(A)(ii), (a)(3)(A)"),
        "label": ("Identification as an advertisement", "15 USC 7704(a)(5)(A)(i), (a)(5)(B)"),
        "one-click": ("One-click unsubscription in the header", "RFC 8058: not the law, but mailbox providers"),
    }
)
STATES: Final = MappingProxyType(
    {
        "absent": "not found",
        "unread": "could not be looked for: a part could not be read",
        "registered": "found: an address that the profile registers",
        "recognised": "found: reads as an address, which the profile does not register",
        "unfilled": "missing: a placeholder that nobody filled in",
        "live": "found: a link, an address or an instruction that can work",
        "burdened": "found, but seems to ask more of the reader than one page or one reply",
        "dead": "missing: what is there cannot work",
        "present": "found",
        "waived": "not demanded: the recipients consented, as the profile declares",
        "sound": "found: both fields, well formed",
        "malformed": "missing: what is there is not what RFC 8058 demands",
    }
)
WAYS: Final = MappingProxyType(
    {
        "registered": "registered address",
        "recognised": "form of an address",
        "link": "link",
        "address": "mail address",
        "reply": "instruction to reply",
        "words": "words",
        "sound": "header fields",
    }
)
INCIDENTS: Final = MappingProxyType(
    {
        "gap": "Gap: the file did not do as told, by a failed disk or another hand. Lines before it that had been "
        "acknowledged are counted by `sealgate audit verify`",
        "recovered": "Recovered: the writer ended within a line. What it had not finished was never acknowledged",
        "jump": "Jump: numbers of lines do not follow each other. Lines are missing, or the files were not all given",
        "fault": "Fault: an error of the program. The message was deferred",
        "correction": "Correction: an answer became a deferral after its line was written",
        "clock": "Clock: the time of the host was set, or went back. Times near it are to be read with care",
        "full": "Full: the disk had no room. Mail was deferred until it had",
        "worker-died": "Worker died: a process crashed. What it had in hand was deferred",
        "forgotten": "Forgotten: values behind hashes, or old lines, were erased as a term or a person demanded",
        "start": "Start without a stop before it: the gate had not ended as it should",
        "mode": "Mode: somebody switched between refusing and only writing down, or the switch ran out",
    }
)
WENT_ON: Final = (
    "A message that went on was handed back to the mail server for delivery. What became of it is not known here."
)
NONE: Final = (
    "None: no gap, no recovery, no fault, no correction, no clock that was set, no full disk, no crash, nothing "
    "erased, no switch of the mode."
)
CLASSES_ARE_DECLARED: Final = (
    "Commercial is what an identity sends that the profile declares commercial. An advertisement that somebody else "
    "sends is counted with the other mail, unless a rule found it."
)
WHO_IS_WHO: Final = (
    "An identity is a sender that the profile names; a principal is the account that proved itself by logging in."
)
COUNTED_UNDER_EACH: Final = (
    "A message that met several rules is counted under each. Met only: the rule only reports, or another "
    "answered, or the gate was in report mode."
)
MANY: Final = "More than {:,} names: who first appeared after that is among the others."
MISSING: Final = "In mail that went on, something that the law demands was not found {:,} times."
COMPLETE: Final = "In no commercial message that went on was anything missing that the law demands."
_DELIVERY: Final = (
    "Delivery: a message that went on was handed back to the mail server. That it arrived, was read or was filtered "
    "elsewhere is not known here."
)
_OPT_OUT: Final = (
    "Opting out: that a link or an address works, for 30 days or at all (15 USC 7704(a)(3)(A)(ii)), that it asks no "
    "fee "
    "and no more than one page (16 CFR 316.5), and that an opt-out is honoured within ten business days "
    "(15 USC 7704(a)(4)), cannot be seen in a message."
)
_TRUTH: Final = (
    "Truth: that a postal address is the sender's and current, that a subject does not mislead (15 USC 7704(a)(2)), "
    "that "
    "consent was given, or that an advertisement was declared as one."
)
_OTHERS: Final = (
    "Other mail: what this host sends past the gate (the mail server's own bounces, messages put back into the queue "
    "by "
    "hand, other relays, listeners that the profile lets pass) has no line."
)
_COMPLETE: Final = (
    "Completeness: this report adds up the lines it was given and does not verify them. `sealgate audit verify` does; "
    "keep its answer, and a checkpoint kept elsewhere, with this report. Whoever rules the host can write anew what no "
    "checkpoint elsewhere covers."
)
LIMITS: Final = (
    _DELIVERY,
    _OPT_OUT,
    _TRUTH,
    "Conspicuousness is a human standard. The gate looks for text that a reader can see, and does not judge further.",
    "Persons: a principal is an account that proved itself. Who sat before the keyboard is not known here.",
    _OTHERS,
    _COMPLETE,
    "Law: this is no legal advice, and an element that was found is no finding of compliance.",
)
