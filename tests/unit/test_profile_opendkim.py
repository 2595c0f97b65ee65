"""OpenDKIM's configuration and data sets, read as OpenDKIM reads them; no option of its manual is forgotten."""

import gzip
import re
from pathlib import Path

import pytest

from sealgate.profile.opendkim import Configuration, Remarks, UnreadableError, read_configuration
from sealgate.profile.opendkim_options import ASKED, OPTIONS, Fate, Kind
from sealgate.profile.opendkim_tables import read_dataset, read_keys, read_signing

MANUALS = (Path("/usr/share/man/man5/opendkim.conf.5.gz"), Path("/usr/share/man/man5/opendkim.conf.5"))
_ENTRY = re.compile(r"^\.I ([A-Za-z][A-Za-z0-9-]*) \(([A-Za-z ]+)\)$", re.MULTILINE)
_KINDS = {
    "boolean": Kind.BOOLEAN, "integer": Kind.INTEGER, "string": Kind.TEXT, "filename": Kind.TEXT,
    "address": Kind.TEXT, "dataset": Kind.DATASET, "data set": Kind.DATASET,
}  # fmt: skip


class Shelf:
    """Files by name."""

    def __init__(self, **texts: str) -> None:
        self.texts = {f"/etc/{name}": text for name, text in texts.items()}
        self.names: tuple[str, ...] = ()

    def text(self, path: str) -> str:
        try:
            return self.texts[path]
        except KeyError:
            raise UnreadableError(f"{path}: No such file or directory") from None

    def filled(self, path: str) -> tuple[str, ...]:
        assert "%" in path
        return self.names


def read(text: str, **more: str) -> tuple[Configuration, list[str]]:
    remarks = Remarks()
    conf = read_configuration("/etc/conf", Shelf(conf=text, **more), remarks)
    return conf, [str(remark) for remark in remarks.collected]


def manual() -> dict[str, str]:
    for path in MANUALS:
        if path.exists():
            text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
            return dict(_ENTRY.findall(text.replace("\\-", "-")))
    pytest.skip("the manual of OpenDKIM is not installed (Debian: opendkim)")


def test_every_option_of_the_manual_is_known_and_read_as_it_says() -> None:
    listed = manual()
    assert len(listed) > 100  # the pattern still finds them
    assert sorted(name for name in listed if name.lower() not in OPTIONS) == []
    assert {n for n, kind in listed.items() if OPTIONS[n.lower()].kind is not _KINDS[kind.lower()]} == set()


def test_every_option_has_a_fate_and_words() -> None:
    assert all(option.says and not option.says.endswith(".") for option in OPTIONS.values())
    assert {option.fate for option in OPTIONS.values()} == set(Fate)
    assert {"keytable", "senderheaders"} <= ASKED
    assert {"statistics", "sendreports", "userid", "include", "pidfile"} & ASKED == set()


@pytest.mark.parametrize("key", [key for key, o in OPTIONS.items() if o.fate is not Fate.CARRIED])
def test_no_option_goes_without_a_word(key: str) -> None:
    option = OPTIONS[key]
    value = {Kind.BOOLEAN: "yes", Kind.INTEGER: "7"}.get(option.kind, "something")
    remarks = read(f"{key.upper()} {value}\n")[1]
    if key in ("signheaders", "omitheaders", "oversignheaders"):
        assert remarks == []  # told against our own list: test_profile_opendkim_profile
        return
    kind = "error" if option.fate is Fate.CHANGES else "note"
    assert len(remarks) == 1
    assert remarks[0].startswith(f"/etc/conf:1: {kind}: {option.name} ")
    assert option.says in remarks[0]


def test_a_switch_that_is_off_changes_nothing() -> None:
    assert read("ResignAll no\n")[1] == ["/etc/conf:1: note: ResignAll is needless: it is so here"]
    assert read("SenderHeaders From\n")[1] == ["/etc/conf:1: note: SenderHeaders is needless: it is so here"]
    assert "error" in read("SenderHeaders Sender,From\n")[1][0]


def test_names_have_no_case_comments_end_lines_and_the_last_word_counts() -> None:
    conf, remarks = read("# all\ncanonicalization relaxed\t# why not\n\nSELECTOR a\n  selector\tb \r\n")
    assert (conf.text("Canonicalization"), conf.text("Selector"), str(conf.at("Selector"))) == (
        "relaxed",
        "b",
        "/etc/conf:5",
    )
    assert remarks == []


def test_included_files_are_read_in_their_place() -> None:
    more = {"more": "Selector b\nDomain x.test\n"}
    assert read("Selector a\nInclude /etc/more\n", **more)[0].text("Selector") == "b"
    assert read("Include /etc/more\nSelector a\n", **more)[0].text("Selector") == "a"
    assert str(read("Include /etc/more\n", **more)[0].at("Domain")) == "/etc/more:2"
    for many in (1, 10_000):  # the deepest ends the reading: each of them would read all again
        (deep,) = read("Include /etc/conf\n" * many)[1]
        assert "goes deeper than 5" in deep
    assert read("Include /etc/gone\n")[1] == ["/etc/conf:1: error: /etc/gone: No such file or directory"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Selecter a", "`Selecter` is no option of opendkim.conf(5)\n    did you mean `Selector`?"),
        ("Selector", "Selector has no value, which OpenDKIM refuses"),
        ("SubDomains maybe", "SubDomains must be yes or no, not `maybe`"),
        ("SignatureTTL soon", "SignatureTTL must be a number, not `soon`"),
    ],
)
def test_what_opendkim_refuses_stops(line: str, fault: str) -> None:
    assert read(f"\n{line}\n")[1] == [f"/etc/conf:2: error: {fault}"]


