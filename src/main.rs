//! `duly`: the desk, its command line, and the process that reads its mail are one program.

fn main() -> std::process::ExitCode {
    duly::cli::run()
}
