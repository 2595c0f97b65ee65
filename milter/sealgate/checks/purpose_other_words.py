"""Words and phrases of mail that sells nothing, as data: the other half of `checks.purpose_words`."""

from typing import Final

from sealgate.checks.purpose_words import Sign

# What an author's name or address says: `Deals <offers@...>`, `no-reply@...`.
SENDER_SELLS: Final = """
ad ads advisor bargains bonus casino club coupons course courses deal deals discounts ecommerce emarketing events expo
factory fashion insurance leads loans manufacturer marketing news newsletter newsletters offer offers ofertas pharmacy
prizes promo promos promotion promotions promotional rewards sale sales savings seo shop shopper shopping slots spins
store travel vendas ventas verkauf comercial vip voucher win winner academy campaigns
"""
SENDER_SERVES: Final = """
account accounts admin alert alerts auto autoreply bounce billing booking bookings confirm confirmation confirma
conferma delivery donotreply faktura helpdesk hr invoice mailer noreply nepasrepondre notification notifications notify
order orders password payments payroll postmaster receipts reply reservations root security service shipment shipping
spedizione support system tracking update updates verify wordpress
"""
FIRST_PERSON: Final = """
i my me ich mich mein meine je mon mes eu meu minha yo mi mis io mio mia ik mijn jag min mitt jeg minä mój я мне мой
"""
OTHER_ROWS: Final = (
    # en
    (Sign.DEAL, """
shipped|dispatched|delivered|invoice|invoices|your receipt|receipt for|receipt from|payment receipt|receipt number
receipt #|shipment|shipments|shipping confirmation|courier|parcel|parcels|itinerary|backordered|your order|your orders
your package|your packages|your parcel|your delivery|your payment|your booking|your reservation|your statement
your appointment|your refund|your return|your shipment|your item|order confirmation|order number|order #|order no
order id|order details|order summary|order total|booking reference|confirmation number|reservation number
dispatch confirmation|tracking number|tracking id|track your|track package|track parcel|track delivery|out for delivery
on its way|on the way|delivery date|delivery attempt|delivery exception|expected delivery|delivery notification
delivery update|delivery options|delivery status|delivery by|scheduled delivery|ready for pickup|pickup code
pick up your|was delivered|been delivered|payment received|payment due|payment confirmation|amount due|due date
thank you for your order|thanks for your order|thank you for your purchase|thank you for your payment
you ve got tickets|proof of delivery|informed delivery|estimated delivery|estimated arrival|will arrive|has arrived
arrives|delivered to|delivered by|delivered today|delivering today|coming today|left in|signature required|signed for
delivery driver|tracking no|tracking #|tracking info|tracking details|tracking information|package from|package is
package was|package has|package will|parcel from|shipment from|shipment is|shipment was|shipment has
scheduled delivery date|delivery window|delivery day|delivery time|delivery address|delivery location|delivery service
delivery details|deliver your|deliver to|ship to|shipped to|shipping address|billing address|order placed|order date
order has|order is|order was|order info|view order|manage order|order received|order status|subtotal|total paid
payment of $|was charged|has been charged|we charged|your card ending|card ending|transaction id|transaction number
your transaction|reference number|checked in|flight number|confirmed your|has been confirmed|booking confirmed
appointment is|rate your delivery|redeliver|redelivery|missed delivery|we missed you|mailpiece|mailpieces|usps
ups my choice|dhl|not available for pickup|available for pickup|locker|pickup point|collection point|your ride
download your invoice|view invoice|attached invoice|monthly statement|statement is|bill is ready|payment reminder
"""),
    # pt es
    (Sign.DEAL, """
fatura|boleto|comprovante|nota fiscal|seu pedido|pedido foi|seu pagamento|pagamento recebido|pagamento aprovado
pedido confirmado|número do pedido|código de rastreio|rastreamento|foi enviado|foi entregue|sua compra|sua reserva
sua encomenda|encomenda|saiu para entrega|factura|recibo|tu pedido|su pedido|número de pedido|pedido ha|ha sido enviado
ha sido entregado|tu paquete|su paquete|tu envío|su envío|tu reserva|su reserva|seguimiento|número de seguimiento
en reparto|pago recibido|pago confirmado|confirmación de pedido|gracias por tu compra|gracias por tu pedido
gracias por su compra|obrigado pela compra|obrigado pelo pedido
"""),
    # de nl
    (Sign.DEAL, """
bestellung|ihre bestellung|deine bestellung|bestellnummer|bestellbestätigung|auftragsbestätigung|auftragsnummer|sendung
sendungsnummer|sendungsverfolgung|rechnung|rechnungsnummer|zahlungseingang|zugestellt|zustellung|versandt|verschickt
versandbestätigung|lieferung|liefertermin|paket|päckchen|buchung|buchungsbestätigung|reservierung|quittung|mahnung
kontoauszug|abholbereit|bestelling|uw bestelling|je bestelling|bestelnummer|factuur|factuurnummer|verzonden|bezorgd
bezorging|pakket|pakketje|levering|track trace|boeking|reservering|betaling ontvangen|onderweg
"""),
    # fr it
    (Sign.DEAL, """
votre commande|ta commande|numéro de commande|confirmation de commande|colis|votre colis|facture|votre facture
reçu de paiement|expédié|expédiée|expédition|livré|livraison|numéro de suivi|suivi de|votre réservation|votre paiement
paiement reçu|votre billet|merci pour votre commande|merci pour votre achat|rendez vous confirmé|tuo ordine|suo ordine
ordine n|numero ordine|conferma ordine|conferma d ordine|spedito|spedita|spedizione|consegna|consegnato|consegnata
pacco|tuo pacco|fattura|ricevuta|pagamento ricevuto|tua prenotazione|prenotazione|tracciamento|traccia il
codice di tracking|in transito|grazie per il tuo ordine|grazie per l acquisto
"""),
    # sv da no fi
    (Sign.DEAL, """
din beställning|din order|beställning|orderbekräftelse|ordernummer|leverans|levererad|levererat|skickats|faktura
fakturan|kvitto|bokning|din bokning|kollinummer|spårning|betalning|din ordre|din bestilling|bestilling|ordrebekræftelse
ordrebekreftelse|ordrenummer|leveret|levert|pakke|din pakke|pakken|kvittering|sendt|sporing|forsendelse|booking
tilauksesi|tilaus|tilausvahvistus|tilausnumero|toimitus|lähetys|pakettisi|paketti|lasku|kuitti|varaus|maksu
"""),
    # pl cs hu ro
    (Sign.DEAL, """
przesyłka|przesyłki|przesyłkę|przesyłce|przesyłek|paczka|paczki|paczkę|paczce|zamówienie|zamówienia|zamówieniu|zamówień
doręczenia|doręczenie|doręczymy|doręczona|dostarczona|dostarczone|dostawie|kurier|kuriera|kurierowi|fakturę|fakturze
płatność|płatności|rachunek|potwierdzenie zamówienia|numer zamówienia|wysłane|wysłana|rezerwacja|odbioru
vaše objednávka|objednávka|objednávky|objednávku|zásilka|zásilku|zásilky|balík|doručena|doručení|platba|rendelés
rendelése|rendelésed|számla|csomag|csomagja|kézbesítés|szállítás|comanda ta|comanda dumneavoastră|coletul|livrare
rezervarea
"""),
    # ru uk el tr
    (Sign.DEAL, """
заказ|заказа|заказе|заказу|ваш заказ|доставка|доставке|доставки|доставлен|доставлена|посылка|посылку|отправление
отправлен|счет|счёт|оплата|оплате|оплачен|квитанция|чек|бронирование|номер заказа|замовлення|посилка|посилку|рахунок
відправлення|παραγγελία|παραγγελίας|παραγγελία σας|αποστολή|τιμολόγιο|παράδοση|siparişiniz|sipariş|siparişin|kargo
kargoya|kargonuz|faturanız|teslim|teslimat|rezervasyon|ödemeniz
"""),
    # zh ja ko
    (Sign.DEAL, """
订单|訂單|发货|發貨|出貨|快递|快遞|物流|包裹|配送|发票|發票|付款|收据|ご注文|お届け|発送|配達|お荷物|領収書|請求書|お支払い|予約|お問い合わせ|控え|주문|배송|결제|영수증|택배|예약|송장
"""),
    # en
    (Sign.ACCOUNT, """
activate your account|account activation|account verification|verify that|your password|password has|password was
membership renewal|subscription renewal|refund has|your refund|boarding pass|avoid interruption|service interruption
within hours|verification|username|password|passwords|reset|otp|passcode|suspended|suspension|suspicious|unauthorized
unauthorised|deactivated|breach|your request|your registration|your subscription has|your account has|your account was
your account is|your account will|your account details|account statement|account summary|account number|verify your
verify my|verify email|confirm your|confirm my|validate your|one time code|one time password|security alert
security code|security notice|access code|verification code|login code|log in details|login details|new login
new device|unusual activity|two factor|terms of use have|terms of service have|changes to our terms|updated our terms
updating our terms|update to our terms|privacy policy update|updated our privacy|payment details|payment method
billing information|payroll|payslip|membership reminder|memberships reminder|you have been unsubscribed
you have unsubscribed|been unsubscribed|successfully unsubscribed|unsubscribed from|subscription confirmation
confirm subscription|confirm your subscription|welcome to the list|renewal notice|has expired|storage is full
mailbox is full|scheduled maintenance|service outage|incident|daily digest|did not request|didn t request
if this wasn t you|if it wasn t you|was this you|do not share|automated message|automatically generated|auto generated
do not reply|don t reply|not reply to this|notification only address|we have received your|we received your
we ve received your|your ticket has|support ticket|case number|ticket number|thank you for contacting|payment failed
payment declined|payment was declined|was declined|could not be processed|couldn t process|unable to process
update your payment|update your billing|update your account|update your information|billing problem|on hold
final notice|last warning|action required|immediate action|verify account|your mailbox|your inbox|storage limit|icloud
full storage|virus|viruses|infected|hacked|compromised|malware|blocked|locked|disabled|limited access|restricted
restore access|unusual sign|suspicious login|signed in|logged in|log in to your|login attempt|new sign|recover your
recovery code|your code is|code is|expires in minutes|your api|api key|access token|build failed|failed to|downtime
outage|invited you to|added you|mentioned you|commented on|assigned to you|shared a document|shared with you|voicemail
helpdesk|it department|administrator|admin team|release notes|security update|security advisory|vulnerability
data breach|policy change|policy update|updates to our|changes to your|has changed|have changed|your enrollment
thank you for registering|thanks for registering|complete your registration|completed your registration
registration is complete|registration confirmed|subscription request|subscription confirmed|your new account
new account|account created|created an account|successfully registered|successfully subscribed|has been received
has been updated|has been changed|has been created|has been cancelled|has been completed|form submission|contact form
you submitted|your message has|your enquiry|your inquiry|your comment|your application|new comment|new message from
new follower|wordpress|lost password|to confirm that|click the link to confirm|confirm registration|confirm your email
confirm email|password for
"""),
    # pt es
    (Sign.ACCOUNT, """
senha|sua senha|sua conta|sua conta foi|código de verificação|verifique seu|confirme seu|confirme sua|termos de uso
termos de serviço|política de privacidade atualizada|login suspeito|novo acesso|novo login|redefinir|redefinição
autenticação|não responda|mensagem automática|assinatura foi cancelada|conta bloqueada|contraseña|tu cuenta|su cuenta
código de verificación|verifica tu|verifique su|confirma tu|confirme su|inicio de sesión|restablecer|restablece
términos de servicio|no responda|no respondas|mensaje automático|acceso sospechoso|bloqueada|suspendida|ha caducado
cita confirmada|recordatorio|seu cadastro foi|confirme seu cadastro|confirmar inscrição|sua mensagem|sua inscrição
tu registro|su registro|confirma tu suscripción|confirmar suscripción|tu mensaje|su mensaje|tu solicitud|su solicitud
sua solicitação|formulario de contacto
"""),
    # de nl
    (Sign.ACCOUNT, """
passwort|kennwort|zugangsdaten|anmeldedaten|bestätigungscode|sicherheitscode|einmalcode|bestätigen sie ihre
bestätige deine|e mail adresse bestätigen|registrierung|ihr konto|dein konto|ihrem konto|kundenkonto|zurücksetzen
neue anmeldung|sicherheitshinweis|nutzungsbedingungen|allgemeinen geschäftsbedingungen
datenschutzerklärung aktualisiert|gesperrt|abgelaufen|verifizieren|verifizierung|nicht auf diese|automatisch erstellt
automatisch generiert|ihre anfrage|ihr antrag|kündigung|terminbestätigung|terminerinnerung|wachtwoord|inloggen
inloggegevens|verificatiecode|bevestig je|bevestig uw|je account|uw account|uw rekening|herstellen|beveiligingscode
algemene voorwaarden|automatisch gegenereerd|niet op deze|uw aanvraag|geblokkeerd|verlopen|afspraak
registrierung bestätigen|anmeldung bestätigen|bestätigen sie ihre anmeldung|ihre anmeldung|ihre nachricht
ihre registrierung|kontaktformular|je aanmelding|bevestig je aanmelding|uw bericht|je inschrijving|contactformulier
uw inschrijving
"""),
    # fr it
    (Sign.ACCOUNT, """
mot de passe|votre compte|ton compte|code de vérification|code de sécurité|vérifiez votre|confirmez votre|réinitialiser
réinitialisation|nouvelle connexion|conditions générales|conditions d utilisation|politique de confidentialité mise
suspendu|expiré|votre demande|ne pas répondre|message automatique|votre abonnement|désinscription confirmée
rappel de rendez vous|nome utente|la tua password|tua password|reimposta|reimpostare|impostare la tua
codice di verifica|codice di sicurezza|verifica il tuo|conferma il tuo|conferma la tua|tuo account|suo account
tuo conto|nuovo accesso|accesso sospetto|dettagli di accesso|termini di servizio|condizioni d uso|non rispondere
generata automaticamente|messaggio automatico|sospeso|scaduto|scaduta|tua richiesta|promemoria|votre inscription
confirmer votre inscription|votre message|formulaire de contact|la tua iscrizione|conferma iscrizione
conferma la tua iscrizione|tua registrazione|il tuo messaggio|modulo di contatto
"""),
    # sv da no fi
    (Sign.ACCOUNT, """
lösenord|lösenordet|ditt konto|verifieringskod|bekräfta din|återställ|ny inloggning|säkerhetskod|användarvillkor
svara inte|adgangskode|din konto|din profil|bekræft din|nulstil|sikkerhedskode|nyt login|kode|engangskode|passord
passordet|kontoen din|bekreft din|tilbakestill|brukernavn|vilkår|abonnementet|avsluttet|automatisk|svar ikke|salasana
salasanan|vahvista|vahvistuskoodi|tilisi|käyttäjätunnus|kirjautuminen|ajanvaraus|bekräfta prenumeration
bekräfta din prenumeration|din anmälan|ditt meddelande|bekræft tilmelding|din tilmelding|din henvendelse
bekreft abonnement|din påmelding|viestisi
"""),
    # pl cs hu ro
    (Sign.ACCOUNT, """
hasło|hasła|twoje konto|konto zostało|kod weryfikacyjny|potwierdź|potwierdzenie|zresetuj|logowanie|nowe logowanie
regulaminu|zmiana regulaminu|nie odpowiadaj|wygenerowana automatycznie|wygenerowana|powiadomienie|zawieszone|wygasło
weryfikacja|heslo|hesla|váš účet|ověřovací|potvrďte|přihlášení|obnovení|neodpovídejte|jelszó|jelszava|fiókja|fiókod
megerősítés|ellenőrző|parola|contul|contul tău|confirmați|verificare|resetare|potwierdź subskrypcję|twoja wiadomość
formularz|rejestracja|potvrďte registraci|vaše zpráva|regisztráció
"""),
    # ru uk el tr
    (Sign.ACCOUNT, """
пароль|пароля|ваш аккаунт|учетная запись|учётная запись|код подтверждения|код для входа|подтвердите|подтверждение
восстановление|вход|новый вход|не отвечайте|заблокирован|пароль для|підтвердьте|підтвердження|κωδικός|κωδικό
επιβεβαίωση|λογαριασμό|λογαριασμός|şifre|şifreniz|şifrenizi|hesabınız|doğrulama|doğrulama kodu|onaylayın|giriş|güvenlik
"""),
    # zh ja ko
    (Sign.ACCOUNT, """
验证码|驗證碼|密码|密碼|账户|賬戶|帳戶|账号|帳號|登录|登入|パスワード|認証コード|確認コード|アカウント|ログイン|本人確認|お知らせ|自動送信|受け付け|お受け|利用規約|비밀번호|인증번호|계정|로그인|본인확인
"""),
    # en
    (Sign.CAUSE, """
donate|donation|elections|election day|the president|the government|vote for|your vote|vote on|go vote|climate change
climate crisis|the senate|the election|general election|donations|donors|donor|petition|senator|congressman
congresswoman|democrats|democrat|democratic|republicans|republican|gop|ballot|voters|nonprofit|charity|charities
fundraiser|fundraising|refugees|humanitarian|volunteer|volunteers|activists|editor|editors|editorial|journalism
journalists|reporters|headlines|op ed|columnist|prime minister|parliament|lawmakers|protesters|supreme court
human rights|civil rights|sign the petition|chip in|your contribution|tax deductible|end of year gift|matching gift
in this issue|this week in|news story|top stories|today s news|news article|morning briefing|daily briefing
read the full story|minutes read|min read|story by|told reporters|call for papers|school board|parents and guardians
dear parents|dear colleagues|dear neighbors|dear all|staff meeting|open enrollment|benefit plan|board of directors
annual general meeting|town hall|polling place|congregation|parish|prayer|campaign finance|campaign trail|white house
governor|mayor|legislators|legislature|democracy|abortion|immigration|tax cuts|wildlife|endangered|children in need
relief fund|aid workers|union members|pledge to|take action|tell congress|sign now|sign your name|add your name
rush a donation|contribute $|contribute now|donate now|give now|give today|make a gift|your gift will|non profit
newsroom|correspondent|newsletter by|interview with|podcast|episode|substack|subscribers only|upgrade to paid
paid subscriber|forwarded this email|what s happening|week in review|news in brief|breaking news|sports news
study finds|survey finds|report finds|reuters|associated press|new york times|washington post|bbc|npr|reprinted
"""),
    # pt es de nl fr it
    (Sign.CAUSE, """
doação|doações|doe agora|doar|eleições|eleição|governo|presidente da república|senado|deputado|petição|jornalismo
reportagem|donación|donar|dona ahora|elecciones|gobierno|petición|refugiados|periodismo|reportaje|spende|spenden
spendenkonto|bundestag|wahl|wahlen|partei|bundesregierung|flüchtlinge|ehrenamt|redaktion|journalismus|doneer|donatie
verkiezingen|regering|kabinet|tweede kamer|redactie|journalistiek|vluchtelingen|dons|faites un don|faire un don
élections|élection|gouvernement|sénat|pétition|réfugiés|rédaction|journalistes|bénévoles|donazione|donazioni|dona ora
elezioni|petizione|volontari|redazione|giornalismo
"""),
    # sv da no fi pl cs ru zh ja ko
    (Sign.CAUSE, """
valet|regeringen|riksdagen|skänk|insamling|journalistik|redaktionen|valg|stortinget|folketinget|vaalit|hallitus
lahjoita|eduskunta|wybory|wyborcze|sejm|rząd|darowizna|darowizny|wesprzyj|redakcja|volby|vláda|přispějte|darujte|выборы
правительство|пожертвование|пожертвования|пожертвовать|президент|госдума|募捐|捐款|选举|選舉|政府|選挙|寄付|募金|編集部|기부|선거|정부|후원
"""),
    # en
    (Sign.FRAUD, """
airdrop|tokens|blockchain|eth|trezor|staking|kyc|validators|token holders|connect your wallet|wallet connect
your holdings|unclaimed balance|sync your|mandatory update|avoid suspension|failure to comply|customs fee|customs duty
the deceased|beneficiary|inheritance|barrister|metamask|ethereum|walletconnect|philanthropist|gentleman s|diplomat
consignment box|seed phrase|recovery phrase|wallet is|wallet has|your wallet|hardware wallet|unclaimed|next of kin
million dollars|million usd|million united|united states dollars|atm card|compensation fund|business proposal
confidential transaction|late husband|god bless|attention dear|dear beneficiary|winning number|lottery|ledger live
crypto assets|your assets|withdraw your|gas fees|incoming transaction|bitcoin address|i recorded you|your webcam
your device was|nft|usdt|trust wallet|coinbase|binance|private key|bank of africa|oil company|contract payment
western union|moneygram|urgent response|strictly confidential|confidentiality|mutual benefit|my late|orphanage|lawyer
attorney general|fbi|imf|united nations|ecowas|reserve bank|central bank|diplomatic|delivery of your fund
promotion draw|online lottery|your email address won|email address was selected|selected randomly
randomly selected individuals
"""),
    # en
    (Sign.TALK, """
thanks|cheers|lunch|btw|imho|hi all|hi everyone|hi folks|hi guys|hey guys|i think|i don t|i didn t|i ve been|i m not
i can t|i guess|i wonder|i tried|i just|my wife|my husband|my mom|my dad|kind regards|best regards|talk soon
let me know what|what do you think|any ideas|does anyone|attached is|please find attached|find attached|the patch
the bug|stack trace|pull request|as discussed|per our|following up on our|on behalf of the team|good to see you
how are you doing|sounds good|wrote|writes
"""),
    # de fr es pt it nl
    (Sign.TALK, """
viele grüße|liebe grüße|mit freundlichen grüßen|schöne grüße|lg|vg|hallo zusammen|ich habe|ich bin|anbei|im anhang
merci|cordialement|bien à vous|bises|bonjour à tous|je suis|je pense|ci joint|saludos|un abrazo|un saludo|hola a todos
adjunto|te mando|creo que|abraços|abraço|atenciosamente|segue em anexo|em anexo|acho que|ciao|saluti|cordiali saluti
un saluto|in allegato|grazie mille|ciao a tutti|groetjes|groeten|met vriendelijke groet|hoi|bijlage|bijgevoegd|ik heb
ik denk
"""),
    # sv da no fi pl cs ru ja zh ko
    (Sign.TALK, """
hälsningar|vänliga hälsningar|mvh|hej alla|bifogar|jag har|venlig hilsen|hilsen|med vennlig hilsen|vedhæftet|vedlagt
terveisin|terveisiä|liitteenä|moikka|pozdrawiam|cześć|w załączniku|pozdrav|s pozdravem|ahoj|v příloze|привет
с уважением|во вложении|よろしくお願い|お世話になって|お疲れ様|添付|附件|此致|您好|안녕하세요|첨부|감사합니다
"""),
    # all
    (Sign.DENIAL, """
not a marketing|not a promotional|not a commercial|not a solicitation|not an advertisement|not an advertising|not an ad
no advertising|keine werbung|kein newsletter|no es publicidad|não é publicidade|n est pas une publicité
non è pubblicità|geen reclame|ei ole mainos|не является рекламой
"""),
)  # fmt: skip
