//! Promises that are moved by real mail: three customers with the shapes of Outlook, Gmail and a plain client, each three
//! times, by words, by their calendar and by accepting our offer; and campaign S15, forged steps of which none has effect.

use super::forgery::letters::{EVIL, HERS, Known, PRIYA, USUAL, World, forged, plain, saying};
use super::kit::databases::migrated;
use super::kit::desk::{ANNA, DESK, MONDAY, TestDesk, time};
use super::kit::http::ask;
use super::kit::mail::Client;
use duly::desk::MIGRATIONS;
use duly::desk::engineer::Role;
use duly::desk::verb::{Answer, Bargain, Verb};
use jiff::Timestamp;
use mail_parser::{MessageParser, MimeHeaders};

const SETTINGS: [(&str, &str, &str); 3] = [
    ("mail", "unverified", "hold"),
    ("mail", "lists", "users@lists.acme.example"),
    ("web", "address", "https://desk.acme.example"),
];
const SUBJECT: &str = "Replica lag";

/// Which program a customer writes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Outlook,
    Gmail,
    Plain,
}

/// A customer, what their mailbox has and what their calendar shows.
struct Customer {
    program: Program,
    address: &'static str,
    case: i64,
    sent: usize,
    /// Name, version and end of the entry of our reply.
    entry: Option<(String, i64, String)>,
}

/// A desk with customers whose domain signs and has a policy.
fn scenario(play: impl Fn(&mut TestDesk, &World)) {
    for database in migrated(MIGRATIONS) {
        let mut desk = TestDesk::open(database, &SETTINGS, time(MONDAY));
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        let world = World::new(&desk.names);
        play(&mut desk, &world);
        desk.ends_well();
    }
}

impl Customer {
    fn write(&mut self, desk: &mut TestDesk, world: &World, raw: &str) {
        self.sent += 1;
        let signed = world.signed("northwind.example", &USUAL, false, raw.as_bytes());
        let to = self.reply_address(desk);
        let mut client = Client::connect_from(desk.smtp(), HERS, "mx.northwind.example");
        assert_eq!(client.send(&signed, self.address, &[&to]).0, 250);
        desk.quiet();
        self.read_calendar(desk);
    }

    /// Where our last mail asks for answers.
    fn reply_address(&self, desk: &TestDesk) -> String {
        let Some(mail) = desk.mails_to(self.address).pop() else {
            return DESK.into();
        };
        let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
        let from = parsed
            .from()
            .and_then(|from| from.first())
            .and_then(|from| from.address());
        from.expect("an author").to_owned()
    }

    fn our_last(&self, desk: &TestDesk) -> (String, String) {
        let mail = desk.mails_to(self.address).pop().expect("a mail of ours");
        let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
        let text = parsed.body_text(0).expect("words").replace("\r\n", "\n");
        (parsed.message_id().expect("a name").to_owned(), text)
    }

    fn head(&self, desk: &TestDesk, to: &str, kind: &str) -> String {
        let (id, _) = self.our_last(desk);
        format!(
            "From: {} <{}>\r\nTo: <{to}>\r\nSubject: Re: {SUBJECT}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n\
             Message-ID: <{}.{}>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n",
            self.address.split('@').next().unwrap_or_default(),
            self.address,
            self.sent,
            self.address
        )
    }

