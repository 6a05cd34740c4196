//! `duly policy`: who may do what, as the desk itself asks it.

use super::args::Cli;
use super::render;
use crate::desk::policy::{ROLES, RULES};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Prints a line a verb: which roles may do it.
///
/// # Errors
/// Standard output is closed.
pub fn print(cli: &Cli) -> anyhow::Result<()> {
    let mut list = render::list_of(cli);
    for rule in RULES {
        if cli.json {
            let may = ROLES.iter().zip(rule.may());
            let mut line: Map<String, Value> = may.map(|(role, may)| ((*role).to_owned(), may.into())).collect();
            line.insert("verb".into(), json!(rule.verb));
            line.insert("but".into(), json!(rule.but));
            writeln!(io::stdout(), "{}", Value::Object(line))?;
            continue;
        }
        let may = rule.may().map(|may| if may { "yes" } else { "-" }.to_owned());
        let mut cells = vec![rule.verb.to_owned()];
        cells.extend(may);
        cells.push(rule.but.to_owned());
        list.row(
            &["VERB", "ENGINEER", "LEAD", "ADMINISTRATOR", "OWNER", "BUT"],
            cells,
            false,
        )?;
    }
    Ok(list.end()?)
}
