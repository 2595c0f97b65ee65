"""How postal addresses are written in some fifty countries, as data for `checks.postal`.

Nothing here knows a directory of streets or towns. An address is a postcode, a country or a region, and beside it a
street with a number, a box or a building; each country has its habits of which comes first. Every expression is bounded
and is only ever run on a window of some hundred characters.
"""

import re
from typing import Final


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _parted(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


SPOT: Final = re.compile(r"[0-9〒][0-9A-Z]{1,5}")  # in every postcode; cheap to find, unlike the next
CODE: Final = re.compile(
    r"""(?<![\w/=&?.@+%$€£#-])(?:
      (?P<gb>(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUXY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|
         L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)
         \d[A-Z\d]?[ ]?\d[A-Z]{2})
    | (?P<ca>[A-CEGHJ-NPR-TVXY]\d[A-Z][ -]?\d[A-Z]\d)
    | (?P<ie>(?:[AC-FHKNPRTV-Y]\d{2}|D6W)[ ]?(?=[A-Z]*\d)[\dAC-FHKNPRTV-Y]{4}|KY\d-\d{4})
    | (?P<jp>〒[ ]?\d{3}-?\d{4})
    | (?P<jr>\d{3}-\d{4})(?=,?[ ]Japan)
    | (?P<ar>[A-HJ-NP-Z]\d{4}[A-Z]{3})
    | (?P<nl>[1-9]\d{3}[ ]?(?!AM|PM|[KMGT]B|TV)[A-Z]{2})
    | (?P<prefixed>(?:A|B|CH|CY|CZ|D|DK|E|EE|F|FI|H|HR|I|L|LT|LV|MD|N|NL|NO|P|PL|RO|S|SE|SI|SK)-
         (?:\d{4,5}|\d{3}[ ]\d{2}|\d{2}-\d{3}))
    | (?:[A-Z]{1,3}-)?(?P<any>\d{5}-\d{3,4}|\d{4}-\d{3}|\d{2}-\d{3}|\d{3}[ ]\d{2,3}|\d{4,6})
    )(?![\w/@=&%]|-\d|[.,:]\d)""",
    re.VERBOSE,
)

# First digit of a ZIP code and the states it is given to (USPS Publication 65): a mismatch is a made-up address.
ZIP_STATES: Final = tuple(
    frozenset(states.split())
    for states in (
        "ct ma me nh nj ny pr ri vt ae", "de ny pa", "dc md nc sc va wv", "al fl ga ms tn aa", "in ky mi oh",
        "ia mn mt nd sd wi", "il ks mo ne", "ar la ok tx", "az co id nm nv ut wy tx", "ak ca hi or wa gu ap",
    )
)  # fmt: skip
STATE_BEFORE: Final = re.compile(r"([A-Za-z]+)(?:[ .]+([A-Za-z]+))?$")
SURE_STATE: Final = re.compile(r", (A[AEKLPRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|"
                               r"PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])$")  # fmt: skip
AU_STATE: Final = re.compile(
    r"\b(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT|New South Wales|Victoria|Queensland|Tasmania|(?:Western|South) Australia)\b"
)
BOX: Final = re.compile(
    r"\bP\.? ?O\.? ?Box ?#?\d|\bPost Office Box ?\d|\b(?:GPO|Postal|HC|RR|PSC|CMR) ?\d{0,4} ?Box ?\d|\bLocked Bag \d|"
    r"\bPrivate Bag|\bPMB ?#?\d|\bRPO\b|\bPostfach(?: ?\d|,)|\bPostbus \d|\bPostboks \d|\bB\.?P\.? \d|\bC\.?P\.? \d|"
    r"\bCS \d|\bPL \d|\bApartado(?: Postal)? \d|\bCaixa Postal \d|\bCasella Postale \d|\bBoks \d|\bBox \d|"
    r"\bа/я \d|\bSkr\. ?poczt\. ?\d",
    re.IGNORECASE,
)

# -- streets -----------------------------------------------------------------------------------------------------------
# In front of a name comes a number: "12 Elm Street", "12 bis rue du Lac", "One Harbor Plaza", "N6W23001 Hill Rd".
_HOUSE: Final = (
    r"(?<![\w$€£.:+%#-])(?<!\d,)(?:\d{1,6}(?:[-–/&]\d{1,5}|½)?[A-Za-z]?|(?:[NSEW]\d{1,3}|\d{1,2})[NSEW]\d{2,5}|"
    r"One|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten|ONE|TWO)"
)
_KINDS: Final = (
    "street|st|road|rd|avenue|ave|av|boulevard|blvd|bd|drive|dr|lane|ln|way|court|ct|place|pl|plaza|plz|square|sq|"
    "parkway|pkwy|highway|hwy|freeway|fwy|expressway|turnpike|tpke|terrace|ter|crescent|cres|circle|cir|close|trail|"
    "trl|loop|row|mews|gardens|grove|hill|quay|wharf|embankment|alley|pike|crossing|parade|esplanade|path|causeway|"
    "mall|park|rue|place|quai|cours|allée|impasse|chemin|route|passage|faubourg|chaussée|nagar|marg|salai|sector|"
    "layout|sok|cad|queensway|broadway|strand"
)
STREET_AFTER_NUMBER: Final = re.compile(
    rf"{_HOUSE},? (?:bis,? |ter,? )?(?:(?=[^\W_a-z]|rue\b|avenue\b|boulevard\b|place\b|quai\b|cours\b|allée\b|"
    rf"impasse\b|"
    rf"chemin\b|route\b|square\b)[^\n;|!?$€£%©]{{1,45}}?(?:\b(?i:{_KINDS})\b|-(?:ro|daero|gil|dori)\b)|"
    rf"(?:Broadway|Strand|Queensway|Embankment|Mall|rue|avenue|boulevard|place|quai|cours|allée|impasse|chemin|"
    rf"route) ?"
    rf"(?=[^\W\d_]))"
)
# In front of a name comes the kind of street, and the number last: "Via Roma 10", "ul. Polna 15", "Rua Augusta, 274".
STREET_BY_KIND: Final = re.compile(
    r"(?<!\w)(?:Rua|RUA|R\.|Avenida|AVENIDA|Av\.?|AV\.?|Avda\.?|Al\.|Alameda|Travessa|Trav\.|Rodovia|Rod\.|Praça|"
    r"Largo|Estrada|Calçada|Calle|CALLE|C/|Cl\.|Carrera|Cra\.?|Kr\.|Diagonal|Transversal|Paseo|Pº|Plaza|Plaça|Carrer|"
    r"Ronda|Camino|Carretera|Ctra\.|Rambla|Via|VIA|Viale|V\.le|Piazza|P\.zza|Piazzale|Corso|C\.so|Vicolo|Strada|"
    r"Rue|RUE|Avenue|Boulevard|Bd|Chaussée|Quai|Cours|Chemin|Impasse|Route|Allée|Str\.|Bulevardul|Bd\.|Calea|Șoseaua|"
    r"[Uu]l\.|ulica|[Aa]l\.|[Aa]leja|Aleje|[Pp]l\.|Plac|Osiedle|os\.|nám\.|náměstí|tř\.|třída|Jalan|Jl\.|"
    r"Jln\.?|Lorong|"
    r"Derech|Rehov|Soi|Kaya|Arch\.|[Уу]л\.?|[Уу]лица|[Вв]ул\.|[Пп]р\.|[Пп]р-т\.?|[Пп]росп\.|[Пп]роспект|[Бб]ул\.|"
    r"[Пп]ер\.|[Нн]аб\.|[Пп]л\.|Οδός|Λεωφ\.)(?:(?<=[./º])|(?!\w)) ?"
    r"(?=[^\W_])[^\n;|!?$€£%©]{1,45}?(?:[ ,]|(?<=[ ,])(?:n[ºr°o][.:]? ?|N[ºr°o][.:]? ?|№ ?|[дб]\. ?|# ?|km ?|"
    r"Kav\. ?))"
    r"\d{1,5}(?![.,]?\d|%)"
)
# The kind of street is the end of its name, or the word after it: "Kaiserstraße 45", "Nádor utca 7", "Linzer Str. 2".
STREET_BY_ENDING: Final = re.compile(
    r"[^\W\d_]{2,30}[ .-]?(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ring|ufer|chaussee|markt|steig|"
    r"graben|hof|"
    r"straat|laan|plein|gracht|kade|dijk|singel|lei|gatan|gata|vägen|torget|gade|vej|allé|veien|vegen|plads|"
    r"gate|katu|"
    r"kuja|tänav|puiestee|mnt|iela|bulvāris|gatvė|g\.|pr\.|utca|út|u\.|tér|körút|cesta|ulica|ulice|třída|trg|bulevar|"
    r"cad\.|caddesi|cd\.|sok\.|sokak|bulvarı|mah\.|проспект|улица|переулок|шоссе|набережная|бульвар|вулиця|"
    r"street|road|"
    r"avenue|salai),? ?(?:no[.:]{0,2} ?|n[ro°º]\.? ?|km ?|[дб]\. ?|kav\. ?)?\d{1,5}(?!\d|[.,:]\d|%)",
    re.IGNORECASE,
)
# A name and a number directly before the postcode: "Unter den Linden 77, " - "Florida 537 - ".
STREET_BEFORE_CODE: Final = re.compile(
    r"(?:^|[\n,;|•·:–-] ?)([^\W\d_a-zµ-öø-ÿа-я][^\d\n;|•·$€£%!?©:()]{2,45}?),? (?:n[ro°º]\.? ?|№ ?|# ?|No\.? "
    r"?|d\. ?)?"
    r"\d{1,4} ?[A-Za-z]?(?:[/–-] ?\w{1,5})?(?: [A-Z]?\d{1,3})?\.? ?[,|·•\n–-] ?\n?$"
)
NO_STREET: Final = _listed(
    "page pages seite level top version series ab bis nr no from until to für mit und and or of at in on january "
    "february march april may june july august september october november december januar februar märz mai juni juli "
    "oktober dezember part teil chapter model size größe size channel season episode gate hall seat room team class "
    "version windows ios android iphone group grade tier step day tag woche week lektion lesson top bill section "
    "volume issue ausgabe number order bestellung invoice rechnung over about nur only just"
)
NAMED_PLACE: Final = re.compile(
    r"\b[^\W\d_a-z][\w'’]+ (?:Industrial Estate|Business Park|Science Park|Business Bay|Technology Park|Lane|"
    r"House|Mill|"
    r"Tower|Towers|Building|Centre|Center|Plaza|Court|Estate|Farm|Barn|Hall|Works|Road|Street|Airport|Street|Terrace|"
    r"Chambers|Complex|Mansion|Edificio|Square|Park|Cottage)\b|\b(?:Edificio|Edifício|Torre|Tour|Hub|Immeuble|ZA|ZI|"
    r"Zone Industrielle|Menara|Wisma|Parque) [^\W_a-z]?\w"
)
UNIT: Final = re.compile(
    r"\b(?:No|Plot|Lot|Unit|Flat|Shop|Office|Suite|House|Door|Block|Level|Floor|Room|Villa|Survey|Hub|Kav)\.?"
    r"(?: No\.?)?:? ?#?[A-Z]?-?\d{1,5}|\b[A-Z]-\d{1,4}\b|\b\d{1,2}(?:st|nd|rd|th|F|/F)\b(?: Floor)?"
)
CITY_AFTER: Final = re.compile(r"[ ,|/–·\n()-]{1,4}[^\W\d_a-z]")
TOWN_AFTER: Final = re.compile(
    r"[ ,]{1,2}(?!(?:Euro?s?|EUR|USD|[Pp]unkte|Points|Puntos|Pontos|Punti|Kronor|Kroner|Kč|Ft|Yen|Extra|Fans|"
    r"Dollars?|"
    r"Prizes|Users|Kunden|Customers|Teile|Stück|Pieces|Items|Meter|Watt|mAh|Lumen|Seiten|Pages|Zeichen|Uhr)\b)"
    r"[^\W\d_a-z][^\W\d_]+(?=[^\w ]|$| ?(?:[^\W_a-zµ-öø-ÿа-я]|[^\w\s]|(?:am|an|an der|de|der|im|in|sur|lès|"
    r"pri|nad|v|i)\b))"
)
CITY_BEFORE: Final = re.compile(r"[^\W\d_a-z][^\W\d_]{2,}(?: [A-Z]\w?)?[ ,.(–-]{1,3}$|Praha \d ?,? ?$")
# What parts two lines of an address: not a sentence, not a price, not a menu.
PROSE: Final = re.compile(
    r"[$€£%©®™!?@=\[\]{}<>]|https?:|\b(?!bis |ter )[a-zà-öø-ÿ]{3,} (?!(?:de|du|la|le|les|des|der|den|dem|da|"
    r"do|das|dos|di|del|della|"
    r"van|von|the|of|and|y|e|et|und|am|an|im|in|zum|zur|planta|piso|floor|andar|étage|poschodí)\b)[a-zà-öø-ÿ]{3,} |"
    r"\b[a-z]{4,}\. [A-Z][a-z]+ [a-z]|\b(?:GB|MB|EUR|USD|Euro|(?i:unsubscribe|privacy|copyright|abmelden))\b",
)
YEAR: Final = re.compile(r"(?:19|20)\d\d")

# -- without a postcode ------------------------------------------------------------------------------------------------
# Scripts without blanks name province, town and street by their last character.
EAST_ASIA: Final = re.compile(
    r"[\u4e00-\u9fff]{1,8}[市区區县縣州][\u4e00-\u9fff]{1,25}\d{1,5} ?[号號弄巷]"
    r"|[\u4e00-\u9fff]{1,3}[都道府県][^\n。\d０-９、]{1,20}[市区町村郡][^\n。\d０-９、]{0,20}"
    r"[\d０-９]{1,4}(?:[-－ー−‐][\d０-９]{1,4}|丁目|番)"
    r"|[가-힣]{1,6}[시도] ?(?:[가-힣]{1,6}[시군구] ){1,2}[가-힣\d]{1,12}[로길동] ?\d{1,5}"
)
COUNTRIES: Final = _parted(
    "ireland|united arab emirates|u.a.e|uae|hong kong|antigua and barbuda|bahamas|panama|panamá|belize|qatar|ghana|"
    "kenya|nigeria|egypt|uganda|tanzania|bahrain|kuwait|oman|jordan|lebanon|jamaica|barbados|bermuda|curaçao|curacao|"
    "aruba|macau|fiji|mauritius|seychelles|costa rica|colombia|perú|peru|bolivia|uruguay|paraguay|ecuador|venezuela|"
    "chile|argentina|cyprus|malta|gibraltar|estonia|latvia|lithuania|luxembourg|singapore|israel|south africa|"
    "new zealand|germany|deutschland|netherlands|nederland|the netherlands|belgium|belgië|belgique|france|"
    "spain|españa|"
    "portugal|italy|italia|austria|österreich|switzerland|schweiz|suisse|denmark|danmark|sweden|sverige|norway|norge|"
    "finland|suomi|poland|polska|czech republic|czechia|česká republika|slovakia|slovensko|hungary|magyarország|"
    "romania|românia|bulgaria|българия|greece|ελλάδα|croatia|hrvatska|slovenia|slovenija|serbia|srbija|"
    "ukraine|україна|"
    "russia|россия|turkey|türkiye|brazil|brasil|mexico|méxico|india|china|中国|japan|korea|taiwan|thailand|vietnam|"
    "việt nam|philippines|indonesia|malaysia|australia|canada|united kingdom|england|scotland|wales|united "
    "states|usa|"
    "saudi arabia|pakistan|bangladesh|sri lanka|nepal|morocco|maroc|tunisia|iceland|ísland"
)
BUILDING_SUFFICES: Final = frozenset(COUNTRIES[: COUNTRIES.index("chile")])  # countries without postcodes
COUNTRY_AFTER: Final = re.compile(
    rf"[ ,|·\n-]{{1,3}}(?:[A-Z]\w+,? )?(?:{'|'.join(map(re.escape, COUNTRIES))})\b", re.IGNORECASE
)
BR_STREET: Final = re.compile(r"\b(?:Rua|R\.|Av\.|Avenida|Alameda|Rodovia|Travessa|Praça|Estrada) [A-Z]")
BR_STATE: Final = re.compile(
    r"[/,–-] ?(?:AC|AL|AP|AM|BA|CE|DF|ES|GO|MA|MG|MS|MT|PA|PB|PE|PI|PR|RJ|RN|RO|RR|RS|SC|SE|SP|TO)\b", re.IGNORECASE
)

# -- whose it is -------------------------------------------------------------------------------------------------------
# What announces the sender's own address, and what somebody else's: where a parcel or an invoice goes, where to meet.
OWN: Final = re.compile(
    r"(?:mailing|postal|physical|registered|office|business|our|company|street|head ?office) address(?: is)?\s?:?|"
    r"registered (?:office|in)|headquarters?:|postanschrift:?|anschrift:|endereço:?|dirección(?: postal)?:|"
    r"domicilio:|indirizzo:|sede legale:?|siège social:?|adresse :|adres:|our office:|write to us at:?",
    re.IGNORECASE,
)
NEAR_FOOT: Final = (
    "©", "(c)", "copyright", "all rights", "unsubscri", "opt out", "opt-out", " inc", " ltd", " llc",
    "gmbh", " s.a", " b.v",
    "sent by", "sent to", "privacy", "receiv", "abmeld", "descadastr", " baja", "désinscr", "desabonn",
    "impressum", "cnpj",
    " vat ", "配信停止", "退订",
)  # fmt: skip
FOREIGN_HINTS: Final = (
    "ship", "deliver", "bill", "pick", "collect", "venue", "locker", "held at", "takes place", "your ",
    "adresse", "lieferung",
    "entrega", "envío", "consegna", "spedizione", "bezorg", "dostawy", "veranstaltung", "open house",
    "property", "listing",
)  # fmt: skip
FOREIGN: Final = re.compile(
    r"\b(?:ship(?:ping|ped|s)?|deliver(?:y|ed|ing|s)?|bill(?:ing|ed)?) (?:address|to)\b|"
    r"pick ?-?up (?:at|from|location|point)|collect (?:at|from)|\bvenue\b|\blocker\b|held at|takes place|"
    r"your (?:address|home|new home)|lieferadresse|rechnungsadresse|lieferung an|endereço de entrega|"
    r"dirección de (?:entrega|envío)|adresse de livraison|indirizzo di (?:consegna|spedizione)|bezorgadres|"
    r"adres dostawy|veranstaltungsort|open house|property at|listing:",
    re.IGNORECASE,
)
HOUSE_FIRST: Final = re.compile(r"(?<![\w.,/(+$€£-])\d{1,6}(?:-\d{1,4})?[A-Za-z]?,? (?:[NSEW]{1,2}\.? )?[A-Z][a-z]")
HOUSE_LAST: Final = re.compile(r"[^\W\d_]{3,}\.?,? (?:n[ro°º]\.? ?)?\d{1,5} ?[A-Za-z]?(?:[-/]\d{1,4})?$")
NAME_AND_NUMBER: Final = re.compile(
    r"[^\W\d_a-z][\w.'’-]{2,}(?: [^\W\d_]{2,15}){0,3},? (?:#|No\.? ?)?\d{1,5}(?: # ?\d+-\d+)?(?=,|\n)"
)
