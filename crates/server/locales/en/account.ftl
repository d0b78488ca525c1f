# The front page, the account, connected apps.

landing-title = Connect apps to { $brand }
landing-text = Let apps work with your { $brand } data, see which apps do, and end their access.
landing-apps = See which apps hold a pass to your data, since when and for what. End a pass with one button.
landing-developers = Register an app, get its client ID and secret, and the requests to copy.
landing-metadata = Server metadata
landing-metadata-text = Endpoints and abilities of this server, in the form that OAuth libraries read.

account-name = Name
account-email = E‑mail address
account-organizations = Organizations

apps-text = These apps hold a pass to your data. If you end a pass, the next request of the app is refused.
apps-none = No app holds a pass to your data. When you connect one, it appears here.
apps-just-ended = { $app } has no access any more.
apps-ask-again = { $app } still has access. End it now?
apps-in = in { $organization }
apps-since = since { $date }
apps-last-used = last used { $when }
apps-long-unused = not used for a long time, last used { $when }
apps-never-used = not used yet
apps-paused = paused
apps-copied = Two devices seem to use this pass. If you use only one, somebody may have copied it: end access and connect the app again.
apps-end = End access

ended-title = Ended passes
ended-by-person = ended { $date } by you
ended-code-replayed = ended { $date } because its code was used a second time (somebody may have copied it)
ended-device-copied = ended { $date } because two devices used the same token (somebody may have copied it)
ended-refresh-reused = ended { $date } because an old refresh token was used again (somebody may have copied it)
ended-expired = ended { $date } because it expired
ended-by-operator = ended { $date } by the operator of this site
ended-by-app = ended { $date } by the app itself
ended-replaced = ended { $date } because a newer pass replaced it
ended-other = ended { $date }
