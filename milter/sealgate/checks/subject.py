"""What a subject claims, and template tags that nobody filled in (15 USC 7704(a)(2), 16 CFR 316.4).

On declared commercial mail: `Re:` or `Fwd:` where nothing is answered or forwarded, an order, a delivery or an account
problem that the body does not hold, and the label of sexually oriented mail. Tags left by a mailer are looked for in
the mail of services too, of class `auto` or transactional. A person's mail and a forwarder's are never looked at: code
has its place in letters. Patterns that program code has as well count in a service's mail only in Subject, From and
greeting. What cannot be known here is whether a claim is true.
"""

import re
from typing import Final

from sealgate.checks.facts import Facts, Known
from sealgate.checks.finding import Finding
from sealgate.checks.purpose_evidence import is_answer, own_text, shown
from sealgate.checks.purpose_signs import folded, signs
from sealgate.checks.purpose_words import Sign
from sealgate.checks.rules import RULES
from sealgate.mail.headers import Headers, decoded
from sealgate.mail.message import Message
from sealgate.mail.reply import printable
from sealgate.mail.visible import View
from sealgate.profile.model import Identity, Kind, MailClass

LABEL: Final = "SEXUALLY-EXPLICIT: "  # 16 CFR 316.4(a)(1): these 19 characters
_TEXT: Final = 50_000  # characters of a text that are searched for tags
_GREETING: Final = 200  # characters at the beginning of a text in which a greeting stands

# What a subject says has happened. Folded as in `checks.purpose_words`.
_CLAIM_TEXT: Final = """
your order|order confirmation|order #|order number|order has|order shipped|order is|your receipt|receipt for
payment receipt|your invoice|invoice #|invoice attached|overdue invoice|unpaid invoice|payment received
payment confirmation|payment failed|payment declined|your refund|refund approved|your package|your parcel
your delivery|delivery attempt|delivery failed|missed delivery|tracking number|out for delivery|has shipped
your booking|your reservation|your account has|your account is|your account was|your account will|account suspended
account locked|account on hold|account alert|account notice|security alert|unusual activity|suspicious login
new sign in|action required|final notice|past due|verify your account|confirm your account|password expires
password reset|seu pedido|pedido confirmado|sua encomenda|sua fatura|nota fiscal|pagamento recebido|pagamento recusado
sua conta foi|conta bloqueada|tu pedido|su pedido|tu factura|su factura|pago recibido|tu cuenta ha|su cuenta ha
tu paquete|su paquete|ihre bestellung|deine bestellung|bestellbestätigung|auftragsbestätigung|ihre rechnung
deine rechnung|offene rechnung|mahnung|ihr paket|dein paket|ihre sendung|ihr konto wurde|dein konto wurde
votre commande|votre facture|facture impayée|votre colis|votre compte a|votre compte est|il tuo ordine|la tua fattura
il tuo pacco|il tuo account è|uw bestelling|je bestelling|uw factuur|uw pakket|je pakket|uw account is|din beställning
din faktura|ditt paket|din ordre|din bestilling|din pakke|tilauksesi|twoje zamówienie|twoja paczka|twoja faktura
twoje konto zostało|vaše objednávka|ваш заказ|ваша посылка|ваш счет|ваш аккаунт|siparişiniz|kargonuz
"""
_CLAIMS: Final = tuple(folded(claim) for claim in re.split(r"[|\n]", _CLAIM_TEXT.strip()))
_CLAIM_BEGINS: Final = frozenset(claim.split()[0] for claim in _CLAIMS)
_NUMBER = re.compile(r"\d[\d -]{4,30}\d")

# Tags of the usual mailers. All bounded, each looked for only where its first characters stand in the text.
_NAMES: Final = (
    r"(?:f|l|first|last|full|user|customer|client|recipient|subscriber|contact|company|sender|your)[ _-]?"
    r"(?:name|address|e-?mail|company)"
)
_TAGS: Final = (
    ("{{", re.compile(r"(?<!\$)\{\{\{?[ \t]{0,4}[#/>^&~]?[A-Za-z_@][^{}\n]{0,80}\}\}")),
    ("{%", re.compile(r"\{%[^{}%\n]{1,80}%\}")),
    ("*|", re.compile(r"\*\|[A-Za-z_:][^|*\n]{0,60}\|\*")),
    ("%%", re.compile(r"%%[A-Za-z_][A-Za-z0-9_. -]{0,60}%%")),
    ("<%", re.compile(r"<%=?[^%<>\n]{1,80}%>")),
    ("%{", re.compile(r"%\{[A-Za-z_]\w{0,40}\}")),
    ("%", re.compile(r"%(?:unsubscribe|opt_?out|list|sender|web)[a-z_]{0,30}%", re.IGNORECASE)),
    ("%recipient", re.compile(r"%recipient[._]\w{1,40}%")),
    ("[", re.compile(rf"\[[ \t]?(?:{_NAMES}|username|name)[ \t]?\]", re.IGNORECASE)),
    ("<<", re.compile(rf"<<[ \t]?(?:{_NAMES}|name)[ \t]?>>", re.IGNORECASE)),
)
_CODE_TAGS: Final = (
    ("${", re.compile(r"\$\{[A-Za-z_][\w.]{0,60}\}")),
    (
        "{",
        re.compile(rf"(?<![${{%])\{{(?:[A-Za-z]{{1,30}}(?:_[A-Za-z]{{1,30}}){{1,4}}|{_NAMES}|name|e-?mail)\}}", re.I),
    ),
    ("%", re.compile(r"(?<!%)%(?:[A-Z]{2,20}(?:_[A-Z]{1,20}){1,3}|FIRSTNAME|LASTNAME|FNAME|LNAME|NAME|EMAIL)%(?!%)")),
)
_OPENERS: Final = tuple("{*%[<")  # one of them is in the beginning of every tag; most texts have none
# A greeting whose name is missing: "Hello ,". Only at the beginning of a line.
_NOBODY = re.compile(
    r"^(?:hi|hello|hey|dear|hallo|hola|olá|ola|bonjour|ciao|caro|cara|prezado|prezada|estimado|estimada|cher|chère|"
    r"gentile|lieber|liebe|sehr geehrter|sehr geehrte|beste|hej|kære|kjære|drogi|witaj|уважаемый|sayın)[ \t]{1,3},",
    re.IGNORECASE | re.MULTILINE,
)


