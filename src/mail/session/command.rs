//! One SMTP command line: the verb, the path, the parameters.
//!
//! The grammar is our own and strict, because each of the following, seen in a grammar crate, loses mail or answers
//! something that was not asked: quotes taken off a local part (`"a@b"@c` becomes `a@b@c`), `<postmaster>` read as
//! `<>`, `a..b@c` refused although such addresses exist and write to us, a `SIZE` of thirty digits read as a small
//! one, a bare CR skipped inside a verb. Parameters of extensions that were not offered are refused by name (555),
//! as RFC 5321 §4.1.1.11 asks: silence would be consent.

use super::reply::Reply;
use crate::limits;

/// A command that was understood. Addresses are kept as written, source routes removed (RFC 5321 §3.6.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Hello(&'a str, Hello),
    Mail(Sender<'a>),
    Rcpt(&'a str),
    Data,
    Rset,
    Noop,
    Help,
    Vrfy,
    StartTls,
    Quit,
    /// A verb whose argument or body would follow as bytes that look like commands: answer and hang up.
    Foreign(&'static str),
}

/// The verb of a greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello {
    Helo,
    Ehlo,
    /// LMTP's (RFC 2033 §4.1).
    Lhlo,
}

/// `MAIL FROM` with what its parameters say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sender<'a> {
    /// Empty for the null return path.
    pub from: &'a str,
    /// `SIZE=`; a number too large for the machine is the largest one.
    pub size: Option<usize>,
    pub eight_bit: bool,
    pub smtputf8: bool,
}

const HELLO: Reply = Reply::of(501, "5.5.4", "say who you are: EHLO and your host name");
const NO_ARGUMENT: Reply = Reply::of(501, "5.5.4", "this command takes no argument");
const MAIL: Reply = Reply::of(
    501,
    "5.5.4",
    "write it as MAIL FROM:<address> and parameters after a space",
);
const RCPT: Reply = Reply::of(501, "5.5.4", "write it as RCPT TO:<address>");
const BAD_SENDER: Reply = Reply::of(501, "5.1.7", "that sender is no mail address");
const BAD_RECIPIENT: Reply = Reply::of(501, "5.1.3", "that recipient is no mail address");

/// Reads one line without its CRLF.
///
/// # Errors
/// The reply to give, 5xx.
pub(super) fn read(line: &[u8]) -> Result<Command<'_>, Reply> {
    if line.iter().any(|b| b.is_ascii_control()) {
        return Err(Reply::of(
            500,
            "5.5.2",
            "a command holds no control characters and ends with CR LF",
        ));
    }
    let Ok(line) = std::str::from_utf8(line) else {
        return Err(Reply::of(500, "5.5.2", "a command is ASCII or, after SMTPUTF8, UTF-8"));
    };
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let bare = |command| {
        if rest.trim_matches(' ').is_empty() {
            Ok(command)
        } else {
            Err(NO_ARGUMENT)
        }
    };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => hello(rest, Hello::Ehlo),
        "HELO" => hello(rest, Hello::Helo),
        "LHLO" => hello(rest, Hello::Lhlo),
        "MAIL" => sender(rest).map(Command::Mail),
        "RCPT" => recipient(rest).map(Command::Rcpt),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Rset),
        "QUIT" => bare(Command::Quit),
        "STARTTLS" => bare(Command::StartTls),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "VRFY" => Ok(Command::Vrfy),
        "BDAT" => Ok(Command::Foreign(
            "BDAT is not offered here, and its chunk must not be read as commands",
        )),
        "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "CONNECT" | "HOST:" => {
            Ok(Command::Foreign("this is a mail server"))
        }
        "AUTH" => Err(Reply::of(
            502,
            "5.5.1",
            "nobody needs to sign in to send mail to this desk",
        )),
        "EXPN" | "ETRN" | "ATRN" | "TURN" | "BURL" | "SEND" | "SOML" | "SAML" => {
            Err(Reply::of(502, "5.5.1", "this command is not offered here"))
        }
        _ => Err(Reply::of(500, "5.5.1", "no such command")),
    }
}

fn hello(rest: &str, verb: Hello) -> Result<Command<'_>, Reply> {
    let name = rest.trim_matches(' ');
    if name.is_empty() || name.len() > 255 {
        Err(HELLO)
    } else {
        Ok(Command::Hello(name, verb))
    }
}

