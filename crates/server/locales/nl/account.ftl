# De voorpagina, het account, gekoppelde apps.

landing-title = Koppel apps aan { $brand }
landing-text = Laat apps werken met je gegevens bij { $brand }, zie welke dat doen, en beëindig hun toegang.
landing-apps = Zie welke apps een pas voor je gegevens hebben, sinds wanneer en waarvoor. Beëindig een pas met één knop.
landing-developers = Registreer een app, krijg de client-ID en het geheim, en de verzoeken om te kopiëren.
landing-metadata = Servermetadata
landing-metadata-text = Adressen en mogelijkheden van deze server, in de vorm die OAuth-bibliotheken lezen.

account-name = Naam
account-email = E‑mailadres
account-organizations = Organisaties

apps-text = Deze apps hebben een pas voor je gegevens. Als je een pas beëindigt, wordt het volgende verzoek van de app geweigerd.
apps-none = Geen enkele app heeft een pas voor je gegevens. Als je er een koppelt, verschijnt die hier.
apps-just-ended = { $app } heeft geen toegang meer.
apps-ask-again = { $app } heeft nog toegang. Nu beëindigen?
apps-in = in { $organization }
apps-since = sinds { $date }
apps-last-used = laatst gebruikt: { $when }
apps-long-unused = lang niet gebruikt, voor het laatst { $when }
apps-never-used = nog niet gebruikt
apps-paused = gepauzeerd
apps-copied = Twee apparaten lijken deze pas te gebruiken. Gebruik jij er maar een, dan heeft misschien iemand de pas gekopieerd: beëindig de toegang en koppel de app opnieuw.
apps-end = Toegang beëindigen

ended-title = Beëindigde passen
ended-by-person = door jou beëindigd op { $date }
ended-code-replayed = beëindigd op { $date } omdat de code een tweede keer werd gebruikt (misschien heeft iemand hem gekopieerd)
ended-device-copied = beëindigd op { $date } omdat twee apparaten hetzelfde token gebruikten (misschien heeft iemand het gekopieerd)
ended-refresh-reused = beëindigd op { $date } omdat een oud refresh-token opnieuw werd gebruikt (misschien heeft iemand het gekopieerd)
ended-expired = beëindigd op { $date } omdat hij verlopen was
ended-by-operator = beëindigd op { $date } door de beheerder van deze site
ended-by-app = beëindigd op { $date } door de app zelf
ended-replaced = beëindigd op { $date } omdat een nieuwere pas hem verving
ended-other = beëindigd op { $date }
