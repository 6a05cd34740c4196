//! Sign-in links and sessions, as a person reads them.

use super::Screen;
use crate::desk::session::{Link, SessionRow};
use std::io::{self, Write};

impl Screen {
    /// The link is the last word: scripts take it from there.
    pub(super) fn link(&self, link: &Link) -> io::Result<()> {
        self.print(&format!(
            "Signs in {} ({}) at one browser, once, until {}:\n{}",
            link.name,
            link.address,
            self.short(link.expires_at),
            link.link
        ))
    }

    pub(super) fn sessions(&mut self, rows: Vec<SessionRow>) -> io::Result<()> {
        if rows.is_empty() {
            writeln!(io::stderr(), "They are signed in nowhere.")?;
        }
        for one in rows {
            let cells = vec![
                one.session.to_string(),
                one.agent,
                self.short(one.made_at),
                self.short(one.last_seen),
                self.short(one.expires_at),
            ];
            let heading = ["SESSION", "BROWSER", "SIGNED IN", "LAST USED", "ENDS"];
            self.list.row(&heading, cells, false)?;
        }
        Ok(())
    }
}
