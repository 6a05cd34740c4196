//! Odd mails without end, from a seed: what strangers' programs write, and what nobody would.
//!
//! A mail is put together of fields, structures and encodings, each of which may be right, absent, doubled, broken or cut;
//! then a few bytes are changed. The same seed gives the same mails on every machine.

/// A row of numbers that looks like chance (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

const FROM: &[&str] = &[
    "Jane Doe <jane@customer.example>",
    "jane@customer.example (Jane)",
    "=?utf-8?B?SsO8cmdlbg==?= <j@customer.example>",
    "<>",
    "",
    "root",
    "Jane Doe",
    "\"Doe, Jane\" <jane@customer.example>, bob@customer.example",
    "undisclosed-recipients:;",
    "=?x?q?=E4?=@customer.example",
    "J\u{fc}rgen <j@customer.example>",
    "MAILER-DAEMON",
    "a@b@c.example",
    "jane@[127.0.0.1]",
    "\"\\\"\\\\\"\" <q@customer.example>",
    "jane@customer.example\r\n (folded\r\n comment)",
];
const DATES: &[&str] = &[
    "Mon, 2 Mar 2026 03:00:00 -0500",
    "yesterday",
    "",
    "Thu, 32 Foo 99999 25:61:61 +9999",
    "2 Mar 26 3:00",
    "0",
    "Mon, 2 Mar 2026 03:00:00 -0000 (who knows (really))",
    "Tue, 29 Feb 2025 00:00:60 GMT",
];
const SUBJECTS: &[&str] = &[
    "Question",
    "",
    "Re: Re: AW: Fwd: Question",
    "=?utf-8?Q?gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=",
    "=?gb2312?B?t/7O8cb3?=",
    "=?",
    "=?a?b?c",
    "\u{1f642}",
    "Out of office",
    "Undelivered Mail Returned to Sender",
    "urgent: down",
    "a\tb\u{7}c",
];
const TYPES: &[&str] = &[
    "text/plain",
    "text/plain; charset=utf-8",
    "text/plain; charset=\"no such\"",
    "text/html; charset=iso-8859-1",
    "text/calendar; method=REPLY",
    "application/octet-stream; name=\"../../etc/passwd\"",
    "application/ms-tnef; name=winmail.dat",
    "application/pkcs7-mime; smime-type=enveloped-data",
    "application/pgp-encrypted",
    "message/rfc822",
    "message/delivery-status",
    "message/feedback-report",
    "image/png",
    "application/zip",
    "text",
    "/",
    ";;;",
    "multipart/mixed",
    "text/plain; charset=utf-16",
    "text/plain; charset=iso-2022-jp",
    "x/y; name*0*=utf-8''a%; name*1=b",
];
const WRAPPINGS: &[&str] = &[
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "multipart/signed; protocol=\"application/pgp-signature\"",
    "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
    "multipart/report; report-type=delivery-status",
    "multipart/digest",
    "multipart/signed; protocol=\"application/pkcs7-signature\"",
    "multipart/x-mixed-replace",
];
const ENCODINGS: &[&str] = &[
    "7bit",
    "8bit",
    "base64",
    "quoted-printable",
    "x-uuencode",
    "binary",
    "rot13",
    "",
];
const TEXTS: &[&str] = &[
    "It stopped.\n\nOn Mon, 2 Mar 2026 at 03:00, Desk <support@acme.example> wrote:\n> Did it?\n\nYes.\n-- \nJane\n",
    "<html><body><p>It <b>stopped</b><blockquote>why?</blockquote></body>",
    "SXQgc3RvcHBlZC4=\n",
    "=C3=A4=\n=ZZ\n",
    "",
    "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nATTENDEE;PARTSTAT=ACCEPTED:mailto:j@customer.example\nEND:VEVENT\nEND:VCALENDAR\n",
    "-----BEGIN PGP MESSAGE-----\n\nwcBMA3\n-----END PGP MESSAGE-----\n",
    "begin 644 a\n#0V%T\n`\nend\n",
    "Final-Recipient: rfc822; a@b.example\nAction: failed\n",
    "\u{feff}\u{200b}\u{202e}text\n",
    "From: A <a@b.example>\nSent: Monday, 2 March 2026 03:00\nTo: me\nSubject: x\n\nold\n",
    "\n\n\n\n",
    "--b\n--b--\n--b0\n",
    "x\u{9f3e}\"\n",
];

