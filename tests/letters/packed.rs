//! Letters whose hostility is packed: wrappings, calendars, seals and archives that open to more than they are.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

fn file(media: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut raw = format!(
        "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee the file\n--b\nContent-Type: {media}; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\n"
    )
    .into_bytes();
    let text = data_encoding::BASE64.encode(bytes);
    for line in text.as_bytes().chunks(76) {
        raw.extend_from_slice(line);
        raw.push(b'\n');
    }
    raw.extend_from_slice(b"--b--\n");
    raw
}

fn zeros(millions: usize, mut into: impl Write) {
    let block = vec![0u8; 1_000_000];
    for _ in 0..millions {
        into.write_all(&block).expect("a vector takes all");
    }
}

fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
    let mut out = vec![level];
    out.extend(id.to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    out.extend([0, 0]);
    out
}

fn winmail(attributes: &[u8]) -> Vec<u8> {
    let stream = [&0x223E_9F78u32.to_le_bytes()[..], &[1, 0], attributes].concat();
    file("application/ms-tnef", "winmail.dat", &stream)
}

/// A property list with one property of variable length.
fn property(kind: u16, name: u16, value: &[u8]) -> Vec<u8> {
    let mut out = 1u32.to_le_bytes().to_vec();
    out.extend(kind.to_le_bytes());
    out.extend(name.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend((value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn winmail_in_winmail(depth: usize) -> Vec<u8> {
    let mut inner = Vec::new();
    for _ in 0..depth {
        let stream = [&0x223E_9F78u32.to_le_bytes()[..], &[1, 0], &inner].concat();
        let object = [&[0u8; 16][..], &stream].concat();
        inner = attribute(2, 0x0006_9005, &property(0x000D, 0x3701, &object));
    }
    winmail(&inner)
}

fn calendar(body: String) -> Vec<u8> {
    format!("Subject: x\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n{body}\nEND:VCALENDAR\n")
        .into_bytes()
}

/// An OpenPGP packet in the new format.
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xC0 | tag, 0xFF];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn openpgp(bytes: &[u8]) -> Vec<u8> {
    let mut raw = b"Subject: x\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\n".to_vec();
    for line in data_encoding::BASE64.encode(bytes).as_bytes().chunks(76) {
        raw.extend_from_slice(line);
        raw.push(b'\n');
    }
    raw.extend_from_slice(b"-----END PGP MESSAGE-----\n--b--\n");
    raw
}

/// A packed packet that holds a literal of so many millions of zeros, packed so many times.
fn packed_packet(millions: usize, times: usize) -> Vec<u8> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    let mut head = vec![0xC0 | 11, 0xFF];
    head.extend((millions as u32 * 1_000_000 + 6).to_be_bytes());
    head.extend(b"b\0\0\0\0\0");
    deflated.write_all(&head).expect("a vector takes all");
    zeros(millions, &mut deflated);
    let mut body = deflated.finish().expect("a vector takes all");
    for _ in 1..times {
        let inner = packet(8, &[&[1u8][..], &body].concat());
        let mut outer = DeflateEncoder::new(Vec::new(), Compression::best());
        outer.write_all(&inner).expect("a vector takes all");
        body = outer.finish().expect("a vector takes all");
    }
    packet(8, &[&[1u8][..], &body].concat())
}

fn cms(bytes: &[u8]) -> Vec<u8> {
    let mut raw =
        b"Subject: x\nContent-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
            .to_vec();
    for line in data_encoding::BASE64.encode(bytes).as_bytes().chunks(76) {
        raw.extend_from_slice(line);
        raw.push(b'\n');
    }
    raw
}

fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x84];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// CMS CompressedData of so many millions of zeros.
fn packed_cms(millions: usize) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zeros(millions, &mut zlib);
    let packed = zlib.finish().expect("a vector takes all");
    let oid = |bytes: &[u8]| [&[6u8, bytes.len() as u8][..], bytes].concat();
    let data = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    let zlib_oid = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 3, 8]);
    let kind = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9]);
    let content = der(0x30, &[data, der(0xa0, &der(0x04, &packed))].concat());
    let body = der(0x30, &[vec![2, 1, 0], der(0x30, &zlib_oid), content].concat());
    cms(&der(0x30, &[kind, der(0xa0, &body)].concat()))
}

fn gzip(millions: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    zeros(millions, &mut packed);
    packed.finish().expect("a vector takes all")
}

/// A picture that claims 60,000 by 60,000 points.
fn picture() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x06\0\0\0".to_vec();
    png.extend([0; 4]);
    let mut data = ZlibEncoder::new(Vec::new(), Compression::best());
    zeros(50, &mut data);
    let data = data.finish().expect("a vector takes all");
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(b"IDAT");
    png.extend(data);
    png
}

