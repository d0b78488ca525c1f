# Inloggen, toestemming, de code om te kopiëren.

login-title = Inloggen bij { $brand }
login-for = om verder te gaan naar { $app }
login-username = E‑mailadres
login-password = Wachtwoord
login-button = Inloggen
login-stub = Alleen { $brand } ziet je wachtwoord.
login-stub-app = { $app } ziet je wachtwoord niet.
login-wrong-password = Het e‑mailadres of het wachtwoord klopt niet. Probeer het opnieuw.
login-stale = Deze pagina stond te lang open, of je hebt in een ander tabblad ingelogd. Er is niets verloren: log opnieuw in en ga verder.
login-unreadable = Je bent niet ingelogd. Het formulier kon niet worden gelezen: er ontbreekt iets of er is iets beschadigd, of het stond te lang open. Log hier in. Kwam je van een app, ga daarna terug naar de app en begin opnieuw.
login-other-browser = Dit inloggen begon in een andere browser, of er stonden te veel pagina’s tegelijk open. Er is niets verloren: log opnieuw in en ga verder.
login-no-cookies = Dit inloggen begon in een andere browser, of deze browser bewaart geen cookies. Sta cookies toe voor { $own }, kijk na of de adresbalk begint met { $own }, en log opnieuw in.
login-interrupted = Je bent uitgelogd, dus er is niets gebeurd. Log in om verder te gaan.
login-interrupted-kept = Je bent uitgelogd, dus er is nog niets gebeurd. Wat je hebt getypt is bewaard: log in om verder te gaan.
login-busy = Op dit moment loggen veel mensen in. Probeer het over een paar seconden opnieuw.
login-too-many = Te veel pogingen om in te loggen zijn mislukt. Wacht { $wait } en probeer het opnieuw: je wachtwoord geldt nog.

consent-title = { $app } vraagt toegang tot { $brand }
consent-by = van { $owner }
consent-on-device = een app op dit apparaat
consent-not-reviewed = niet beoordeeld
consent-not-reviewed-text = Niemand bij { $brand } heeft deze app beoordeeld. Sta dit alleen toe als je weet wie de app heeft gemaakt.
consent-behalf = Namens
consent-signed-in = Ingelogd als
consent-of-organization = Deze toegang is van { $organization }, niet van jou: hij blijft als je vertrekt. Elke eigenaar van { $organization } kan hem wijzigen of beëindigen.
consent-of-organizations = Deze toegang is van de organisatie die je kiest, niet van jou: hij blijft als je vertrekt. Elke eigenaar van de organisatie kan hem wijzigen of beëindigen.
consent-owners-end = Elke eigenaar kan dit altijd beëindigen:
consent-not-you = ben jij dit niet?
consent-in = In
consent-which = Voor welke organisatie?
consent-until = Tot
consent-until-withdrawn = je het beëindigt
consent-until-unused = { $n ->
    [one] je het beëindigt, of er { $unused } zonder gebruik voorbijgaat
   *[other] je het beëindigt, of er { $unused } zonder gebruik voorbijgaan
}
consent-until-most = je het beëindigt, hoogstens { $most }
consent-until-both = { $n ->
    [one] je het beëindigt, of er { $unused } zonder gebruik voorbijgaat, hoogstens { $most }
   *[other] je het beëindigt, of er { $unused } zonder gebruik voorbijgaan, hoogstens { $most }
}
consent-may = { $app } kan dan
consent-no-scope = Zien wie je bent
consent-never-password = Je { $brand }-wachtwoord krijgt de app nooit te zien
consent-loopback = Het antwoord gaat naar een programma op het apparaat dat je nu gebruikt, en elk programma kan het daar ontvangen. Sta dit alleen toe als je de app net zelf hebt gestart.
consent-scheme = Het antwoord gaat naar een app op het apparaat dat je nu gebruikt, via een adres dat begint met { $scheme } en geen website is. Elke app kan zulke adressen opeisen. Sta dit alleen toe als je de app net zelf hebt gestart.
consent-again-stale = Er is niets besloten: deze pagina stond te lang open, of je hebt intussen opnieuw ingelogd. Geef nog eens antwoord.
consent-again-changed = Er is niets besloten, want dit is veranderd sinds je de pagina opende. Lees hem nog eens:
consent-again-otherwise = Er is niets besloten: iets op deze pagina is veranderd sinds je hem opende. Lees hem nog eens en geef dan antwoord.
consent-again-ended = Er is niets besloten: toegang van deze app is beëindigd sinds je de pagina opende. Geef nog eens antwoord.
consent-again-answered = Je hebt deze pagina al beantwoord, voor een andere organisatie. Verder is er niets besloten. Geef nog eens antwoord.
consent-changed-app = de naam van de app, of wie hem heeft gemaakt
consent-changed-target = waar het antwoord heen gaat
consent-changed-organizations = de organisaties waarvoor het kan zijn
consent-changed-permissions = wat de app vraagt
consent-option = Kies een organisatie
consent-choose = Kies de organisatie waarvoor dit is.
consent-allow = Toestaan
consent-deny = Niet toestaan
consent-return = Je gaat terug naar { $host }
consent-return-device = Je gaat terug naar een programma op dit apparaat
consent-return-scheme = Je gaat terug naar de app die { $scheme } opent
consent-code = Je krijgt een code om in de app te plakken
consent-pass = pas { $pass }
consent-end-any-time = Je kunt dit altijd beëindigen:

