//! The door to blobs: bytes under the hash of their bytes, in a folder or in an S3-compatible store.
//!
//! It promises: what was put is durable when [`Files::put`] returns; an object is named after customer and SHA-256, so the
//! same bytes are kept once for each customer and never shared between two; nothing is held in memory whole, whatever its
//! size. It knows no noun: who may read what is the desk's to say. Putting the same object twice is harmless, so a crash
//! between an object and its row leaves bytes that the next try finds again.
//!
//! *Staging* is a folder of our own in the data directory: files on their way in lie there in pieces that grow.

pub mod clamd;
pub mod sniff;
pub mod tus;

use crate::limits;
use anyhow::Context;
use clamd::Scanner;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio_stream::StreamExt;

/// Where objects are kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    S3(Bucket),
}

/// A bucket and the way to it.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What stands before the name of every object in it.
    pub prefix: String,
    /// `https://…` of the server; empty: Amazon's.
    pub endpoint: String,
    /// Its region; servers of one's own take any.
    pub region: String,
    /// Name and secret of the key.
    pub key: (String, String),
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Blobs, the folder of those on their way, and what looks for malware in them.
pub struct Files {
    objects: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    staging: PathBuf,
    scanner: Option<Scanner>,
}

/// What is known of bytes once they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// SHA-256, lower case hexadecimal: the name.
    pub digest: String,
    /// How many bytes.
    pub bytes: u64,
    /// Media type by what they are, whatever was claimed.
    pub kind: &'static str,
}

/// Bytes of an object, in order.
pub type Stream = futures_core::stream::BoxStream<'static, object_store::Result<bytes::Bytes>>;

