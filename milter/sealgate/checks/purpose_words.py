"""Words and phrases by which `checks.purpose` reads what a message is for, as data.

Each row is one kind of evidence in one or more languages: words and phrases, one after the other between `|` or line
ends, in lower case. They are written as `checks.purpose` folds a text: hyphens and apostrophes are blanks (`don t
miss`), digits are left out, `$` stands for every currency and `%` alone for a percentage (`up to %`). A word counts
where it stands as a word, a phrase where its words stand in this order; Chinese, Japanese and Korean are looked for
anywhere, since these scripts set no blanks. A word in two kinds counts for the first. What a kind weighs is not here.
`checks.purpose_other_words` is the other half.
"""

from enum import Enum
from typing import Final


class Sign(Enum):
    """What a word or phrase is evidence of; the value is the word for it in reasons."""

    OFFER = "offer"  # prices cut, offers, urgency: hardly met outside advertising
    HINT = "praise"  # what is praised and sold; other mail has some of it too
    CALL = "call"  # imperatives to buy, to register, to look
    DEAL = "transaction"  # 15 USC 7702(17)(A)(i), (v): an order, a delivery, a payment, a booking
    ACCOUNT = "account"  # (ii), (iii), (iv): security, terms, standing of an account
    CAUSE = "cause"  # politics, charity, news, work: no advertisement of a product (16 CFR 316.3, footnote 1)
    FRAUD = "fraud"  # letters of somebody's millions or a wallet at risk: no product either
    OPT_OUT = "opt-out"
    BROWSER = "web version"  # the line that offers the message as a web page
    DENIAL = "denial"  # that it is no advertisement, which is no evidence
    TALK = "talk"  # what people write to each other


