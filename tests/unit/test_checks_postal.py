"""Postal addresses: registered ones found however they are written, others recognised, made-up ones refused."""

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealgate.checks.postal import MAX_EXCERPT, Place, recognise, registered
from sealgate.checks.postal_fakes import unfilled
from sealgate.profile.model import PostalAddress

HQ = PostalAddress("hq", "Example Widgets Inc., 4100 Harbor Avenue, Suite 160, Springfield, New York 10003, USA")
BOX = PostalAddress("box", "P.O. Box 2210, Portland, OR 97208")
KOELN = PostalAddress("koeln", "Beispiel GmbH, Hafenstraße 12, 50968 Köln, Deutschland")


ADDRESSES = {
    "AE": (
        "Office 1203, Al Saqr Business Tower, Sheikh Zayed Road, Dubai, UAE",
        "P.O. Box 75157, Dubai, United Arab Emirates",
        "Hub 12 – Al Example Tower, Palm Quarter, Abu Dhabi, UAE",
        "Al Wasl Road 45, Jumeirah 1, Dubai, United Arab Emirates",
    ),
    "AR": (
        "Av. Corrientes 1234, C1043AAZ Buenos Aires, Argentina",
        "Florida 537, piso 3, CABA (1005), Argentina",
    ),
    "AT": (
        "Mariengasse 3, 1010 Wien",
        "Firma Test GmbH, Linzer Straße 221/E02, A-1140 Wien, Österreich",
        "Am Belvedere 10, A-1100 Wien",
    ),
    "AU": (
        "Level 1, 399 Elizabeth St, Melbourne VIC 3000",
        "GPO Box 41, Sydney NSW 2001",
        "Suite 5/20 Bridge Street, Sydney, New South Wales 2000, Australia",
        "14 Kangaroo Rd, Fremantle, Western Australia 6160",
        "PO Box 1023, Collingwood, Victoria 3066",
        "23/11 Wilson Ave, Brunswick VIC 3056, AUSTRALIA",
    ),
    "BE": (
        "Rue de la Loi 16, 1000 Bruxelles, Belgique",
        "Meir 24, 2000 Antwerpen, België",
        "Gaston Crommenlaan 8, B-9050 Gent",
    ),
    "BG": ("ul. Vitosha 15, 1000 Sofia, Bulgaria",),
    "BR": (
        "Avenida das Flores, 3097, Butantã - SP - CEP 05339-900",
        "Av. Paulista, 1374 - Bela Vista, São Paulo - SP, 01310-100",
        "Rua XV de Novembro, 45 - Centro - Curitiba/PR",
        "Caixa Postal 1512, CEP 88010-970, Florianópolis - SC",
        "R. Fidêncio Ramos, 302 - Vila Olímpia, São Paulo - SP, 04551-010",
        "Rua Padre Chagas, 79 / 701 - Moinhos de Vento, Porto Alegre - RS - CEP: 90570-080",
    ),
    "BS": ("Bay Street 20, Nassau, Bahamas",),
    "CA": (
        "4736 Maple Avenue, Oshawa ON L1G 6Z8, Canada",
        "1200, rue Sainte-Catherine Ouest, bureau 300, Montréal (Québec) H3B 1K1",
        "P.O. Box 900 Stn Main, Winnipeg, Manitoba R3C 2P3",
        "200-375 Water Street\nVancouver, BC\nV6B 5C6",
        "620 King St W, Suite 300, Toronto, Ontario, Canada M5V 1M6",
        "CP 5050, succ. Centre-ville, Montréal QC H3C 3A1",
    ),
    "CH": (
        "Ringstrasse 5, CH-8001 Zürich",
        "Rue du Rhône 80, 1204 Genève, Suisse",
        "Hardturmstrasse 161 | 8005 Zürich | Schweiz",
        "Bahnhofplatz 3, 3011 Bern",
    ),
    "CL": ("Av. Apoquindo 3000, Las Condes, Santiago, Chile",),
    "CN": (
        "北京市朝阳区建国路88号 邮编100022",
        "No. 88 Jianguo Road, Chaoyang District, Beijing 100022, China",
        "上海市浦东新区世纪大道100号环球金融中心",
        "广东省深圳市南山区科技园路1号",
    ),
    "CO": (
        "Carrera 7 # 71-21, Bogotá, Colombia",
        "Calle 93B No. 13-50 Of. 302, Bogotá D.C., Colombia",
    ),
    "CW": ("Abraham de Veerstraat 9, Willemstad, Curaçao",),
    "CY": ("Arch. Makariou III 229, 3105 Limassol, Cyprus",),
    "CZ": (
        "Na Příkopě 14, 110 00 Praha 1",
        "Firma s.r.o., Husova 5, 602 00 Brno, Česká republika",
        "Vinohradská 1511/230, 100 00 Praha 10",
    ),
    "DE": (
        "Reiterweg 11, 50968 Köln, Deutschland",
        "Postfach 12 34, 80331 München",
        "Beispiel GmbH · Kaiserstr. 45 · 60329 Frankfurt am Main",
        "Muster AG, Am Kupfergraben 6a, 10117 Berlin",
        "Unter den Linden 77, D-10117 Berlin",
        "Beispiel UG (haftungsbeschränkt), Zum Alten Speicher 2, 28759 Bremen",
        "An der Alster 9\n20099 Hamburg\nGermany",
        "Schöneberger Ufer 5 | 10785 Berlin",
        "Firma Nord, Große Elbstr. 27, D 22767 Hamburg",
        "c/o Betahaus, Rudi-Dutschke-Str. 23, 10969 Berlin",
        "Theresienhöhe 11a\n80339 München",
    ),
    "DK": (
        "Vesterbrogade 12, 1620 København V",
        "Nørregade 8, DK-1165 Copenhagen K, Denmark",
        "Rosenvængets Allé 11, 2100 København Ø",
        "Strandvejen 70, 2900 Hellerup",
    ),
    "EE": ("Tartu mnt 67/1, 10115 Tallinn, Estonia",),
    "EG": ("26 July Street, Zamalek, Cairo, Egypt",),
    "ES": (
        "Calle Mayor 5, 28013 Madrid",
        "C/ Gran Vía, 28, 3ª planta, 28013 Madrid (España)",
        "Av. Diagonal 640, 08017 Barcelona",
        "Paseo de la Castellana, 259, 28046 Madrid",
        "Carrer de Balmes, 129, 08008 Barcelona",
        "Polígono Industrial Sur, nave 7, 28906 Getafe (Madrid)",
    ),
    "FI": (
        "Mannerheimintie 14, 00100 Helsinki",
        "PL 33, 00014 Helsingin yliopisto",
        "Keskuskatu 7 A 12, FI-00100 Helsinki, Finland",
        "Bulevardi 21, 00180 Helsinki",
    ),
    "FR": (
        "1 rue du Lac, 75002 Paris",
        "12 bis avenue de la République - 69003 Lyon - France",
        "BP 40123, 31000 Toulouse",
        "SAS Exemple, 8 place de la Bourse, 33076 Bordeaux Cedex",
        "ZA des Landes, 35135 Chantepie, France",
        "14, rue de Rivoli - 75004 PARIS",
        "Tour Exemple, 92 avenue du Général Leclerc, 92100 Boulogne-Billancourt",
    ),
    "GB": (
        "17 Example Wharf Road, Leeds, LS27 0WH",
        "Kemp House, 152-160 City Road, London EC1V 2NX",
        "Unit 4, Oakfield Business Park, Bristol BS4 1AB, United Kingdom",
        "The Old Mill, Church Lane, Cambridge, CB1 2AB",
        "PO Box 7042, Swindon SN3 9AA",
        "2nd Floor, Regis House, 45 King William St, London, EC4R 9AN",
        "Floor 3, 86-90 Paul Street, London EC2A 4NE",
        "Clavering House, Newcastle upon Tyne NE1 3NG",
        "1 Sussex Place, Regent's Park, London, NW1 4SA, UK",
    ),
    "GI": ("Suite 1, 5-9 Main Street, Gibraltar GX11 1AA",),
    "GR": (
        "Ερμού 25, 105 63 Αθήνα",
        "15 Ermou Street, 105 63 Athens, Greece",
        "Λεωφ. Κηφισίας 44, 151 25 Μαρούσι",
    ),
    "HK": (
        "Unit 1201, 12/F, Tower 2, Lippo Centre, 89 Queensway, Admiralty, Hong Kong",
        "Flat B, 8/F, 33 Canton Road, Tsim Sha Tsui, Kowloon, Hong Kong SAR",
        "Room 1503, 15/F, Wing On House, 71 Des Voeux Road Central, Hong Kong",
    ),
    "HR": ("Ilica 10, 10000 Zagreb, Hrvatska",),
    "HU": (
        "1051 Budapest, Nádor utca 7.",
        "H-1117 Budapest, Neumann János u. 1.",
        "1062 Budapest, Andrássy út 100.",
    ),
    "ID": ("Jl. Jenderal Sudirman Kav. 52-53, Jakarta 12190, Indonesia",),
    "IE": (
        "12 Grand Canal Quay, Dublin 2, D02 XY45, Ireland",
        "Oakfield Industrial Estate, Oakfield, Galway, Ireland",
        "4 Custom House Square, Dublin 1, Ireland",
    ),
    "IL": (
        "12 Rothschild Blvd, Tel Aviv 6688112, Israel",
        "Derech Menachem Begin 132, Tel Aviv-Yafo, Israel",
        "HaArba'a St 28, Tel Aviv 6473925, Israel",
    ),
    "IN": (
        "Plot 14, Sector 18, Gurugram, Haryana 122015, India",
        "3rd Floor, 91 Springboard, 14 Koramangala Main Road, Bengaluru - 560034",
        "B-204, Shanti Nagar, Andheri East, Mumbai 400 059, Maharashtra",
        "No. 12, Anna Salai, Chennai, Tamil Nadu - 600 002",
        "WeWork Galaxy, 43, Residency Road, Bangalore 560025, Karnataka, India",
        "5th Floor, Tower B, Cyber City, Gurgaon 122002",
    ),
    "IS": ("Laugavegur 12, 101 Reykjavík, Iceland",),
    "IT": (
        "Via Roma 10, 20121 Milano",
        "Viale Monza, 259 - 20126 Milano (MI) - Italia",
        "Piazza Duomo 1, I-50122 Firenze",
        "C.so Vittorio Emanuele II, 112, 10128 Torino",
        "Via dei Mille 16/A – 00185 Roma",
        "Largo Augusto, 8 20122 Milano MI",
    ),
    "JP": (
        "〒100-0001 東京都千代田区千代田1-1",
        "東京都渋谷区道玄坂1-12-1 渋谷マークシティ",
        "1-12-1 Dogenzaka, Shibuya-ku, Tokyo 150-0043, Japan",
        "大阪府大阪市北区梅田3-1-3",
        "東京都港区六本木6-10-1 六本木ヒルズ",
    ),
    "KE": ("Westlands Road 14, P.O. Box 66217-00800, Nairobi, Kenya",),
    "KR": (
        "서울특별시 강남구 테헤란로 152",
        "06236 서울시 강남구 테헤란로 152, 10층",
        "152 Teheran-ro, Gangnam-gu, Seoul 06236, South Korea",
        "경기도 성남시 분당구 판교역로 235",
    ),
    "KY": ("Suite 4, P.O. Box 712, George Town, Grand Cayman, KY1-9006",),
    "LT": ("Gedimino pr. 20, LT-01103 Vilnius",),
    "LU": (
        "38 avenue John F. Kennedy, L-1855 Luxembourg",
        "5, rue Plaetis, L-2338 Luxembourg",
    ),
    "LV": ("Brīvības iela 40, Rīga, LV-1050",),
    "MT": ("Level 3, Tower Road, Sliema SLM 1605, Malta",),
    "MX": (
        "Av. Paseo de la Reforma 222, Col. Juárez, 06600 Ciudad de México, CDMX",
        "Calle 5 de Mayo No. 12, Centro, C.P. 44100, Guadalajara, Jalisco",
        "Insurgentes Sur 1602, Col. Crédito Constructor, 03940 Ciudad de México",
    ),
    "MY": ("Jalan Sultan Ismail 12, 50250 Kuala Lumpur, Malaysia",),
    "NG": ("15 Adeola Odeku Street, Victoria Island, Lagos, Nigeria",),
    "NL": (
        "Keizersgracht 123-B, 1015 CJ Amsterdam",
        "Postbus 20001, 2500 EA Den Haag",
        "Kabelweg 57, 1014BA Amsterdam, Nederland",
        "Stationsplein 45\n3013 AK Rotterdam",
        "Herengracht 420, 1017 BZ Amsterdam, The Netherlands",
        "Wilhelminakade 901, 3072AR Rotterdam",
    ),
    "NO": (
        "Karl Johans gate 22, 0026 Oslo",
        "Postboks 150 Sentrum, 0102 Oslo, Norge",
        "Storgata 14 A, NO-0155 Oslo",
        "Dronning Eufemias gate 16, 0191 Oslo",
    ),
    "NZ": (
        "12 Queen Street, Auckland 1010, New Zealand",
        "PO Box 5501, Wellesley Street, Auckland 1141",
        "Private Bag 92019, Auckland 1142",
        "Level 4, 21 Pitt Street, Auckland Central, Auckland 1010",
    ),
    "PA": ("Calle 50, Edificio Global Plaza, piso 6, Ciudad de Panamá, Panamá",),
    "PE": ("Av. Javier Prado Este 560, San Isidro, Lima 27, Perú",),
    "PH": ("22F Tower One, Ayala Avenue, Makati City 1226, Philippines",),
    "PL": (
        "ul. Polna 15, 02-274 Warszawa",
        "00-950 Warszawa, ul. Polna 15",
        "al. Jerozolimskie 100/12, 00-807 Warszawa, Polska",
        "Przykład Sp. z o.o., Rynek 7, 50-106 Wrocław",
        "ul. Marszałkowska 99/101 lok. 5, 00-693 Warszawa",
    ),
    "PT": (
        "Rua Augusta, 274, 1100-053 Lisboa, Portugal",
        "Av. da Liberdade 110 - 2.º, 1269-046 Lisboa",
        "Apartado 2031, 4401-801 Vila Nova de Gaia",
        "Rua do Ouro 88 3º Esq, 4150-552 Porto",
    ),
    "RO": (
        "Str. Lipscani nr. 15, 030031 București, România",
        "Bulevardul Unirii 20, București 040101",
        "Șoseaua Pipera 46D, sector 2, 020112 București",
    ),
    "RS": ("Knez Mihailova 6, 11000 Beograd, Srbija",),
    "RU": (
        "123112, г. Москва, ул. Тестовская, д. 10",
        "Россия, 191186, Санкт-Петербург, Невский проспект, 28",
        "115035, Москва, ул. Садовническая, 82, стр. 2",
    ),
    "SA": ("King Fahd Road, Al Olaya, Riyadh 12214, Saudi Arabia",),
    "SE": (
        "Drottninggatan 10, 111 51 Stockholm, Sverige",
        "Box 1234, 103 12 Stockholm",
        "Regeringsgatan 19, SE-111 53 Stockholm",
        "Storgatan 5 B, 411 38 Göteborg",
    ),
    "SG": (
        "10 Anson Road #20-05, International Plaza, Singapore 079903",
        "1 Raffles Place, Tower 2, Singapore 048616",
        "80 Robinson Rd, #08-01, S068898 Singapore",
    ),
    "SI": ("Dunajska cesta 5, 1000 Ljubljana, Slovenija",),
    "SK": ("Hlavná 12, 811 01 Bratislava, Slovensko",),
    "TH": ("88/1 Sukhumvit Road, Khlong Toei, Bangkok 10110, Thailand",),
    "TR": (
        "Büyükdere Cad. No: 127, 34394 Şişli, İstanbul",
        "Atatürk Mah. Ertuğrul Gazi Sok. No:2E, 34758 Ataşehir/İstanbul",
    ),
    "TW": (
        "台北市信義區信義路五段7號",
        "No. 7, Sec. 5, Xinyi Rd., Taipei City 110, Taiwan",
    ),
    "UA": (
        "вул. Хрещатик, 22, Київ, 01001, Україна",
        "04050, м. Київ, вул. Січових Стрільців, 77",
    ),
    "US": (
        "4100 Harbor Avenue, Springfield, NY 10003",
        "2211 N First St, San Jose, CA 95131",
        "1 Cedar Way Suite 400, Aldie, Virginia 20105",
        "Widget Co. | 88 Granite Pkwy Fl 3 | Boise | ID 83702 | USA",
        "PO Box 4410, Tulsa, Oklahoma 74101-0010",
        "912 Market St PMB 30412, San Francisco, CA 94104",
        "1250 Broadway, 36th Floor, New York, New York 10001",
        "900 W. Olive Ave. #210, Burbank, Calif. 91502",
        "12 Mill Road / Manchester / New Hampshire / 03110",
        "One Harbor Plaza, Suite 900, Boston, MA 02210",
        "Three Lincoln Centre, 5430 LBJ Freeway, Dallas TX 75240",
        "1600 Example Drive\nMountain View, CA 94043",
        "77 Cedar St.\nApt 4\nWorcester\nMassachusetts\n01609",
        "RR 2 Box 152, Alma, KS 66401",
        "1702 Highway 11 N, Ste B, Picayune, MS 39466",
        "30 Rockefeller-like Plz, New York NY 10112",
        "HC 68 Box 23A, Vanderpool TX 78885",
        "PSC 802 Box 74, APO AE 09499",
        "Acme Inc, 417 N Broad St, Suite 12, Middletown, Delaware, 19709, United States",
        "N6W23001 Bluemound Rd, Waukesha, WI 53188",
        "Northwind Goods LLC, 7 Quarry Hollow Ct, Asheville, NC 28801",
        "415 N. 3rd Street\nSuite 12\nPhoenix, AZ 85004",
        "P. O. BOX 81226 SEATTLE WA 98108",
        "1999 Harrison Street, 18th Floor Oakland California 94612",
        "55 East 52nd Street | New York | NY | 10055 | United States",
        "10900 NE 8th St Ste 1000, Bellevue WA 98004",
        "221 River St., 9th Fl., Hoboken, NJ, 07030",
        "4100 Example Blvd PMB 30413 West Hollywood, California 90069-4100 US",
        "1800 OWENS STREET, SAN FRANCISCO, CA 94158",
        "5 Old Mill Rd, Stowe VT 05672 USA",
        "Box 77, 12 County Road 4, Fargo, North Dakota 58102",
        "16W361 S Frontage Rd, Burr Ridge, Illinois 60527",
        "Av. Ponce de León 1500, San Juan, PR 00909",
    ),
    "VN": (
        "12 Nguyễn Huệ, Quận 1, Thành phố Hồ Chí Minh, Việt Nam",
        "54 Lieu Giai Street, Ba Dinh District, Hanoi, Vietnam",
    ),
    "ZA": (
        "25 Long Street, Cape Town, 8001, South Africa",
        "PO Box 786, Sandton 2146",
        "1st Floor, 14 Bree Street, Cape Town 8001",
    ),
}