def check(message: Message, facts: Facts, identity: Identity | None) -> tuple[Finding, ...]:
    """Find what the subject of commercial mail claims wrongly, and tags left unfilled in the mail of services."""
    if identity is None or identity.kind is not Kind.SERVICE or identity.mail_class is MailClass.PERSONAL:
        return ()
    views = tuple(fact.value for fact in facts.views if isinstance(fact, Known))
    subject = message.headers.text(b"subject")
    is_commercial = identity.mail_class is MailClass.COMMERCIAL
    unfilled = _unfilled(message.headers, views, in_code=is_commercial)
    findings = [_found("canspam.unfilled-template", *unfilled)] if unfilled else []
    if not is_commercial:
        return tuple(findings)
    is_read = len(views) == len(facts.views)  # of what was not read nobody may say that it does not hold something
    why = _fake_thread(message, subject, views) or (_false_claim(subject, views) if is_read else "")
    if why:
        findings.append(_found("canspam.deceptive-subject", why, "Subject"))
    if identity.is_sexually_explicit and not _is_labelled(message.headers):
        findings.append(_found("canspam.sexually-explicit", f"the subject does not begin with {LABEL!r}", "Subject"))
    return tuple(findings)


def _is_labelled(headers: Headers) -> bool:
    subjects = headers.every(b"subject")
    return bool(subjects) and all(decoded(field.value).startswith(LABEL) for field in subjects)


def _fake_thread(message: Message, subject: str, views: tuple[View, ...]) -> str:
    if not is_answer(subject):
        return ""
    answers = any(b"<" in f.value for name in (b"in-reply-to", b"references") for f in message.headers.every(name))
    if answers or message.body.nested or any(view.quotes for view in views):
        return ""
    return "the subject begins like an answer or a forward, and nothing is answered or forwarded"


def _false_claim(subject: str, views: tuple[View, ...]) -> str:
    """A claim is borne out by other words of a transaction in the body, or by a number beside the same words."""
    words = f" {folded(subject[:400])} "
    if _CLAIM_BEGINS.isdisjoint(words.split()):
        return ""
    claim = next((claim for claim in _CLAIMS if f" {claim} " in words), "")
    if not claim or not views:
        return ""
    sells = signs(words)
    if Sign.OFFER.value in sells or "%" in words:  # "Free shipping on your order" claims nothing that has happened
        return ""
    own = own_text(shown(views))
    met = signs(own)
    held = {*met.get(Sign.DEAL.value, ()), *met.get(Sign.ACCOUNT.value, ())}
    claimed = {*sells.get(Sign.DEAL.value, ()), *sells.get(Sign.ACCOUNT.value, ()), claim}
    if held - claimed or (held and _NUMBER.search(own)):
        return ""
    return f"the subject says {claim!r}, and the body holds nothing of the kind"


def _unfilled(headers: Headers, views: tuple[View, ...], *, in_code: bool) -> tuple[str, str] | None:
    """The first tag that was left unfilled, and where; `in_code` says whether tags like those of code count."""
    for field in ("Subject", "From"):
        if tag := _tag(headers.text(field.lower().encode())[:1_000], (*_TAGS, *_CODE_TAGS)):
            return tag, field
    for view in views:
        text = view.text[:_TEXT]
        greeting = text[:_GREETING]
        nobody = _NOBODY.search(greeting) if " ," in greeting or "\t," in greeting else None
        if nobody:
            return nobody.group(), "text"
        tag = _tag(text, (*_TAGS, *_CODE_TAGS) if in_code else _TAGS) or _tag(text[:_GREETING], _CODE_TAGS)
        if tag:
            return tag, "text"
    return None


def _tag(text: str, patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> str:
    if not any(map(text.__contains__, _OPENERS)):
        return ""
    for begins, pattern in patterns:
        if begins in text and (found := pattern.search(text)):
            return found.group()
    return ""


def _found(code: str, detail: str, where: str) -> Finding:
    return Finding(RULES[code], printable(detail, 400), where)
