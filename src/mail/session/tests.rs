//! The session by hand: each verb, the order of verbs, each bound at its limit and one beyond.

use super::*;
use std::net::Ipv4Addr;

/// Knows one address, and refuses senders on request.
struct Desk;

impl Gate for Desk {
    fn sender(&self, _: IpAddr, from: &str, _: Option<usize>) -> Result<(), Reply> {
        match from {
            "fast@flood.example" => Err(Reply::of(450, "4.7.1", "too fast")),
            _ => Ok(()),
        }
    }

    fn recipient(&self, _: &Envelope, to: &str) -> Result<(), Reply> {
        match to.strip_suffix("@desk.example") {
            Some("nobody") | None => Err(Reply::of(
                550,
                "5.1.1",
                "no such address here; write to help@desk.example",
            )),
            Some(_) => Ok(()),
        }
    }

    async fn take(&self, _: Envelope, _: Body) -> Result<(), Reply> {
        Ok(())
    }
}

struct Client {
    session: Session,
    taken: Vec<(Envelope, Vec<u8>)>,
    spool: Vec<u8>,
    turn: Turn,
}

impl Client {
    fn new() -> Self {
        Client::with(true, Budget::new(limits::SMTP_BYTES_IN_FLIGHT))
    }

    fn with(tls_offered: bool, budget: Arc<Budget>) -> Self {
        let session = Session::new("desk.example".into(), Ipv4Addr::LOCALHOST.into(), tls_offered, budget);
        Client {
            session,
            taken: Vec::new(),
            spool: Vec::new(),
            turn: Turn::More,
        }
    }

    /// Gives the bytes in pieces of `step`, answers takes with yes; what was said back.
    fn give(&mut self, input: &[u8], step: usize) -> String {
        let mut out = Vec::new();
        for mut piece in input.chunks(step) {
            while !piece.is_empty() {
                let (used, turn) = self.session.step(&Desk, piece, &mut out);
                piece = &piece[used..];
                self.turn = turn;
                match std::mem::replace(&mut self.turn, Turn::More) {
                    Turn::Spool(piece) => {
                        self.spool.extend_from_slice(&piece);
                        self.session.spooled(Ok(piece));
                    }
                    Turn::Take(envelope, rest) => {
                        self.spool.extend(rest);
                        self.taken.push((envelope, std::mem::take(&mut self.spool)));
                        self.session.taken(Ok(()), &mut out);
                    }
                    Turn::More => assert!(used > 0 || piece.is_empty(), "the session makes no progress"),
                    end => {
                        self.turn = end;
                        return String::from_utf8(out).expect("replies are ASCII");
                    }
                }
            }
        }
        String::from_utf8(out).expect("replies are ASCII")
    }

    fn say(&mut self, lines: &str) -> String {
        self.give(lines.replace('\n', "\r\n").as_bytes(), usize::MAX)
    }

    /// The codes of the replies, without the words.
    fn codes(&mut self, lines: &str) -> Vec<u16> {
        codes(&self.say(lines))
    }
}

fn codes(said: &str) -> Vec<u16> {
    let last_of_reply = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    said.lines()
        .filter(last_of_reply)
        .map(|line| line[..3].parse().expect("a code"))
        .collect()
}

const BEGUN: &str = "EHLO c.example\nMAIL FROM:<a@b.example>\nRCPT TO:<help@desk.example>\n";

#[test]
fn a_whole_session_in_one_packet_is_answered_in_order() {
    let mut client = Client::new();
    let mail = "Subject: x\n\n..dot\n.\n";
    assert_eq!(
        client.codes(&format!("{BEGUN}DATA\n{mail}QUIT\n")),
        [250, 250, 250, 354, 250, 221]
    );
    let (envelope, raw) = &client.taken[0];
    assert_eq!(raw, b"Subject: x\r\n\r\n.dot\r\n");
    assert_eq!(
        (envelope.from.as_str(), envelope.helo.as_str()),
        ("a@b.example", "c.example")
    );
    assert_eq!(envelope.to, ["help@desk.example"]);
    assert_eq!(client.turn, Turn::Close);
}

#[test]
fn a_session_byte_by_byte_says_the_same_as_in_one_packet() {
    let all = format!("{BEGUN}DATA\n.x\r.\n\r\n.\nNOOP\nMAIL FROM:<>\nRCPT TO:<nobody@desk.example>\nDATA\nQUIT\n")
        .replace('\n', "\r\n");
    let mut whole = Client::new();
    let said = whole.give(all.as_bytes(), usize::MAX);
    for step in [1, 2, 3, 7] {
        let mut client = Client::new();
        assert_eq!(client.give(all.as_bytes(), step), said);
        assert_eq!(client.taken, whole.taken);
    }
}