done-title = Je hebt dit verzoek al beantwoord
done-text = Je antwoord aan { $app } is verstuurd. Een antwoord telt maar één keer.
done-go-back = Je kunt deze pagina sluiten en teruggaan naar { $app }. Gebeurt daar niets, begin dan opnieuw vanuit de app.

connected-title = { $app } heeft al toegang
connected-text = Je hebt het op deze pagina eerder toegestaan, en de app heeft de toegang sindsdien gebruikt. “Niet toestaan” heeft dus niets veranderd. Je kunt de toegang beëindigen bij Gekoppelde apps.

denied-title = Geen toegang gegeven
denied-text = { $app } krijgt geen toegang tot je account.
denied-go-back = Je kunt deze pagina sluiten. Er is niets gedeeld.

code-title = Je code voor { $app }
code-once = Hij werkt één keer, gedurende { $span }.
code-label = Code
code-how = Kopieer de code, ga terug naar { $app } en plak hem daar.
code-warning = Voer deze code alleen in { $app } in. Iemand die hem heeft, kan { $app } met jouw gegevens gebruiken. Vraagt iemand je erom per telefoon, mail of chat, dan is het oplichting.

# Na het inloggen bij de site.

site-message = De site zegt
site-again = Opnieuw beginnen
site-sign-out = Daar uitloggen
site-unknown = Deze link hoort niet bij een aanmelding hier
site-unknown-text = De link is beschadigd of komt van een andere server. Er is niets gebeurd. Ga terug naar waar je vandaan kwam en begin opnieuw.
site-expired = Dat duurde te lang
site-expired-text = Het inloggen begon meer dan een uur geleden. Er is niets gebeurd. Begin opnieuw; het is zo gebeurd.
site-spent = Deze aanmelding is al gebruikt
site-spent-text = De link werkt één keer. Er is verder niets gebeurd. Begin opnieuw om verder te gaan.
site-late = Deze link werkt niet meer
site-late-text = De link werkt één minuut, en alleen totdat de site een nieuwere geeft. Er is niets gebeurd. Begin opnieuw om verder te gaan.
site-other-browser = Begonnen in een andere browser
site-other-browser-text = Het inloggen begon in een andere browser; er is niets gebeurd. Ga verder in de browser waarin je begon. Ben jij niet begonnen, dan stuurde iemand je een link van zichzelf: je kunt deze pagina sluiten.
site-no-cookies-text = Het inloggen begon in een andere browser, of deze bewaart geen cookies; er is niets gebeurd. Sta cookies toe voor { $own } en begin opnieuw in deze browser. Ben jij niet begonnen, dan stuurde iemand je een link van zichzelf: je kunt deze pagina sluiten.
site-refused = Je bent niet ingelogd
site-refused-text = De site heeft je niet ingelogd. Er is niets gedeeld.
site-still = Je bent daar nog ingelogd als { $person }
site-still-text = Er werd om een nieuwe aanmelding gevraagd, en de site antwoordde met de vorige. Er is niets gebeurd. Log daar uit en begin opnieuw met het account dat je wilt.
site-suspended = Je toegang hier is stopgezet
site-suspended-text = Je kunt bij de site inloggen, maar hier niet. Er is niets gedeeld. Vraag het aan de beheerders van de site.
site-ended = Je aanmelding is afgelopen
site-ended-text = Deze pagina stond te lang open, of je logde intussen in als iemand anders. Er is niets besloten. Begin opnieuw; het is zo gebeurd.
login-site = Inloggen met je account bij { $site }
login-or = of met een account van deze server
