//! Frames on the pipes between the desk and its worker.
//!
//! Promises: a frame is an id (8 bytes), a length (4 bytes, both little-endian) and that many bytes; one that says it is
//! longer than the reader allows is an error before any of it is taken. Leaves out: what the bytes mean.

use std::io::{self, Read, Write};

/// The child's first frame: it is ready; the bytes say how well it is shut in ([`super::Confinement`]).
pub(super) const READY: i64 = i64::MIN;
/// The child's last words: why it cannot go on.
pub(super) const LAST_WORDS: i64 = i64::MIN + 1;
/// To the child: the keys of the desk and the time.
pub(super) const KEYS: i64 = i64::MIN + 2;
/// To the child: try what a break-in would try; it answers with what came of it.
pub(super) const PROVE: i64 = i64::MIN + 3;

/// To the child: a mail whose files are to be taken out. It answers with pieces of files, each under the file's place
/// in the mail, and then with the list of them under this id.
pub(super) const FILES: i64 = i64::MIN + 4;

/// Writes one frame, in one piece where it is small.
pub(super) fn write_frame(out: &mut impl Write, id: i64, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut head = [0u8; 12];
    head[..8].copy_from_slice(&id.to_le_bytes());
    head[8..].copy_from_slice(&length.to_le_bytes());
    if bytes.len() < 64 * 1024 {
        let mut frame = Vec::with_capacity(12 + bytes.len());
        frame.extend_from_slice(&head);
        frame.extend_from_slice(bytes);
        out.write_all(&frame)?;
    } else {
        out.write_all(&head)?;
        out.write_all(bytes)?;
    }
    out.flush()
}

/// The next frame; `None` at the end. A frame longer than `most` is an error.
pub(super) fn read_frame(from: &mut impl Read, most: usize) -> io::Result<Option<(i64, Vec<u8>)>> {
    let mut id = [0u8; 8];
    let mut length = [0u8; 4];
    match from.read_exact(&mut id) {
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    }
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut bytes = vec![0u8; length];
    from.read_exact(&mut bytes)?;
    Ok(Some((i64::from_le_bytes(id), bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn frames_come_out_as_they_went_in_and_too_long_ones_are_refused() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, -7, b"mail").expect("a vector takes all");
        assert_eq!(
            read_frame(&mut Cursor::new(&pipe), 4).expect("fits"),
            Some((-7, b"mail".to_vec()))
        );
        assert!(read_frame(&mut Cursor::new(&pipe), 3).is_err());
        assert!(read_frame(&mut Cursor::new(&pipe[..14]), 4).is_err());
        assert_eq!(read_frame(&mut Cursor::new(b""), 4).expect("the end"), None);
    }
}