#[test]
fn ehlo_offers_what_is_kept_and_starttls_only_before_it_happened() {
    let mut client = Client::new();
    let said = client.say("EHLO c.example\n");
    for offer in [
        "PIPELINING",
        "8BITMIME",
        "SIZE 50000000",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
    ] {
        assert!(said.lines().any(|line| &line[4..] == offer), "{offer} in {said}");
    }
    assert!(!said.contains("CHUNKING"));
    assert_eq!(client.say("STARTTLS\n"), "220 2.0.0 go ahead\r\n");
    assert_eq!(client.turn, Turn::Secure);
    client.session.secured();
    assert_eq!(
        client.codes("MAIL FROM:<>\n"),
        [503],
        "the greeting before the handshake is forgotten"
    );
    assert!(!client.say("EHLO c.example\n").contains("STARTTLS"));
    assert_eq!(client.codes("STARTTLS\n"), [503]);
    assert_eq!(
        client.codes("MAIL FROM:<>\nRCPT TO:<help@desk.example>\nDATA\n.\n"),
        [250, 250, 354, 250]
    );
    assert!(client.taken[0].0.tls);
}

#[test]
fn helo_offers_nothing() {
    assert_eq!(Client::new().say("HELO c.example\n"), "250 desk.example\r\n");
}

#[test]
fn without_a_certificate_starttls_is_not_offered() {
    let mut client = Client::with(false, Budget::new(1 << 20));
    assert!(!client.say("EHLO c.example\n").contains("STARTTLS"));
    assert_eq!(client.codes("STARTTLS\n"), [502]);
}

#[test]
fn what_came_with_starttls_in_one_packet_is_never_obeyed() {
    let mut client = Client::new();
    let said = client.say("EHLO c.example\nSTARTTLS\nMAIL FROM:<evil@b.example>\n");
    assert_eq!(codes(&said), [250, 554]);
    assert_eq!(client.turn, Turn::Close);
    assert_eq!(client.say("NOOP\n"), "", "nothing is heard after that");
}

#[test]
fn rset_and_a_second_ehlo_forget_the_mail_begun() {
    for forget in ["RSET\n", "EHLO d.example\n", "HELO d.example\n"] {
        let mut client = Client::new();
        client.say(BEGUN);
        client.say(forget);
        assert_eq!(client.codes("RCPT TO:<help@desk.example>\nDATA\n"), [503, 503]);
    }
}

#[test]
fn data_without_an_accepted_recipient_begins_no_mail() {
    let mut client = Client::new();
    assert_eq!(
        client
            .codes("EHLO c\nMAIL FROM:<>\nRCPT TO:<nobody@desk.example>\nDATA\nRCPT TO:<help@desk.example>\nDATA\n.\n"),
        [250, 250, 550, 554, 250, 354, 250]
    );
}

#[test]
fn the_gate_speaks_its_own_words() {
    let mut client = Client::new();
    let said = client.say("EHLO c\nMAIL FROM:<fast@flood.example>\nMAIL FROM:<>\nRCPT TO:<x@else.example>\n");
    assert!(said.contains("450 4.7.1 too fast\r\n"));
    assert!(said.ends_with("550 5.1.1 no such address here; write to help@desk.example\r\n"));
}

#[test]
fn a_mail_the_desk_did_not_store_is_not_acknowledged() {
    let mut client = Client::new();
    client.say(BEGUN);
    let mut out = Vec::new();
    client.session.step(&Desk, b"DATA\r\n", &mut out);
    let (_, turn) = client.session.step(&Desk, b"x\r\n.\r\n", &mut out);
    assert!(matches!(turn, Turn::Take(..)));
    assert_eq!(
        out, b"354 send the mail, end it with a dot alone on a line\r\n",
        "nothing is said before the answer"
    );
    client
        .session
        .taken(Err(Reply::of(452, "4.3.1", "the disk is full")), &mut out);
    assert!(out.ends_with(b"452 4.3.1 the disk is full\r\n"));
}

