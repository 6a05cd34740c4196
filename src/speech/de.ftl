# Alle Wörter, die das Pult per Mail schreibt, auf Deutsch. Siehe en.ftl.

# --- Die Sprache selbst

language-words = der die und das ist nicht ein eine mit auf zu den wir ich sie es im für von dass haben wird bei nach auch noch kann aber oder wenn wie uns bitte sind einen dem als
language-name = Deutsch

# --- Zeiten und Größen

weekday = { $number ->
    [1] Montag
    [2] Dienstag
    [3] Mittwoch
    [4] Donnerstag
    [5] Freitag
    [6] Samstag
   *[7] Sonntag
}
weekday-short = { $number ->
    [1] Mo
    [2] Di
    [3] Mi
    [4] Do
    [5] Fr
    [6] Sa
   *[7] So
}
month = { $number ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
}
month-short = { $number ->
    [1] Jan.
    [2] Feb.
    [3] März
    [4] Apr.
    [5] Mai
    [6] Juni
    [7] Juli
    [8] Aug.
    [9] Sept.
    [10] Okt.
    [11] Nov.
   *[12] Dez.
}
time-long = { $weekday }, { $day }. { $month }, { $clock } Uhr ({ $place })
time-long-year = { $weekday }, { $day }. { $month } { $year }, { $clock } Uhr ({ $place })
time-utc = { $clock } UTC
time-utc-other-day = { $weekday } { $clock } UTC
time-full = { $time }, { $utc }
time-stamp = { $weekday }, { $day }. { $month } { $year }, { $clock } { $zone }
in-minutes = in etwa { $count ->
    [one] 1 Minute
   *[other] { $count } Minuten
}
in-hours = in etwa { $count ->
    [one] 1 Stunde
   *[other] { $count } Stunden
}
in-days = in etwa { $count ->
    [one] 1 Tag
   *[other] { $count } Tagen
}
size-bytes = { $count ->
    [one] 1 Byte
   *[other] { $count } Byte
}
size-kilobytes = { $count } kB
size-megabytes = { $count } MB
size-gigabytes = { $count } GB
decimal-sign = ,

# --- In mehreren Texten

hello = Hallo { $name },
hello-nobody = Hallo,
label-case = Fall
label-from = Von
label-new-time = Neue Zeit
label-problem = Problem
label-outcome = Ergebnis
label-next-word = Nächstes Wort bis
no-subject = (ohne Betreff)
reopens = Antworten Sie jederzeit auf diese Mail, dann ist der Fall wieder offen und bekommt eine neue zugesagte Zeit.
where-we-stand = Wo wir stehen: { $words }
machine = { $desk } · diese Mail hat eine Maschine geschrieben.
wrote = Am { $time } schrieb { $who }:

# --- A

a-arrived = Ihre Mail „{ $subject }“ ist angekommen{ $files ->
    [0] .
    [one] , mit 1 Datei ({ $size }).
   *[other] , mit { $files } Dateien ({ $size }).
}
a-arrived-untitled = Ihre Mail ist angekommen{ $files ->
    [0] .
    [one] , mit 1 Datei ({ $size }).
   *[other] , mit { $files } Dateien ({ $size }).
}
a-label-reply = Wir antworten bis
a-later-than-usual = Das ist später als sonst: die früheste Zeit, die wir halten können.
a-offered = Vielleicht können wir sie nicht halten: was schon zugesagt ist, füllt die Zeit. Halten können wir { $time }.
a-offered-ok = Ist Ihnen das recht? Antworten Sie „ok“. Bis dahin gilt die Zeit oben.
a-change = Passt Ihnen eine andere Zeit besser, früher oder später, dann antworten Sie „zeit: morgen 10:00“.
a-change-link = Passt Ihnen eine andere Zeit besser, früher oder später: { $link } oder antworten Sie „zeit: morgen 10:00“.
a-urgent = Ist es schlimmer geworden (Produktion steht), dann beginnen Sie Ihre Antwort mit „dringend:“. Dann sieht ein Mensch sie zuerst an.
a-urgent-by = Ist es schlimmer geworden (Produktion steht), dann beginnen Sie Ihre Antwort mit „dringend:“. Dann liest ein Mensch sie bis { $time }.
a-urgent-read = Wir haben Ihre Mail als dringend verstanden: sie hat Stufe 1, und ein Mensch sieht sie zuerst an.
a-twice = Sie brauchen nichts zweimal zu schicken.
a-large-files = Große Dateien: { $link }
a-machine = { $desk } · diese erste Mail hat eine Maschine geschrieben, die Antwort schreibt { $by }.
a-machine-somebody = { $desk } · diese erste Mail hat eine Maschine geschrieben, die Antwort schreibt ein Mensch.

