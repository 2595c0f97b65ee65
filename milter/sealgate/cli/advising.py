"""What to do about a signature that does not help: one sentence, in the order in which causes are to be ruled out."""

from sealgate.app.verification import Judged, Result
from sealgate.seal.coverage import Alignment

_BEFORE = "let it work before the gate signs, or not at all; the Received fields above the signature name the hosts"


def advice(judged: Judged) -> str:
    """Say what to do, without its full stop; empty where there is nothing to do."""
    signature, diagnosis = judged.signature, judged.diagnosis
    if judged.result is Result.SKIPPED:
        return "look where so many signatures come from; receivers may refuse such mail"
    if signature is None:
        return "mend the signer; receivers pass over this signature"
    if judged.result is Result.TEMPORARY:
        return "ask again, or another server (--server), or give the key record (--key)"
    if judged.result is Result.PERMANENT:
        return _permanent(judged)
    if judged.result is Result.PASS:
        return _passed(judged)
    if diagnosis is None or diagnosis.fits:
        return "look at the message for control characters, and take them out before it is signed"
    if diagnosis.is_other_key:
        return (
            f"hold the record at {signature.record_name} against the key file of the signer; after a rotation the old "
            "record must stay until no mail is on its way"
        )
    if diagnosis.header_fits and not diagnosis.body_fits:
        return f"find the host that changes bodies (footer, banner, scanner, re-encoding): {_BEFORE}"
    if diagnosis.body_fits:
        return f"find the host that changes this: {_BEFORE}"
    return f"find the host that changes it, likely a mailing list or a gateway: {_BEFORE}"


def _permanent(judged: Judged) -> str:
    signature = judged.signature
    if signature is None or judged.found is not None:
        return "check the clocks, and let signatures live longer than mail waits in queues (5 days)"
    if "revoked" in judged.why:
        return "sign with the key that is published; mail that was signed before the key was withdrawn stays like this"
    return f"publish the public key of the signer at {signature.record_name} as a TXT record (`sealgate keys`)"


def _passed(judged: Judged) -> str:
    if judged.signature is not None and judged.signature.length is not None:
        return "sign without l="
    if judged.alignment in (Alignment.NONE, Alignment.SIBLING):
        return "have the mail signed with the author's domain too, or receivers' DMARC does not count this one"
    return ""
