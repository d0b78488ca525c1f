# The developer pages and an organization's settings.

developer-apps = Your apps
developer-text = One app per integration: each has its own client ID and secret.
developer-none = No app yet.
developer-full = You have { $limit } apps, and nobody can have more. To register another one, ask the operator of this site to delete one that you no longer use.
developer-ask-owner = Only developers can register apps. Ask an owner of your organization, or the operator of this site, to make you one.
developer-ask-operator = Only developers can register apps. Ask the operator of this site to make you one.
developer-closed = Apps cannot be registered here. Ask the operator of this site to add yours.
register = Register an app
register-application = Register Application
status-draft = draft
status-live = live
status-suspended = suspended

new-text = You get a client ID and a secret. Use one app for one integration, so that you can stop one without stopping the others.
new-wrong = The app is not registered yet:
new-name = Name
new-name-hint = People see it when they are asked for access.
name-missing = Please give the app a name.
name-too-long = The name is too long: at most { $limit } characters.
name-invisible = The name has a character that cannot be seen: { $character }. Please type it again.
name-no-letter = The name needs at least one letter or digit.
name-marks = The name has an accent that stands on no letter, or too many on one letter. Please type it again.
name-brand = The name looks like the name of this site. Please choose another one.
name-taken = The name looks like the name of another app here. Please choose one that people can tell apart from it.
new-organization = Organization
new-organization-wrong = Choose an organization in which you may register apps.
new-uris = Redirect URIs
new-uris-hint = People go back to one of these addresses after they answer. Separate several by commas or new lines. A request must name one of them exactly.
new-uris-none = Without one, people get a code to copy into your app.
new-uris-wrong = { $n ->
    [one] A redirect URI cannot be used.
   *[other] { $n } redirect URIs cannot be used.
}
new-uris-more = { $n ->
    [one] Another redirect URI cannot be used either.
   *[other] { $n } more redirect URIs cannot be used.
}
uri-missing = Please enter at least one.
uri-not-absolute = is not a whole address. It must begin with https:// or with the scheme of your app.
uri-fragment = has a part after #. Remove that part: browsers do not send it.
uri-not-https = must begin with https://. Only an address on the same device, such as http://127.0.0.1, may begin with http://.
uri-scheme = has a scheme that cannot be used. For an app on a device, use your domain in reverse order, such as com.example.app:/callback.
uri-scheme-unlisted = has a scheme without a dot. For an app on a device, use your domain in reverse order, such as com.example.app:/callback. A scheme without a dot works only if the operator of this server lists it.
uri-scheme-public = has a scheme that only an app on people’s devices may use. Choose that kind of app below, or enter an address that begins with https://.
uri-userinfo = has a user name or password in it. Remove it.
uri-wildcard = has a wildcard. Enter every address in full.
uri-several = holds several addresses. Put a comma or a new line between them.
uri-characters = has spaces or other characters that an address cannot have.
uri-duplicate = is in the list twice.
uri-too-long = is too long.
uri-too-many = is one too many. Please enter fewer.
new-type = Where does the app run?
new-confidential = On a server
new-confidential-text = It can keep a secret.
new-public = On people’s devices or in their browser
new-public-text = It cannot keep a secret and works without one, with PKCE.
new-localhost = Accept http://localhost with any port
new-localhost-text = Only for an app on people’s devices that cannot use http://127.0.0.1. That address is accepted with any port in any case.
new-localhost-wrong = Only an app on people’s devices may accept any port of http://localhost.
new-scopes = What may it ask for?
new-scope-wrong = Choose at least one of the permissions.

