"""The words of opting out in some thirty languages, as data for `checks.optout`.

`NAMES` name it: a link with such words, or right beside them, is the mechanism. `PREFERENCES` name a page of choices.
`CLAUSES` say it in a sentence, and any link of the sentence counts. `REFUSALS` are "no longer", "do not want" and the
like: one of them and something of `MAIL` in one sentence is a clause too, unless `MISSING` stands in it ("if you do not
want to miss our offers"). All are in lower case and are looked for as they stand; those with other letters than ASCII
are looked for only where such letters are.
"""

import re
from types import MappingProxyType
from typing import Final


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


NAMES: Final = _listed(
    "unsubscri|opt out|opt-out|optout|unsub |remove me|remove yourself|be removed|cancel your subscription|"
    "cancel subscription|cancel my subscription|cancel this subscription|leave the list|leave this list|do not email|"
    "never email me|unlist|take me off|removal link|remove link|end your subscription|sign off|turn off these|"
    # Portuguese, Spanish, Catalan
    "descadastr|desinscr|remover inscri|cancelar inscri|cancele sua inscri|cancelar a sua inscri|cancele a "
    "sua inscri|"
    "cancelar minha inscri|cancelar assinatura|cancele a assinatura|cancelar a assinatura|cancelar subscri|"
    "cancelar a subscri|cancele a subscri|anular subscri|anular a subscri|sair da lista|sair desta lista|"
    "remover da lista|da nossa lista|remover meu e|remova meu e|remover o seu e|remover seu e|darse de baja|"
    "darme de baja|date de baja|dese de baja|dar de baja|de baja de|cancelar suscrip|cancelar la suscrip|desuscrib|"
    "anular suscrip|anular mi suscrip|anular la suscrip|cancelar mi suscrip|cancelar tu suscrip|cancelar su suscrip|"
    "eliminar mi correo|de nuestra lista|donar-se de baixa|donar-me de baixa|donar de baixa|"
    # French, Italian, Romanian
    "désabonn|désinscri|desabonn|résilier|annuler l'abonnement|annuler mon abonnement|disiscri|cancellati da|"
    "cancellarti da|cancellarsi da|cancella l'iscrizione|cancella iscrizione|cancella la tua iscrizione|"
    "annulla l'iscrizione|annulla iscrizione|annulla la tua iscrizione|cancellazione da|cancellami|rimuovimi|"
    "rimuovi il tuo ind|dezabon|"
    # German, Dutch
    "abmelden|abbestell|austragen|abmeldelink|abzumelden|abmeldung|meld dich ab|melde dich ab|verteiler lösch|"
    "verteiler entfern|verteiler streich|newsletter kündigen|uitschrijv|uit te schrijven|schrijf je uit|"
    "schrijf u uit|"
    "meld je af|meld u af|afmeld|af te melden|afmelden|"
    # Swedish, Norwegian, Danish, Finnish, Icelandic
    "avregistrera|avprenumerera|avsluta prenumeration|säga upp prenumeration|avanmäl|avmeld|meld deg av|meld av|"
    "frameld|afmelde|peruuta tilaus|peruuta uutiskirje|lopeta tilaus|postituslistalta|tilauksen peruut|"
    "tilauksen lopet|afskrá|"
    # Polish, Czech, Slovak, Hungarian
    "wypisz|wypisa|zrezygnuj z|rezygnacja z|odsubskrybuj|anuluj subskryp|odhlásit|odhlaste|odhlásenie|odhlášení|"
    "odhlásiť|odhlás|zrušit odběr|zrušiť odber|leiratkoz|"
    # South Slavic, Baltic, Turkish
    "odjavi|odjava|одјави|одјава|atsisakyti|atsisakykite|prenumeratos atsisaky|atrakst|atteikties|loobu uudis|"
    "loobu kirja|tühista tellimus|abonelikten|listeden çık|listeden ayrıl|üyelikten çık|aboneliği iptal|"
    "aboneliğini iptal|"
    "aboneliğimi iptal|"
    # Cyrillic, Greek
    "отписаться|отписать|отпиш|отмените подписк|отменить подписк|отказаться от|отписване|відписатис|"
    "відмовитися від|διαγραφή|διαγραφείτε|διαγραφεί|κατάργηση εγγραφής|απεγγραφή|"
    # East and South Asia
    "配信停止|配信解除|登録解除|購読解除|メルマガ解除|購読停止|購読を解除|登録を解除|配信を停止|配信の停止|"
    "退会|退订|退訂|取消订阅|取消訂閱|"
    "取消訂阅|수신거부|수신 거부|구독 취소|구독취소|구독 해지|구독해지|ยกเลิกการ|hủy đăng ký|huỷ đăng ký|ngừng nhận|"
    "berhenti berlangganan|berhenti melanggan|nyahlanggan|सदस्यता समाप्त|सदस्यता छोड़|सदस्यता रद्द|"
    # other forms of these
    "melde deg av|melde deg ut|meld deg ut|melden sie sich ab|melden sie sich hier ab|sich hier ab|u hier af|"
    "je hier af|"
    "avsluta din prenumeration|avsluta min prenumeration|peru tilau|peruuttaa tilau|annullare l'iscrizione|"
    "annullare la tua iscrizione|annullare la sua iscrizione|cancellare la tua iscrizione|cancellare l'iscrizione|"
    "revocare il consenso|cancele su suscrip|cancela tu suscrip|cancelar esta suscrip|darte de baja|darle de baja|"
    "darnos de baja|annuler votre abonnement|annuler votre inscription|annuler mon inscription|vous désengager|"
    "cancele o recebimento|cancelar o recebimento|cancelar recebimento|não receber mais|parar de receber|"
    "pare de receber|retirar seu e|excluir seu e|exclua seu e|zrezygnować z|zrezygnuj|usuń mój adres|odhlášit|"
    "zrušit zasílání|zrušit newsletter|leiratkozhat|leiratkozni|dezactivează|renunță la|отменить рассылк|"
    "отключить рассылк|отключить уведомл|απεγγραφείτε|bültenden çık|bülten üyeliğ|üyelikten ayrıl|配信の解除|"
    "配信を解除|"
    "メール配信停止|不再接收|停止接收|停止訂閱|停止订阅|뉴스레터 해지|메일 수신 거부|ยกเลิกรับ|bỏ đăng ký|"
    "berhenti menerima|"
    "turn them off|tell us to stop|remove my|remove this address|cancellarti|"
    "cancellarmi|withdraw your consent|withdraw consent|widerrufen|"
    # Right to left
    "إلغاء الاشتراك|إلغاء اشتراك|ألغ الاشتراك|הסר|להסרה|ביטול הרשמה|ביטול מנוי|لغو اشتراک|لغو عضویت"
)
PREFERENCES: Final = _listed(
    "mail preferences|communication preferences|subscription preferences|notification preferences|"
    "manage preference|your preferences|update preferences|my preferences|preference center|preference centre|"
    "alert preferences|subscription options|manage subscription|manage my subscription|manage your subscription|"
    "email settings|e-mail settings|notification settings|mailing list options|change your mailing|"
    "change how often|email frequency|e-mail frequency|email me less|gérer mes abonnements|gérer vos "
    "abonnements|gérer mes préférences|"
    "gérer vos préférences|einstellungen verwalten|newsletter verwalten|newsletter-einstellungen|gestionar "
    "preferencias|"
    "gestionar mis preferencias|preferencias de correo|gerenciar preferências|preferências de e|gestisci le "
    "preferenze|"
    "preferenze e-mail|voorkeuren beheren|beheer uw voorkeuren|beheer je voorkeuren|hantera prenumeration|"
    "zarządzaj subskrypc|управление подпиской|настройки рассылки|配信設定|管理订阅|管理訂閱"
)
CLAUSES: Final = _listed(
    "no longer wish to|no longer want|no longer would like to|no longer like to|longer receive|longer interested|"
    "stop receiving|stop getting|stop hearing|stop these e|stop these mail|stop sending|discontinue receipt|"
    "discontinue receiving|cease receiving|to be excluded|off our list|off this list|off the list|from our list|"
    "from this list|from the list of|from our mailing|from this mailing|from the mailing|from our e-mail|"
    "from our email|no further email|no more email|no more messages|to quit,|out of the loop|not to hear from us|"
    "not hear from us|tired of these|mais receber|deixar de receber|dejar de recibir|no recibir más|recibir "
    "más correos|"
    "ne plus recevoir|ne souhaitez plus|keine weiteren e-mail|keine weiteren mail|keine weiteren news|"
    "keine weiteren inform|nicht mehr erhalten|keine e-mails mehr|nicht länger erhalten|keinen newsletter mehr|"
    "kein interesse mehr|niet meer ontvang|geen e-mail meer|geen mail meer|geen nieuwsbrief meer|niet langer ontvang|"
    "non ricevere più|più ricevere|non desideri più|inte längre vill|inte längre få|vill inte ha|ikke længere|"
    "ikke lenger|nie chcesz już|en halua enää|už nechcete|nem szeretne"
)
REFUSALS: Final = _listed(
    "no longer|not wish|not want|n't want|n't wish|not like to|n't like to|rather not|prefer not|not "
    "interested|too many|"
    "nicht mehr|nicht länger|keine |keinen |kein |niet meer|niet langer|geen |não desej|não quer|não gostar|"
    "no dese|no quier|ya no |no quer|ne plus|ne souhait|ne voulez|ne désir|non desider|non vuoi|non vuole|"
    "inte längre|inte vill|vill inte|ikke læn|ikke len|ikke øns|ikke vil|vil ikke|vil du ikke|ønsker du ikke|"
    "et halua|ette halua|enää halua|nie chce|nie życz|nechcete|nepřejete|neželáte|neprajete|nem szeret|nem kíván|"
    "nu mai |nu dori|не хоч|не хот|не жел|не бажа|не искате|δεν επιθυμ|δεν θέλ|istemiyor|almak isteme|لا "
    "ترغب|لا تريد|"
    "不希望|不想|不再|不願|不愿|希望されない|ご不要|不要な|원하지|원치|không muốn|tidak ingin|tidak mahu|ne "
    "želite|не желите|"
    "nenorite|nevēlaties|ei soovi|no voleu|no vols"
)
# German and Dutch say "no" with a noun for many things; of mail only with "any more".
MORE: Final = MappingProxyType({"kein": ("mehr", "weiter", "länger"), "geen": ("meer", "langer")})
MAIL: Final = re.compile(
    r"e-?mail|mail|newsletter|messag|communicat|hear from|updates|empfang|erhalt|bekomm|zusend|nachricht|"
    r"werbung|recev|"
    r"receb|recib|ricev|rebre|correo|correu|mensaj|mensag|bolet|bericht|ontvang|nieuwsbr|motta|modtag|utskick|nyhets|"
    r"nyheds|e-post|mejl|sähköpost|vastaanot|viest|uutis|otrzym|wiadomo|dostáv|zasíla|odebír|odoberať|levelet|"
    r"hírlev|primi|"
    r"mesaj|получ|письм|рассыл|отрим|лист|λαμβάν|λάβ|μηνύμ|e-posta|تلقي|رسائل|استلام|接收|收到|邮件|郵件|電郵|"
    r"配信|メール|"
    r"メルマガ|수신|메일|받|nhận|thư|terima|primati|prejemati|примати|gauti|saņemt|saada|получава"
)
MISSING: Final = re.compile(
    r"\bmiss|verpass|verpas|entgehen|perder|perca|pierda|pierdas|perdre|manquer|perdere|missa|gå glip|przegap|"
    r"przeocz|"
    r"пропуст|kaçır|見逃|错过|錯過|놓치|zmešk|spam (?:folder|filter)|subscribe now|share your"
)
MANDATE: Final = _listed(
    "log in|log into|login|sign in|sign into|logging in|einloggen|anmelden und|iniciar sesión|inicie sesión|"
    "faça login|connectez-vous|accedi al|inloggen"
)
COSTS: Final = _listed("fee|charge|cost|pay|gebühr|zahlung|tarifa|taxa")  # without one of them no fee is looked for
FEE: Final = re.compile(
    r"\b(?:fee|charge|costs?|pay)\b[^.\n]{0,20}(?:[$€£]|\d|apply|applies)|[$€£]\d+[^.\n]{0,20}\bfee\b|"
    r"\b(?:gebühr|gegen zahlung|tarifa|taxa de)\b"
)
LETTER: Final = re.compile(
    r"\b(?:by (?:post|mail|letter|postal mail|regular mail)|in writing|write (?:to )?us at|writing to|send a letter|"
    r"postcard|schriftlich|per post|par courrier|por correo postal|por carta|per lettera)\b"
)
TELEPHONE: Final = re.compile(
    r"\b(?:call|phone|dial|toll[- ]?free|telephone|telefonisch|anrufen|llame|ligue|appelez|chiamare|chiama)\b"
)
REMOVAL: Final = re.compile(
    r"\b(?:be removed|remove (?:you|me|my|your)|removal|be taken off|unsubscrib\w*|opt[ -]?out|off (?:our|the|"
    r"this) list|"
    r"membership|subscription|cancel your|abmeld\w*|abbestell\w*|descadastr\w*|désinscri\w*|disiscri\w*)"
)
