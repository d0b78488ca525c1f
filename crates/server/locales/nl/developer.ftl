# De pagina's voor ontwikkelaars en de instellingen van een organisatie.

developer-apps = Jouw apps
developer-text = Eén app per koppeling: elk heeft een eigen client-ID en geheim.
developer-none = Nog geen app.
developer-full = Je hebt { $limit } apps, en meer kan niemand er hebben. Wil je er nog een registreren, vraag de beheerder van deze site dan een app te verwijderen die je niet meer gebruikt.
developer-ask-owner = Alleen ontwikkelaars kunnen apps registreren. Vraag een eigenaar van je organisatie, of de beheerder van deze site, je ontwikkelaar te maken.
developer-ask-operator = Alleen ontwikkelaars kunnen apps registreren. Vraag de beheerder van deze site je ontwikkelaar te maken.
developer-closed = Hier kunnen geen apps worden geregistreerd. Vraag de beheerder van deze site jouw app toe te voegen.
register = App registreren
register-application = Applicatie registreren
status-draft = concept
status-live = live
status-suspended = stopgezet

new-text = Je krijgt een client-ID en een geheim. Gebruik één app voor één koppeling, dan kun je er een stoppen zonder de andere te stoppen.
new-wrong = De app is nog niet geregistreerd:
new-name = Naam
new-name-hint = Mensen zien deze naam als hun om toegang wordt gevraagd.
name-missing = Geef de app een naam.
name-too-long = De naam is te lang: hoogstens { $limit } tekens.
name-invisible = In de naam staat een teken dat niet te zien is: { $character }. Typ hem opnieuw.
name-no-letter = In de naam moet minstens één letter of cijfer staan.
name-marks = In de naam staat een accent dat op geen letter staat, of te veel accenten op één letter. Typ hem opnieuw.
name-brand = De naam lijkt op de naam van deze site. Kies een andere.
name-taken = De naam lijkt op de naam van een andere app hier. Kies een naam die mensen ervan kunnen onderscheiden.
new-organization = Organisatie
new-organization-wrong = Kies een organisatie waarin je apps mag registreren.
new-uris = Redirect-URI’s
new-uris-hint = Na hun antwoord gaan mensen terug naar een van deze adressen. Scheid er meerdere met komma’s of nieuwe regels. Een verzoek moet er een precies zo noemen.
new-uris-none = Zonder krijgen mensen een code om in je app te plakken.
new-uris-wrong = { $n ->
    [one] Een redirect-URI is niet bruikbaar.
   *[other] { $n } redirect-URI’s zijn niet bruikbaar.
}
new-uris-more = { $n ->
    [one] Nog een redirect-URI is niet bruikbaar.
   *[other] Nog { $n } redirect-URI’s zijn niet bruikbaar.
}
uri-missing = Vul er ten minste een in.
uri-not-absolute = is geen volledig adres. Het moet beginnen met https:// of met het schema van je app.
uri-fragment = heeft een deel na #. Laat dat weg: browsers sturen het niet mee.
uri-not-https = moet beginnen met https://. Alleen een adres op hetzelfde apparaat, zoals http://127.0.0.1, mag met http:// beginnen.
uri-scheme = heeft een schema dat niet bruikbaar is. Gebruik voor een app op een apparaat je domein in omgekeerde volgorde, zoals com.example.app:/callback.
uri-scheme-unlisted = heeft een schema zonder punt. Gebruik voor een app op een apparaat je domein in omgekeerde volgorde, zoals com.example.app:/callback. Een schema zonder punt werkt alleen als de beheerder van deze server het heeft opgenomen.
uri-scheme-public = heeft een schema dat alleen een app op apparaten van mensen mag gebruiken. Kies hieronder dat soort app, of vul een adres in dat begint met https://.
uri-userinfo = bevat een gebruikersnaam of wachtwoord. Laat dat weg.
uri-wildcard = bevat een jokerteken. Vul elk adres voluit in.
uri-several = bevat meer adressen. Zet er een komma of een nieuwe regel tussen.
uri-characters = bevat spaties of andere tekens die niet in een adres mogen staan.
uri-duplicate = staat twee keer in de lijst.
uri-too-long = is te lang.
uri-too-many = is er een te veel. Vul er minder in.
new-type = Waar draait de app?
new-confidential = Op een server
new-confidential-text = De app kan een geheim bewaren.
new-public = Op apparaten van mensen of in hun browser
new-public-text = De app kan geen geheim bewaren en werkt zonder, met PKCE.
new-localhost = Accepteer http://localhost met elke poort
new-localhost-text = Alleen voor een app op apparaten van mensen die http://127.0.0.1 niet kan gebruiken. Dat adres mag altijd elke poort hebben.
new-localhost-wrong = Alleen een app op apparaten van mensen mag elke poort van http://localhost accepteren.
new-scopes = Waar mag de app om vragen?
new-scope-wrong = Kies ten minste een van de rechten.