NO_ADDRESSES = (
    "Order 48110 shipped on 2026-11-20, total 10,003.00 USD",
    "Call +1 212 555 0100 or 0800 123 4567 today",
    "San Francisco, CA 94105",
    "Laptop with 128 MB to 1 GB RAM, up to 120 GB hard drive, starting at $689. Series 8000 is here.",
    "Win 50000 Euro in our big Road Show. Level up now!",
    "Save 1500 EUR on your next drive, Model 2000 Turbo",
    "The Tower Suite sleeps 4. From 12000 Baht a night in Bangkok",
    "Join 12000 readers on their way to success. Level 5 awaits.",
    "Our 2026 Street Festival in Berlin: 20 bands, 5000 visitors, free entry",
    "Flight 1234 from Paris 10:45, Gate 12, Seat 34A",
    "Over 25000 Companies trust us. Way ahead since 1998.",
    "Use code SAVE20 at checkout. Place your order by 5 PM, 20 Nov 2026",
    "Street photography course: 40 lessons, 1200 Students",
    "1010 Ways to cook: 12 Recipes a month",
    "Reference 123456 Customer Care, phone 5551234",
    "Case number 00123456, invoice 20121, amount 300 EUR",
    "Copyright 2026 Example Ltd. All rights reserved.",
    "Registered in England and Wales No. 01234567. VAT GB 123 4567 89",
    "HRB 12345 Amtsgericht Berlin, USt-IdNr. DE123456789",
    "CNPJ 12.345.678/0001-90 SAC 0800 123 4567",
    "Your code is 123456. It is valid for 10 minutes in Germany",
    "Ranked 1000 Best Places to Work, page 45 of 90",
    "Room rates from 9900 Yen. Book 2 nights in Tokyo",
    "Watch S01E02 on Channel 4, Level 3, Way 2000",
    "Distance: 1200 m, Park 3, Circle 8000",
    "Drive 500 miles to Dallas TX 75 times",
    "Get 2000 Points with every ride, Route 66 included",
    "18 Nov 2026, 12:00 Moscow Time, Hall 5",
    "Temperature 1000 Degrees, oven model 5 Way",
    "100 Oak Street, Springfield, NY 90210",
    "Size 36 38 40 42 44, color Bordeaux, item 75002 Red",
    "Sold 10000 Copies in France in 12 days at place 3",
    "Vote for House Bill 1618 Title III, section 301",
    "Under Bill s. 1618 TITLE III passed by the 105th US Congress this letter cannot be considered spam",
    "Only 4 rooms left at Grand Hotel, 15 Dec to 22 Dec, Italy",
    "Lot 25 sold for 3000 Pounds",
    "SKU 40210 Blue Circle Lamp 12 W",
    "Prices valid until 31 January 2027 while stocks last in Austria.",
    "75 Street Food recipes from Vietnam",
    "Am 24. Dezember 2026 um 18 Uhr im Hof 3, Eintritt 12 Euro",
    "Gewinne 10000 Punkte in Runde 3, 5000 Extra",
    "Desde 1999 pesos. Calle tus dudas: 3 meses sin intereses",
    "Via app ou site: 50000 pontos de bônus",
    "Over 500,000 people in 120 countries read us",
    "12 Days of Deals, 10000 Prizes, One Big Winner",
    "Free returns within 30 days. 24/7 support in Canada",
    "Earn 5000 bonus miles when you fly to Spain by 31 March",
    "No more than 4 tickets per person, Hall 3, Box 12",
    "Windows 10, 64000 Colors, Mac OS 9",
    "Season 2, Episode 14, 8000 Fans",
    "Up to 120 GB. Drive C, 7200 RPM",
    "Trip to Rome: 4 nights, Hotel Via Roma, from 1299 EUR",
    "Open 9-5 on Main Street in 40 towns across Germany",
    "2 Samuel 12, 1000 Wives",
    "Bundesliga: Hamburg 3, Bremen 2000 Fans",
    "Team Alpha 7, 10115 Points",
    "Only $4,995 for 3 months on Park Avenue",
    "iPhone 15, 12999 Kronor",
    "Galaxy S 24, 9990 Kč",
)


