"""Where a text quotes or forwards somebody else's message, told by its lines.

Known are lines that begin with `>`, the line before them that says who wrote, "-----Original Message-----" and its
likes, and the block of From, Sent, To and Subject that mail programs put before what they forward. A footer that stands
in such a run is not the sender's own. Nothing here raises; a text without such lines costs one look at each line.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

Span = tuple[int, int]

_MAX_LINE: Final = 400  # characters; longer lines are prose
_BLOCK_LINES: Final = 8


def _folded(words: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in words.split("|"))


# English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Swedish/Danish/Norwegian, Russian, Czech,
# Turkish, Japanese, Chinese, Korean.
_FROM: Final = _folded(
    "from|von|de|da|van|od|från|fra|от|отправитель|kimden|gönderen|lähettäjä|expéditeur|remitente|mittente|afzender"
    "|差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|od kogo|feladó|από|nadawca"
)
_DATE: Final = _folded(
    "sent|date|gesendet|datum|envoyé|envoyé le|enviado|enviado el|enviada em|enviado em|fecha|data|inviato|verzonden"
    "|wysłano|wysłane|skickat|sendt|dato|отправлено|дата|odesláno|gönderilme|tarih|lähetetty"
    "|送信日時|日時|日付|发送时间"
    "|日期|寄件日期|보낸 날짜|날짜|elküldve|gönderildi"
)
_TO: Final = _folded(
    "to|an|à|para|a|aan|do|till|til|кому|komu|kime|kimden|vastaanottaja|destinataire|destinatario|destinatário|cc"
    "|宛先|收件人|收件者|받는 사람|받는사람|címzett"
)
_SUBJECT: Final = _folded(
    "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|ämne|emne|тема|předmět|konu"
    "|aihe|件名|主题|主題|主旨|제목"
    "|tárgy"
)
_WROTE: Final = _folded(
    "wrote|writes|schrieb|schreef|a écrit|escribió|escribio|escreveu|ha scritto|scrisse|napisał|napisała|napisał(a)"
    "|napisal|napisala|pisze|skrev|skrev följande|написал|написала|написал(а)|пишет|пише"
    "|napsal|napsala|napsal(a)|yazdı"
    "|şunu yazdı|kirjoitti|のメール|书き込み|写道|寫道|作成|írta|geschreven|schreef het volgende|schrieb am"
    "|escribió lo siguiente"
    "|a scris|έγραψε"
)
_WROTE_ENDS: Final = tuple(sorted(_WROTE))
_OPENINGS: Final = (
    *("on ", "am ", "le ", "el ", "em ", "op ", "il ", "il giorno ", "dnia ", "w dniu ", "den ", "po ", "dne ", "am: "),
    *("at ", "-- ", "—"),
)
_DIVIDERS: Final = _folded(
    "original message|original-nachricht|ursprüngliche nachricht|originalnachricht|message d'origine|message original"
    "|message initial|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht"
    "|origineel bericht|oprindelig meddelelse|original meddelelse|originalmeddelande|ursprungligt meddelande"
    "|opprinnelig melding|wiadomość oryginalna|oryginalna wiadomość|исходное сообщение|původní zpráva|özgün ileti"
    "|orijinal mesaj|alkuperäinen viesti|original appointment|元のメッセージ|原始邮件|原始郵件|원본 메일|원본 메시지"
    "|forwarded message|forwarded by|weitergeleitete nachricht|weitergeleitete message|message transféré"
    "|message transmis|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht"
    "|videresendt meddelelse|vidarebefordrat meddelande|videresendt melding|wiadomość przekazana"
    "|przekazana wiadomość|пересылаемое сообщение|переадресованное сообщение|přeposlaná zpráva|iletilen mesaj"
    "|転送メッセージ|転送されたメッセージ|转发的邮件|转发邮件|轉寄的郵件|전달된 메시지|eredeti üzenet"
    "|továbbított üzenet"
)
_FORWARD_LINES: Final = _folded(
    "begin forwarded message|anfang der weitergeleiteten nachricht|début du message transféré"
    "|début du message réexpédié"
    "|inicio del mensaje reenviado|início da mensagem encaminhada|inizio messaggio inoltrato"
    "|begin doorgestuurd bericht"
    "|vidarebefordrat brev|start på videresendt besked|videresendt besked|начало пересылаемого сообщения"
    "|początek przekazywanej wiadomości|začátek přeposílané zprávy|開始轉寄的郵件|下面是被转发的邮件"
    "|転送されたメッセージ"
    "|inicio do e-mail encaminhado|始まり：転送されたメッセージ"
)
_RULE_CHARACTERS: Final = "-–—_=*~ \t>|"
_SIGNS: Final = frozenset(">-_–—=*")
_COLONS: Final = frozenset(":：")
_BEGIN: Final = tuple(f"\n{sign}" for sign in sorted(_SIGNS))
_END: Final = tuple(f"{colon}\n" for colon in sorted(_COLONS))
_HEAD: Final = 24  # characters of a line in which the label of a field ends
_RULED: Final = ("--", "––", "__", "==", "**")  # how a divider begins
_AROUND: Final = "*_ \t\xa0"  # a label
_DIGITS = re.compile(r"\d")


def quotes_of(text: str, known: Iterable[Span] = ()) -> tuple[Span, ...]:
    """Return the runs of `text` that quote, in order and apart from each other.

    Args:
        text: lines without blanks around them, as in `View.text`.
        known: runs that the markup gave, in order.
    """
    known = tuple(known)
    lines = text.split("\n")
    found = _from_lines(text, lines, known) if may_quote(text, lines) else []
    return _joined(sorted((*known, *found))) if found else _joined(known)


def may_quote(text: str, lines: list[str]) -> bool:
    """Look at each of the lines of a text once: most mail quotes nobody. A text may, where one of its lines may."""
    framed = f"\n{text}\n"
    if any(map(framed.__contains__, _BEGIN)) or any(map(framed.__contains__, _END)):
        return True
    heads = set(_heads(text))
    heads |= {line[: line.index("：")] for line in lines if "：" in line[:24]} if "：" in text else set()
    return any(head.strip(_AROUND).lower() in _FROM for head in heads)


def _heads(text: str) -> Iterator[str]:
    """What stands in each line before its first colon, where that is not far: from colon to colon, not line by line."""
    at = text.find(":")
    while at >= 0:
        begin = text.rfind("\n", max(0, at - _HEAD), at) + 1
        if begin or at < _HEAD:
            yield text[begin:at]
        end = text.find("\n", at)
        at = text.find(":", end) if end >= 0 else -1


def _is_prose(line: str) -> bool:
    """Whether a line can neither begin a quote nor say who wrote one: it has no sign in front and no colon."""
    if not line or line[0] in ">-—" or line[:2] in _RULED or line[-1] in _COLONS:
        return False
    return ":" not in line[:40] and "：" not in line[:40]


def _from_lines(text: str, lines: list[str], known: tuple[Span, ...]) -> list[Span]:
    starts: list[int] = []
    at = 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    begins = {begin for begin, _ in known}
    spans: list[Span] = []
    alone: list[Span] = []  # single lines that nobody is said to have written: they may be bullets
    number = 0
    while number < len(lines):
        line = lines[number]
        if _is_prose(line) and starts[number] not in begins:
            number += 1
            continue
        if line[:1] == ">":
            last = number
            while last + 1 < len(lines) and lines[last + 1][:1] == ">":
                last += 1
            first = _wrote_before(lines, number)
            run = starts[first], starts[last] + len(lines[last])
            (alone if first == number == last else spans).append(run)
            number = last
        elif _begins_message(lines, number):
            spans.append((starts[number], len(text)))
            break
        elif starts[number] in begins and number and (first := _wrote_before(lines, number)) < number:
            spans.append((starts[first], starts[number]))
        elif (first := _is_wrote(lines, number)) >= 0 and _is_all_quoted_after(lines, number, first, starts, begins):
            spans.append((starts[first], len(text)))
            break
        number += 1
    return spans + alone if spans or known else []


def _is_all_quoted_after(lines: list[str], number: int, first: int, starts: list[int], begins: set[int]) -> bool:
    """Whether all that follows an attribution is a quote: no mark says where it ends, and it names a day."""
    if number + 1 >= len(lines) or lines[number + 1][:1] == ">" or starts[number + 1] in begins:
        return False
    whole = " ".join(lines[first : number + 1]).lower()
    return whole.startswith(_OPENINGS) and len(_DIGITS.findall(whole)) >= 3


def _is_wrote(lines: list[str], number: int) -> int:
    """Return the line at which an attribution that ends at `number` begins, else -1."""
    line = lines[number]
    if len(line) > _MAX_LINE or line[-1:] not in (":", "："):
        return -1
    said = line[:-1].rstrip().lower()
    words = said.rsplit("<", 1)[0].rstrip() if said.endswith(">") else said
    is_said = said.endswith(_WROTE_ENDS) or words.endswith(_WROTE_ENDS) or " schrieb " in said or " schreef " in said
    is_said = is_said or " skrev " in said or "a écrit" in said
    if not is_said:
        return -1
    if not said.startswith(_OPENINGS):
        for before in (number - 1, number - 2):  # the line was too long for a mail program and goes over two or three
            if before >= 0 and len(lines[before]) < 200 and lines[before].lower().startswith(_OPENINGS):
                return before
    return number


def _wrote_before(lines: list[str], number: int) -> int:
    """Return the line at which a quote begins whose first line is `number`: that of its attribution, or itself."""
    first = _is_wrote(lines, number - 1) if number else -1
    return number if first < 0 else first


def _begins_message(lines: list[str], number: int) -> bool:
    line = lines[number]
    if len(line) > _MAX_LINE:
        return False
    bare = line.strip(_RULE_CHARACTERS)
    if line[:2] in _RULED or line[:1] in "-—":
        said = bare.lower().rstrip(" :")
        if said in _DIVIDERS or said.startswith("forwarded by "):
            return True
        if not bare and number + 1 < len(lines):
            return _is_block(lines, number + 1)
    if line[-1:] in (":", "：") and bare[:-1].rstrip().lower() in _FORWARD_LINES:
        return True
    return _is_block(lines, number)


def _is_block(lines: list[str], number: int) -> bool:
    """Whether the fields of a header begin here: From and Subject, and one of Date and To beside them."""
    if _label(lines[number]) is None:
        return False
    kinds = {kind for line in lines[number : number + _BLOCK_LINES] if (kind := _label(line))}
    return {"from", "subject"} <= kinds and not kinds.isdisjoint({"date", "to"})


def _label(line: str) -> str | None:
    head, colon, _ = line[:40].replace("：", ":").partition(":")
    if not colon:
        return None
    head = head.strip(_AROUND).lower()
    for kind, labels in (("from", _FROM), ("subject", _SUBJECT), ("date", _DATE), ("to", _TO)):
        if head in labels:
            return kind
    return None


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Make one of spans that touch or overlap; they come in order of their begin."""
    whole: list[Span] = []
    for begin, end in spans:
        if begin >= end:
            continue
        if whole and begin <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((begin, end))
    return tuple(whole)
