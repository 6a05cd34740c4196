//! Manual pages, one a verb, out of the table of verbs: an example stands before the options, as in `--help`.

use super::args::{Cli, EXIT_CODES, STATES};
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, line_break, roman};
use std::path::Path;

/// What every page says at its end.
const FILES: [(&str, &str); 3] = [
    ("DULY_DIR", "the data directory, where --dir is not given"),
    (
        "DULY_TOKEN",
        "the token of an engineer who does not own the data directory; else $XDG_CONFIG_HOME/duly/token",
    ),
    ("VISUAL, EDITOR", "what opens for a reply or a note without -f and -m"),
];

/// Writes every page into `folder`, which is made if need be: `duly.1`, `duly-reply.1`, ….
///
/// # Errors
/// The folder cannot be made or written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = Cli::command();
    command.build();
    pages(&command, folder).with_context(|| format!("cannot write into {}", folder.display()))
}

fn pages(command: &Command, folder: &Path) -> std::io::Result<()> {
    for inner in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(inner, folder)?;
    }
    let man = Man::new(command.clone()).manual("Duly").source("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    if let Some(examples) = command.get_before_help() {
        example_section(&examples.to_string()).to_writer(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if command.get_name() == "ps" {
        states_section().to_writer(&mut page)?;
    }
    last_sections().to_writer(&mut page)?;
    std::fs::write(folder.join(man.get_filename()), page)
}

fn example_section(examples: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for example in examples.lines() {
        roff.control("PP", []);
        roff.text([roman(example.trim_start_matches("Example: "))]);
    }
    roff
}

fn states_section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["STATES"]);
    for line in STATES.lines().skip(1) {
        roff.control("PP", []);
        roff.text([roman(line.trim())]);
    }
    roff
}

fn last_sections() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in FILES {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["EXIT STATUS"]);
    roff.text([roman(EXIT_CODES.trim_start_matches("Exit codes: ")), line_break()]);
    roff
}