def match(text: str, addresses: tuple[PostalAddress, ...]) -> PostalAddress | None:
    found = registered(text, addresses)
    return found.address if found else None


@pytest.mark.parametrize(
    "text",
    [
        "Example Widgets Inc., 4100 Harbor Avenue, Suite 160, Springfield, New York 10003, USA",
        "EXAMPLE WIDGETS INC\n4100 Harbor Ave #160\nSpringfield NY 10003-4411",
        "example widgets, inc. | 4100 Harbor Ave. | Ste 160 | Springfield | N.Y. 10003".replace("N.Y.", "NY"),
        "Example Widgets Inc., Marketing Dept., 4100 Harbor Avenue PMB 160, 8th Floor, Springfield, NY 10003",
    ],
)
def test_case_punctuation_lines_and_usual_abbreviations_do_not_matter(text: str) -> None:
    assert match(f"Hello.\n{text}\nUnsubscribe", (BOX, HQ)) is HQ


@pytest.mark.parametrize("box", ["P.O. Box 2210", "PO Box 2210", "p.o.box 2210", "Post Office Box 2210"])
def test_a_post_office_box_is_one_however_it_is_written(box: str) -> None:
    assert match(f"{box}, Portland, Oregon 97208", (BOX,)) is BOX


def test_accents_and_sharp_s_do_not_matter() -> None:
    assert match("BEISPIEL GMBH - HAFENSTRASSE 12 - 50968 KOLN", (KOELN,)) is KOELN