#[test]
fn a_command_line_at_the_limit_is_read_and_one_byte_more_is_not() {
    let line = |length: usize| format!("NOOP {}\n", "x".repeat(length - "NOOP \r\n".len()));
    for step in [1, 100, usize::MAX] {
        let mut client = Client::new();
        let give = |client: &mut Client, line: String| codes(&client.give(line.replace('\n', "\r\n").as_bytes(), step));
        assert_eq!(give(&mut client, line(limits::SMTP_COMMAND_BYTES)), [250]);
        assert_eq!(give(&mut client, line(limits::SMTP_COMMAND_BYTES + 1)), [500]);
        assert_eq!(
            give(&mut client, line(1_000_000)),
            [500],
            "a long line is one error, not many"
        );
        assert_eq!(give(&mut client, "NOOP\n".to_owned()), [250]);
    }
}

#[test]
fn the_error_beyond_the_limit_ends_the_session() {
    let mut client = Client::new();
    assert_eq!(
        client.codes(&"FOO\n".repeat(limits::SMTP_ERRORS)),
        vec![500; limits::SMTP_ERRORS]
    );
    assert_eq!(client.codes("NOOP\nFOO\nNOOP\n"), [250, 421]);
    assert_eq!(client.turn, Turn::Close);
}

#[test]
fn commands_without_a_mail_have_an_end_and_a_mail_begins_the_count_anew() {
    let mut client = Client::new();
    let quiet = "NOOP\n".repeat(limits::SMTP_COMMANDS - 4);
    client.say(&quiet);
    assert_eq!(client.codes(&format!("{BEGUN}DATA\n.\n")), [250, 250, 250, 354, 250]);
    assert_eq!(
        client.codes(&"NOOP\n".repeat(limits::SMTP_COMMANDS)).len(),
        limits::SMTP_COMMANDS
    );
    assert_eq!(client.turn, Turn::More);
    assert_eq!(client.codes("NOOP\n"), [421]);
}

#[test]
fn the_recipient_beyond_the_limit_is_told_to_come_again() {
    let mut client = Client::new();
    client.say("EHLO c\nMAIL FROM:<>\n");
    let said = client.codes(&"RCPT TO:<help@desk.example>\n".repeat(limits::RECIPIENTS + 1));
    assert_eq!(said[..limits::RECIPIENTS], vec![250; limits::RECIPIENTS]);
    assert_eq!(said[limits::RECIPIENTS], 452);
    assert_eq!(client.codes("DATA\n.\n"), [354, 250]);
    assert_eq!(client.taken[0].0.to.len(), limits::RECIPIENTS);
}

#[test]
fn a_declared_size_at_the_limit_passes_and_one_byte_more_does_not() {
    let limit = limits::MESSAGE_BYTES;
    let mut client = Client::new();
    assert_eq!(
        client.codes(&format!("EHLO c\nMAIL FROM:<> SIZE={}\n", limit + 1)),
        [250, 552]
    );
    assert_eq!(client.codes(&format!("MAIL FROM:<> SIZE={limit}\n")), [250]);
}

#[test]
fn a_mail_for_which_no_memory_is_left_is_told_so_at_mail() {
    let budget = Budget::new(50_000);
    let mut first = Client::with(true, budget.clone());
    first.say(&format!("{BEGUN}DATA\n{}", "x".repeat(20_000)));
    let mut second = Client::with(true, budget.clone());
    assert_eq!(
        second.codes("EHLO c\nMAIL FROM:<> SIZE=40000\nMAIL FROM:<> SIZE=9000\n"),
        [250, 452, 250]
    );
    drop(first);
    assert_eq!(second.codes("RSET\nMAIL FROM:<> SIZE=40000\n"), [250, 250]);
}

#[test]
fn a_mail_that_is_refused_is_drained_to_its_end_and_the_session_goes_on() {
    let mut client = Client::new();
    client.say(&format!("{BEGUN}DATA\n"));
    let hops = "Received: by x\r\n".repeat(limits::RECEIVED + 1);
    let said = client.give(format!("{hops}\r\nMAIL FROM:<x@y>\r\n.\r\nNOOP\r\n").as_bytes(), 100);
    assert_eq!(codes(&said), [554, 250], "{said}");
    assert!(client.taken.is_empty());
}

#[test]
fn a_mail_that_never_ends_is_cut_off() {
    let mut client = Client::new();
    client.say(&format!("{BEGUN}DATA\n"));
    let mut block = vec![b'x'; 1 << 20];
    block[70_000] = b'\n';
    let mut given = 0;
    let said = loop {
        let said = client.give(&block, usize::MAX);
        given += block.len();
        if !said.is_empty() {
            break said;
        }
        assert!(given <= limits::SMTP_DRAIN_BYTES + block.len());
    };
    assert_eq!(codes(&said), [421]);
    assert_eq!(client.turn, Turn::Close);
}

