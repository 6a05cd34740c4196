//! What must hold of every mail that leaves, byte for byte (RFC 5322 §2.1, RFC 2045 §6.7, RFC 2046 §5.1). Reads the bytes
//! itself where it can, and with an independent parser what is inside.

use mail_parser::{MessageParser, MimeHeaders, PartType};

/// Longest line of a body and of a folded header.
const LINE: usize = 76;

/// What is wrong with a mail on the wire, a sentence each.
pub fn faults(raw: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    if !raw.is_ascii() {
        faults.push("a byte beyond ASCII".to_owned());
    }
    let text = String::from_utf8_lossy(raw);
    if !text.ends_with("\r\n") {
        faults.push("the last line is not ended".to_owned());
    }
    for line in text.split("\r\n") {
        if line.contains(['\r', '\n']) {
            faults.push(format!("a bare line end in {line:?}"));
        }
        let one_word = line
            .split_once(": ")
            .map_or(line, |(_, value)| value)
            .trim()
            .split(' ')
            .count()
            == 1;
        if line.len() > LINE && !one_word {
            faults.push(format!("{} characters in {line:?}", line.len()));
        }
    }
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        faults.push("no empty line after the header".to_owned());
        return faults;
    };
    for name in [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
    ] {
        let count = head
            .split("\r\n")
            .filter(|line| line.starts_with(&format!("{name}: ")))
            .count();
        if count != 1 {
            faults.push(format!("{name} stands {count} times"));
        }
    }
    // What is inside, only its reader sees.
    if !head.contains("Content-Type: multipart/encrypted") && !head.contains("Content-Type: application/pkcs7-mime") {
        encodings(head, body, "--\r\n", &mut faults);
        parsed(raw, &mut faults);
    }
    faults
}

/// Every part is what its encoding says; `end` is what follows the last boundary.
fn encodings(head: &str, body: &str, end: &str, faults: &mut Vec<String>) {
    let field = |head: &str, name: &str| {
        let unfolded = head.replace("\r\n ", " ");
        let line = unfolded
            .split("\r\n")
            .find(|line| line.starts_with(name))
            .map(str::to_owned);
        line.map_or_else(String::new, |line| {
            line[name.len()..].trim_start_matches(':').trim().to_owned()
        })
    };
    let kind = field(head, "Content-Type");
    if let Some((_, rest)) = kind.split_once("boundary=\"") {
        let boundary = rest.split('"').next().unwrap_or_default();
        let mut parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        if parts.pop() != Some(end) || parts.len() < 3 || !parts[0].is_empty() {
            faults.push("the parts are not parted as they should be".to_owned());
        }
        for part in parts.iter().skip(1) {
            match part.trim_start_matches("\r\n").split_once("\r\n\r\n") {
                // The end of a part inside another is followed by the line end before the next boundary.
                Some((head, body)) => encodings(head, body, "--\r\n\r\n", faults),
                None => faults.push("a part without a header".to_owned()),
            }
        }
        return;
    }
    match field(head, "Content-Transfer-Encoding").as_str() {
        "7bit" => {}
        // Files that go with a reply.
        "base64" if field(head, "Content-Disposition").starts_with("attachment") => {}
        "quoted-printable" => {
            for line in body.split("\r\n") {
                if line.ends_with([' ', '\t']) {
                    faults.push(format!("a blank that a relay cuts ends {line:?}"));
                }
                for (place, _) in line.match_indices('=') {
                    let rest = &line[place + 1..];
                    let hex = rest.len() >= 2
                        && rest.as_bytes()[..2]
                            .iter()
                            .all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
                    if !rest.is_empty() && !hex {
                        faults.push(format!("no quoted-printable: {line:?}"));
                    }
                }
            }
        }
        other => faults.push(format!("an encoding that we do not write: \"{other}\"")),
    }
}

/// What the other side's parser sees: text first, the twin without anything that is loaded, a calendar with its method.
fn parsed(raw: &[u8], faults: &mut Vec<String>) {
    let Some(mail) = MessageParser::default().parse(raw) else {
        faults.push("no parser reads it".to_owned());
        return;
    };
    let kinds: Vec<&str> = mail
        .parts
        .iter()
        .filter_map(|part| part.content_type()?.subtype())
        .collect();
    if !matches!(
        kinds.as_slice(),
        ["plain"]
            | ["alternative", "plain", "html"]
            | ["alternative", "plain", "html", "calendar"]
            | ["mixed", "alternative", "plain", "html", ..]
    ) {
        faults.push(format!("parts in this order: {kinds:?}"));
    }
    for part in &mail.parts {
        match &part.body {
            PartType::Html(html) => {
                let html = html.to_lowercase();
                let tags = html.split('<').skip(1).filter_map(|tag| tag.split('>').next());
                for tag in tags {
                    let loads = ["img", "script", "link", "style", "iframe", "object", "svg"];
                    let attributes = [" src=", "url(", " background="];
                    if loads.iter().any(|name| tag.starts_with(name)) || attributes.iter().any(|one| tag.contains(one))
                    {
                        faults.push(format!("the twin loads something: <{tag}>"));
                    }
                }
            }
            PartType::Text(text)
                if part.is_content_type("text", "calendar")
                    && (!text.starts_with("BEGIN:VCALENDAR")
                        || part.content_type().and_then(|kind| kind.attribute("method")).is_none()) =>
            {
                faults.push("a calendar part without its method".to_owned());
            }
            _ => {}
        }
    }
    if mail.body_text(0).is_none_or(|text| text.trim().is_empty()) {
        faults.push("no words".to_owned());
    }
}
