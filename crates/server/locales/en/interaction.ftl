# Sign in, consent, the code to copy.

login-title = Sign in to { $brand }
login-for = to continue to { $app }
login-username = E‑mail address
login-password = Password
login-button = Sign in
login-stub = Only { $brand } sees your password.
login-stub-app = { $app } does not see your password.
login-wrong-password = The e‑mail address or the password is wrong. Please try again.
login-stale = This page was open too long, or you signed in in another tab. Nothing is lost: sign in again and go on.
login-unreadable = You are not signed in. The form could not be read: something in it is missing or damaged, or it was open too long. Sign in here. If you came from an app, go back to the app afterwards and start again.
login-other-browser = This sign-in began in another browser, or too many pages were open at once. Nothing is lost: sign in again and go on.
login-no-cookies = This sign-in began in another browser, or this browser keeps no cookies. Allow cookies for { $own }, check that the address bar begins with { $own }, and sign in again.
login-interrupted = You are signed out, so nothing was done. Sign in to go on.
login-interrupted-kept = You are signed out, so nothing was done yet. What you typed is kept: sign in to go on.
login-busy = Many people are signing in at this moment. Please try again in a few seconds.
login-too-many = Too many attempts to sign in failed. Please wait { $wait } and try again: your password still works.

consent-title = { $app } asks for access to { $brand }
consent-by = by { $owner }
consent-on-device = an app on this device
consent-not-reviewed = not reviewed
consent-not-reviewed-text = Nobody at { $brand } has reviewed this app. Allow it only if you know who made it.
consent-behalf = On behalf of
consent-signed-in = Signed in as
consent-of-organization = This access belongs to { $organization }, not to you: it stays when you leave. Every owner of { $organization } can change or end it.
consent-of-organizations = This access belongs to the organization that you choose, not to you: it stays when you leave. Every owner of the organization can change or end it.
consent-owners-end = Every owner can end this at any time:
consent-not-you = not you?
consent-in = In
consent-which = For which organization?
consent-until = Until
consent-until-withdrawn = you end it
consent-until-unused = { $n ->
    [one] you end it, or { $unused } passes without use
   *[other] you end it, or { $unused } pass without use
}
consent-until-most = you end it, at most { $most }
consent-until-both = { $n ->
    [one] you end it, or { $unused } passes without use, at most { $most }
   *[other] you end it, or { $unused } pass without use, at most { $most }
}
consent-may = { $app } will be able to
consent-no-scope = See who you are
consent-never-password = It never sees your { $brand } password
consent-loopback = The answer goes to a program on the device in front of you, and any program can receive it there. Allow it only if you have just started the app yourself.
consent-scheme = The answer goes to an app on the device in front of you, through an address that starts with { $scheme } and is no website. Any app can claim such addresses. Allow it only if you have just started the app yourself.
consent-again-stale = Nothing was decided: this page was open too long, or you signed in again meanwhile. Please answer once more.
consent-again-changed = Nothing was decided, because this has changed since you opened the page. Please read it again:
consent-again-otherwise = Nothing was decided: something on this page has changed since you opened it. Please read it again and answer once more.
consent-again-ended = Nothing was decided: access of this app was ended since you opened the page. Please answer once more.
consent-again-answered = You answered this page before, for another organization. Nothing more was decided. Please answer once more.
consent-changed-app = the app’s name, or who made it
consent-changed-target = where the answer goes
consent-changed-organizations = the organizations it can be for
consent-changed-permissions = what the app asks for
consent-option = Choose an organization
consent-choose = Choose the organization that this is for.
consent-allow = Allow
consent-deny = Don’t allow
consent-return = You go back to { $host }
consent-return-device = You go back to a program on this device
consent-return-scheme = You go back to the app that opens { $scheme }
consent-code = You get a code to copy into the app
consent-pass = pass { $pass }
consent-end-any-time = You can end this at any time:

done-title = You already answered this request
done-text = Your answer to { $app } was sent. An answer counts only once.
done-go-back = You can close this page and go back to { $app }. If nothing happens there, start again from the app.

connected-title = { $app } already has access
connected-text = You allowed it on this page before, and the app has used the access since. So “Don’t allow” changed nothing. You can end the access under Connected apps.

denied-title = No access given
denied-text = { $app } gets no access to your account.
denied-go-back = You can close this page. Nothing was shared.

code-title = Your code for { $app }
code-once = It works once, and for { $span }.
code-label = Code
code-how = Copy the code, go back to { $app } and paste it there.
code-warning = Enter this code only in { $app }. A person who has it can use { $app } with your data. If somebody asks you for it by phone, mail or chat, it is fraud.

# After a sign-in at the site.

site-message = The site says
site-again = Start again
site-sign-out = Sign out there
site-unknown = This link does not belong to a sign-in here
site-unknown-text = It is damaged, or comes from another server. Nothing happened. Go back to where you came from and start again.
site-expired = That took too long
site-expired-text = The sign-in was begun more than an hour ago. Nothing happened. Start again; it takes only a moment.
site-spent = This sign-in was used already
site-spent-text = Its link works once. Nothing more happened. Start again to go on.
site-late = This link does not work any more
site-late-text = It works for one minute, and only until the site gives a newer one. Nothing happened. Start again to go on.
site-other-browser = Begun in another browser
site-other-browser-text = This sign-in was begun in another browser; nothing happened. Go on in the browser where you began. If you did not begin it, somebody sent you a link of theirs: you can close this page.
site-no-cookies-text = This sign-in was begun in another browser, or this one keeps no cookies; nothing happened. Allow cookies for { $own }, and start again in this browser. If you did not begin it, somebody sent you a link of theirs: you can close this page.
site-refused = You are not signed in
site-refused-text = The site did not sign you in. Nothing was shared.
site-still = You are still signed in there as { $person }
site-still-text = A new sign-in was asked for, and the site answered with the one before. Nothing happened. Sign out there, and start again with the account that you want.
site-suspended = Your access here is suspended
site-suspended-text = You can sign in at the site, but not here. Nothing was shared. Ask the people who run the site.
site-ended = You are no longer signed in
site-ended-text = This page was open too long, or you signed in as somebody else meanwhile. Nothing was decided. Start again; it takes only a moment.
login-site = Sign in with your account at { $site }
login-or = or with an account of this server