app-connected-at-least = { $n ->
    [one] door ten minste 1 persoon gekoppeld
   *[other] door ten minste { $n } mensen gekoppeld
}
app-of-organization = Deze app werkt namens organisaties: alleen een eigenaar van een organisatie kan hem toestaan, de toegang is van de organisatie, en tokens noemen de organisatie als onderwerp.
app-connected = { $n ->
    [0] nog door niemand gekoppeld
    [one] door 1 persoon gekoppeld
   *[other] door { $n } mensen gekoppeld
}
fresh-title = Je nieuwe geheim
fresh-title-first = Je clientgeheim
fresh-others-stay = Het andere geheim werkt zoals voorheen.
fresh-others-ended = De oude geheimen zijn beëindigd: verzoeken ermee mislukken.
fresh-others-end = De oude geheimen werken tot { $when }.
fresh-text = Kopieer het nu en zet het op je server. Het wordt maar één keer getoond. Raak je het kwijt, maak dan een nieuw.
client-id = Client-ID
client-id-of = Client-ID van { $app }
client-id-text = Eén client-ID per koppeling. Hij is niet geheim.
secrets = Geheimen
secrets-text = Bewaar ze op je server, en nooit in een app die mensen downloaden. Twee geheimen kunnen tegelijk werken terwijl je overstapt.
public-text = Deze app draait waar niemand een geheim kan bewaren, en heeft er dus geen. De app bewijst zich met PKCE: voor elk verzoek een nieuwe code verifier.
secret = Geheim
secret-made = Gemaakt
secret-last-used = Laatst gebruikt
secret-ends = Eindigt
secret-breaks = Als je het beëindigt
secret-breaks-requests = Verzoeken ermee mislukken meteen.
secret-breaks-nothing = Er gaat niets stuk: het is nooit gebruikt.
secret-breaks-last = Je kunt het niet beëindigen, want geen ander geheim is blijvend. Maak eerst een ander.
secret-ended = Het geheim is beëindigd: verzoeken ermee mislukken.
secret-lasts = verloopt niet
secret-end = Nu beëindigen
secret-add = Een tweede toevoegen
secret-add-text = Een tweede werkt naast het eerste, tot je er een beëindigt.
secrets-two = Er werken twee geheimen, en meer kunnen het er niet zijn. Beëindig het geheim dat niet meer wordt gebruikt. Daarna kun je een ander maken.
secret-last = Dit geheim is niet beëindigd, want geen ander geheim is blijvend. Maak eerst een ander.
secret-never-used = nooit
reset-title = Nieuw geheim maken
reset-breaks = Er is een geheim in gebruik. Als je het nu vervangt, mislukken verzoeken met een oud geheim meteen.
reset-breaks-nobody = Niemand heeft nog een geheim gebruikt, dus er gaat niets stuk.
reset-people-stay = Mensen blijven hoe dan ook gekoppeld.
reset-overlap = Vervangen, het oude werkt nog 24 uur
reset-now = Nu vervangen
reset-both = Beide nu vervangen
flow = Het hele verloop
flow-text = Met de eigen waarden van deze app. $NAAM staat voor een waarde die jij invult.
flow-ask = 1. Stuur mensen hierheen
flow-ask-text = STATE is een willekeurige waarde die je bewaart en vergelijkt. CHALLENGE is de code challenge van een code verifier die je bewaart.
flow-exchange = 2. Wissel de code in
flow-call = 3. Roep de API aan
flow-refresh = 4. Ververs
flow-python = Stap 2 tot en met 4 in Python
flow-javascript = Stap 2 tot en met 4 in JavaScript
redirect-uris = Redirect-URI’s
redirect-uris-none = Geen: mensen krijgen een code om in je app te plakken.
redirect-uri-any-port = met elke poort
redirect-uris-exact = Een verzoek moet er een precies zo noemen.
may-ask-nothing = Nergens om: er is geen recht voor gekozen, dus elk verzoek om toegang wordt geweigerd.
may-ask = Waar de app om mag vragen