# --- B

b-owe = Sie hören von uns bis { $time }, oder früher, wenn Sie schreiben.
b-wait = Wir warten auf Sie bis { $time }.
b-close = Damit schließen wir den Fall.
b-not-helped = Hat das nicht geholfen? { $link } (Sie bekommen eine neue Zeit)
b-case = Fall { $case }
b-case-link = Der ganze Fall: { $link } · Fall { $case }

# --- C

label-earliest = Früheste Zeit
c-said = wir haben eine Antwort bis { $time } zugesagt.
c-longer = Wir brauchen länger: { $why }
c-sooner = Es geht früher: { $why }
c-longer-plain = Wir möchten später antworten.
c-sooner-plain = Wir können früher antworten.
c-wished = Sie möchten eine Antwort bis { $time }.
c-not-honest = Das können wir nicht zusagen: was schon zugesagt ist, füllt die Zeit.
c-agreed = Abgemacht: statt bis { $old } antworten wir bis { $time }.
c-fine = Abgemacht: wir antworten bis { $time }.
c-meanwhile = Bis dahin: { $words }
c-question = Ist Ihnen das recht?
c-label-yes = Ja
c-label-other = Eine andere Zeit
c-label-keep = Ich brauche es bis { $time }
c-keep-lead = antworten Sie „es bleibt dabei“; { $lead } (Leitung) erfährt davon
c-or-ok = antworten Sie „ok“
c-or-time = antworten Sie „zeit: morgen 10:00“
c-or-keep = antworten Sie „es bleibt dabei“
c-stands = Bis Sie antworten, gilt die alte Zeit.
c-stands-until = Bis Sie antworten, gilt die alte Zeit: { $time }.
c-wish-lead = Ihr Wunsch liegt bei { $lead } (Leitung). Sie hören bis { $time }, ob es geht.
c-wish-person = Ein Mensch entscheidet über Ihren Wunsch. Sie hören bis { $time }, ob es geht.
c-old-stands = Die zugesagte Zeit gilt: wir antworten bis { $time }.
c-kept = es bleibt bei dem, was zugesagt ist: wir antworten bis { $time }.
c-kept-lead = { $lead } (Leitung) weiß, dass Sie es bis dahin brauchen.
c-declined = Das geht nicht.
c-declined-because = Das geht nicht: { $why }
c-lapsed = Niemand konnte es rechtzeitig zusagen.
c-unread = „{ $words }“ haben wir nicht als eine Zeit verstanden, die noch kommt. Nichts wurde geändert.
c-unread-how = Passt Ihnen eine andere Zeit besser? Antworten Sie zum Beispiel „zeit: morgen 10:00“.
c-entry-declined = Ihr Kalender hat den Eintrag unserer Antwort abgelehnt. Das allein ändert nichts.
c-worse = es ist schlimmer geworden und hat jetzt Stufe 1. Ein Mensch sieht es zuerst an; wir antworten bis { $time }.
c-disputed = unsere Antwort vom { $time } hat nicht geholfen.
c-next = Sie hören von uns bis { $time }.
c-unneeded = Sie brauchen keine Antwort, also schulden wir Ihnen keine. Schreiben Sie jederzeit, dann gibt es eine neue Zusage.
c-undone = was zuletzt gesagt wurde, ist zurückgenommen.
c-who = Das kam von { $who }.
c-undo = War das nicht so gemeint, oder nicht von Ihnen? { $link } nimmt es zurück, bis { $time }.