SELLING_ROWS: Final = (
    # en
    (Sign.OFFER, """
sale|sales|discount|discounts|discounted|coupon|coupons|voucher|vouchers|promo|promos|promotion|promotions|promotional
savings|bonus|bonuses|jackpot|casino|spins|giveaway|sweepstakes|bargain|bargains|clearance|wholesale|preorder
affordable|advertisement|advertiser|sponsored|bestseller|bestsellers|deals|hurry|cashback|freebies|lowest|viagra
refinance|mortgage|timeshare|% off|off your|off everything|black friday|cyber monday|last chance|limited time
special price|special offer|special offers|exclusive offer|exclusive offers|great deal|best price|best prices|low price
low prices|great prices|today only|don t miss|hours left|days left|ends today|ends tonight|ends soon|ends sunday
new arrival|new arrivals|pre order|now available|available now|back in stock|no obligation|risk free|money back
free trial|free shipping|free delivery|free gift|free spins|free quote|free sample|free consultation|buy one|save up
save on|save an extra|save big|for only|just $|only $|price drop|while supplies last|while stocks last|promo code
discount code|use code|with code|early bird|on sale|for sale|flash sale|bundle and save|special rate|no cost|at no cost
you have been selected|been selected|you ve been chosen|no prescription|make money|extra income|work from home
earn money|toll free|lose weight|weight loss|interest rates|credit approval|guaranteed approval|adv|targeted leads
email list|email lists|mailing lists for|exclusive deal|hot deals|reward points|bonus points|double points
loyalty points|% discount|cash prize|prize draw|enter to win|chance to win|win a|act now|offer expires|offer ends
offer valid|offer is valid|valid until|terms apply|cannot be considered spam|not considered spam|title iii|u s congress
one time mailing|this is not spam|not spam|your first order|your next order|your order over|orders over|on orders
delivered to your door|to your door|first month|no strings|off all|off sitewide|sitewide|clearance sale|markdown
markdowns|rebate|rebates|mail in rebate|starting at $|as low as|from just|from only|free of charge|absolutely free
completely free|totally free|free report|free info|free information|free access|free membership|free bonus|free ebook
free samples|free vacation|free installation|free cell|guaranteed winner|you ve won|you have won|you won|claim your
claim now|claim my|limited offer|limited quantity|limited quantities|limited stock|limited edition|limited spots
limited seats|seats are limited|spots left|almost gone|selling fast|last day|final hours|final days|final day
final call|one day only|this weekend only|weekend only|this week only|for a limited|expires soon|expires tonight
expires today|don t wait|don t delay|hurry up|before it s too late|before it s gone|best deal|best deals|best offer
best value|big savings|huge savings|great savings|lowest prices|lowest price|cheap|cheapest|cheaper|discounted price
half price|money saving|save money|save time and money|save over|save an additional|extra savings|special discount
special promotion|exclusive discount|exclusive access|exclusive deals|members only|vip access|pre approved|preapproved
no credit check|no fees|no fee|no interest|no commitment|no risk|risk free trial|satisfaction guaranteed|% guaranteed
money back guarantee|cancel anytime|try before you buy|one time offer|once in a lifetime|opportunity of a lifetime
millionaire|get rich|get paid|get cash|cash bonus|extra cash|earn $|earn up to|earn extra|up to % off|up to $
reply stop|buy
"""),
    # pt
    (Sign.OFFER, """
desconto|descontos|oferta|ofertas|promoção|promoções|promocional|promocionais|grátis|gratuito|gratuita|economize
imperdível|imperdíveis|cupom|cupons|cotação|orçamento|liquidação|parcelas|sem juros|frete grátis|menor preço
melhor preço|melhores preços|só hoje|só esse mês|tempo limitado|últimas horas|últimos dias|condição especial
condições especiais|condição exclusiva|proposta exclusiva|por apenas|a partir de r $|sem compromisso|sorteio
queima de estoque|não perca|vagas limitadas|últimas vagas|até % de
"""),
    # es
    (Sign.OFFER, """
descuento|descuentos|rebaja|rebajas|cupón|cupones|promoción|promociones|gratis|ahorra|ahorre|chollo|chollos|liquidación
oferta especial|mejor precio|mejores precios|sólo hoy|solo hoy|tiempo limitado|última oportunidad|últimos días
envío gratis|no te pierdas|no te lo pierdas|sin compromiso|por solo|por sólo|sorteo
"""),
    # de
    (Sign.OFFER, """
angebot|angebote|angeboten|rabatt|rabatte|gutschein|gutscheine|gutscheincode|sonderangebot|sonderangebote|sparen|spare
kostenlos|kostenlose|kostenlosen|gewinne|gewinnen|gewinnspiel|freispiele|aktion|aktionen|schnäppchen|reduziert
ausverkauf|schlussverkauf|versandkostenfrei|nur heute|nur noch heute|nur für kurze zeit|letzte chance|nicht verpassen
statt nur|neue kollektion|bis zu %|% auf
"""),
    # fr
    (Sign.OFFER, """
offre|offres|soldes|remise|remises|réduction|réductions|gratuit|gratuite|gratuits|gratuitement|bon plan|bons plans
ventes privées|vente flash|livraison offerte|livraison gratuite|code promo|dernière chance|derniers jours
dernières heures|jusqu à %|meilleur prix|meilleurs prix|prix imbattable|sans engagement|en exclusivité|à partir de $
durée limitée
"""),
    # it
    (Sign.OFFER, """
offerta|offerte|sconto|sconti|saldi|risparmia|risparmi|promozione|promozioni|imperdibile|imperdibili|buono sconto
codice sconto|solo oggi|ultimi giorni|ultime ore|ultima occasione|tempo limitato|spedizione gratuita|prezzo speciale
miglior prezzo|senza impegno|non perdere|fino al %|a soli
"""),
    # nl
    (Sign.OFFER, """
korting|kortingen|kortingscode|aanbieding|aanbiedingen|bespaar|besparen|subsidie|voordeel|uitverkoop|solden|cadeaubon
alleen vandaag|laatste kans|beperkte tijd|mis het niet|nu met|tot % korting|vanaf $
"""),
    # sv da no fi
    (Sign.OFFER, """
erbjudande|erbjudanden|rabatter|rabattkod|rea|reapriser|fraktfritt|tilbud|tilbudet|rabat|udsalg|spar|kampanje|kampagne
salg|fri frakt|gratis fragt|fri fragt|kun i dag|bare i dag|endast idag|sista chansen|siste sjanse|sidste chance
begränsad tid|upp till %|op til %|opptil %|tarjous|tarjoukset|alennus|alennuskoodi|ale|ilmainen
"""),
    # pl cs hu ro
    (Sign.OFFER, """
promocja|promocje|promocji|promocyjny|wyprzedaż|rabatu|rabatem|zniżka|zniżki|zniżek|kupon|oszczędź|okazja|okazje
darmowa|darmowy|tylko dziś|tylko dzisiaj|ostatnia szansa|darmowa dostawa|taniej|sleva|slevy|slevu|akce|zdarma|výprodej
poukaz|jen dnes|kedvezmény|akció|akciós|ingyenes|reducere|reduceri|ofertă|oferte|transport gratuit|doar azi
"""),
    # ru uk el tr
    (Sign.OFFER, """
скидка|скидки|скидку|скидкой|скидок|акция|акции|распродажа|распродажи|бесплатно|промокод|купон|выгодно|выгода|подарок
только сегодня|последний шанс|знижка|знижки|акція|безкоштовно|розпродаж|έκπτωση|εκπτώσεις|προσφορά|προσφορές|δωρεάν
indirim|indirimli|indirimler|kampanya|kampanyası|fırsat|fırsatı|bedava|ücretsiz|sadece bugün
"""),
    # zh ja ko
    (Sign.OFFER, """
优惠|折扣|促销|特价|免费|优惠券|限时|清仓|抢购|優惠|特價|免費|促銷|限時|抽獎|折價|低價|セール|割引|キャンペーン|クーポン|お得|特価|無料|期間限定|送料無料|プレゼント|ポイント還元|할인|무료|세일|특가|쿠폰
이벤트|혜택
"""),
    # en
    (Sign.HINT, """
shop|shopping|store|deal|offer|offers|offering|save|free|exclusive|exclusives|win|winner|webinar|webinars|seminar
seminars|introducing|announcing|premium|reward|rewards|trial|upgrade|collection|gift|gifts|subscribers|newsletter
guaranteed|guarantee|investors|leads|prices|pricing|price|product|products|quality|amazing|incredible|ultimate|unlock
boost|delicious|luxury|perfect|customers|members|vip|points|brand|brands|solution|solutions|services|marketing|business
course|courses|ebook|demo|kickstarter|profit|profits|income|cash|loan|loans|insurance|prescription|investment|partner
sponsor|sponsors|catalog|catalogue|opportunity|excited|thrilled|advertise|enjoy|stylish|handmade|favorites|favourites
must have|must haves|brand new|just released|all new|new features|new products|live tour|product tour|case study
free guide|our platform|our team can|we offer|we provide|we help|help you|we are pleased to offer|invite you
join us for|you ll love|you ll get|your chance|your free|your exclusive|satisfaction|testimonials|credit card required
schedule a call|quick call|book a time|interested in|would you be interested|are you looking|looking to|looking for a
toner|cartridge|cartridges|pharmacy|pills|pill|medication|medications|herbal|hgh|hormone|enlargement|erection|adult|xxx
porn|singles|dating|diploma|degree|debt|debts|quote|quotes|lender|lenders|lending|credit card|credit cards|bad credit
home loan|home loans|life insurance|health insurance|stock alert|stock pick|penny stock|stocks|trading signals|forex
network marketing|mlm|home business|home based business|financial freedom|be your own boss|multi level|bulk email
email marketing|search engine|search engines|web hosting|hosting|domain names|web design|website design|seo
first page of google|rank higher|leads for|satellite tv|descrambler|vacation|vacations|cruise|cruises|travel|hotel
hotels|fares|flights|getaway|resort|cbd|gummies|keto|solar|solar panels|gutters|roof|roofing|hearing aids|car warranty
auto warranty|extended warranty|drone|flashlight|tactical|blood sugar|blood pressure|diabetes|tinnitus|prostate
joint pain|belly|supplement|supplements|vitamins|wrinkles|anti aging|gift card|gift cards|survey|vpn|antivirus|software
apps|outsourcing|developers team|mattress|jewelry|fashion|shoes|sneakers|sunglasses|watches|replica|perfume|cosmetics
makeup|wine|coffee|toys|furniture|lamps|tickets on sale|concert|printers|laptops|monitors|cables|dvd|dvds|bestselling
paperback|hardcover|edition|poker|slots|betting|lotto|sportsbook|betting tips|credit report|credit score|tax relief
timeshares|real estate|investor|commission|commissions|affiliate|affiliates|resellers|distributors|manufacturer
manufacturers|supplier|suppliers|factory|exporter|importers|our company|our products|our services|our customers
our clients|years of experience|competitive price|competitive prices|moq|your website|your business|your company
conference|exhibition|expo|summit|workshop|training
"""),
    # pt es
    (Sign.HINT, """
exclusiva|exclusivo|exclusivas|exclusivos|lançamento|vendas|novidade|novidades|preço|preços|economia|curso|cursos
produto|produtos|pontos|plano|planos|loja|lojas|qualidade|empresa|clientes|cliente|prêmio|prêmios|presente|garantia
benefícios|vantagens|especialista|treinamento|evento|whatsapp|precio|precios|novedad|novedades|tienda|calidad|producto
productos|regalo|regalos|ventajas|premio|premios|exclusiva para ti|gostaria de apresentar|somos uma empresa
somos una empresa|oportunidade|oportunidad|solução|soluções|aproveite|aproveita|aprovecha|compras
"""),
    # de nl
    (Sign.HINT, """
exklusiv|exklusive|exklusiven|neuheiten|neuheit|vorteil|vorteile|geschenk|geschenke|preis|preise|produkt|produkte
kunden|kollektion|qualität|onlineshop|chance|willkommensbonus|bonus|lieblings|vorlagen|trends|ideen|exclusief
exclusieve|nieuw|nieuwe|prijs|prijzen|collectie|winkel|kans|cadeau|cadeaus|kwaliteit|klanten|gratuites
"""),
    # fr it
    (Sign.HINT, """
cadeaux|nouveauté|nouveautés|prix|boutique|exclusif|exclusivité|qualité|produits|clients|profiter|avantages|découverte
novità|prezzo|prezzi|negozio|collezione|esclusiva|esclusivo|esclusivi|regali|prodotti|qualità|clienti|vantaggi
approfitta|occasione
"""),
    # sv da no fi pl cs ru tr
    (Sign.HINT, """
nyhet|nyheter|nyheder|pris|priser|eksklusiv|produkter|kunder|butik|butikken|kvalitet|gave|present|nowość|nowości|cena
ceny|cenie|produkty|sklep|sklepie|klientów|prezent|jakość|oferta|ofertę|oferty|nabídka|nabídku|novinky|uutuus|hinta
hinnat|kauppa|uutuudet|новинка|новинки|цена|цены|магазин|товары|качество|предложение|предложения|выгодные|ürün|ürünler
fiyat|fiyatlar|mağaza|hediye|yeni sezon
"""),
    # zh ja ko
    (Sign.HINT, """
新品|产品|價格|价格|公司|客户|精选|精選|商城|新商品|商品|限定|発売|新着|おすすめ|人気|ショップ|상품|신상|추천|가격|고객님
"""),
    # en
    (Sign.CALL, """
claim|pledge|enroll|enrol|enrolment|enrollment|register|shop now|buy now|buy it now|buy online|order now|order today
order online|get yours|get started|get it now|get my|get your|grab your|grab yours|grab a|learn more|learn how
read more|find out more|find out how|discover|explore|use now|click here|sign up|register now|register today
register here|save now|save today|save your seat|book now|book your|book today|book a demo|try it|try now|try for free
try free|start your|start now|start free|join now|join today|join us|join the|join this|download now|download our
download the|subscribe now|subscribe today|view offer|see offer|see deals|view deals|see details|request a demo
request a quote|get a quote|contact us today|call now|call today|call us|call toll|call for|visit us|visit our
check out|check it out|add to cart|play now|watch now|see more|see how|see what|reserve your|apply now|apply today
take advantage|stock up|treat yourself|upgrade now|upgrade to|upgrade today|redeem|spin now|bet now|reply to this email
let me know if you re interested|fill out|click below|click on|click the link|click link|click to|click or|visit
visit http|go to our|order by|order form|to order|to subscribe|for more information|more information|for details
more details|for more details|fill in|sign me up|send a blank|act fast|act today|respond now|reply now|call me|schedule
get in touch|let us know|let s talk|would you like to|are you ready|ready to|why wait|what are you waiting|imagine
introduce|see our|browse|shop|get the|get a|get free|find your|find the|save with|choose your|pick your|upgrade your
transform your|protect your|improve your|increase your
"""),
    # pt es
    (Sign.CALL, """
compre|comprar|compre agora|saiba mais|garanta|garanta já|confira|inscreva se|inscreva|peça|peça já|clique aqui
clique e|quero|cadastre se|acesse|assine|agende|conheça|descubra|aprenda|participe|fale conosco|nos chame
entre em contato|ver online|compra ahora|compra ya|cómpralo|descubre|descúbrelo|más información|regístrate|inscríbete
reserva ahora|haz clic|haga clic|aprende|visita nuestra|ver más|lo quiero|consiga|consigue|solicite|solicita|simule
faça agora|faça já|calcule|adquira|contrate|ver ofertas
"""),
    # de nl
    (Sign.CALL, """
jetzt kaufen|jetzt bestellen|jetzt sichern|sichern sie|sichere dir|jetzt shoppen|jetzt anmelden|jetzt entdecken
jetzt testen|jetzt|jetzt mitmachen|mitmachen|machen sie mit|mehr erfahren|entdecken|entdecke|entdecken sie|registrieren
zum shop|zum angebot|zu den angeboten|hier klicken|hier bestellen|bestellen sie|bestelle|anmelden und|bestel nu|koop nu
ontdek|ontdek nu|shop nu|bekijk|bekijk nu|profiteer|claim nu|meld je aan|schrijf je in|grijp|vraag aan|vraag nu
lees meer|probeer|wacht niet
"""),
    # fr it
    (Sign.CALL, """
j en profite|profitez|profitez en|achetez|achetez maintenant|découvrez|je découvre|découvrir|commandez|commander
en savoir plus|j achète|cliquez ici|je m inscris|inscrivez vous|réservez|voir les offres|essayez|acquista|acquista ora
scopri|scopri di più|scopri le|ordina|ordina ora|clicca qui|iscriviti|registrati|prenota|prenota ora|compra ora|prova
provalo
"""),
    # sv da no fi pl cs hu ru tr
    (Sign.CALL, """
shoppa|shoppa nu|köp nu|köp|handla|handla nu|beställ|läs mer|upptäck|klicka här|anmäl dig|køb nu|køb|bestil|bestil nu
læs mere|klik her|kjøp|kjøp nå|handle nå|bestill|les mer|klikk her|oppdag|osta nyt|tilaa|tilaa nyt|lue lisää|katso
kup teraz|kup|kupuj|sprawdź|zamów|zamów teraz|skorzystaj|dowiedz się|zobacz|odkryj|zarejestruj się|odbierz rabat|koupit
objednat|objednejte|více zde|zjistit více|rendelje meg|vásároljon|купить|подробнее|заказать|закажите|узнать больше
перейти|успейте|купите|hemen al|satın al|alışverişe başla|keşfet|incele|cumpără|comandă|descoperă
"""),
    # zh ja ko
    (Sign.CALL, """
立即购买|立即購買|立即|点击购买|马上|了解更多|立刻|今すぐ|詳しくは|購入|ご購入|お申し込み|ご注文はこちら|チェック|지금|구매하기|바로가기|자세히|신청하기
"""),
    # en
    (Sign.OPT_OUT, """
unsubscribe|unsubscribing|optout|unlist|opt out|opt in subscriber|opted in|be removed|remove yourself|remove me
removed from our|removed from this|no longer wish|no longer want|longer receive|stop receiving|stop getting
don t want to receive|prefer not to receive|manage preferences|email preferences|your preferences|mailing preferences
manage my subscription|manage your subscription|our mailing list|this mailing list|off our list|change your mailing
received this email because|receiving this email because|receiving this because|subscription preferences
"""),
    # pt es de nl
    (Sign.OPT_OUT, """
descadastrar|descadastre|descadastro|desinscrever|cancelar inscrição|cancelar minha inscrição|cancele a sua inscrição
mais receber|deixar de receber|sair da lista|parar|darse de baja|darme de baja|dar de baja|cancelar suscripción
dejar de recibir|no desea recibir|no deseas recibir|abmelden|abbestellen|abmeldung|austragen|nicht mehr erhalten
keine weiteren e mails|newsletter abmelden|uitschrijven|afmelden|uitschrijving|niet meer ontvangen|meld je af
schrijf je uit
"""),
    # fr it sv da no fi pl cs ru tr
    (Sign.OPT_OUT, """
désabonner|désinscrire|désinscription|désabonnement|ne plus recevoir|ne souhaitez plus|disiscriviti|cancellati
annulla iscrizione|disiscrizione|cancella l iscrizione|non desideri più|avregistrera|avprenumerera
avsluta prenumerationen|afmeld|frameld|avmeld|meld deg av|melde deg av|peruuta tilaus|lopeta tilaus|wypisz się|wypisz
zrezygnuj|rezygnacja|anuluj subskrypcję|nie chcesz otrzymywać|odhlásit|leiratkozás|dezabonare|отписаться|отписка
відписатися|διαγραφή|abonelikten|listeden çık
"""),
    # zh ja ko
    (Sign.OPT_OUT, """
退订|退訂|取消订阅|取消訂閱|配信停止|配信解除|購読解除|登録解除|수신거부|구독취소|구독 취소
"""),
    # all
    (Sign.BROWSER, """
in your browser|in browser|view online|view it online|web version|online version|having trouble viewing|trouble viewing
trouble reading|can t see this|cannot see the|can t read this|cannot read this|not display correctly|not displaying
displaying correctly|view this email|view as a web page|view as webpage|read online|ver online|no navegador|versão web
versão online|não esteja visualizando|não conseguir visualizar|não consegue visualizar|ver en el navegador
en tu navegador|versión web|versión online|im browser|webversion|onlineversion|online ansehen|nicht richtig dargestellt
nicht korrekt angezeigt|in je browser|in uw browser|bekijk online|webversie|dans votre navigateur|version en ligne
version web|nel browser|versione web|versione online|i webbläsaren|i din webbläsare|i din browser|i nettleseren
se online|selaimessa|w przeglądarce|wersja online|v prohlížeči|в браузере|веб версия|tarayıcıda
"""),
    # pt es de fr it nl
    (Sign.HINT, """
plano de saúde|planos de saúde|consórcio|seguro auto|seguro de vida|empréstimo|crédito|certificado digital
energia solar|emagrecer|corretora|corretor|alarme|imóvel|imóveis|apartamento|apartamentos|viagem|viagens|passagens
pacotes|milhas|livros|calçados|roupas|equipamentos|seguro|préstamo|préstamos|hipoteca|adelgazar|viaje|viajes|hoteles
zapatos|ropa|muebles|krankenversicherung|versicherung|versicherungen|stromtarif|kredit|treppenlift|abnehmen
photovoltaik|solaranlage|reise|reisen|urlaub|mode|schuhe|möbel|basteln|casino|matratze|kreditkarte|geldanlage|mutuelle
assurance|assurances|crédit|pompe à chaleur|panneaux solaires|voyage|voyages|hôtel|chaussures|vêtements|meubles|maigrir
prestito|prestiti|assicurazione|mutuo|viaggio|viaggi|scarpe|abbigliamento|mobili|dimagrire|lening|verzekering
zonnepanelen|isolatie|reizen|vakantie|schoenen|kleding|meubels|afvallen|energiekosten
"""),
)  # fmt: skip