change = App wijzigen
change-title = { $app } wijzigen
change-text = Wijzigingen gelden meteen. De client-ID en de geheimen blijven, en mensen blijven gekoppeld.
change-reviewed = De beheerder heeft deze app beoordeeld. Met een andere naam, een nieuwe redirect-URI of een nieuw recht geldt hij als niet beoordeeld, en zegt de toestemmingspagina dat, tot de beheerder hem opnieuw beoordeelt.
change-wrong = De app is nog niet gewijzigd:
change-uris-breaks = Als je een redirect-URI weghaalt, worden verzoeken die hem noemen meteen geweigerd.
change-scopes-breaks = Als je een recht uitzet, werken toegangstokens met dat recht meteen niet meer; de volgende verversing geeft een token zonder dat recht. Als je er een aanzet, wordt mensen erom gevraagd als ze de app opnieuw koppelen.
change-done = De wijzigingen zijn opgeslagen.
save = Opslaan

delete = App verwijderen
delete-look = Bekijk wat er stukgaat…
delete-text = De app, de geheimen en alle toegang die mensen eraan gaven, worden beëindigd. De volgende pagina zegt wat er stukgaat, voordat er iets wordt verwijderd.
delete-title = { $app } verwijderen?
delete-breaks = Wat er stukgaat
delete-people = { $n ->
    [0] Niemand heeft de app gekoppeld, dus niemand raakt hem kwijt.
    [one] 1 persoon heeft de app gekoppeld en wordt ontkoppeld.
   *[other] { $n } mensen hebben de app gekoppeld en worden ontkoppeld.
}
delete-people-at-least = { $n ->
    [one] Ten minste 1 persoon heeft de app gekoppeld en wordt ontkoppeld.
   *[other] Ten minste { $n } mensen hebben de app gekoppeld en worden ontkoppeld.
}
delete-tokens = Alle toegangstokens en verversingstokens van de app werken meteen niet meer.
delete-secrets = { $n ->
    [0] De app heeft geen geheim.
    [one] Het geheim van de app wordt beëindigd.
   *[other] De { $n } geheimen van de app worden beëindigd.
}
delete-client-id = De client-ID werkt niet meer. Registreer je de app opnieuw, dan krijgt hij een andere, en koppelen mensen hem opnieuw.
delete-declared = De beheerder heeft deze app in de configuratie van de server gezet. Zolang hij daar staat, maakt de server hem bij de volgende start opnieuw, zonder de toegang die mensen gaven.
delete-no-undo = Dit kan niet ongedaan worden gemaakt.
deleted-title = { $app } is verwijderd
deleted-people = { $n ->
    [0] Niemand had de app gekoppeld.
    [one] 1 persoon is ontkoppeld.
   *[other] { $n } mensen zijn ontkoppeld.
}
deleted-people-at-least = { $n ->
    [one] Ten minste 1 persoon is ontkoppeld.
   *[other] Ten minste { $n } mensen zijn ontkoppeld.
}
deleted-secrets = { $n ->
    [one] Het geheim van de app is beëindigd.
   *[other] De { $n } geheimen van de app zijn beëindigd.
}
deleted-tokens = De tokens en de client-ID van de app werken niet meer.

settings = Instellingen
settings-title = Instellingen van { $organization }
settings-slug = Korte naam
settings-kind = Gegevens
kind-sandbox = zandbak
kind-sandbox-text = een zandbak, om dingen te proberen
kind-live-text = echt
tab-general = Algemeen
tab-apps = Gekoppelde apps
tab-api = API-instellingen
members = Leden
role-owner = eigenaar
role-developer = ontwikkelaar
role-member = lid
api-text = Apps die bij { $organization } horen.
grants-text = Deze apps werken namens { $organization }. Hun toegang hangt niet af van wie die heeft ingesteld. Elke eigenaar kan de toegang wijzigen of beëindigen.
grants-none = Geen enkele app werkt namens { $organization }. Als een eigenaar er een koppelt, verschijnt die hier.
grants-by = Ingesteld door { $name } ({ $email })
grants-by-you = Ingesteld door jou
grants-by-left = Ingesteld door { $name } ({ $email }), die de organisatie heeft verlaten. Een eigenaar kan dit overnemen.
grants-by-gone = Ingesteld door iemand die hier geen account meer heeft. Een eigenaar kan dit overnemen.
grants-take-over = Overnemen
grants-narrow = Minder rechten geven
grants-keep = Rechten die de app houdt
grants-narrow-button = Alleen deze houden
grants-ended = De app heeft geen toegang meer.
grants-taken-over = De toegang staat nu op jouw naam. Voor de app verandert er niets.
grants-narrowed = De app heeft nu alleen deze rechten. Toegangstokens die meer hadden zijn beëindigd; de app haalt zelf nieuwe op.
grants-gone = Er is niets veranderd: de toegang is beëindigd, of iemand heeft die gewijzigd, sinds je de pagina opende. Zo is het nu.
grants-none-left = Er is niets veranderd: kies ten minste één recht, of beëindig de toegang.
