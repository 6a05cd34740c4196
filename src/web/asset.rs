//! Style, script and icon: in the binary, under a name that holds the hash of their bytes, kept by browsers for a year.

use super::guard::gzip;
use crate::refusal::Refusal;
use axum::extract::Path;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use flate2::Compression;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Where they are.
pub const PATH: &str = "/a/";

/// Something that pages need besides themselves.
pub struct Asset {
    /// Its whole path, as pages name it.
    pub path: String,
    kind: &'static str,
    bytes: &'static [u8],
    zipped: Vec<u8>,
}

/// The style of every page.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of(
        "duly.css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/duly.css"),
    )
});
/// What keeps pages fresh, and the keys.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of(
        "duly.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/duly.js"),
    )
});
/// What sends large files in pieces.
pub static UPLOAD: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of(
        "upload.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/upload.js"),
    )
});
/// The sign in the tab.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("duly.svg", "image/svg+xml", include_bytes!("../../assets/duly.svg")));

impl Asset {
    fn of(name: &str, kind: &'static str, bytes: &'static [u8]) -> Asset {
        let hash = HEXLOWER.encode(&Sha256::digest(bytes)[..8]);
        Asset {
            path: format!("{PATH}{hash}-{name}"),
            kind,
            bytes,
            zipped: gzip(bytes, Compression::best()),
        }
    }
}

/// Answers with the bytes. An old name is not answered with new bytes: they would be kept under it.
pub async fn show(Path(name): Path<String>, asked: HeaderMap) -> Response {
    let known = [&*STYLE, &*SCRIPT, &*UPLOAD, &*ICON]
        .into_iter()
        .find(|asset| asset.path.strip_prefix(PATH) == Some(&name));
    let Some(asset) = known else {
        return super::said(&Refusal::missing("There is no such file here. Load the page again."));
    };
    let kept = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    match super::guard::takes_gzip(&asked) {
        true => (kept, [(header::CONTENT_ENCODING, "gzip")], asset.zipped.as_slice()).into_response(),
        false => (kept, asset.bytes).into_response(),
    }
}
