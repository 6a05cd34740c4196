//! A list as it is read: aligned columns on a terminal, tabs in a pipe, sentences for a screen reader.
//!
//! On a terminal a row is one line: what does not fit is cut with an ellipsis, unless the list says that its words
//! matter more than its shape. A long list is printed in blocks, so that it need not be held in memory whole.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width};
use std::io::{self, Write};

/// Rows that are aligned together.
const BLOCK: usize = 1_000;

/// Columns that may be cut or wrapped where the terminal is narrow; all others keep their width: a number, a time or an
/// address is useless in half.
const YIELDING: [&str; 10] = [
    "CUSTOMER", "SUBJECT", "WHY", "WHO", "FROM", "LINE", "DATA", "HOURS", "LANES", "DOMAINS",
];

/// Columns that leave room for the words beside them, and their widest.
const MODEST: [(&str, u16); 3] = [("WHO", 12), ("FROM", 24), ("CUSTOMER", 18)];

/// Where a line may be cut that is cut at all: nowhere in particular, so that as much as possible stands in it.
const ANYWHERE: char = '\u{1f}';

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Aligned, for eyes.
    Columns,
    /// One line a row, cells parted by tabs, for other programs.
    Tabs,
    /// One sentence a row, for ears.
    Sentences,
}

/// A list being written.
pub struct List {
    form: Form,
    bold_heading: bool,
    heading: Vec<String>,
    table: Option<Table>,
    in_block: usize,
    /// Rows written so far.
    pub rows: usize,
}

impl List {
    /// An empty list.
    pub fn new(form: Form, bold_heading: bool) -> List {
        List {
            form,
            bold_heading,
            heading: Vec::new(),
            table: None,
            in_block: 0,
            rows: 0,
        }
    }

    /// How it is written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// One row; the heading of the first counts.
    pub fn row(&mut self, heading: &[&str], cells: Vec<String>, wraps: bool) -> io::Result<()> {
        let cells = cells.into_iter().map(|cell| super::one_line(&cell));
        let first = self.rows == 0;
        self.rows += 1;
        match self.form {
            Form::Columns => {
                if first {
                    self.heading = heading.iter().map(|&one| one.to_owned()).collect();
                }
                let mut row = Row::from(cells.collect::<Vec<_>>());
                if !wraps {
                    row.max_height(1);
                }
                self.table.get_or_insert_with(|| new_table(heading, wraps)).add_row(row);
                self.in_block += 1;
                if self.in_block < BLOCK { Ok(()) } else { self.print() }
            }
            Form::Tabs => {
                let mut out = io::stdout().lock();
                if first {
                    writeln!(out, "{}", heading.join("\t"))?;
                }
                writeln!(out, "{}", cells.collect::<Vec<_>>().join("\t"))
            }
            Form::Sentences => {
                let said: Vec<String> = heading
                    .iter()
                    .zip(cells)
                    .filter(|(_, cell)| !cell.is_empty() && cell != "-")
                    .map(|(name, cell)| format!("{} {cell}", name.to_lowercase()))
                    .collect();
                let mut said = said.join(", ");
                if let Some(first) = said.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                writeln!(io::stdout(), "{said}.")
            }
        }
    }

    /// Writes what is left.
    pub fn end(&mut self) -> io::Result<()> {
        self.print()
    }

    fn print(&mut self) -> io::Result<()> {
        let Some(table) = self.table.take() else { return Ok(()) };
        let again = self.rows > self.in_block;
        self.in_block = 0;
        let mut out = io::stdout().lock();
        for (place, line) in table.lines().enumerate() {
            match (place, again, self.bold_heading) {
                (0, true, _) => {}
                (0, false, true) => writeln!(out, "\u{1b}[1m{}\u{1b}[0m", line.trim_end())?,
                _ => writeln!(out, "{}", line.trim_end())?,
            }
        }
        Ok(())
    }
}

fn new_table(heading: &[&str], wraps: bool) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let mut head = Row::from(heading);
    head.max_height(1);
    table.set_header(head);
    for (column, name) in table.column_iter_mut().zip(heading) {
        column.set_padding((0, 2));
        if !wraps {
            column.set_delimiter(ANYWHERE);
        }
        let modest = MODEST.iter().find(|(modest, _)| modest == name);
        match modest {
            Some((_, width)) => {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(*width)));
            }
            None if YIELDING.contains(name) => {}
            None => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    table
}