# --- D

d-yours = im Fall { $case } „{ $subject }“ haben Sie das nächste Wort.
d-need = Was wir brauchen: { $words }
d-need-below = Was wir brauchen und warum, steht in unserer letzten Mail, hier unten.
d-until = Wir halten den Fall offen bis { $time }.
d-later = Antworten Sie später, dann ist er wieder offen und bekommt eine neue zugesagte Zeit.

# --- E

e-handed = Fall { $case } „{ $subject }“ wartet jetzt auf { $party ->
    [engineering] unsere Entwicklung
    [upstream] das Projekt der Komponente
    [lab] unser Labor
   *[date] einen Termin
}. Er bleibt bei uns.
e-anyway = Bis dahin hören Sie von uns, auch wenn es nichts Neues gibt, und früher, wenn doch.

# --- F

f-waited = wir haben bis { $time } auf Sie gewartet und schließen Fall { $case } jetzt.
f-now = wir schließen Fall { $case } jetzt.
f-solved = Ist es damit gelöst? Ja { $yes } Nein { $no }
outcome = { $resolution ->
    [solved] gelöst
    [workaround] auf anderem Weg gelöst
    [fixed-upstream] behoben durch das Projekt der Komponente
    [declined] abgelehnt
    [duplicate] derselbe Fall wie ein anderer
    [no-reply] keine Antwort
   *[answered] beantwortet
}

# --- G

g-said = wir haben eine Antwort bis { $time } zugesagt. Wir haben es nicht getan.
g-lead = { $lead } (Leitung) weiß davon und kann Ihnen eine bessere Zeit anbieten.
g-changed = Was wir geändert haben: { $words }
g-ledger = Die gebrochene Zusage bleibt in unserem Buch stehen. Sie brauchen nicht noch einmal zu schreiben.

# --- I

i-subject = Ihre Mail ist als Fall { $case } angekommen
i-arrived = Ihre Mail ist als Fall { $case } angekommen. Wir konnten nicht prüfen, ob sie von Ihnen kommt.
i-button = Drücken Sie den Knopf hinter diesem Link, dann bekommt sie sofort eine zugesagte Zeit (der Knopf zeigt, dass Sie diese Adresse lesen):
i-otherwise = Sonst sieht zuerst ein Mensch sie an.
i-person = Zuerst sieht ein Mensch sie an, dann bekommt sie eine zugesagte Zeit.
i-nothing = Haben Sie uns nicht geschrieben, dann ist nichts zu tun.

# --- Kalendereinträge

calendar-title = { $desk }: Antwort im Fall { $case }
calendar-words = { $desk } antwortet bis dahin auf „{ $subject }“. Fall { $case }.

# --- H