@pytest.mark.parametrize(
    "text",
    [
        "Example Widgets Inc., 4200 Harbor Avenue, Suite 160, Springfield, NY 10003",  # another house
        "Example Widgets Inc., 4100 Harbor Avenue, Suite 161, Springfield, NY 10003",  # another suite
        "10003 NY Springfield, 160 Suite, Harbor Avenue 4100, Example Widgets Inc.",  # another order
        "Example Widgets Inc., 4100 Harbor Avenue, is new. " + "x " * 40 + "Suite 160, Springfield, NY 10003",
        "",
    ],
)
def test_another_address_is_another_address(text: str) -> None:
    assert match(text, (HQ,)) is None


def test_words_scattered_with_small_gaps_are_no_address() -> None:
    words = ["p", "o", "box", "2210", "portland", "or", "97208"]
    assert match(" so and so ".join(words), (BOX,)) is None


def test_an_address_of_two_words_is_never_matched() -> None:
    assert match("USA 10003", (PostalAddress("short", "USA 10003"),)) is None


def test_an_address_above_a_long_text_is_found() -> None:
    assert match(f"{HQ.text}\n" + "lorem words " * 3_000, (HQ,)) is HQ


@pytest.mark.parametrize(
    ("country", "address"), [(country, address) for country, found in ADDRESSES.items() for address in found]
)
def test_addresses_of_many_countries_are_recognised(country: str, address: str) -> None:
    footer = "You get this mail because you signed up. Unsubscribe | Privacy\n© 2026 Example Widgets"
    found = recognise(f"Our spring collection is here. Save 20% today.\nView in browser\n{address}\n{footer}")
    assert found is not None, country
    code = re.findall(r"\d+", address)
    assert not code or any(piece in found.text for piece in code)
    assert not found.is_foreign


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_numbers_and_streets_in_sentences_are_none(text: str) -> None:
    assert recognise(f"News for you\n{text}\nUnsubscribe | Privacy\n© 2026 Example Widgets, Germany") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Copyright 2026 Example Ltd. All rights reserved.",
        "Order 48110 shipped on 2026-11-20, total 10,003.00 USD",
        "Call +1 212 555 0100 or 0800 123 4567 today",
        "Visit https://shop.test/street/12345/CA/90028 now",
        "San Francisco, CA 94105",  # a city is no street
        "The sale ends at 1200 PM. Save 5000 MB.",
        "Bitcoin House, Coinland, B1TC01N, United Kingdom",
        "100 Oak Street, Springfield, NY 90210",  # a ZIP code of California
        "123 Main Street, Anytown, CA 92345",
        "123 Your Street, Portland, OR 97208",
        "{{street}} 12, Portland, OR 97208",
        "%%Member_Addr%% 12 Elm Street, *|CITY|*, OR 97208",
        "- CP - • -, - • -",
        "Example Ltd, N/A, United States",
        "12 Elm Street, Portland, OR 00000",
    ],
)
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert recognise(text) is None


