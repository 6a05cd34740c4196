//! What is read of files and uploads: what bytes are, names made safe, header fields of tus, answers of a scanner's kind.
#![no_main]

use duly::files::sniff::{HEAD_BYTES, disposition, is_dangerous, kind, may_be_shown, safe_name};
use duly::files::tus::{Checksum, count, metadata};
use duly::limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let said = kind(data);
    assert_eq!(said, kind(&data[..data.len().min(HEAD_BYTES)]), "only the head decides");
    let lower = data.to_ascii_lowercase();
    if may_be_shown(said) && said == "text/plain" {
        assert!(!lower[..lower.len().min(500)].windows(7).any(|word| word == b"<script"));
    }
    let text = String::from_utf8_lossy(data);
    let name = safe_name(&text);
    assert!(!name.is_empty() && name.len() <= limits::FILE_NAME_BYTES && !name.contains(['/', '\\', '\r', '\n', '\0', '\u{202e}']));
    assert_eq!(safe_name(&name), name, "safe is safe");
    assert!(disposition(&text, false).is_ascii());
    let _ = is_dangerous(said, &name);
    let _ = count(&text);
    let _ = metadata(&text, "filename");
    if let Some(mut checksum) = Checksum::read(&text) {
        checksum.update(data);
        let _ = checksum.fits();
    }
});