h-subject = [{ $case }] { $subject }
h-wrote = { $who } ({ $customer }) hat geschrieben.
h-woken = Die Weckzeit ist da: dieser Fall ist wieder unser.
h-failed = Ihre Antwort hat { $who } nicht erreicht. Was sie gehalten hat, ist wieder offen.
h-next = Ihr nächster Fall. Warum dieser: { $why }
h-label-reply = Antwort bis
h-label-customer = Kunde
h-label-severity = Stufe
h-foot = { $others ->
    [0] Eine Antwort auf diese Mail geht an { $who } bei { $customer }.
    [one] Eine Antwort auf diese Mail geht an { $who } bei { $customer } und 1 weitere Person.
   *[other] Eine Antwort auf diese Mail geht an { $who } bei { $customer } und { $others } weitere Personen.
}
h-foot-note = Mit #note in der ersten Zeile bleibt sie im Haus; #help nennt, was sie sonst sagen kann.
h-digest-subject = { $desk }: Ihre Zusagen von heute, { $day }
h-digest-good-morning = Guten Morgen { $name },
h-digest-promises = Ihre Zusagen bis heute Abend:
h-digest-none = Heute ist keine Ihrer Zusagen fällig.
h-digest-risk = In den nächsten zwei Stunden fällig, oder schon vorbei:
h-digest-waiting = Sie warten auf diese Kunden:
h-digest-ready = { $count ->
    [0] Nichts wartet auf jemanden, der frei ist.
    [one] 1 Fall wartet auf jemanden, der frei ist: antworten Sie auf diese Mail mit #next.
   *[other] { $count } Fälle warten auf jemanden, der frei ist: antworten Sie auf diese Mail mit #next.
}
h-row = { $case } · { $time } · { $subject }
h-done = { $said }
h-undo-until = Mit #undo in der ersten Zeile nehmen Sie es zurück, bis { $time }.
h-refused-subject = Nicht getan: { $subject }
h-done-subject = Getan: { $subject }
h-refused = Nichts wurde getan, und nichts ging an den Kunden. { $why }

# --- Warum eine Zeit ist, wie sie ist

why-hours = { $count ->
    [one] 1 Geschäftsstunde
   *[other] { $count } Geschäftsstunden
}
why-minutes = { $count ->
    [one] 1 Minute
   *[other] { $count } Minuten
}
why-days = { $count ->
    [one] 1 Geschäftstag
   *[other] { $count } Geschäftstage
}
why-severity = { $number ->
    [1] 1 (Stillstand)
    [2] 2 (schwer)
    [3] 3 (eingeschränkt)
   *[4] 4 (Frage)
}
why-default = Wer keine eigene Vereinbarung hat, bekommt bei Stufe { $severity } { $target }.
why-agreement = Vereinbarung { $agreement } (Fassung { $version }) gibt bei Stufe { $severity } { $target }.
why-counted = Sie zählen ab { $from }, in den Zeiten { $hours } ({ $place }).
why-counted-always = Sie zählen ab { $from }, rund um die Uhr.
why-behind = { $count ->
    [one] Eine Zusage an Sie ist schon offen, und diese zählt von ihr an.
   *[other] Es sind schon { $count } Zusagen an Sie offen, und diese zählt von der letzten an.
}
why-closed = Geschlossen ist am: { $dates }.
why-after-break = Die Zeit davor wurde nicht gehalten, darum gibt es diese.
why-next-word = Unser Warten ist ohne Mail von Ihnen zu Ende, und wir schulden Ihnen das nächste Wort.
why-released = Ein Mensch hat Ihre Mail erst freigegeben, und die Zeit zählt von da an.
why-owed = Jemand von uns hat diese Zeit in einer Antwort genannt.
why-moved = Beide Seiten haben diese Zeit ausgemacht, statt der vorigen.
why-disputed = Sie haben gesagt, dass unsere letzte Antwort nicht geholfen hat.
why-worse = Sie haben gesagt, dass es schlimmer geworden ist.
why-full = Wer antworten kann, ist bis { $time } durch frühere Zusagen belegt: das ist die früheste Zeit, die zu halten ist.
why-earliest = Es ist die früheste Zeit, die neben allem zu halten ist, was zugesagt ist.
why-unknown = Niemand hat aufgeschrieben, wie diese Zeit gefunden wurde.
date-short = { $weekday } { $day }. { $month }

# --- Seiten, zu denen ein Link Kunden führt