def test_the_excerpt_is_short_and_in_one_line() -> None:
    found = recognise("Example Ltd\n4100 Harbor Avenue\nFloor 3\nSpringfield,\nNY 10003\nbye")
    assert found is not None
    assert found.text == "4100 Harbor Avenue Floor 3 Springfield, NY 10003"


@pytest.mark.parametrize(
    "text",
    [
        "[Sender_Address]",
        "{{address}}",
        "{{ account.street_address }}",
        "*|LIST:ADDRESS|*",
        "%%Member_Addr%%, %%Member_City%%",
        "${company.postalAddress}",
        "<%= sender.address %>",
        "{Sender_City}, {Sender_Zip}",
        "Example Ltd, 123 Main Street, Anytown",
        "Our mailing address is:\nYour address here",
        "Example Widgets\nCompany Address",
        "Our mailing address is: Coin House, Coinland, C01NT0WN",
        "Example Widgets, , , US",
        ", ,",
        "- CP - • -, - • -",
        "Example Ltd, N/A, United States",
        "Street Name 1, City, State ZIP",
    ],
)
def test_an_address_that_nobody_filled_in_is_told(text: str) -> None:
    whole = f"Our spring collection is here.\n{text}\nUnsubscribe | Privacy"
    assert recognise(whole) is None
    hole = unfilled(whole)
    assert hole is not None
    assert hole.why
    assert 0 <= whole.find(text) - 4 <= hole.start < hole.end