/// The packed ones, by what is hostile about them.
pub fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let lzfu = |said: u32, body: Vec<u8>| {
        let mut rtf = (body.len() as u32).to_le_bytes().to_vec();
        rtf.extend(said.to_le_bytes());
        rtf.extend(b"LZFu\0\0\0\0");
        rtf.extend(body);
        winmail(&attribute(1, 0x0006_9003, &property(0x0102, 0x1009, &rtf)))
    };
    let many = |one: Vec<u8>, times: usize| winmail(&one.repeat(times));
    vec![
        ("a winmail.dat of 300,000 attributes", many(attribute(2, 0x0006_9002, b""), 300_000)),
        ("a winmail.dat of 20,000 files", many([attribute(2, 0x0006_9002, b""), attribute(2, 0x0006_800F, b"x")].concat(), 20_000)),
        ("a winmail.dat whose lengths lie", winmail(&[attribute(1, 0x0006_9003, &[0xff; 5_000]), vec![1, 3, 0x90, 6, 0, 0xff, 0xff, 0xff, 0x7f]].concat())),
        ("1,000 winmail.dat in each other", winmail_in_winmail(1_000)),
        ("properties without end", winmail(&attribute(1, 0x0006_9003, &[&[0xff; 4][..], &[3, 0, 1, 0, 0, 0, 0, 0].repeat(200_000)].concat()))),
        ("rich text of 4 GB in 300 KB", lzfu(u32::MAX, vec![0xff; 300_000])),
        ("rich text of a million groups", lzfu(2_000_000, [&[0u8][..], b"{{{{{{{{"].concat().repeat(250_000))),
        ("a calendar of 300,000 entries", calendar("BEGIN:VEVENT\nUID:x\nEND:VEVENT\n".repeat(300_000))),
        ("a calendar of 300,000 nested entries", calendar("BEGIN:VEVENT\n".repeat(300_000))),
        ("an entry of 200,000 attendees", calendar(format!("BEGIN:VEVENT\n{}END:VEVENT", "ATTENDEE;CN=\"A;B\":mailto:a@b.example\n".repeat(200_000)))),
        ("a calendar line of a million folds", calendar(format!("BEGIN:VEVENT\nSUMMARY:x{}\nEND:VEVENT", "\n y".repeat(1_000_000)))),
        ("a calendar parameter without end", calendar(format!("BEGIN:VEVENT\nATTENDEE;{}:mailto:a@b", "X=\"y\";".repeat(200_000)))),
        ("200,000 zones", calendar("BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n".repeat(100_000))),
        ("a duration of ages", calendar("BEGIN:VEVENT\nDTSTART:99991231T235959Z\nDURATION:P9999999999999W\nEND:VEVENT".into())),
        ("200 MB packed by OpenPGP", openpgp(&packed_packet(200, 1))),
        ("200 MB packed by OpenPGP five times", openpgp(&packed_packet(200, 5))),
        ("100,000 OpenPGP signatures", openpgp(&packet(2, &[4, 0, 1, 8, 0, 0, 0, 0, 0, 0]).repeat(100_000))),
        ("an OpenPGP message to 50,000 keys", openpgp(&[packet(1, &[&[3u8, 1, 2, 3, 4, 5, 6, 7, 8, 1][..], &[4, 0], &[1; 128]].concat()).repeat(5_000), packet(18, &[1; 50])].concat())),
        ("OpenPGP packets that lie about their length", openpgp(&[0xC0 | 18, 0xFF, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])),
        ("300,000 beginnings of OpenPGP messages", [b"Subject: x\n\n".as_slice(), &b"-----BEGIN PGP MESSAGE-----\n".repeat(300_000)].concat()),
        ("100,000 signed words of OpenPGP", [b"Subject: x\n\n".as_slice(), &b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n-----BEGIN PGP SIGNATURE-----\n\nxxxx\n-----END PGP SIGNATURE-----\n".repeat(30_000)].concat()),
        ("200 MB packed by S/MIME", packed_cms(200)),
        ("300,000 structures in each other", cms(&[0x30, 0x80].repeat(300_000))),
        ("S/MIME of 100,000 empty pieces", cms(&[&[0x30u8, 0x80, 0x24, 0x80][..], &[0x04, 0x00].repeat(500_000), &[0, 0, 0, 0]].concat())),
        ("S/MIME whose lengths lie", cms(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06, 0x09])),
        ("a gzip of 200 MB", file("application/gzip", "a.log.gz", &gzip(200))),
        ("a page packed by gzip as a picture", file("image/svg+xml", "a.svgz", &gzip(50))),
        ("a zip whose directory lies", file("application/zip", "a.zip", &[b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0".as_slice(), &[0; 100_000]].concat())),
        ("a picture of 3.6 gigapoints", file("image/png", "a.png", &picture())),
        ("base64 of a base64 of a base64", file("text/plain", "a.txt", data_encoding::BASE64.encode(data_encoding::BASE64.encode(&vec![b'A'; 1_000_000]).as_bytes()).as_bytes())),
    ]
}
