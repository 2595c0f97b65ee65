"""Rules: what Postfix tells the gate, and how long it waits for it."""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from sealgate.doctor.finding import Told, fine, rule, warning, wrong
from sealgate.doctor.host import Host, Postfix
from sealgate.doctor.paste import in_main, where_it_is
from sealgate.doctor.services import gated, of_service, ours_among, where

NEEDED_PROTOCOL: Final = 6  # the first with SMFIP_HDR_LEADSPC and SMFIF_SETSYMLIST
MARGIN: Final = 5  # seconds that signing and writing may take beside the deadline
# What the gate reads, by the list of Postfix that would have to hold it if the gate did not ask for its own.
NEEDED_MACROS: Final = MappingProxyType(
    {
        "milter_connect_macros": ("j", "v", "{daemon_name}"),
        "milter_mail_macros": ("{auth_type}", "{auth_authen}", "{mail_addr}"),
        "milter_end_of_data_macros": ("i",),
    }
)
_TIME: Final = re.compile(r"([0-9]{1,9})([smhdw]?)")
_UNIT: Final = MappingProxyType({"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800})


def seconds(text: str, unit: str = "s") -> int:
    """Read a time of Postfix's; -1 where it is none. `unit` is the one that a number alone has."""
    found = _TIME.fullmatch(text.strip())
    return int(found[1]) * _UNIT[found[2] or unit] if found else -1


@rule(
    "postfix.protocol",
    "postconf(5) milter_protocol; MILTER_README, Milter protocol versions",
    "below version 6 Postfix takes blanks away after the colon and the signature breaks: the gate refuses such an MTA",
)
def protocol(host: Host) -> Iterator[Told]:
    """Whether `milter_protocol` is at least 6."""
    if (postfix := host.postfix) is None:
        return
    for service in gated(host):
        found = of_service(host, service)
        own = found[ours_among(host, found, service)].own.get("protocol")
        text = own or postfix.of(service, "milter_protocol")
        place = where(service, "smtpd_milters" if own else "milter_protocol")
        version = text.partition(" ")[0]
        if version.isascii() and version.isdecimal() and len(version) < 6 and int(version) >= NEEDED_PROTOCOL:
            yield fine(place, f"milter_protocol = {text}")
        elif own:
            yield wrong(
                place,
                f"protocol = {text} in the braces of smtpd_milters",
                "# take protocol=… out of the braces: the default is 6",
            )
        else:
            yield wrong(
                place,
                f"milter_protocol = {text}",
                *where_it_is(postfix, service, "milter_protocol", str(NEEDED_PROTOCOL)),
            )


@rule(
    "postfix.macros",
    "MILTER_README, Macros; postconf(5) milter_mail_macros, milter_connect_macros, milter_end_of_data_macros, "
    "milter_macro_v",
    "without {auth_authen} nobody has logged in, and without {daemon_name} no listener has a name",
)
def macros(host: Host) -> Iterator[Told]:
    """Whether the lists of macros still hold what the gate reads; since protocol 6 it asks for lists of its own."""
    if (postfix := host.postfix) is None:
        return
    for service in gated(host):
        version = postfix.of(service, "milter_protocol").partition(" ")[0]
        asks = version.isascii() and version.isdecimal() and len(version) < 6 and int(version) >= NEEDED_PROTOCOL
        lacking = list(_lacking(postfix, service.options))
        for name, missing in () if asks else lacking:
            value = " ".join((*postfix.of(service, name).replace(",", " ").split(), *missing))
            yield wrong(
                where(service, name), f"{name} lacks {' '.join(missing)}", *where_it_is(postfix, service, name, value)
            )
        if not (said := postfix.of(service, "milter_macro_v")).startswith(("Postfix", "$mail_name")):
            yield warning(
                where(service, "milter_macro_v"),
                f"milter_macro_v = {said}: the gate takes the MTA for another than Postfix, and believes no client "
                "certificate",
                *where_it_is(postfix, service, "milter_macro_v", "$mail_name $mail_version"),
            )
        elif asks:
            changed = ", ".join(name for name, _ in lacking)
            yield fine(
                service.label,
                "the gate asks for what it needs"
                + (f"; what was taken out of {changed} does not matter to it" if changed else ""),
            )
        elif not lacking:
            yield fine(service.label, "the lists hold what the gate reads")


def _lacking(postfix: Postfix, options: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    own = options if isinstance(options, dict | MappingProxyType) else {}
    for name, needed in NEEDED_MACROS.items():
        value = own.get(name, postfix.main.get(name, ""))
        there = {word.strip("{}") for word in value.replace(",", " ").split()}
        if missing := tuple(each for each in needed if each.strip("{}") not in there):
            yield name, missing


@rule(
    "postfix.timeouts",
    "postconf(5) milter_connect_timeout, milter_command_timeout, milter_content_timeout; sealgate.yaml "
    "deadline_seconds",
    "when Postfix gives up first, mail waits that the gate was about to let go, and is recorded as accepted",
)
def timeouts(host: Host) -> Iterator[Told]:
    """Whether Postfix waits longer for an answer than the gate may take (`deadline_seconds` and what signing takes)."""
    if (postfix := host.postfix) is None:
        return
    least = host.gate.settings.deadline_seconds + MARGIN
    for service in gated(host):
        found = of_service(host, service)
        own = found[ours_among(host, found, service)].own
        short = False
        for name, usual in (("connect_timeout", 30), ("command_timeout", 30), ("content_timeout", 300)):
            text = own.get(name, postfix.of(service, f"milter_{name}"))
            took = seconds(text)
            if 0 <= took < least:
                short = True
                place = where(service, "smtpd_milters" if name in own else f"milter_{name}")
                mended = (
                    (f"# in the braces of smtpd_milters: {name}={usual}s",)
                    if name in own
                    else where_it_is(postfix, service, f"milter_{name}", f"{usual}s")
                )
                level = wrong if took <= host.gate.settings.deadline_seconds else warning
                yield level(place, f"milter_{name} = {text}, and the gate may take {least} s", *mended)
        if not short:
            yield fine(service.label, f"Postfix waits at least the {least} s that the gate may take")


@rule(
    "postfix.queue-ids",
    "postconf(5) enable_long_queue_ids",
    "short queue ids are used again within days: one line of the record could be about two messages",
)
def queue_ids(host: Host) -> Iterator[Told]:
    """Whether queue ids are long, so that none comes twice."""
    if (postfix := host.postfix) is None or not postfix.knows("enable_long_queue_ids"):
        return
    if postfix.main["enable_long_queue_ids"] == "yes":
        yield fine(f"{postfix.folder}/main.cf", "queue ids are long")
    else:
        yield warning(
            f"{postfix.folder}/main.cf", "enable_long_queue_ids = no", in_main(postfix, "enable_long_queue_ids", "yes")
        )
