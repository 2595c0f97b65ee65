"""Which settings of Postfix let mail past the gate: each is warned of, and a good one is not."""

from dataclasses import replace

import pytest

from sealgate.profile.milters import judge_milters
from sealgate.profile.model import Handling, Identity, Kind, MailClass, Problem, Profile
from sealgate.profile.settings import Socket
from sealgate.profile.spelling import SaslSettings, Setting, Smtpd

MAIN, MASTER = "/etc/postfix/main.cf", "/etc/postfix/master.cf"
OURS = "unix:sealgate/sealgate.sock"
SOCKET = Socket("unix", "/var/spool/postfix/sealgate/sealgate.sock")
NONE = Setting("", MAIN)
GOOD = Smtpd(
    "587/inet", "submission", True, "cyrus", NONE, NONE, Setting(OURS, MASTER), Setting("tempfail", MAIN)
)  # fmt: skip
INCOMING = replace(GOOD, service="smtp/inet", listener="mail.example.test", takes_logins=False, milters=NONE)
PROFILE = Profile(listeners={"submission": Handling.JUDGE, "smtpd": Handling.PASS})


def judged(*services: Smtpd, of: Profile = PROFILE, unlogged: Setting | None = None) -> tuple[Problem, ...]:
    found = judge_milters(SaslSettings(services, non_smtpd_milters=unlogged), of, SOCKET)
    assert all(problem.suggestion and not problem.is_error for problem in found)
    return found


def test_a_host_in_order_and_one_that_is_not_known_have_nothing_to_be_told() -> None:
    assert judged(GOOD, INCOMING) == ()
    assert judge_milters(SaslSettings(), PROFILE, SOCKET) == ()
    assert judged(replace(GOOD, milters=None, default_action=None)) == ()


@pytest.mark.parametrize(
    ("milters", "file", "says"),
    [
        (OURS, MAIN, "milter_default_action = accept is an open gate"),
        (f"inet:127.0.0.1:11332, {OURS}", MAIN, "milter_default_action = accept"),
        (f"{{ {OURS}, default_action=accept }}", MASTER, "default_action=accept in smtpd_milters is an open gate"),
    ],
)
def test_a_filter_that_may_be_left_out_is_an_open_gate_told_once(milters: str, file: str, says: str) -> None:
    one = replace(GOOD, milters=Setting(milters, MASTER), default_action=Setting("accept", MAIN))
    (problem,) = judged(one, replace(one, service="465/inet"))
    assert problem.file == file
    assert problem.message.startswith(says)


def test_an_action_of_the_milters_own_stands_over_the_general_one() -> None:
    own = Setting(f"{{ {OURS}, default_action = tempfail }}", MASTER)
    assert judged(replace(GOOD, milters=own, default_action=Setting("accept", MAIN))) == ()


def test_an_open_gate_before_incoming_mail_is_not_ours_to_judge() -> None:
    spam = replace(INCOMING, milters=Setting("inet:127.0.0.1:11332", MAIN), default_action=Setting("accept", MAIN))
    assert judged(GOOD, spam) == ()


def test_a_service_by_a_name_that_the_profile_does_not_know_is_told_with_what_comes_of_it() -> None:
    (problem,) = judged(replace(GOOD, listener="mail.example.test"))
    assert "587/inet is called `mail.example.test`" in problem.message
    assert "deferred (451)" in problem.message
    assert "-o milter_macro_daemon_name=submission" in problem.suggestion
    (problem,) = judged(replace(GOOD, listener="submision"))
    assert problem.suggestion == "did you mean `submission`?"
    (problem,) = judged(replace(GOOD, listener="x.test"), of=replace(PROFILE, unnamed_listeners=Handling.PASS))
    assert "passes unjudged" in problem.message
    (problem,) = judged(replace(INCOMING, milters=Setting(f"inet:localhost:11332 {OURS}", MAIN)))
    assert "smtp/inet is called `mail.example.test`" in problem.message, "it takes no logins, and asks the gate"


def test_a_service_with_logins_that_asks_nobody_is_told_unless_it_is_to_pass() -> None:
    (problem,) = judged(replace(GOOD, milters=NONE))
    assert "587/inet takes logins and its smtpd_milters is empty" in problem.message
    assert OURS in problem.suggestion
    assert judged(replace(GOOD, milters=NONE, listener="smtpd")) == ()


def test_sendmail_that_asks_nobody_is_told_where_an_identity_waits_for_its_mail() -> None:
    cron = Identity("cron", Kind.SERVICE, MailClass.AUTO, local=True, place="p.yaml:9")
    judges = replace(PROFILE, local_submission=Handling.JUDGE, identities=(cron,))
    (problem,) = judged(GOOD, of=judges, unlogged=NONE)
    assert "non_smtpd_milters is empty" in problem.message
    assert "`cron` at p.yaml:9" in problem.message
    assert problem.suggestion == f"non_smtpd_milters = {OURS}"
    assert judged(GOOD, of=judges, unlogged=Setting(OURS, MAIN)) == ()
    assert judged(GOOD, of=PROFILE, unlogged=NONE) == ()
    assert judged(GOOD, of=judges, unlogged=None) == ()
