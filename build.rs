//! Finds the languages of our mail: every `src/speech/TAG.ftl` is one, and adding a language is adding a file.
//! What a file must hold is checked by `speech::catalogue` and its tests, not here.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let folder =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is")).join("src/speech");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of texts")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ftl"))
        .collect();
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let tag = path.file_stem().and_then(|stem| stem.to_str()).expect("a tag in ASCII");
        writeln!(list, "    ({tag:?}, include_str!({:?})),", path.display().to_string()).expect("memory");
    }
    list.push(']');
    let out = Path::new(&std::env::var("OUT_DIR").expect("cargo says where to write")).join("languages.rs");
    std::fs::write(out, list).expect("the list is written");
}