@pytest.mark.parametrize(
    "text",
    [
        "Add us to your address book.",
        "This message was sent to your address because you asked for it.",
        "-------------------\n* * *\n• one • two",
        "Get 20 % off at our shop on Example Square. [View in browser]",
        "Is your address out of date? Tell us.",
        "4100 Harbor Avenue, Springfield, NY 10003",
        "Our mailing address is: 17 Example Wharf Road, Leeds, LS27 0WH",
    ],
)
def test_what_is_filled_in_or_no_address_is_not_told(text: str) -> None:
    assert unfilled(f"Hello.\n{text}\nUnsubscribe") is None


@pytest.mark.parametrize(
    "lead", ["Ship to: ", "Delivery address:\n", "Pick up at ", "Venue: ", "Lieferadresse: ", "Held at "]
)
def test_an_address_announced_as_somebody_elses_is_set_apart(lead: str) -> None:
    found = recognise(f"Hello.\n{lead}Kim Doe, {ADDRESSES['US'][0]}")
    assert found is not None
    assert found.is_foreign
    own = recognise(f"Example Widgets, {ADDRESSES['GB'][0]}\n{lead}Kim Doe, {ADDRESSES['US'][0]}")
    assert own is not None
    assert "Leeds" in own.text


def test_the_one_beside_the_copyright_wins() -> None:
    footer = "© Example Widgets, 17 Example Wharf Road, Leeds, LS27 0WH"
    shops = "Shops at 4100 Harbor Avenue, Springfield, NY 10003"
    found = recognise(f"{footer}\n{'All our news. ' * 30}\n{shops}")
    assert found is not None
    assert "Leeds" in found.text


