//! A mail on its way to the child: whole in memory, or its head and whoever writes what follows.

use super::frame::write_frame;
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes the bytes of a mail that are in no memory.
type Rest<'a> = Box<dyn Fn(&mut dyn Write) -> anyhow::Result<()> + Send + Sync + 'a>;

/// One mail to be understood.
pub struct Asked<'a> {
    pub(super) id: i64,
    pub(super) head: &'a [u8],
    pub(super) size: u64,
    pub(super) rest: Option<Rest<'a>>,
}

impl<'a> Asked<'a> {
    /// A mail that is in memory.
    pub fn whole(id: i64, bytes: &'a [u8]) -> Asked<'a> {
        Asked {
            id,
            head: bytes,
            size: bytes.len() as u64,
            rest: None,
        }
    }

    /// The same, of which only the head is: `rest` writes what follows, `size` is all of it.
    pub fn followed_by(
        self,
        size: u64,
        rest: impl Fn(&mut dyn Write) -> anyhow::Result<()> + Send + Sync + 'a,
    ) -> Asked<'a> {
        Asked {
            size,
            rest: Some(Box::new(rest)),
            ..self
        }
    }
}

pub(super) fn lock(set: &Mutex<HashSet<i64>>) -> MutexGuard<'_, HashSet<i64>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one mail. If its rest cannot be read, it is noted in `unread` and zeros keep the frame's word: the child then
/// answers for something that nobody sent, and that answer is thrown away.
pub(super) fn write_mail(out: &mut impl Write, mail: &Asked<'_>, unread: &Mutex<HashSet<i64>>) -> io::Result<()> {
    let Some(rest) = &mail.rest else {
        return write_frame(out, mail.id, mail.head);
    };
    let length = u32::try_from(mail.size).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    out.write_all(&mail.id.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    let mut frame = Frame {
        out: &mut *out,
        left: mail.size,
    };
    frame.write_all(mail.head)?;
    let read = rest(&mut frame);
    let left = frame.left;
    if read.is_err() || left > 0 {
        lock(unread).insert(mail.id);
        let cause = read
            .err()
            .map_or("it is shorter than it was".into(), |cause| format!("{cause:#}"));
        tracing::error!(
            raw = mail.id,
            cause,
            "a stored mail could not be read; it is tried again"
        );
        io::copy(&mut io::repeat(0).take(left), out)?;
    }
    out.flush()
}

/// A frame that takes no more than it announced.
struct Frame<'a, W> {
    out: &'a mut W,
    left: u64,
}

impl<W: Write> Write for Frame<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let written = self.out.write(&bytes[..most])?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
