//! duly.
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["mail", "inspect", files @ ..] => {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let mut out = BufWriter::new(std::io::stdout());
            match duly::cli::mail::inspect(&files, &mut out) {
                Ok(code) => code,
                Err(cause) => {
                    eprintln!("{cause:#}");
                    ExitCode::FAILURE
                }
            }
        }
        ["mail-worker"] => duly::mail::worker::run(),
        _ => ExitCode::SUCCESS,
    }
}