    /// An answer to our last mail in the shape of this program, our words below it.
    fn says(&mut self, desk: &mut TestDesk, world: &World, words: &str) {
        let (to, (_, ours)) = (self.reply_address(desk), self.our_last(desk));
        let quoted: String = ours.lines().map(|line| format!("> {line}\r\n")).collect();
        let below: String = ours.lines().map(|line| format!("{line}\r\n")).collect();
        let two = |text: &str, html: &str| {
            format!(
                "--b1\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\n{text}\r\n\
                 --b1\r\nContent-Type: text/html; charset=\"utf-8\"\r\n\r\n{html}\r\n--b1--\r\n"
            )
        };
        let (kind, body) = match self.program {
            Program::Outlook => (
                "multipart/alternative; boundary=b1",
                two(
                    &format!(
                        "{words}\r\n\r\nBest regards\r\nPriya Nair\r\n\r\nFrom: Acme Support <{to}>\r\nSent: Monday, March 2, 2026 9:00 AM\r\n\
                         To: Priya Nair <{}>\r\nSubject: Re: {SUBJECT}\r\n\r\n{below}",
                        self.address
                    ),
                    &format!(
                        "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><body><div class=WordSection1><p class=MsoNormal>{words}<o:p></o:p></p>\
                         <p class=MsoNormal>Best regards<br>Priya Nair<o:p></o:p></p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'>\
                         <p class=MsoNormal><b>From:</b> Acme Support &lt;{to}&gt;<br><b>Sent:</b> Monday, March 2, 2026 9:00 AM<br><b>To:</b> Priya Nair<br>\
                         <b>Subject:</b> Re: {SUBJECT}</p></div><p>{}</p></div></body></html>",
                        ours.replace('\n', "<br>")
                    ),
                ),
            ),
            Program::Gmail => (
                "multipart/alternative; boundary=b1",
                two(
                    &format!(
                        "{words}\r\n\r\nOn Mon, Mar 2, 2026 at 9:00 AM Acme Support <{to}> wrote:\r\n\r\n{quoted}"
                    ),
                    &format!(
                        "<div dir=\"ltr\">{words}</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Mar 2, 2026 at 9:00 AM \
                         Acme Support &lt;{to}&gt; wrote:<br></div><blockquote class=\"gmail_quote\">{}</blockquote></div>",
                        ours.replace('\n', "<br>")
                    ),
                ),
            ),
            Program::Plain => (
                "text/plain; charset=utf-8",
                format!("{words}\r\n\r\nOn Mon, 2 Mar 2026 09:00, Acme Support wrote:\r\n{quoted}"),
            ),
        };
        let raw = self.head(desk, &to, kind) + &body;
        self.write(desk, world, &raw);
    }

    /// What their calendar sends about the entry that it shows: another time, or a yes.
    fn calendar_says(&mut self, desk: &mut TestDesk, world: &World, end: Option<Timestamp>) {
        let (uid, sequence, shown) = self.entry.clone().expect("an entry");
        let to = self.reply_address(desk);
        let method = if end.is_some() { "COUNTER" } else { "REPLY" };
        let local = |at: Timestamp| {
            (at + jiff::SignedDuration::from_hours(1))
                .strftime("%Y%m%dT%H%M%S")
                .to_string()
        };
        let utc = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let begin = end.map(|end| end - jiff::SignedDuration::from_mins(15));
        let (product, more, zone, times) = match (self.program, begin.zip(end)) {
            (Program::Outlook, Some((begin, end))) => (
                "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
                "X-MS-OLK-FORCEINSPECTOROPEN:TRUE\r\n",
                "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16011028T030000\r\nTZOFFSETFROM:+0200\r\n\
                 TZOFFSETTO:+0100\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010325T020000\r\nTZOFFSETFROM:+0100\r\n\
                 TZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n",
                format!(
                    "DTSTART;TZID=\"W. Europe Standard Time\":{}\r\nDTEND;TZID=\"W. Europe Standard Time\":{}\r\n\
                     X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r\nX-MS-OLK-ORIGINALEND:{shown}",
                    local(begin),
                    local(end)
                ),
            ),
            (Program::Gmail, Some((begin, end))) => (
                "-//Google Inc//Google Calendar 70.9054//EN",
                "CALSCALE:GREGORIAN\r\n",
                "",
                format!("DTSTART:{}\r\nDTEND:{}\r\nSTATUS:CONFIRMED", utc(begin), utc(end)),
            ),
            (Program::Plain, Some((begin, end))) => (
                "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
                "",
                "",
                format!(
                    "DTSTART;TZID=Europe/Berlin:{}\r\nDTEND;TZID=Europe/Berlin:{}",
                    local(begin),
                    local(end)
                ),
            ),
            (_, None) => (
                "-//Apple Inc.//macOS 15.1//EN",
                "CALSCALE:GREGORIAN\r\n",
                "",
                format!("DTSTART:20260302T080000Z\r\nDTEND:{shown}\r\nSUMMARY:reply"),
            ),
        };
        let how = if end.is_some() { "TENTATIVE" } else { "ACCEPTED" };
        let object = format!(
            "BEGIN:VCALENDAR\r\nPRODID:{product}\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{more}{zone}BEGIN:VEVENT\r\nUID:{uid}\r\n\
             SEQUENCE:{sequence}\r\nDTSTAMP:20260302T090000Z\r\n{times}\r\nORGANIZER;CN=\"Acme Support\":mailto:{to}\r\n\
             ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={how}:mailto:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            self.address
        );
        let text = match self.program {
            Program::Gmail => {
                "Priya Nair has proposed a new time for this event.\r\n\r\nInvitation from Google Calendar: https://calendar.google.com/calendar/\r\n"
            }
            _ => "\r\n",
        };
        let raw = self.head(desk, &to, "multipart/alternative; boundary=b1")
            + &format!(
                "--b1\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\n{text}\
                 --b1\r\nContent-Type: text/calendar; charset=\"utf-8\"; method={method}\r\n\r\n{object}--b1--\r\n"
            );
        self.write(desk, world, &raw);
    }

