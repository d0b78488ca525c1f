# What stands on every page, and how dates and spans are written.

skip = Skip to the content
nav = Main
nav-developers = Developers
nav-apps = Connected apps
nav-account = Account
sign-in = Sign in
sign-out = Sign out
choose = Choose…
cancel = Cancel
copy = Copy
copied = Copied
selected = Selected: copy it with your keyboard
made = made { $date }

notice-kept = Nothing was done yet: this page was open too long, or you were signed out meanwhile. What you typed is here. Check it and send it again.
notice-nothing-done = Nothing was done: this page was open too long, or you were signed out or changed accounts meanwhile. If you still want it, please do it again.
notice-unreadable = Nothing was done. The form could not be read: something in it is missing or damaged, or the page was open too long. Please check this page and do it again.
notice-still-signed-in = You are still signed in, because the page with that button was older than this sign-in, or damaged. To sign out, use the button on this page.
notice-too-many-changes = Nothing was done yet: you made very many changes in the last hour. What you typed is here. Wait a minute, then send it again.

moment-day = { $day } { $month } { $year }
moment-minute = { $date }, { $time } UTC
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

ago-now = just now
ago-minutes = { $n ->
    [one] 1 minute ago
   *[other] { $n } minutes ago
}
ago-hours = { $n ->
    [one] 1 hour ago
   *[other] { $n } hours ago
}
ago-days = { $n ->
    [one] 1 day ago
   *[other] { $n } days ago
}
ago-months = { $n ->
    [one] 1 month ago
   *[other] { $n } months ago
}
ago-years = { $n ->
    [one] 1 year ago
   *[other] { $n } years ago
}

span-seconds = { $n ->
    [one] 1 second
   *[other] { $n } seconds
}
span-minutes = { $n ->
    [one] 1 minute
   *[other] { $n } minutes
}
span-hours = { $n ->
    [one] 1 hour
   *[other] { $n } hours
}
span-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}
pages = Pages of this list
pages-first = Back to the beginning
pages-next = Next page