def test_a_place_says_where_the_address_stands() -> None:
    text = f"Hello.\n{HQ.text}\nUnsubscribe"
    for found in (registered(text, (HQ,)), recognise(text)):
        assert isinstance(found, Place)
        assert "4100 Harbor Avenue" in text[found.start : found.end]
        assert text[found.start : found.end].endswith(("10003", "USA"))


@given(st.text(max_size=400))
def test_no_text_raises(text: str) -> None:
    found = recognise(text)
    assert found is None or (0 < len(found.text) <= MAX_EXCERPT and "\n" not in found.text)
    assert found is None or 0 <= found.start < found.end <= len(text)
    hole = unfilled(text)
    assert hole is None or 0 <= hole.start <= hole.end <= len(text)
    assert match(text, (HQ, BOX, KOELN)) is None


@given(st.text(alphabet=string.digits + " ABab,.-#\n", max_size=300))
def test_no_text_of_digits_raises(text: str) -> None:
    recognise(text)


@given(st.lists(st.sampled_from(["\n", ", ", " | ", " - ", "  "]), min_size=8, max_size=8))
def test_separators_never_matter_to_a_registered_address(separators: list[str]) -> None:
    words = ["Example", "Widgets", "4100", "Harbor", "Avenue", "Springfield", "NY", "10003"]
    address = PostalAddress("x", " ".join(words))
    text = "".join(word + separator for word, separator in zip(words, separators, strict=True))
    assert match(text, (address,)) is address


@pytest.mark.parametrize(
    "piece",
    [
        "12345 ",
        "Street 1 ",
        "P.O. Box ",
        "NY 10003 ",
        "4100 Harbor ",
        "Rua A ",
        "1A 1AA ",
        "ireland ",
        "1 ",
        "é",
        "Aa1-",
    ],
)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    before = time.process_time()
    recognise(text)
    registered(text, (HQ, BOX, KOELN))
    unfilled(text)
    assert time.process_time() - before < 2.0