w-skip = Zum Inhalt springen
w-for = { $desk } · für { $name }
w-for-case = { $desk } · für { $name } · Fall { $case }
w-case = { $desk } · Fall { $case }
w-reply-by = Wir antworten bis
w-why = Warum diese Zeit
w-guest-title = Dateien zu Fall { $case } senden
w-sent = Die Datei ist vollständig angekommen. Wer am Fall arbeitet, sieht sie dort.
w-closed = Dieser Fall ist geschlossen. Eine Datei wird bei ihm aufbewahrt; antworten Sie auf eine seiner Mails, dann ist er wieder offen.
w-other-time = Eine andere Zeit vorschlagen
w-worse = Es ist schlimmer geworden
w-files = Dateien
w-send = Senden
w-files-hint = Ohne Skript zusammen bis zu { $form }; mit Skript jede bis zu { $most }, und was abbrach, geht weiter, wo es war.
w-your-files = Ihre Dateien
w-file-coming = { $have } von { $size } sind angekommen
w-file-stored = { $size }, angekommen, wird abgelegt
w-file-whole = { $size }, im Fall
w-guest-hint = Wer diesen Link hat, kann hier Dateien senden und sieht vom Fall nur die zugesagte Zeit, für die er eine andere vorschlagen kann. Dateien sind nur für die Fachleute von { $desk }.
w-time-title = Eine andere Zeit für Fall { $case }
w-stands = Das gilt, bis eine andere Zeit ausgemacht ist.
w-times = Zeiten, die wir halten können
w-or-say = Oder sagen Sie, wann
w-time = Zeit
w-ask = Darum bitten
w-time-hint = In Ihrer Zeit gelesen ({ $zone }). Was wir noch nicht zusagen können, geht an einen Menschen, und Sie hören, was daraus wird. So geschrieben:
w-worse-title = Ist Fall { $case } schlimmer geworden?
w-worse-words = Der Betrieb steht, oder Daten sind in Gefahr: der Fall bekommt Stufe 1 und sofort eine eigene zugesagte Zeit, und jemand sieht ihn zuerst an.
w-worse-yes = Ja, es ist schlimmer geworden
w-no-title = Hat das nicht geholfen?
w-wrote = { $who } hat Ihnen geschrieben: { $time }.
w-disputed = Sie haben gesagt, dass es nicht geholfen hat, und haben eine neue zugesagte Zeit.
w-no-yes = Nein, das hat nicht geholfen
w-no-hint = Sie bekommen sofort eine neue zugesagte Zeit. Wenn Sie sagen können, was fehlt, antworten Sie auch auf die Mail.
w-agreed = Ausgemacht
w-countered = So früh nicht
w-countered-words = Was schon zugesagt ist, füllt die Zeit. Am frühesten halten können wir { $time }: das ist per Mail zu Ihnen unterwegs, und ein Druck darin nimmt es an. Ein Mensch weiß von Ihrem Wunsch. Bis Sie annehmen, gilt die zugesagte Zeit.
w-asked = Ein Mensch entscheidet
w-asked-words = Was schon zugesagt ist, füllt die Zeit. Ein Mensch sieht Ihren Wunsch an, und Sie hören bis { $time }, was daraus wird. Bis dahin gilt die zugesagte Zeit.
w-stays = Es bleibt dabei
w-we-reply = Wir antworten bis { $time }.
w-repeated = Es wird Ihnen per Mail wiederholt. Sie können diese Seite schließen.
w-accept-title = Diese Zeit annehmen?
w-accept = Ja, das passt
w-keep-title = Die alte Zeit behalten?
w-keep = Ich brauche es bis dahin
w-lapsed = Das Angebot ist inzwischen verfallen. Ist die Zeit noch frei, bekommen Sie sie; wenn nicht, die nächste freie.
w-undo-title = Zurücknehmen?
w-undo-words = Was zuletzt über die zugesagte Zeit gesagt wurde, wird wieder, wie es vorher war.
w-undo = Zurücknehmen
w-undo-until = Möglich bis { $time }.
w-example-friday = Fr 12 Uhr
w-example-tomorrow = morgen 10 Uhr
