//! A browser that is a socket: one request a connection, answered in bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value.trim())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks for something.
pub fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(at).expect("the door is open");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += &format!("Host: {at}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).expect("asked");
    // A door that refuses may have closed before it read everything.
    let _ = stream.write_all(body);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    let end = heard
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| {
            panic!("{method} {path}: no answer: {}", String::from_utf8_lossy(&heard));
        });
    let head = String::from_utf8_lossy(&heard[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    let body = heard[end + 4..].to_vec();
    let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => joined(&body),
        false => body,
    };
    Answer { status, head, body }
}

/// The bytes of a chunked body.
fn joined(mut chunked: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunked.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&chunked[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        if size == 0 || chunked.len() < end + 2 + size {
            break;
        }
        body.extend_from_slice(&chunked[end + 2..end + 2 + size]);
        chunked = &chunked[(end + 4 + size).min(chunked.len())..];
    }
    body
}

/// The words of tus.
pub const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");

/// Begins an upload of so many bytes; where it goes on.
pub fn begin(at: SocketAddr, token: &str, name: &str, bytes: u64) -> String {
    let name = format!("filename {}", data_encoding::BASE64.encode(name.as_bytes()));
    let bytes = bytes.to_string();
    let headers = [
        TUS,
        ("Upload-Length", bytes.as_str()),
        ("Upload-Metadata", name.as_str()),
    ];
    let told = ask(at, "POST", &format!("/t/{token}/up"), &headers, b"");
    assert_eq!(told.status, 201, "{}\n{}", told.head, told.text());
    assert!(!told.header("upload-expires").is_empty(), "{}", told.head);
    told.header("location").to_owned()
}

/// Sends a piece.
pub fn piece(at: SocketAddr, place: &str, offset: u64, more: &[(&str, &str)], bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    let mut headers = vec![
        TUS,
        ("Upload-Offset", offset.as_str()),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    headers.extend_from_slice(more);
    ask(at, "PATCH", place, &headers, bytes)
}

/// How much is there.
pub fn offset(at: SocketAddr, place: &str) -> u64 {
    let told = ask(at, "HEAD", place, &[TUS], b"");
    assert_eq!(told.status, 200, "{}", told.head);
    told.header("upload-offset").parse().expect("a number")
}