/// What each hostile, broken or odd command is told, after a greeting: the whole table of `bad_commands`.
const BAD_COMMANDS: &[(&[u8], &str)] = &[
    (b"\r\n", "500 5.5.1 no such command"),
    (b" \r\n", "500 5.5.1 no such command"),
    (b"NOOP\n", "500 5.5.2 commands end with CR LF, not with LF alone"),
    (
        b"NO\rOP\r\n",
        "500 5.5.2 a command holds no control characters and ends with CR LF",
    ),
    (
        b"NOOP\r\r\n",
        "500 5.5.2 a command holds no control characters and ends with CR LF",
    ),
    (
        b"NOOP \0\r\n",
        "500 5.5.2 a command holds no control characters and ends with CR LF",
    ),
    (
        b"NOOP\t\r\n",
        "500 5.5.2 a command holds no control characters and ends with CR LF",
    ),
    (
        b"\x16\x03\x01\x02\0\n",
        "500 5.5.2 commands end with CR LF, not with LF alone",
    ),
    (
        b"NOOP \xff\xfe\r\n",
        "500 5.5.2 a command is ASCII or, after SMTPUTF8, UTF-8",
    ),
    (b"WIZ\r\n", "500 5.5.1 no such command"),
    (b"DEBUG\r\n", "500 5.5.1 no such command"),
    (b"MAILFROM:<a@b>\r\n", "500 5.5.1 no such command"),
    (b"GET / HTTP/1.1\r\n", "502 5.5.1 this is a mail server"),
    (b"POST / HTTP/1.1\r\n", "502 5.5.1 this is a mail server"),
    (
        b"BDAT 5 LAST\r\n",
        "502 5.5.1 BDAT is not offered here, and its chunk must not be read as commands",
    ),
    (b"EXPN staff\r\n", "502 5.5.1 this command is not offered here"),
    (b"ETRN b.example\r\n", "502 5.5.1 this command is not offered here"),
    (b"TURN\r\n", "502 5.5.1 this command is not offered here"),
    (b"LHLO c.example\r\n", "502 5.5.1 this command is not offered here"),
    (
        b"AUTH PLAIN AGEAYg==\r\n",
        "502 5.5.1 nobody needs to sign in to send mail to this desk",
    ),
    (
        b"VRFY root\r\n",
        "252 2.5.2 addresses are not shown; send the mail and see",
    ),
    (b"HELP\r\n", "214 2.0.0 write a mail to one of the desk's addresses"),
    (b"EHLO\r\n", "501 5.5.4 say who you are: EHLO and your host name"),
    (b"HELO  \r\n", "501 5.5.4 say who you are: EHLO and your host name"),
    (b"RSET now\r\n", "501 5.5.4 this command takes no argument"),
    (b"QUIT please\r\n", "501 5.5.4 this command takes no argument"),
    (b"STARTTLS now\r\n", "501 5.5.4 this command takes no argument"),
    (b"DATA\r\n", "503 5.5.1 say MAIL and RCPT first"),
    (b"DATA 5\r\n", "501 5.5.4 this command takes no argument"),
    (b"RCPT TO:<help@desk.example>\r\n", "503 5.5.1 say MAIL first"),
    (
        b"MAIL\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL TO:<a@b>\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:a@b.example\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:<a@b\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:<a@b>>\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:<\"a@b>\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (
        b"MAIL FROM:<a@b>SIZE=1\r\n",
        "501 5.5.4 write it as MAIL FROM:<address> and parameters after a space",
    ),
    (b"MAIL FROM:<a>\r\n", "501 5.1.7 that sender is no mail address"),
    (b"MAIL FROM:<a@>\r\n", "501 5.1.7 that sender is no mail address"),
    (b"MAIL FROM:<@b>\r\n", "501 5.1.7 that sender is no mail address"),
    (
        b"MAIL FROM:<a b@c.example>\r\n",
        "501 5.1.7 that sender is no mail address",
    ),
    (b"MAIL FROM:<a@b..c>\r\n", "501 5.1.7 that sender is no mail address"),
    (b"MAIL FROM:<a@b@c>\r\n", "501 5.1.7 that sender is no mail address"),
    (
        b"MAIL FROM:<a@b> SIZE=50000001\r\n",
        "552 5.3.4 this desk takes mails of up to 50000000 bytes",
    ),
    (
        b"MAIL FROM:<a@b> SIZE=99999999999999999999999999\r\n",
        "552 5.3.4 this desk takes mails of up to 50000000 bytes",
    ),
    (b"MAIL FROM:<a@b> SIZE=big\r\n", "501 5.5.4 SIZE is a number of bytes"),
    (b"MAIL FROM:<a@b> SIZE=-1\r\n", "501 5.5.4 SIZE is a number of bytes"),
    (
        b"MAIL FROM:<a@b> SIZE=1 SIZE=2\r\n",
        "501 5.5.4 this parameter is given twice or without its value",
    ),
    (
        b"MAIL FROM:<a@b> BODY\r\n",
        "501 5.5.4 this parameter is given twice or without its value",
    ),
    (
        b"MAIL FROM:<a@b> BODY=BINARYMIME\r\n",
        "555 5.5.4 BODY is 7BIT or 8BITMIME here",
    ),
    (
        b"MAIL FROM:<a@b> RET=HDRS\r\n",
        "555 5.5.4 the parameter RET was not offered",
    ),
    (
        b"MAIL FROM:<a@b> REQUIRETLS\r\n",
        "555 5.5.4 the parameter REQUIRETLS was not offered",
    ),
    (
        b"MAIL FROM:<\xc3\xa9@b.example>\r\n",
        "553 5.6.7 an address beyond ASCII needs the parameter SMTPUTF8",
    ),
];