impl Files {
    /// Opens the place; `staging` is made if it is not there.
    ///
    /// # Errors
    /// A folder that cannot be made, settings of a store that make no sense. A store that does not answer is found out
    /// when something is kept there.
    pub fn open(place: &Place, staging: PathBuf, scanner: Option<Scanner>) -> anyhow::Result<Files> {
        std::fs::create_dir_all(&staging).with_context(|| format!("make {}", staging.display()))?;
        let (objects, prefix): (Arc<dyn ObjectStore>, _) = match place {
            Place::Folder(folder) => {
                std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
                // Durable when it says so: a file that a page shows must be there after a power cut.
                let local = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
                (Arc::new(local), ObjectPath::default())
            }
            Place::S3(bucket) => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(&bucket.name)
                    .with_region(&bucket.region)
                    .with_access_key_id(&bucket.key.0)
                    .with_secret_access_key(&bucket.key.1)
                    .with_allow_http(bucket.endpoint.starts_with("http://"));
                if !bucket.endpoint.is_empty() {
                    builder = builder.with_endpoint(&bucket.endpoint);
                }
                (Arc::new(builder.build()?), ObjectPath::from(bucket.prefix.as_str()))
            }
        };
        Ok(Files {
            objects,
            prefix,
            staging,
            scanner,
        })
    }

    /// Where a file on its way lies; `key` is one of ours.
    pub fn staged(&self, key: &str) -> PathBuf {
        self.staging.join(key)
    }

    /// The folder of files on their way.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Names of everything on its way.
    ///
    /// # Errors
    /// What the disk says.
    pub fn staged_keys(&self) -> anyhow::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.staging).with_context(|| format!("read {}", self.staging.display()))?;
        let mut keys = Vec::new();
        for entry in entries {
            keys.extend(entry?.file_name().into_string());
        }
        Ok(keys)
    }

    /// Keeps the names of new files on their way: a synced file that no folder names is lost in a power cut.
    ///
    /// # Errors
    /// What the disk says; then nothing may be told to be kept.
    pub fn sync_staging(&self) -> std::io::Result<()> {
        std::fs::File::open(&self.staging)?.sync_all()
    }

    /// Whether the disk of files on their way takes so many bytes more and keeps its reserve: mail comes first.
    pub fn has_room(&self, bytes: u64) -> bool {
        let Ok(disk) = rustix::fs::statvfs(&self.staging) else {
            return true;
        };
        let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        let reserve = (all as f64 * limits::FREE_DISK_SHARE).min(limits::FREE_DISK_BYTES_MOST) as u64;
        free > bytes.saturating_add(reserve)
    }

    /// What looks for malware, if anything does.
    pub fn scanner(&self) -> Option<&Scanner> {
        self.scanner.as_ref()
    }

    fn object(&self, customer: i64, digest: &str) -> ObjectPath {
        // Two letters first: a folder with a million entries is slow on every file system.
        let parts = [
            customer.to_string(),
            digest.get(..2).unwrap_or("").to_owned(),
            digest.to_owned(),
        ];
        parts
            .iter()
            .fold(self.prefix.clone(), |path, part| path.join(part.as_str()))
    }

    /// Keeps the bytes of a file for a customer under their hash, which `looked` says.
    ///
    /// # Errors
    /// What the store says; then nothing is kept, or all of it under its own name.
    pub async fn put(&self, customer: i64, looked: &Looked, file: &Path) -> anyhow::Result<()> {
        let path = self.object(customer, &looked.digest);
        if let Ok(there) = self.objects.head(&path).await
            && there.size == looked.bytes
        {
            return Ok(());
        }
        let mut from = tokio::fs::File::open(file)
            .await
            .with_context(|| format!("open {}", file.display()))?;
        let upload = self.objects.put_multipart(&path).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, limits::FILE_PIECE_BYTES);
        if let Err(cause) = pour(&mut from, &mut upload).await {
            // Parts that lie in a bucket cost money and are seen by nobody.
            let _ = upload.abort().await;
            return Err(cause);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Removes the bytes of a customer under this hash; none there is as good.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove(&self, customer: i64, digest: &str) -> anyhow::Result<()> {
        match self.objects.delete(&self.object(customer, digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Everything of ours in its place that was put there before an instant.
    pub fn objects(&self, before: jiff::Timestamp) -> Objects {
        let prefix = (self.prefix != ObjectPath::default()).then_some(&self.prefix);
        Objects {
            listed: self.objects.list(prefix),
            before: before.as_second(),
        }
    }

    /// The bytes of an object from an offset on.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read(&self, customer: i64, digest: &str, from: u64) -> anyhow::Result<Stream> {
        let options = GetOptions {
            range: (from > 0).then_some(GetRange::Offset(from)),
            ..GetOptions::default()
        };
        let found = self.objects.get_opts(&self.object(customer, digest), options).await?;
        Ok(found.into_stream())
    }

    /// All bytes of an object, in memory: for those that are small.
    ///
    /// # Errors
    /// What the store says.
    pub async fn whole(&self, customer: i64, digest: &str) -> anyhow::Result<Vec<u8>> {
        let found = self.objects.get(&self.object(customer, digest)).await?;
        Ok(found.bytes().await?.to_vec())
    }

    /// At most `most` bytes of an object from an offset on.
    ///
    /// # Errors
    /// What the store says.
    pub async fn piece(&self, customer: i64, digest: &str, from: u64, most: u64) -> anyhow::Result<bytes::Bytes> {
        Ok(self
            .objects
            .get_range(&self.object(customer, digest), from..from + most)
            .await?)
    }
}

/// Names of objects, as they are found.
pub struct Objects {
    listed: futures_core::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>>,
    before: i64,
}

impl Objects {
    /// The next one: customer and hash. What has another name is not ours and is passed over.
    ///
    /// # Errors
    /// What the store says.
    pub async fn next(&mut self) -> anyhow::Result<Option<(i64, String)>> {
        while let Some(found) = self.listed.next().await {
            let found = found?;
            if found.last_modified.timestamp() < self.before
                && let Some(named) = named(&found.location)
            {
                return Ok(Some(named));
            }
        }
        Ok(None)
    }
}

/// Customer and hash in the name of an object: `7/ab/ab12…`.
fn named(path: &ObjectPath) -> Option<(i64, String)> {
    let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    let [.., customer, begin, digest] = parts.as_slice() else {
        return None;
    };
    let is_digest = digest.len() == 64 && digest.starts_with(begin.as_str()) && begin.len() == 2;
    Some((customer.parse().ok().filter(|_| is_digest)?, digest.clone()))
}

async fn pour(from: &mut tokio::fs::File, to: &mut WriteMultipart) -> anyhow::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.wait_for_capacity(2).await?;
        to.write(&buffer[..read]);
    }
}

/// Reads a file once: hash, size, kind.
///
/// # Errors
/// What the disk says.
pub fn look(file: &Path) -> anyhow::Result<Looked> {
    let mut from = std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
    let (mut hash, mut bytes, mut head) = (Sha256::new(), 0, Vec::new());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        if head.len() < sniff::HEAD_BYTES {
            head.extend_from_slice(&buffer[..read.min(sniff::HEAD_BYTES - head.len())]);
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok(Looked {
        digest: data_encoding::HEXLOWER.encode(&hash.finalize()),
        bytes,
        kind: sniff::kind(&head),
    })
}