def test_what_opendkim_is_asked_with_signs_and_does_nothing_else() -> None:
    text = "Domain a.test\nUserID opendkim\nPidFile /run/x\nStatistics /var/x\nSyslog yes\nMode sv\nSendReports yes\n"
    asking = read(text + "SenderHeaders Sender\n")[0].asking
    lines = dict(line.split("\t") for line in asking.splitlines())
    assert lines == {
        "Domain": "a.test", "SenderHeaders": "Sender", "Mode": "s", "RequireSafeKeys": "no", "Syslog": "no",
        "Background": "no",
    }  # fmt: skip


def data(value: str, **files: str) -> tuple[list[tuple[str, str]] | None, list[str]]:
    remarks = Remarks()
    shelf = Shelf(conf=f"Domain {value}\nBaseDirectory /etc\n", **files)
    conf = read_configuration("/etc/conf", shelf, remarks)
    found = read_dataset("Domain", conf, shelf, remarks)
    return [(r.key, r.value) for r in found.rows] if found else None, [str(r) for r in remarks.collected]


def test_a_list_stands_in_the_line() -> None:
    assert data("a.test, b.test ,")[0] == [("a.test", ""), ("b.test", "")]
    assert data("csl:k=a.test:s:/p,l = b")[0] == [("k", "a.test:s:/p"), ("l", "b")]
    assert data("a.test,::1")[0] == [("a.test", ""), ("::1", "")]  # a colon behind the first comma is no type


def test_a_file_has_a_row_a_line() -> None:
    text = "# first\n a.test  one two \n\nb.test# last\n"
    for value in ("/etc/set", "file:/etc/set", "refile:/etc/set", "FILE:set"):
        assert data(value, set=text) == ([("a.test", "one two"), ("b.test", "")], [])
    assert "longer than 1,023 octets" in data("/etc/set", set="x" * 1100)[1][0]


@pytest.mark.parametrize("value", ["ldap://host/base", "dsn:mysql://x", "lua:/x", "db:/x", "/etc/keys.db", "mdb:x"])
def test_data_sets_that_want_a_library_are_named(value: str) -> None:
    found, remarks = data(value)
    assert found is None
    assert re.search(r"error: Domain: data sets of the type [a-z]+: are not supported\n    write it out", remarks[0])


def test_a_type_that_is_none_is_what_opendkim_says_too() -> None:
    assert "no type of data set, so OpenDKIM would not start" in data("::1, 127.0.0.1")[1][0]


def test_keys_are_read_with_their_faults() -> None:
    remarks = Remarks()
    rows = (
        "a a.test:s1:/etc/a.pem\nb B.test:s2:./b.pem\na x.test:s:/x\nshort a.test:s1\nempty a.test::/p\n"
        "inline a.test:s3:MIIEow\n"
    )
    shelf = Shelf(conf="KeyTable /etc/keys\nBaseDirectory /base/\n", keys=rows)
    conf = read_configuration("/etc/conf", shelf, remarks)
    table = read_dataset("KeyTable", conf, shelf, remarks)
    assert table is not None
    keys = read_keys(table, conf, remarks)
    assert {(k.name, k.domain, k.selector, k.path) for k in keys.values()} == {
        ("a", "a.test", "s1", "/etc/a.pem"),
        ("b", "b.test", "s2", "/base/b.pem"),
    }
    assert [(r.at.line, r.stops) for r in remarks.collected] == [(3, False), (4, True), (5, True), (6, True)]


def test_a_signing_table_without_wildcards_is_tried_from_the_nearest_to_the_widest() -> None:
    remarks = Remarks()
    rows = "* k\nu@* k\n.test k\n.a.test k\nu@.a.test k\na.test k\nu@a.test k:@%\nA.TEST other\nbare\n"
    shelf = Shelf(conf="SigningTable /etc/table\n", table=rows)
    conf = read_configuration("/etc/conf", shelf, remarks)
    table = read_dataset("SigningTable", conf, shelf, remarks)
    assert table is not None
    found = read_signing(table, remarks)
    assert [row.pattern for row in found] == ["u@a.test", "a.test", "u@.a.test", ".a.test", ".test", "u@*", "*"]
    assert found[0].signer == "@%"
    assert [str(r).partition("\n")[0] for r in remarks.collected] == [
        "/etc/table:9: error: `bare` names no key: OpenDKIM ends at the first message it fits",
        "/etc/table:8: note: `A.TEST` was given before at /etc/table:6: this row has no effect",
    ]


def test_remarks_beyond_the_cap_are_counted() -> None:
    remarks = Remarks()
    read_configuration("/etc/conf", Shelf(conf="Nothing x\n" * 1500), remarks)
    assert (len(remarks.collected), remarks.unlisted, remarks.stops) == (1000, 500, 1500)
