//! Letters that nobody would keep in a file: for those who read mail, and for those who take it.

use duly::limits;

fn nested_multiparts(depth: usize) -> Vec<u8> {
    let mut raw = Vec::new();
    for level in 0..depth {
        raw.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").into_bytes());
    }
    raw.extend(b"\ninnermost\n");
    raw
}

fn html(body: String) -> Vec<u8> {
    format!("Subject: x\nContent-Type: text/html; charset=utf-8\n\n{body}").into_bytes()
}

fn header(name: &str, value: String) -> Vec<u8> {
    format!("{name}: {value}\nSubject: s\n\ntext\n").into_bytes()
}

fn text(body: String) -> Vec<u8> {
    format!("Subject: x\n\n{body}").into_bytes()
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Letters that nobody would keep in a file. The names say what is hostile about them.
pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let many_parts = |n: usize| {
        [
            b"Content-Type: multipart/mixed; boundary=b\n\n".as_slice(),
            &b"--b\n\nx\n".repeat(n),
        ]
        .concat()
    };
    vec![
        ("an empty mail", plain(b"")),
        ("one line feed", plain(b"\n")),
        ("only line feeds", b"\n".repeat(1_000_000)),
        ("only NULs", vec![0; 1_000_000]),
        ("only 0xFF", vec![0xff; 1_000_000]),
        ("only colons", b":".repeat(1_000_000)),
        ("a header and no end", plain(b"Subject: x")),
        ("no header at all", plain(b"just text\nand more\n")),
        (
            "300,000 nested messages",
            b"Content-Type: message/rfc822\n\n".repeat(300_000),
        ),
        ("100,000 nested multiparts", nested_multiparts(100_000)),
        ("33 nested multiparts", nested_multiparts(limits::MIME_DEPTH + 1)),
        ("a million parts", many_parts(1_000_000)),
        ("1,001 parts", many_parts(limits::MIME_PARTS + 1)),
        (
            "200,000 digest parts",
            [
                b"Content-Type: multipart/digest; boundary=b\n\n".as_slice(),
                &b"--b\n\nSubject: y\n\nx\n".repeat(200_000),
            ]
            .concat(),
        ),
        (
            "a boundary of 60 KB",
            format!(
                "Content-Type: multipart/mixed; boundary=\"{0}\"\n\n--{0}\n\nx\n--{0}--\n",
                "b".repeat(60_000)
            )
            .into_bytes(),
        ),
        (
            "500,000 lines that are nearly boundaries",
            [
                b"Content-Type: multipart/mixed; boundary=bbbbbbbbbbbbbbbbb\n\n".as_slice(),
                &b"--bbbbbbbbbbbbbbbbc\n".repeat(500_000),
            ]
            .concat(),
        ),
        (
            "multiparts that share a boundary",
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(10_000),
        ),
        (
            "a boundary that is empty",
            plain(b"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n----\n"),
        ),
        (
            "a closing boundary first",
            plain(b"Content-Type: multipart/mixed; boundary=b\n\n--b--\n--b\n\nx\n"),
        ),
        ("100,000 references", header("References", "<a@b> ".repeat(100_000))),
        ("a header line of 1 MB", header("X-Long", "x".repeat(1_000_000))),
        (
            "a subject of 1 MB",
            format!("Subject: {}\n\nx", "s".repeat(1_000_000)).into_bytes(),
        ),
        (
            "a folded header of 100,000 lines",
            header("X-Folded", "x\n ".repeat(100_000)),
        ),
        ("100,000 headers", b"X-Many: 1\n".repeat(100_000)),
        (
            "a header name of 1 MB",
            format!("{}: x\n\ntext", "n".repeat(1_000_000)).into_bytes(),
        ),
        (
            "comments in Date",
            header(
                "Date",
                format!(
                    "{}Mon{}, 5 Oct 2026 10:00:00 +0000",
                    "(".repeat(30_000),
                    ")".repeat(30_000)
                ),
            ),
        ),
        (
            "comments in From",
            header(
                "From",
                format!("{}Jane{} <j@x.org>", "(".repeat(30_000), ")".repeat(30_000)),
            ),
        ),
        ("a date of years", header("Date", "9".repeat(60_000))),
        (
            "a date beyond time",
            header("Date", "Mon, 31 Feb 9999 99:99:99 +9999".into()),
        ),
        ("100,000 addresses", header("To", "a@b.org, ".repeat(100_000))),
        ("open quotes in To", header("To", "\"a ".repeat(20_000))),
        ("open angles in To", header("To", "<".repeat(60_000))),
        ("nested groups in Cc", header("Cc", "g:".repeat(30_000))),
        ("closing angles in From", header("From", ">".repeat(60_000))),
        ("backslashes in From", header("From", "\"\\".repeat(30_000))),
        (
            "10,000 beginnings of encoded words",
            header("Subject", "=?utf-8?Q?".repeat(6_000)),
        ),
        (
            "encoded words in encoded words",
            header("Subject", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?= ".repeat(1_000)),
        ),
        (
            "an encoded word with no charset",
            header("Subject", "=??Q?x?= =?*?B?x?= =?utf-8??x?=".into()),
        ),
        (
            "parameters without end",
            header("Content-Type", format!("text/plain{}", "; a=b".repeat(12_000))),
        ),
        (
            "parameter pieces in the millions",
            header(
                "Content-Disposition",
                "attachment; filename*99999999999=x; filename*0*=utf-8''%%%".into(),
            ),
        ),
        (
            "base64 of nothing",
            plain(b"Content-Transfer-Encoding: base64\n\n====\n"),
        ),
        (
            "base64 that is not",
            [
                b"Content-Transfer-Encoding: base64\n\n".as_slice(),
                &b"!".repeat(1_000_000),
            ]
            .concat(),
        ),
        (
            "quoted-printable of equal signs",
            [
                b"Content-Transfer-Encoding: quoted-printable\n\n".as_slice(),
                &b"=".repeat(1_000_000),
            ]
            .concat(),
        ),
        (
            "quoted-printable of soft breaks",
            [
                b"Content-Transfer-Encoding: quoted-printable\n\n".as_slice(),
                &b"=\n".repeat(500_000),
            ]
            .concat(),
        ),
        (
            "uuencode of blanks",
            [
                b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n".as_slice(),
                &b"M\n".repeat(500_000),
            ]
            .concat(),
        ),
        (
            "utf-16 of one byte",
            plain(b"Content-Type: text/plain; charset=utf-16\n\n\xff"),
        ),
        (
            "utf-7 shifts",
            [
                b"Content-Type: text/plain; charset=utf-7\n\n".as_slice(),
                &b"+".repeat(500_000),
            ]
            .concat(),
        ),
        (
            "escapes of iso-2022-jp",
            [
                b"Content-Type: text/plain; charset=iso-2022-jp\n\n".as_slice(),
                &b"\x1b$B".repeat(300_000),
            ]
            .concat(),
        ),
        (
            "a charset that is no charset",
            plain(b"Content-Type: text/plain; charset=\"\xff\xfe\"\n\n\xe4"),
        ),
        ("200,000 nested div", html("<div>".repeat(200_000))),
        ("100,000 nested block quotes", html("<blockquote>a".repeat(100_000))),
        ("100,000 nested lists", html("<ul><li>".repeat(100_000))),
        ("100,000 attributes", html(format!("<p {}>x", "a=b ".repeat(100_000)))),
        ("tags that never close", html("<a href=\"".repeat(100_000))),
        ("comments that never close", html("<!--".repeat(300_000))),
        (
            "hidden elements that never close",
            html("<div style=\"display:none\">".repeat(50_000)),
        ),
        ("titles that never close", html("<title><svg><object>".repeat(80_000))),
        ("closing tags only", html("</div></blockquote></a>".repeat(80_000))),
        ("entities without end", html("&amp".repeat(400_000))),
        (
            "numeric entities beyond Unicode",
            html("&#99999999999;&#xD800;&#0;".repeat(10_000)),
        ),
        ("html of 3 MB", html("<p>word</p>".repeat(300_000))),
        ("a text of 5 MB", text("a line of words\n".repeat(330_000))),
        ("one line of 5 MB", text("word ".repeat(1_000_000))),
        ("quote marks of 1 MB", text(">".repeat(1_000_000))),
        ("200,000 quoted lines", text("> a\n".repeat(200_000))),
        (
            "200,000 announcements",
            text("On Mon, 5 Oct 2026 at 10:00, A <a@b.org> wrote:\n".repeat(50_000)),
        ),
        ("200,000 lines with a colon", text("Subject: x\n".repeat(200_000))),
        ("100,000 signature delimiters", text("-- \n".repeat(100_000))),
        (
            "100,000 footers",
            text("_______________\nx mailing list http://a\n".repeat(50_000)),
        ),
        (
            "a delivery report of 100,000 groups",
            [
                b"Content-Type: message/delivery-status\n\n".as_slice(),
                &b"Final-Recipient: rfc822; a@b.org\nAction: failed\n\n".repeat(100_000),
            ]
            .concat(),
        ),
        (
            "X-Failed-Recipients without end",
            header("X-Failed-Recipients", "a@b.org, ".repeat(7_000)),
        ),
        ("bare carriage returns only", b"\r".repeat(1_000_000)),
        ("a byte order mark and a header", plain(b"\xEF\xBB\xBFSubject: x\n\ny")),
        (
            "NULs inside fields",
            plain(b"Sub\0ject: \0x\0\nFrom: \0a\0@\0b\0\n\n\0y\0"),
        ),
        ("a message encoded as a whole, five times", {
            let mut raw = b"Subject: core\n\nfound\n".to_vec();
            for _ in 0..5 {
                raw = format!(
                    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}\n",
                    data_encoding::BASE64.encode(&raw)
                )
                .into_bytes();
            }
            raw
        }),
    ]
}