/// The same inside a mail that was begun without SMTPUTF8.
const BAD_RECIPIENTS: &[(&[u8], &str)] = &[
    (
        b"MAIL FROM:<c@d>\r\n",
        "503 5.5.1 a mail is begun already; RSET forgets it",
    ),
    (b"RCPT TO:<>\r\n", "501 5.1.3 that recipient is no mail address"),
    (b"RCPT TO:<help>\r\n", "501 5.1.3 that recipient is no mail address"),
    (
        b"RCPT TO:<help@desk.example,x@y>\r\n",
        "501 5.1.3 that recipient is no mail address",
    ),
    (
        b"RCPT TO:help@desk.example\r\n",
        "501 5.5.4 write it as RCPT TO:<address>",
    ),
    (
        b"RCPT FROM:<help@desk.example>\r\n",
        "501 5.5.4 write it as RCPT TO:<address>",
    ),
    (
        b"RCPT TO:<help@desk.example> NOTIFY=NEVER\r\n",
        "555 5.5.4 the parameter NOTIFY was not offered",
    ),
    (
        b"RCPT TO:<h\xc3\xa9lp@desk.example>\r\n",
        "553 5.6.7 an address beyond ASCII needs SMTPUTF8 with MAIL",
    ),
    (
        b"RCPT TO:<x@elsewhere.example>\r\n",
        "550 5.1.1 no such address here; write to help@desk.example",
    ),
    (
        b"RCPT TO:<help%elsewhere@relay.example>\r\n",
        "550 5.1.1 no such address here; write to help@desk.example",
    ),
    (
        b"RCPT TO:<\"help@desk.example\"@x.example>\r\n",
        "550 5.1.1 no such address here; write to help@desk.example",
    ),
    (b"DATA\r\n", "554 5.5.1 no recipient was accepted"),
];

#[test]
fn every_bad_command_is_told_what_is_wrong_with_it() {
    let begun = "EHLO c.example\nMAIL FROM:<a@b.example>\n";
    for (table, before) in [(BAD_COMMANDS, "EHLO c.example\n"), (BAD_RECIPIENTS, begun)] {
        for (input, told) in table {
            let mut client = Client::new();
            client.say(before);
            let said = client.give(input, usize::MAX);
            assert_eq!(said, format!("{told}\r\n"), "{:?}", String::from_utf8_lossy(input));
            let next = client.codes("RSET\n");
            let hung_up = told.starts_with("502 5.5.1 this is") || told.starts_with("502 5.5.1 BDAT");
            assert_eq!(next.is_empty(), hung_up, "{:?}", String::from_utf8_lossy(input));
        }
    }
    assert!(BAD_COMMANDS.len() + BAD_RECIPIENTS.len() >= 60);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_session_panic_or_stand_still(
        input in proptest::collection::vec(proptest::sample::select(vec![
            "EHLO x\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<help@desk.example>\r\n", "DATA\r\n", ".\r\n", "\r\n", "\n", "\r", ".",
            "RSET\r\n", "STARTTLS\r\n", "QUIT\r\n", "x", "\0", "\u{e9}",
        ]), 0..60),
        step in 1usize..40,
    ) {
        let mut client = Client::new();
        client.give(input.concat().as_bytes(), step);
    }
}