app-connected-at-least = { $n ->
    [one] at least 1 person connected
   *[other] at least { $n } people connected
}
app-of-organization = It acts for organizations: only an owner of an organization can allow it, its access belongs to the organization, and tokens name the organization as their subject.
app-connected = { $n ->
    [0] nobody connected yet
    [one] 1 person connected
   *[other] { $n } people connected
}
fresh-title = Your new secret
fresh-title-first = Your client secret
fresh-others-stay = The other secret works as before.
fresh-others-ended = The old secrets have ended: requests with them fail.
fresh-others-end = The old secrets work until { $when }.
fresh-text = Copy it now and put it on your server. It is shown only once. If you lose it, make a new one.
client-id = Client ID
client-id-of = Client ID of { $app }
client-id-text = One client ID per integration. It is not a secret.
secrets = Secrets
secrets-text = Keep them on your server, and never in an app that people download. Two secrets can be live while you change from one to the other.
public-text = This app runs where nobody can keep a secret, so it has none. It proves itself with PKCE: a fresh code verifier for each request.
secret = Secret
secret-made = Made
secret-last-used = Last used
secret-ends = Ends
secret-breaks = If you end it
secret-breaks-requests = Requests with it fail at once.
secret-breaks-nothing = Nothing breaks: it was never used.
secret-breaks-last = You cannot end it, because no other secret is permanent. Make another one first.
secret-ended = The secret has ended: requests with it fail.
secret-lasts = does not expire
secret-end = End now
secret-add = Add a second one
secret-add-text = A second one works beside the first until you end one of them.
secrets-two = Two secrets are live, and there cannot be more. End the one that is no longer used. Then you can make another one.
secret-last = This secret was not ended, because no other secret is permanent. Make another one first.
secret-never-used = never
reset-title = Make a new secret
reset-breaks = A secret is in use. If you replace it now, requests with an old secret fail at once.
reset-breaks-nobody = Nobody has used a secret yet, so nothing breaks.
reset-people-stay = People stay connected either way.
reset-overlap = Replace, old one works 24 more hours
reset-now = Replace now
reset-both = Replace both now
flow = The whole flow
flow-text = With this app's own values. $NAME stands for a value that you put there.
flow-ask = 1. Send people here
flow-ask-text = STATE is a random value that you keep and compare. CHALLENGE is the code challenge of a code verifier that you keep.
flow-exchange = 2. Exchange the code
flow-call = 3. Call the API
flow-refresh = 4. Refresh
flow-python = Steps 2 to 4 in Python
flow-javascript = Steps 2 to 4 in JavaScript
redirect-uris = Redirect URIs
redirect-uris-none = None: people get a code to copy into your app.
redirect-uri-any-port = with any port
redirect-uris-exact = A request must name one of them exactly.
may-ask-nothing = Nothing: no permission was chosen for it, so every request for access is refused.
may-ask = What it may ask for

change = Change app
change-title = Change { $app }
change-text = Changes apply at once. The client ID and the secrets stay, and people stay connected.
change-reviewed = The operator has reviewed this app. With another name, a new redirect URI or a new permission it counts as not reviewed, and the consent page says so, until the operator reviews it again.
change-wrong = The app is not changed yet:
change-uris-breaks = If you remove a redirect URI, requests that name it are refused at once.
change-scopes-breaks = If you untick a permission, access tokens that include it stop working at once; the next refresh gives a token without it. If you tick one, people are asked for it when they connect the app again.
change-done = The changes are saved.
save = Save

delete = Delete app
delete-look = See what breaks…
delete-text = The app, its secrets and all access that people gave to it end. The next page says what breaks before anything is deleted.
delete-title = Delete { $app }?
delete-breaks = What breaks
delete-people = { $n ->
    [0] Nobody has connected the app, so nobody loses it.
    [one] 1 person has connected the app and is disconnected.
   *[other] { $n } people have connected the app and are disconnected.
}
delete-people-at-least = { $n ->
    [one] At least 1 person has connected the app and is disconnected.
   *[other] At least { $n } people have connected the app and are disconnected.
}
delete-tokens = All of its access tokens and refresh tokens stop working at once.
delete-secrets = { $n ->
    [0] It has no secret.
    [one] Its secret ends.
   *[other] Its { $n } secrets end.
}
delete-client-id = Its client ID stops working. If you register the app again, it gets another one, and people connect it anew.
delete-declared = The operator declares this app in the configuration of the server. As long as it stays there, the next start of the server makes the app again, without the access that people gave.
delete-no-undo = This cannot be undone.
deleted-title = { $app } is deleted
deleted-people = { $n ->
    [0] Nobody had connected the app.
    [one] 1 person was disconnected.
   *[other] { $n } people were disconnected.
}
deleted-people-at-least = { $n ->
    [one] At least 1 person was disconnected.
   *[other] At least { $n } people were disconnected.
}
deleted-secrets = { $n ->
    [one] Its secret has ended.
   *[other] Its { $n } secrets have ended.
}
deleted-tokens = Its tokens and its client ID no longer work.

settings = Settings
settings-title = Settings of { $organization }
settings-slug = Short name
settings-kind = Data
kind-sandbox = sandbox
kind-sandbox-text = a sandbox, for trying things out
kind-live-text = live
tab-general = General
tab-apps = Connected apps
tab-api = API Settings
members = Members
role-owner = owner
role-developer = developer
role-member = member
api-text = Apps that belong to { $organization }.
grants-text = These apps act for { $organization }. Their access does not depend on who set it up. Every owner can change or end it.
grants-none = No app acts for { $organization }. When an owner connects one, it appears here.
grants-by = Set up by { $name } ({ $email })
grants-by-you = Set up by you
grants-by-left = Set up by { $name } ({ $email }), who left the organization. An owner can take it over.
grants-by-gone = Set up by somebody who has no account here any more. An owner can take it over.
grants-take-over = Take over
grants-narrow = Leave it fewer permissions
grants-keep = Permissions that it keeps
grants-narrow-button = Keep only these
grants-ended = The app has no access any more.
grants-taken-over = The access now stands under your name. Nothing changes for the app.
grants-narrowed = The app has only these permissions now. Access tokens that had more have ended; the app gets new ones by itself.
grants-gone = Nothing was changed: the access has ended, or somebody changed it, since you opened the page. This is how it is now.
grants-none-left = Nothing was changed: choose at least one permission, or end the access.