    /// What a calendar makes of the entries in our mails: the newest version of each name stands.
    fn read_calendar(&mut self, desk: &TestDesk) {
        for mail in desk.mails_to(self.address) {
            let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
            let Some(part) = parsed
                .parts
                .iter()
                .find(|part| part.is_content_type("text", "calendar"))
            else {
                continue;
            };
            let object = part.text_contents().expect("an entry").replace("\r\n ", "");
            let of = |name: &str| {
                let line = object.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            let sequence: i64 = of("SEQUENCE:").parse().expect("a number");
            assert_eq!(of("METHOD:"), "REQUEST");
            if self.entry.as_ref().is_none_or(|(_, known, _)| sequence > *known) {
                if let Some((uid, ..)) = &self.entry {
                    assert_eq!(of("UID:"), *uid, "one entry a case");
                }
                self.entry = Some((of("UID:"), sequence, of("DTEND:")));
            }
        }
    }

    /// Desk, ledger, both calendars and the last mail say the same.
    fn agrees(&self, desk: &TestDesk, due: &str, moves: usize) {
        let promises = desk.page(self.case).promises;
        let states: Vec<&str> = promises.iter().map(|one| one.state.as_str()).collect();
        let expected: Vec<&str> = std::iter::repeat_n("moved", moves).chain(["open"]).collect();
        assert_eq!(states, expected, "{:?}", self.program);
        let last = promises.last().expect("a promise");
        assert_eq!(
            (last.due, last.word.as_str()),
            (time(due), "agreed"),
            "{:?}",
            self.program
        );
        let stamp = time(due).strftime("%Y%m%dT%H%M%SZ").to_string();
        let (_, sequence, end) = self.entry.clone().expect("an entry");
        assert_eq!(
            (end, sequence),
            (stamp, moves as i64 - 1),
            "{:?}: their calendar",
            self.program
        );
        let ours = desk.rows(
            "SELECT sequence, due FROM invitation WHERE case_id = $1 AND open = 1",
            &[self.case.into()],
        );
        assert_eq!(
            (ours[0].int(0), ours[0].instant(1)),
            (moves as i64 - 1, time(due)),
            "our calendar"
        );
        let mail = desk.mails_to(self.address).pop().expect("a mail");
        let header = format!("Duly-Promise: case={}; due={due}; state=agreed; ", self.case);
        assert!(mail.text().contains(&header), "{:?}: {}", self.program, mail.text());
        let Ok(Answer::Log(log)) = desk.owner(Verb::Log {
            case: Some(self.case),
            after: 0,
        }) else {
            panic!("no log")
        };
        let moved: Vec<String> = log
            .iter()
            .filter(|line| line.kind == "promise.moved")
            .map(|line| line.data["to"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(moved.len(), moves, "{:?}: the ledger", self.program);
        assert_eq!(
            moved.last().map(|to| time(to)),
            Some(time(due)),
            "{:?}: the ledger",
            self.program
        );
    }
}

fn first_mail(desk: &mut TestDesk, world: &World, program: Program, address: &'static str) -> Customer {
    let raw = plain(&format!("<{address}>"), DESK, SUBJECT, &format!("first.{address}"), "");
    let raw = String::from_utf8(raw)
        .expect("ours")
        .replace("09:00:00 +0000", "09:00:00 +0100");
    let signed = world.signed("northwind.example", &USUAL, false, raw.as_bytes());
    let mut client = Client::connect_from(desk.smtp(), HERS, "mx.northwind.example");
    assert_eq!(client.send(&signed, address, &[DESK]).0, 250);
    desk.quiet();
    Customer {
        program,
        address,
        case: desk.number("SELECT MAX(id) FROM cases", &[]),
        sent: 0,
        entry: None,
    }
}

fn offer(desk: &TestDesk, case: i64, at: &str) {
    let verb = Verb::Negotiate {
        case,
        number: None,
        bargain: Bargain::Offer,
        time: Some(at.into()),
        because: None,
        meanwhile: None,
        sign: None,
    };
    desk.act(ANNA, verb);
    desk.quiet();
}

/// The link in the newest mail that ends so.
fn link(desk: &TestDesk, address: &str, end: &str) -> String {
    let text = desk.mails_to(address).pop().expect("a mail").text();
    let mut links = text.split(|c: char| c.is_whitespace() || c == '"' || c == '<' || c == '>');
    let found = links.find(|word| word.starts_with("https://desk.acme.example/") && word.ends_with(end));
    let found = found.unwrap_or_else(|| panic!("no link {end}: {text}"));
    found
        .strip_prefix("https://desk.acme.example")
        .expect("ours")
        .to_owned()
}

const FORM: [(&str, &str); 2] = [
    ("Sec-Fetch-Site", "same-origin"),
    ("Content-Type", "application/x-www-form-urlencoded"),
];

#[test]
fn three_programs_move_a_promise_three_times_and_everybody_agrees() {
    scenario(|desk, world| {
        for (program, address) in [
            (Program::Outlook, "outlook@northwind.example"),
            (Program::Gmail, "gmail@northwind.example"),
            (Program::Plain, "plain@northwind.example"),
        ] {
            let mut customer = first_mail(desk, world, program, address);
            customer.says(desk, world, "time: thursday 10:00");
            customer.agrees(desk, "2026-03-05T09:00:00Z", 1);
            customer.calendar_says(desk, world, Some(time("2026-03-06T10:30:00Z")));
            customer.agrees(desk, "2026-03-06T10:30:00Z", 2);
            offer(desk, customer.case, "2026-03-09 12:00");
            match program {
                Program::Gmail => {
                    let yes = link(desk, address, "/ok");
                    assert_eq!(ask(desk.http(), "GET", &yes, &[], b"").status, 200);
                    customer.read_calendar(desk);
                    assert_eq!(desk.page(customer.case).promises.len(), 3, "looking changes nothing");
                    assert_eq!(ask(desk.http(), "POST", &yes, &FORM, b"").status, 200);
                    desk.quiet();
                    customer.read_calendar(desk);
                    assert_eq!(
                        ask(desk.http(), "POST", &yes, &FORM, b"").status,
                        409,
                        "a link is used once"
                    );
                }
                _ => customer.says(desk, world, "ok"),
            }
            customer.agrees(desk, "2026-03-09T11:00:00Z", 3);
            // A calendar that answers every entry by itself is not answered again and again.
            let mails = desk.mails_to(address).len();
            customer.calendar_says(desk, world, None);
            assert_eq!(desk.mails_to(address).len(), mails);
            customer.agrees(desk, "2026-03-09T11:00:00Z", 3);
        }
    });
}

/// Forged steps of campaign S15; the soak takes more.
fn forgeries() -> usize {
    std::env::var("DULY_FORGED_STEPS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500)
}

#[test]
fn no_forged_step_has_any_effect() {
    scenario(|desk, world| {
        let victim = first_mail(desk, world, Program::Plain, PRIYA);
        let case = victim.case;
        offer(desk, case, "2026-03-05 10:00");
        let (yes, keep) = (link(desk, PRIYA, "/ok"), link(desk, PRIYA, "/keep"));
        let offered = desk.rows("SELECT message_id FROM message WHERE kind = 'offer'", &[])[0]
            .text(0)
            .to_owned();
        let to_friend = plain(
            &format!("Priya Nair <{PRIYA}>"),
            "friend@evil.example",
            SUBJECT,
            "captured@northwind.example",
            "",
        );
        let to_friend = String::from_utf8(to_friend)
            .expect("ours")
            .replace("Please send", "I keep this mail; please send")
            .into_bytes();
        let mut known = Known {
            token: desk.return_path(case, PRIYA),
            ids: vec![format!("first.{PRIYA}"), offered],
            captured: world.signed("northwind.example", &USUAL, false, &to_friend),
            words: String::new(),
        };
        // Of her case: who writes from domains of their own earns promises of their own.
        let state = |desk: &TestDesk| {
            let promises = desk.rows(
                "SELECT id, due, state, word, slot FROM promise WHERE case_id = $1 ORDER BY id",
                &[case.into()],
            );
            let steps = desk.rows(
                "SELECT id, state, settled_at FROM negotiation WHERE case_id = $1 ORDER BY id",
                &[case.into()],
            );
            let of_promise = promises.iter().map(|row| {
                let slot = row.opt_int(4).unwrap_or(-1);
                format!(
                    "{} {} {} {} {slot}",
                    row.int(0),
                    row.instant(1),
                    row.text(2),
                    row.text(3)
                )
            });
            let of_step = steps
                .iter()
                .map(|row| format!("{} {} {:?}", row.int(0), row.text(1), row.opt_int(2)));
            of_promise.chain(of_step).collect::<Vec<_>>()
        };
        let before = state(desk);
        let uid = "case-1.entry-1@acme.example";
        let counter = format!(
            "BEGIN:VCALENDAR\r\nMETHOD:COUNTER\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nSEQUENCE:0\r\nDTEND:20260320T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR"
        );
        let words = [
            "ok",
            "time: 2026-03-20 10:00",
            "keep",
            "no reply needed",
            "this did not help",
            "einverstanden",
        ];
        let total = forgeries();
        let mut clients = std::collections::HashMap::new();
        for n in 0..total * 4 / 5 {
            known.words = words[n % words.len()].to_owned();
            let mut letter = forged(world, &known, n);
            if n % 7 == 3 {
                // The same as an answer of a calendar; and with a date of whenever the forger likes.
                let text = String::from_utf8_lossy(&letter.raw).into_owned();
                let text = text.replace(
                    "text/plain; charset=utf-8",
                    "text/calendar; method=COUNTER; charset=utf-8",
                );
                let text = text.replace(
                    &format!("\r\n\r\n{}\r\n", known.words),
                    &format!("\r\n\r\n{counter}\r\n"),
                );
                letter.raw = text
                    .replace("2 Mar 2026 09:00:00 +0000", "2 Feb 2026 09:00:00 +1400")
                    .into_bytes();
            }
            let smtp = desk.smtp();
            let client = clients
                .entry((letter.peer, letter.helo))
                .or_insert_with(|| Client::connect_from(smtp, letter.peer, letter.helo));
            assert_eq!(
                client.send(&letter.raw, &letter.envelope, &[&letter.to]).0,
                250,
                "{}",
                letter.class
            );
        }
        desk.quiet();
        assert_eq!(state(desk), before, "{}: forged mails", desk.on);
        let token = yes.split('/').nth(2).expect("a token").to_owned();
        let turned: String = token.chars().rev().collect();
        let mut refused = 0;
        for n in 0..total / 5 {
            let mut letters: Vec<char> = token.chars().collect();
            let at = n % letters.len();
            letters[at] = if letters[at] == 'a' { 'b' } else { 'a' };
            let other: String = letters.into_iter().collect();
            let path = match n % 6 {
                0 => format!("/o/{other}/ok"),
                1 => format!("/o/{other}/keep"),
                2 => format!("/o/{turned}/ok"),
                3 => format!("/u/1.{}.{other}", n % 3),
                4 => format!("/t/{other}.1.{other}/time"),
                _ => format!("/o/{}/ok", &token[..n % token.len()]),
            };
            let said = ask(desk.http(), "POST", &path, &FORM, b"at=2026-03-20T10:00:00Z");
            assert!((400..500).contains(&said.status), "{path}: {}", said.status);
            refused += 1;
        }
        // The right links, looked at by machines and sent by a page elsewhere.
        for path in [&yes, &keep] {
            for method in ["GET", "HEAD"] {
                assert_eq!(ask(desk.http(), method, path, &[], b"").status, 200);
            }
            let foreign = [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")];
            assert_eq!(ask(desk.http(), "POST", path, &foreign, b"").status, 403);
        }
        desk.quiet();
        assert_eq!(state(desk), before, "{}: forged links", desk.on);
        println!(
            "{}: {} forged mails, {refused} forged links, no effect",
            desk.on,
            total * 4 / 5
        );
    });
}

#[test]
fn unverified_requests_take_nothing_from_a_verified_customer() {
    let requests = 20 * forgeries();
    scenario(|desk, world| {
        let mut client = Client::connect_from(desk.smtp(), EVIL, "mx.evil.example");
        for n in 0..requests {
            let author = format!("u{n}@nobody{n}.example");
            let raw = saying(
                "time: tomorrow 10:00",
                &format!("<{author}>"),
                DESK,
                "Now",
                &format!("u{n}@x.example"),
                "",
            );
            let said = client.send(&raw, &author, &[DESK]);
            assert!(said.0 == 250 || said.0 >= 400, "{said:?}");
        }
        desk.quiet();
        assert_eq!(desk.number("SELECT COUNT(*) FROM promise", &[]), 0);
        assert_eq!(desk.number("SELECT COUNT(*) FROM booked", &[]), 0);
        let mut customer = first_mail(desk, world, Program::Plain, PRIYA);
        let promises = desk.page(customer.case).promises;
        assert_eq!(
            promises[0].due,
            time("2026-03-03T10:00:00Z"),
            "the target, as on an empty desk"
        );
        customer.says(desk, world, "time: thursday 10:00");
        customer.agrees(desk, "2026-03-05T09:00:00Z", 1);
    });
}

#[test]
fn a_time_that_held_mail_asks_for_is_asked_when_the_mail_is_released() {
    scenario(|desk, _| {
        let author = "new@nobody.example";
        let mut client = Client::connect_from(desk.smtp(), EVIL, "mx.evil.example");
        let words = "time: thursday 10:00\r\nWhich sizes do you advise?";
        let raw = saying(words, &format!("<{author}>"), DESK, "Sizing", "n1@nobody.example", "");
        assert_eq!(client.send(&raw, author, &[DESK]).0, 250);
        desk.quiet();
        assert_eq!(desk.number("SELECT COUNT(*) FROM promise", &[]), 0, "held");
        let case = desk.number("SELECT MAX(id) FROM cases", &[]);
        // A day later: the day that was meant is counted from the mail, not from the release.
        desk.minutes(24 * 60);
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        let open: Vec<Timestamp> = desk
            .page(case)
            .promises
            .iter()
            .filter(|one| one.state == "open")
            .map(|one| one.due)
            .collect();
        assert_eq!(
            open,
            [time("2026-03-05T09:00:00Z")],
            "{}: ten in the desk's zone",
            desk.on
        );
    });
}
