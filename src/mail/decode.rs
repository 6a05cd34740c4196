//! Content-transfer-encodings (RFC 2045 §6), read as leniently as they are written.
//!
//! Promises: linear, never fails; what is no valid code stays as it is or is skipped, and the caller learns of it.
//! Not the library's decoders, because those give up a whole part at the first wrong character.

/// Decodes base64 and skips what is not in the alphabet. Reading goes on behind padding: some gateways glue two
/// encoded texts together. The flag says whether the length can be base64 at all.
pub fn base64(input: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let (mut bits, mut count, mut fits) = (0u32, 0u32, true);
    let mut rest = input;
    loop {
        // Four letters that follow each other are three bytes; only line ends and errors are read one by one.
        while count == 0
            && let Some((four, behind)) = rest.split_first_chunk::<4>()
        {
            let [a, b, c, d] = four.map(|byte| u32::from(SIXTY_FOUR[byte as usize]));
            if a | b | c | d >= 64 {
                break;
            }
            let bits = a << 18 | b << 12 | c << 6 | d;
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            rest = behind;
        }
        let Some((&byte, behind)) = rest.split_first() else {
            break;
        };
        rest = behind;
        let value = SIXTY_FOUR[byte as usize];
        if value < 64 {
            bits = bits << 6 | u32::from(value);
            count += 1;
            if count == 4 {
                out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
                (bits, count) = (0, 0);
            }
        } else if byte == b'=' && count > 0 {
            fits &= flush(bits, count, &mut out);
            (bits, count) = (0, 0);
        }
    }
    fits &= flush(bits, count, &mut out);
    (out, fits)
}

fn flush(bits: u32, count: u32, out: &mut Vec<u8>) -> bool {
    match count {
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        2 => out.push((bits >> 4) as u8),
        1 => return false,
        _ => {}
    }
    true
}

const SIXTY_FOUR: [u8; 256] = {
    let mut table = [255u8; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Decodes quoted-printable; a `=` that begins nothing stays.
pub fn quoted_printable(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    loop {
        let (line, ending, next): (&[u8], &[u8], &[u8]) = match memchr::memchr(b'\n', rest) {
            Some(end) if end > 0 && rest[end - 1] == b'\r' => (&rest[..end - 1], b"\r\n", &rest[end + 1..]),
            Some(end) => (&rest[..end], b"\n", &rest[end + 1..]),
            None => (rest, b"", b""),
        };
        // Blanks at the end of a line were added on the way (RFC 2045 §6.7 rule 3).
        let kept = &line[..line
            .iter()
            .rposition(|b| !matches!(b, b' ' | b'\t'))
            .map_or(0, |p| p + 1)];
        let (kept, soft) = match kept.strip_suffix(b"=") {
            Some(kept) => (kept, true),
            None => (kept, false),
        };
        quoted_line(kept, &mut out);
        if !soft {
            out.extend_from_slice(ending);
        }
        if ending.is_empty() {
            return out;
        }
        rest = next;
    }
}

fn quoted_line(mut line: &[u8], out: &mut Vec<u8>) {
    while let Some(equals) = memchr::memchr(b'=', line) {
        out.extend_from_slice(&line[..equals]);
        match line.get(equals + 1..equals + 3).and_then(hex_pair) {
            Some(byte) => {
                out.push(byte);
                line = &line[equals + 3..];
            }
            None => {
                out.push(b'=');
                line = &line[equals + 1..];
            }
        }
    }
    out.extend_from_slice(line);
}

/// Two hexadecimal digits as a byte.
pub fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16);
    match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    }
}

/// Decodes a uuencoded body, from its `begin` line on (or from the first line where there is none).
pub fn uuencoded(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() / 4 * 3);
    for line in input.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"begin ") {
            out.clear();
            continue;
        }
        if line == b"end" {
            break;
        }
        let Some((&first, codes)) = line.split_first() else {
            continue;
        };
        let length = usize::from(first.wrapping_sub(32) & 63);
        let before = out.len();
        for chunk in codes.chunks(4) {
            let mut bits = 0u32;
            for i in 0..4 {
                bits = bits << 6 | u32::from(chunk.get(i).copied().unwrap_or(b' ').wrapping_sub(32) & 63);
            }
            out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
        }
        out.truncate(before + length);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_skips_what_is_foreign_and_reads_on_behind_padding() {
        assert_eq!(base64(b"aGVs\r\nbG8=").0, b"hello");
        assert_eq!(base64(b"aGVsbG8=!!IHdvcmxk").0, b"hello world");
        assert_eq!(base64(b"aGVsbG8").0, b"hello");
        assert!(!base64(b"yCvOy").1);
    }

    #[test]
    fn quoted_printable_joins_soft_lines_and_keeps_what_is_no_code() {
        assert_eq!(quoted_printable(b"a=\r\nb =3D c=zz \r\nd=E4"), b"ab = c=zz\r\nd\xe4");
    }

    #[test]
    fn uuencoded_text_is_read_between_begin_and_end() {
        assert_eq!(uuencoded(b"junk\nbegin 644 a\n#0V%T\n`\nend\n"), b"Cat");
    }
}
