# Wat op elke pagina staat, en hoe datums en perioden worden geschreven.

skip = Naar de inhoud
nav = Hoofdmenu
nav-developers = Ontwikkelaars
nav-apps = Gekoppelde apps
nav-account = Account
sign-in = Inloggen
sign-out = Uitloggen
choose = Kies…
cancel = Annuleren
copy = Kopiëren
copied = Gekopieerd
selected = Geselecteerd: kopieer het met je toetsenbord
made = gemaakt op { $date }

notice-kept = Er is nog niets gebeurd: deze pagina stond te lang open, of je was intussen uitgelogd. Wat je hebt getypt staat hier. Kijk het na en verstuur het opnieuw.
notice-nothing-done = Er is niets gebeurd: deze pagina stond te lang open, of je was intussen uitgelogd of van account gewisseld. Wil je het nog, doe het dan opnieuw.
notice-unreadable = Er is niets gebeurd. Het formulier kon niet worden gelezen: er ontbreekt iets of er is iets beschadigd, of de pagina stond te lang open. Kijk deze pagina na en doe het opnieuw.
notice-still-signed-in = Je bent nog ingelogd, want de pagina met die knop was ouder dan dit inloggen, of beschadigd. Wil je uitloggen, gebruik dan de knop op deze pagina.
notice-too-many-changes = Er is nog niets gebeurd: je hebt het afgelopen uur heel veel wijzigingen gedaan. Wat je hebt getypt staat hier. Wacht een minuut en verstuur het dan opnieuw.

moment-day = { $day } { $month } { $year }
moment-minute = { $date }, { $time } UTC
month-1 = jan
month-2 = feb
month-3 = mrt
month-4 = apr
month-5 = mei
month-6 = jun
month-7 = jul
month-8 = aug
month-9 = sep
month-10 = okt
month-11 = nov
month-12 = dec

ago-now = zojuist
ago-minutes = { $n ->
    [one] 1 minuut geleden
   *[other] { $n } minuten geleden
}
ago-hours = { $n ->
    [one] 1 uur geleden
   *[other] { $n } uur geleden
}
ago-days = { $n ->
    [one] 1 dag geleden
   *[other] { $n } dagen geleden
}
ago-months = { $n ->
    [one] 1 maand geleden
   *[other] { $n } maanden geleden
}
ago-years = { $n ->
    [one] 1 jaar geleden
   *[other] { $n } jaar geleden
}

span-seconds = { $n ->
    [one] 1 seconde
   *[other] { $n } seconden
}
span-minutes = { $n ->
    [one] 1 minuut
   *[other] { $n } minuten
}
span-hours = { $n ->
    [one] 1 uur
   *[other] { $n } uur
}
span-days = { $n ->
    [one] 1 dag
   *[other] { $n } dagen
}
pages = Pagina’s van deze lijst
pages-first = Terug naar het begin
pages-next = Volgende pagina