/// One mail, its lines ended by CR LF and none too long for the door.
pub fn mail(seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let mut raw = Vec::new();
    header(&mut dice, &mut raw);
    part(&mut dice, &mut raw, 0);
    for _ in 0..[0, 0, 1, 8, 60][dice.below(5)] {
        let at = dice.below(raw.len().max(1));
        let byte = dice.next() as u8;
        match dice.below(3) {
            0 if at < raw.len() => raw[at] = byte,
            1 if at < raw.len() => drop(raw.remove(at)),
            _ => raw.insert(at.min(raw.len()), byte),
        }
    }
    if dice.one_in(40) {
        raw.truncate(dice.below(raw.len().max(1)));
    }
    let mut out = Vec::with_capacity(raw.len() + 64);
    for byte in raw {
        match byte {
            b'\r' => {}
            b'\n' => out.extend_from_slice(b"\r\n"),
            byte => out.push(byte),
        }
    }
    out
}

fn header(dice: &mut Dice, raw: &mut Vec<u8>) {
    if dice.one_in(30) {
        raw.extend_from_slice(b"From jane Mon Mar  2 03:00:00 2026\n");
    }
    for (name, values) in [
        ("From", FROM),
        ("Date", DATES),
        ("Subject", SUBJECTS),
        ("To", FROM),
        ("Reply-To", FROM),
    ] {
        let times = [0, 1, 1, 1, 1, 1, 2][dice.below(7)];
        for _ in 0..times {
            field(raw, name, dice.of(values));
        }
    }
    if !dice.one_in(4) {
        field(raw, "Message-ID", &format!("<{:x}@customer.example>", dice.next()));
    }
    if dice.one_in(4) {
        let many: String = (0..dice.below(200)).map(|i| format!("<{i}@x.example>\n ")).collect();
        field(raw, "References", &many);
    }
    if dice.one_in(6) {
        field(
            raw,
            dice.of(&[
                "Auto-Submitted",
                "List-Id",
                "X-Loop",
                "Precedence",
                "X-Failed-Recipients",
            ]),
            "auto-replied",
        );
    }
    if dice.one_in(8) {
        let long = "word ".repeat(dice.below(4_000));
        field(raw, "X-Long", &long);
    }
    if dice.one_in(20) {
        raw.extend_from_slice(b"this is no field at all\n");
    }
}

fn field(raw: &mut Vec<u8>, name: &str, value: &str) {
    raw.extend_from_slice(format!("{name}: {value}\n").as_bytes());
}

fn part(dice: &mut Dice, raw: &mut Vec<u8>, depth: usize) {
    if depth < 5 && dice.one_in(2) {
        let boundary = format!("b{}", dice.below(3));
        let said = if dice.one_in(8) {
            "other".to_owned()
        } else {
            boundary.clone()
        };
        let named = if dice.one_in(12) {
            String::new()
        } else {
            format!("; boundary=\"{said}\"")
        };
        field(raw, "Content-Type", &format!("{}{named}", dice.of(WRAPPINGS)));
        raw.push(b'\n');
        for _ in 0..dice.below(4) {
            raw.extend_from_slice(format!("--{boundary}\n").as_bytes());
            part(dice, raw, depth + 1);
        }
        if !dice.one_in(4) {
            raw.extend_from_slice(format!("\n--{boundary}--\n").as_bytes());
        }
        return;
    }
    if !dice.one_in(5) {
        field(raw, "Content-Type", dice.of(TYPES));
    }
    if dice.one_in(2) {
        field(raw, "Content-Transfer-Encoding", dice.of(ENCODINGS));
    }
    if dice.one_in(4) {
        field(
            raw,
            "Content-Disposition",
            dice.of(&[
                "attachment; filename=a.log",
                "inline",
                "attachment; filename*=x''%",
                ";",
            ]),
        );
    }
    if !dice.one_in(15) {
        raw.push(b'\n');
    }
    for _ in 0..1 + dice.below(3) {
        if dice.one_in(6) {
            let count = dice.below(400);
            raw.extend((0..count).map(|_| dice.next() as u8).filter(|b| *b != b'\r'));
            raw.push(b'\n');
        } else {
            raw.extend_from_slice(dice.of(TEXTS).as_bytes());
        }
    }
}
