//! The bytes of a mail on their way into the store: in memory while it is small, in an unnamed file beyond
//! [`limits::SPOOL_BYTES`].
//!
//! The file lies in the data directory and loses its name the moment it is made: whatever ends the process, the kernel
//! takes the file along, and nothing needs to be swept. It is never synced, for nothing is acknowledged from it: the bytes
//! are read back into the database, and that is what is durable. A piece at a time in both directions, so that a mail of
//! 50 MB costs the desk half a megabyte of memory.

use crate::limits;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A whole mail, wherever it lies.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Here(Vec<u8>),
    /// In an unnamed file.
    Spooled(Spooled),
}

/// A whole mail in an unnamed file, from its beginning.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    size: u64,
}

impl Body {
    /// All of it, in memory.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Body::Here(bytes) => Ok(bytes),
            Body::Spooled(mut spooled) => {
                let mut bytes = Vec::with_capacity(usize::try_from(spooled.size).unwrap_or(0));
                spooled.file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Here(bytes)
    }
}

impl Spooled {
    /// Bytes of the mail.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next piece of [`limits::SPOOL_BYTES`]; less at the end, nothing after it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(limits::SPOOL_BYTES);
        (&mut self.file)
            .take(limits::SPOOL_BYTES as u64)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A mail that is growing.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    file: Option<File>,
    size: u64,
}

impl Spool {
    /// A mail that would grow in a file of this folder; there is none yet.
    pub fn within(folder: PathBuf) -> Spool {
        Spool {
            folder,
            file: None,
            size: 0,
        }
    }

    /// Appends bytes to the file.
    ///
    /// # Errors
    /// If the file cannot be made or written: no place, most likely.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(unnamed(&self.folder)?),
        };
        file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The mail, with the bytes that were not appended.
    ///
    /// # Errors
    /// If the file cannot be written or read again.
    pub fn end(mut self, rest: Vec<u8>) -> io::Result<Body> {
        if self.file.is_none() {
            return Ok(Body::Here(rest));
        }
        self.append(&rest)?;
        let Some(mut file) = self.file else {
            return Ok(Body::Here(rest));
        };
        file.seek(SeekFrom::Start(0))?;
        Ok(Body::Spooled(Spooled { file, size: self.size }))
    }
}

/// A file without a name, readable by this process alone.
fn unnamed(folder: &std::path::Path) -> io::Result<File> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".incoming-{}-{number}", std::process::id()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spooled_comes_back_in_pieces_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::within(folder.path().to_owned());
        let whole: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
        for piece in whole[..590_000].chunks(100_000) {
            spool.append(piece).unwrap();
        }
        let Body::Spooled(mut spooled) = spool.end(whole[590_000..].to_vec()).unwrap() else {
            panic!("it is not in a file");
        };
        assert_eq!(spooled.size(), 600_000);
        let pieces: Vec<Vec<u8>> =
            std::iter::from_fn(|| Some(spooled.piece().unwrap()).filter(|piece| !piece.is_empty())).collect();
        assert_eq!(
            pieces.iter().map(Vec::len).collect::<Vec<_>>(),
            [262_144, 262_144, 75_712]
        );
        assert!(pieces.concat() == whole);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_small_mail_makes_no_file() {
        let spool = Spool::within("/nowhere".into());
        assert!(matches!(spool.end(b"small".to_vec()), Ok(Body::Here(bytes)) if bytes == b"small"));
    }
}