fn sender(rest: &str) -> Result<Sender<'_>, Reply> {
    let (path, parameters) = after_keyword(rest, "FROM:").and_then(split_path).ok_or(MAIL)?;
    let mut sender = Sender {
        from: address(path).ok_or(BAD_SENDER)?,
        ..Sender::default()
    };
    let mut body = None;
    for parameter in parameters.split(' ').filter(|p| !p.is_empty()) {
        let (key, value) = match parameter.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (parameter, None),
        };
        match (key.to_ascii_uppercase().as_str(), value) {
            ("SIZE", Some(digits)) if sender.size.is_none() => sender.size = Some(size(digits)?),
            ("BODY", Some(kind)) if body.is_none() => body = Some(kind),
            ("SMTPUTF8", None) => sender.smtputf8 = true,
            ("SIZE" | "BODY" | "SMTPUTF8", _) => {
                return Err(Reply::of(
                    501,
                    "5.5.4",
                    "this parameter is given twice or without its value",
                ));
            }
            _ => return Err(not_offered(key)),
        }
    }
    sender.eight_bit = match body {
        None => false,
        Some(kind) if kind.eq_ignore_ascii_case("7BIT") => false,
        Some(kind) if kind.eq_ignore_ascii_case("8BITMIME") => true,
        Some(_) => return Err(Reply::of(555, "5.5.4", "BODY is 7BIT or 8BITMIME here")),
    };
    if !sender.smtputf8 && !sender.from.is_ascii() {
        return Err(Reply::of(
            553,
            "5.6.7",
            "an address beyond ASCII needs the parameter SMTPUTF8",
        ));
    }
    Ok(sender)
}

fn recipient(rest: &str) -> Result<&str, Reply> {
    let (path, parameters) = after_keyword(rest, "TO:").and_then(split_path).ok_or(RCPT)?;
    let to = address(path).filter(|to| !to.is_empty()).ok_or(BAD_RECIPIENT)?;
    match parameters.split(' ').find(|p| !p.is_empty()) {
        None => Ok(to),
        Some(parameter) => Err(not_offered(parameter.split('=').next().unwrap_or(parameter))),
    }
}

fn not_offered(key: &str) -> Reply {
    let key: String = key.chars().take(40).collect();
    Reply::new(555, "5.5.4", format!("the parameter {key} was not offered"))
}

fn size(digits: &str) -> Result<usize, Reply> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reply::of(501, "5.5.4", "SIZE is a number of bytes"));
    }
    Ok(digits.parse().unwrap_or(usize::MAX))
}

/// What follows `keyword`, spaces after the colon forgiven (many senders write `MAIL FROM: <…>`).
fn after_keyword<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let rest = rest.trim_start_matches(' ');
    let head = rest.get(..keyword.len())?;
    head.eq_ignore_ascii_case(keyword)
        .then(|| rest[keyword.len()..].trim_start_matches(' '))
}

/// Splits `<path> parameters`, quotes respected.
fn split_path(rest: &str) -> Option<(&str, &str)> {
    let inner = rest.strip_prefix('<')?;
    let end = unquoted(inner, |b| b == b'>')?;
    let parameters = &inner[end + 1..];
    (parameters.is_empty() || parameters.starts_with(' ')).then_some((&inner[..end], parameters))
}

/// Index of the first byte outside quotes for which `wanted` holds.
fn unquoted(text: &str, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && wanted(byte) => return Some(at),
            _ => {}
        }
    }
    None
}

/// The address of a path: empty for `<>`, `postmaster` alone allowed (RFC 5321 §4.5.1), else local part and domain.
fn address(path: &str) -> Option<&str> {
    let address = match path.strip_prefix('@') {
        Some(route) => &route[route.find(':')? + 1..],
        None => path,
    };
    if address.is_empty() {
        return (address.len() == path.len()).then_some(address);
    }
    if address.eq_ignore_ascii_case("postmaster") {
        return Some(address);
    }
    if address.len() > limits::ADDRESS_BYTES {
        return None;
    }
    let at = unquoted(address, |b| b == b'@')?;
    (is_local_part(&address[..at]) && is_domain(&address[at + 1..])).then_some(address)
}

/// Whether this stands as an address in a path as it is, so that it can be said to another server.
pub(in crate::mail) fn is_address(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('@')
        && !text.chars().any(char::is_control)
        && split_path(&format!("<{text}>")).is_some_and(|(path, _)| path == text)
        && address(text) == Some(text)
}

fn is_local_part(local: &str) -> bool {
    if let Some(inner) = local.strip_prefix('"') {
        // Ends in the one quote that is neither escaped nor followed by anything.
        return inner.len() > 1 && unquoted(local, |_| true).is_none() && local.ends_with('"');
    }
    // Dots stand where they like: `a..b@` and `a.@` are wrong by the book and in daily use at large providers.
    !local.is_empty() && local.bytes().all(|b| b > b' ' && !b"<>()[]\\,;:@\"".contains(&b))
}

fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        return !literal.is_empty()
            && literal
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b >= 0x80)
    };
    domain.len() <= 255 && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(line: &str) -> Result<Sender<'_>, u16> {
        match read(line.as_bytes()) {
            Ok(Command::Mail(sender)) => Ok(sender),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(reply) => Err(reply.code),
        }
    }

    fn to(line: &str) -> Result<&str, u16> {
        match read(line.as_bytes()) {
            Ok(Command::Rcpt(to)) => Ok(to),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(reply) => Err(reply.code),
        }
    }

    #[test]
    fn verbs_are_known_in_any_case_and_only_whole() {
        assert_eq!(read(b"qUiT"), Ok(Command::Quit));
        assert_eq!(read(b"noop any words"), Ok(Command::Noop));
        assert_eq!(read(b"QUITE").map_err(|r| r.code), Err(500));
        assert_eq!(read(b"").map_err(|r| r.code), Err(500));
        assert_eq!(read(b"DATA now").map_err(|r| r.code), Err(501));
        assert_eq!(read(b"DATA  "), Ok(Command::Data));
        assert_eq!(read(b"QU\rIT").map_err(|r| r.code), Err(500));
        assert_eq!(read(b"NOOP \xff").map_err(|r| r.code), Err(500));
    }

    #[test]
    fn a_sender_is_kept_as_it_was_written() {
        for address in [
            "a@b.example",
            "a..b.@docomo.example",
            "\"a b\"@c.example",
            "\"a@b\"@c.example",
            "\"a>b\\\"c\"@d.example",
            "x+y=z@[192.0.2.1]",
            "x@[IPv6:2001:db8::1]",
            "bounce-1234-someone=example.org@lists.example",
            "",
        ] {
            let line = format!("MAIL FROM:<{address}>");
            assert_eq!(from(&line).map(|s| s.from), Ok(address), "{address}");
        }
        assert_eq!(
            from("mail from: <@one.example,@two.example:a@b.example>").map(|s| s.from),
            Ok("a@b.example")
        );
    }

    #[test]
    fn what_is_no_address_is_no_sender_and_no_recipient() {
        for path in [
            "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b..c", "a@.b", "<a@b>", "a@b>x", "\"a@b", "\"\"@b",
            "a\"b@c", "\"a\"b@c", "a@[", "a@[]", "@a:", "@a", "a@b(c)", "a,b@c", "a@b;c",
        ] {
            assert_eq!(
                from(&format!("MAIL FROM:<{path}>")).map_err(|c| c / 100),
                Err(5),
                "{path}"
            );
            assert_eq!(to(&format!("RCPT TO:<{path}>")).map_err(|c| c / 100), Err(5), "{path}");
        }
        assert_eq!(to("RCPT TO:<>"), Err(501));
        assert_eq!(to("RCPT TO:<postmaster>"), Ok("postmaster"));
        assert_eq!(from("MAIL FROM:a@b.example").map(|s| s.from), Err(501));
    }

    #[test]
    fn parameters_say_what_they_say_and_others_were_not_offered() {
        let all = from("MAIL FROM:<\u{e9}@b.example> size=1000 BODY=8bitmime SMTPUTF8");
        assert_eq!(
            all,
            Ok(Sender {
                from: "\u{e9}@b.example",
                size: Some(1000),
                eight_bit: true,
                smtputf8: true
            })
        );
        assert_eq!(
            from("MAIL FROM:<a@b> SIZE=999999999999999999999999999999").map(|s| s.size),
            Ok(Some(usize::MAX))
        );
        for (line, code) in [
            ("MAIL FROM:<a@b> SIZE=", 501),
            ("MAIL FROM:<a@b> SIZE=-1", 501),
            ("MAIL FROM:<a@b> SIZE", 501),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=2", 501),
            ("MAIL FROM:<a@b>SIZE=1", 501),
            ("MAIL FROM:<a@b> BODY=BINARYMIME", 555),
            ("MAIL FROM:<a@b> RET=FULL", 555),
            ("MAIL FROM:<a@b> AUTH=<>", 555),
            ("MAIL FROM:<a@b> REQUIRETLS", 555),
            ("MAIL FROM:<\u{e9}@b>", 553),
        ] {
            assert_eq!(from(line), Err(code), "{line}");
        }
        assert_eq!(to("RCPT TO:<a@b> NOTIFY=NEVER"), Err(555));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = read(&line);
        }

        #[test]
        fn no_path_makes_the_reader_panic(path in "[<>@\"\\\\:,. a\u{e9}]{0,40}") {
            let _ = read(format!("MAIL FROM:<{path}> SIZE=1").as_bytes());
            let _ = read(format!("RCPT TO:{path}").as_bytes());
        }
    }
}
