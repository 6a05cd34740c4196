//! BER to DER: what mail programs stream is written with lengths that are only known at the end; the readers of
//! structures want them at the beginning.
//!
//! Promises: bounded depth, linear time but for the depth; `None` where it is broken. Tags keep their numbers; strings of
//! bytes in pieces become one. Leaves out: ordering sets (signatures are taken over the bytes of what is a set already).

/// Nesting that is followed; S/MIME has about ten.
const DEPTH: usize = 24;

/// One encoded element in DER, whatever follows it.
pub(super) fn to_der(ber: &[u8]) -> Option<Vec<u8>> {
    let mut rest = ber;
    let mut out = Vec::with_capacity(ber.len());
    element(&mut rest, &mut out, 0)?;
    Some(out)
}

struct Head<'a> {
    /// Tag bytes as they stand.
    tag: &'a [u8],
    /// `None`: until the end mark.
    length: Option<usize>,
}

fn head<'a>(rest: &mut &'a [u8]) -> Option<Head<'a>> {
    let bytes = *rest;
    let mut tag_length = 1;
    if bytes.first()? & 0x1f == 0x1f {
        while bytes.get(tag_length)? & 0x80 != 0 {
            tag_length += 1;
            if tag_length > 4 {
                return None;
            }
        }
        tag_length += 1;
    }
    let first = *bytes.get(tag_length)?;
    let mut at = tag_length + 1;
    let length = match first {
        0x80 => None,
        short if short < 0x80 => Some(usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            if count > 4 {
                return None;
            }
            let mut length = 0usize;
            for byte in bytes.get(at..at + count)? {
                length = length << 8 | usize::from(*byte);
            }
            at += count;
            Some(length)
        }
    };
    let tag = &bytes[..tag_length];
    *rest = &bytes[at..];
    Some(Head { tag, length })
}

fn element(rest: &mut &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    if depth > DEPTH {
        return None;
    }
    let Head { tag, length } = head(rest)?;
    let constructed = tag[0] & 0x20 != 0;
    if !constructed {
        let body = rest.get(..length?)?;
        *rest = &rest[body.len()..];
        put(out, tag, body);
        return Some(());
    }
    // An OCTET STRING in pieces, also under the context tag of encrypted content, is one string.
    let in_pieces = tag[0] == 0x24;
    let mut body = Vec::new();
    let mut inner = match length {
        Some(length) => {
            let inner = rest.get(..length)?;
            *rest = &rest[length..];
            inner
        }
        None => rest,
    };
    // `[0]` streamed around primitive strings is a string in pieces under an implicit tag (encrypted content); around
    // anything else it is an explicit wrapping.
    let mut pieces_only = tag[0] == 0xa0 && length.is_none();
    loop {
        match length {
            Some(_) if inner.is_empty() => break,
            None if inner.starts_with(&[0, 0]) => {
                inner = &inner[2..];
                break;
            }
            _ => {}
        }
        pieces_only &= inner.first() == Some(&0x04);
        if in_pieces {
            let mut piece = Vec::new();
            element(&mut inner, &mut piece, depth + 1)?;
            body.extend_from_slice(content(&piece)?);
        } else {
            element(&mut inner, &mut body, depth + 1)?;
        }
    }
    if length.is_none() {
        *rest = inner;
    }
    if in_pieces {
        put(out, &[0x04], &body);
    } else if pieces_only && !body.is_empty() {
        let mut whole = Vec::with_capacity(body.len());
        let mut pieces = body.as_slice();
        while !pieces.is_empty() {
            let head = head(&mut pieces)?;
            let piece = pieces.get(..head.length?)?;
            whole.extend_from_slice(piece);
            pieces = &pieces[piece.len()..];
        }
        put(out, &[0x80], &whole);
    } else {
        put(out, tag, &body);
    }
    Some(())
}

fn content(der: &[u8]) -> Option<&[u8]> {
    let mut rest = der;
    let head = head(&mut rest)?;
    rest.get(..head.length?)
}

fn put(out: &mut Vec<u8>, tag: &[u8], body: &[u8]) {
    out.extend_from_slice(tag);
    let length = body.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = (length as u32).to_be_bytes();
        let skip = bytes.iter().take_while(|b| **b == 0).count();
        out.push(0x80 | (4 - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_without_an_end_get_one_and_pieces_become_one() {
        let streamed = [
            0x30, 0x80, 0x24, 0x80, 0x04, 1, b'a', 0x04, 2, b'b', b'c', 0, 0, 0x02, 1, 5, 0, 0,
        ];
        assert_eq!(
            to_der(&streamed).as_deref(),
            Some(&[0x30, 8, 0x04, 3, b'a', b'b', b'c', 0x02, 1, 5][..])
        );
        let implicit = [0x30, 0x80, 0xa0, 0x80, 0x04, 1, b'a', 0x04, 1, b'b', 0, 0, 0, 0];
        assert_eq!(to_der(&implicit).as_deref(), Some(&[0x30, 4, 0x80, 2, b'a', b'b'][..]));
    }

    #[test]
    fn what_is_der_stays_as_it_is() {
        let der = [0x30, 5, 0xa0, 3, 0x04, 1, b'x'];
        assert_eq!(to_der(&der).as_deref(), Some(&der[..]));
    }

    #[test]
    fn what_is_broken_or_too_deep_is_none() {
        assert_eq!(to_der(&[0x30, 5, 1]), None);
        assert_eq!(to_der(&[0x30, 0x80].repeat(100_000)), None);
        assert_eq!(to_der(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(to_der(b""), None);
    }
}
