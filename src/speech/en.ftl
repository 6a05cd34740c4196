# Every word that the desk writes to customers and engineers by mail, in English. One file is one language: a new one is
# a copy of this file under its tag (fr.ftl, pt-BR.ftl), translated; the desk finds it when it is built. A build refuses a
# file that misses a text or a variable. Written in Fluent (projectfluent.org): { $name } is put in, -> chooses by number.
#
# A time never stands without weekday and zone. No exclamation marks, no excuses, no "as soon as possible".

# --- The language itself

# Frequent little words, by which a mail in this language is known: at least twenty, in lower case.
language-words = the and to of is that for it with have not this you are we on in when after be has was but can from my our please which they there would does
language-name = English

# --- Times and sizes

weekday = { $number ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}
weekday-short = { $number ->
    [1] Mon
    [2] Tue
    [3] Wed
    [4] Thu
    [5] Fri
    [6] Sat
   *[7] Sun
}
month = { $number ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
month-short = { $number ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
# Tuesday 24 November, 15:00 (Berlin)
time-long = { $weekday } { $day } { $month }, { $clock } ({ $place })
# Tuesday 5 January 2027, 15:00 (Berlin)
time-long-year = { $weekday } { $day } { $month } { $year }, { $clock } ({ $place })
time-utc = { $clock } UTC
time-utc-other-day = { $weekday } { $clock } UTC
# Tuesday 24 November, 15:00 (Berlin), 14:00 UTC
time-full = { $time }, { $utc }
# Tue 24 Nov 2026, 09:12 CET
time-stamp = { $weekday } { $day } { $month } { $year }, { $clock } { $zone }
in-minutes = in about { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
in-hours = in about { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
in-days = in about { $count ->
    [one] 1 day
   *[other] { $count } days
}
size-bytes = { $count ->
    [one] 1 byte
   *[other] { $count } bytes
}
size-kilobytes = { $count } kB
size-megabytes = { $count } MB
size-gigabytes = { $count } GB
decimal-sign = .

# --- In several texts

hello = Hello { $name },
hello-nobody = Hello,
label-case = Case
label-from = From
label-new-time = New time
label-problem = Problem
label-outcome = Outcome
label-next-word = Next word by
no-subject = (no subject)
reopens = Answer this mail at any time and the case is open again, with a new promised time.
where-we-stand = Where we stand: { $words }
machine = { $desk } · this mail was written by a machine.
wrote = On { $time }, { $who } wrote:

# --- A: arrived, and when the reply comes

a-arrived = your mail "{ $subject }" has arrived{ $files ->
    [0] .
    [one] , with 1 file ({ $size }).
   *[other] , with { $files } files ({ $size }).
}
a-arrived-untitled = your mail has arrived{ $files ->
    [0] .
    [one] , with 1 file ({ $size }).
   *[other] , with { $files } files ({ $size }).
}
a-label-reply = We will reply by
a-later-than-usual = This is later than our usual time: it is the earliest that we can keep.
a-offered = We may not be able to keep it: what is promised already fills the time. What we can keep is { $time }.
a-offered-ok = Is that all right? Answer "ok". Until you do, the time above stands.
a-change = If another time suits you, earlier or later, answer "time: tomorrow 10:00".
a-change-link = If another time suits you, earlier or later: { $link } or just answer "time: tomorrow 10:00".
a-urgent = If it has become worse (production down), begin your answer with "urgent:". A person then looks at it first.
a-urgent-by = If it has become worse (production down), begin your answer with "urgent:". A person then reads it by { $time }.
a-urgent-read = We read your mail as urgent: it stands at severity 1, and a person looks at it first.
a-twice = You do not need to send anything twice.
a-large-files = Large files: { $link }
a-machine = { $desk } · this first line of contact was written by a machine, the reply will be written by { $by }.
a-machine-somebody = { $desk } · this first line of contact was written by a machine, the reply will be written by a person.

# --- B: what stands under a reply

b-owe = You will hear from us by { $time }, or sooner if you write.
b-wait = We wait for you until { $time }.
b-close = With this we close the case.
b-not-helped = Did this not help? { $link } (you get a new time)
b-case = Case { $case }
b-case-link = Whole case: { $link } · case { $case }

# --- C: another time offered, asked for, agreed or not

label-earliest = Earliest time
c-said = we said we would reply by { $time }.
c-longer = We need longer: { $why }
c-sooner = We can be sooner: { $why }
c-longer-plain = We would like to reply later than that.
c-sooner-plain = We can reply sooner.
c-wished = you asked for a reply by { $time }.
c-not-honest = We cannot promise that: what is promised already fills the time.
c-agreed = Agreed: instead of { $old } we reply by { $time }.
c-fine = Agreed: we reply by { $time }.
c-meanwhile = Until then: { $words }
c-question = Is that all right?
c-label-yes = Yes
c-label-other = Another time
c-label-keep = I need it by { $time }
c-keep-lead = answer "keep"; { $lead } (lead) hears of it
c-or-ok = answer "ok"
c-or-time = answer "time: tomorrow 10:00"
c-or-keep = answer "keep"
c-stands = Until you answer, the old time stands.
c-stands-until = Until you answer, the old time stands: { $time }.
c-wish-lead = Your wish is with { $lead } (lead). You hear by { $time } whether it can be done.
c-wish-person = A person decides on your wish. You hear by { $time } whether it can be done.
c-old-stands = The promised time stands: we reply by { $time }.
c-kept = we keep to what was promised: we reply by { $time }.
c-kept-lead = { $lead } (lead) knows that you need it by then.
c-declined = We cannot do it.
c-declined-because = We cannot do it: { $why }
c-lapsed = Nobody could grant it in time.
c-unread = we did not understand "{ $words }" as a time to come. Nothing was changed.
c-unread-how = Another time suits you better? Answer for example "time: tomorrow 10:00".
c-entry-declined = your calendar declined the entry of our reply. That changes nothing by itself.
c-worse = it has become worse, and stands at severity 1 now. A person looks at it first; we reply by { $time }.
c-disputed = our reply of { $time } did not help.
c-next = You hear from us by { $time }.
c-unneeded = you need no reply, so we owe you none. Write at any time, and there is a new promise.
c-undone = what was said last is taken back.
c-who = { $who } said so.
c-undo = Not meant so, or not by you? { $link } takes it back until { $time }.

# --- D: waiting for you

d-yours = in case { $case } "{ $subject }" the next word is yours.
d-need = What we need: { $words }
d-need-below = What we need, and why, stands in our last mail, below.
d-until = We keep the case open until { $time }.
d-later = If you answer later, it is open again, with a new promised time.

# --- E: waiting for engineering, upstream, the lab or a date

e-handed = case { $case } "{ $subject }" waits for { $party ->
    [engineering] our engineering
    [upstream] the component's own project
    [lab] our lab
   *[date] a date
} now. It stays ours.
e-anyway = You hear from us by then even if there is no news, and sooner if there is.

# --- F: closing

f-waited = we waited for you until { $time }, and close case { $case } now.
f-now = we close case { $case } now.
f-solved = Did this solve it? Yes { $yes } No { $no }
outcome = { $resolution ->
    [solved] solved
    [workaround] a way around it
    [fixed-upstream] fixed by the component's own project
    [declined] declined
    [duplicate] the same as another case
    [no-reply] no reply
   *[answered] answered
}

# --- G: broken promise

g-said = we said we would reply by { $time }. We did not do it.
g-lead = { $lead } (lead) knows of it and may offer you a better time.
g-changed = What we changed: { $words }
g-ledger = The broken promise stays in our ledger. You do not need to write again.

# --- I: sender not verified

i-subject = Your mail has arrived as case { $case }
i-arrived = your mail has arrived as case { $case }. We could not check that it came from you.
i-button = Press the button behind this link and it gets a promised time at once (the button shows that you read this address):
i-otherwise = Otherwise a person looks at it first.
i-person = A person looks at it first; then it gets a promised time.
i-nothing = If you did not write to us, nothing needs to be done.

# --- Calendar entries

calendar-title = { $desk }: reply to case { $case }
calendar-words = { $desk } replies to "{ $subject }" by then. Case { $case }.

# --- H: engineers' mail

h-subject = [{ $case }] { $subject }
h-wrote = { $who } ({ $customer }) wrote.
h-woken = The wake time came: this case is ours again.
h-failed = Your reply did not reach { $who }. What it kept is open again.
h-next = Your next case. Why this one: { $why }
h-label-reply = Reply by
h-label-customer = Customer
h-label-severity = Severity
h-foot = { $others ->
    [0] Answering this mail writes to { $who } at { $customer }.
    [one] Answering this mail writes to { $who } at { $customer } and 1 other.
   *[other] Answering this mail writes to { $who } at { $customer } and { $others } others.
}
h-foot-note = First line #note keeps it inside; #help lists what else a first line can say.
h-digest-subject = { $desk }: your promises of today, { $day }
h-digest-good-morning = Good morning { $name },
h-digest-promises = Your promises until the end of today:
h-digest-none = No promise of yours is due today.
h-digest-risk = Due within the next two hours, or overdue:
h-digest-waiting = You wait for these customers:
h-digest-ready = { $count ->
    [0] Nothing waits for whoever is free.
    [one] 1 case waits for whoever is free: answer this mail with #next.
   *[other] { $count } cases wait for whoever is free: answer this mail with #next.
}
h-row = { $case } · { $time } · { $subject }
h-done = { $said }
h-undo-until = First line #undo takes it back until { $time }.
h-refused-subject = Not done: { $subject }
h-done-subject = Done: { $subject }
h-refused = Nothing was done, and nothing was sent to the customer. { $why }

# --- Why a time is what it is

why-hours = { $count ->
    [one] 1 business hour
   *[other] { $count } business hours
}
why-minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
why-days = { $count ->
    [one] 1 business day
   *[other] { $count } business days
}
why-severity = { $number ->
    [1] 1 (stopped)
    [2] 2 (severe)
    [3] 3 (limited)
   *[4] 4 (question)
}
why-default = Everybody without an agreement of their own gets { $target } at severity { $severity }.
why-agreement = Agreement { $agreement } (version { $version }) gives { $target } at severity { $severity }.
why-counted = They count from { $from }, in the hours { $hours } ({ $place }).
why-counted-always = They count from { $from }, round the clock.
why-behind = { $count ->
    [one] One promise to you is open already, and this one counts from it.
   *[other] { $count } promises to you are open already, and this one counts from the last of them.
}
why-closed = Closed on: { $dates }.
why-after-break = The time before was not kept, so this one was made.
why-next-word = Our wait has ended without a mail of yours, and we owe you the next word.
why-released = A person released your mail first, and the time counts from then.
why-owed = An engineer named this time in a reply.
why-moved = Both sides agreed on this time, instead of the one before.
why-disputed = You said that our last reply did not help.
why-worse = You said that it has become worse.
why-full = Who can answer is booked until { $time } by what was promised before, so this is the earliest that can be kept.
why-earliest = It is the earliest that can be kept beside everything that is promised.
why-unknown = Nobody wrote down how this time was found.
date-short = { $weekday } { $day } { $month }

# --- Pages that customers reach by a link

w-skip = Skip to the content
w-for = { $desk } · for { $name }
w-for-case = { $desk } · for { $name } · case { $case }
w-case = { $desk } · case { $case }
w-reply-by = We will reply by
w-why = Why this time
w-guest-title = Send files to case { $case }
w-sent = The file has arrived whole. The engineers see it in the case.
w-closed = This case is closed. A file is kept with it; answer any mail of it to open it again.
w-other-time = Propose another time
w-worse = It got worse
w-files = Files
w-send = Send
w-files-hint = Without a script files of up to { $form } together; with one, up to { $most } each, and an upload that broke off goes on where it was.
w-your-files = Your files
w-file-coming = { $have } of { $size } have arrived
w-file-stored = { $size }, arrived, being put away
w-file-whole = { $size }, in the case
w-guest-hint = Whoever holds this link can send files here and sees nothing else of the case but the promised time, for which they can ask another. Files are for the engineers of { $desk } only.
w-time-title = Another time for case { $case }
w-stands = That stands until another time is agreed.
w-times = Times that we can keep
w-or-say = Or say when
w-time = Time
w-ask = Ask for it
w-time-hint = Read in your time ({ $zone }). What we cannot promise yet goes to a person, and you hear what became of it. Written like this:
w-worse-title = Case { $case } got worse?
w-worse-words = Production is down, or data is at risk: the case goes to severity 1, gets a promised time of its own at once, and a person looks at it first.
w-worse-yes = Yes, it got worse
w-no-title = Did this not help?
w-wrote = { $who } wrote to you on { $time }.
w-disputed = You have said that it did not help, and have a new promised time.
w-no-yes = No, this did not help
w-no-hint = You get a new promised time at once. If you can say what is missing, answer the mail as well.
w-agreed = Agreed
w-countered = Not that early
w-countered-words = What is promised already fills the time. The earliest that we can keep is { $time }: it is on its way to you by mail, where one press accepts it. A person knows of your wish. Until you accept, the promised time stands.
w-asked = A person decides
w-asked-words = What is promised already fills the time. A person looks at your wish, and you hear what became of it by { $time }. Until then the promised time stands.
w-stays = It stays
w-we-reply = We will reply by { $time }.
w-repeated = It is repeated to you by mail. You can close this page.
w-accept-title = Accept this time?
w-accept = Yes, that is fine
w-keep-title = Keep the old time?
w-keep = I need it by then
w-lapsed = The offer has lapsed meanwhile. If the time is still free, it is yours; if not, you get the next one that is.
w-undo-title = Take it back?
w-undo-words = What was said last about the promised time goes back to what it was before.
w-undo = Take it back
w-undo-until = Possible until { $time }.
w-example-friday = fri 12:00
w-example-tomorrow = tomorrow 10:00
