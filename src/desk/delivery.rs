//! The state of a mail that leaves, for one recipient, in words that hide nothing: held, queued, accepted by whom and when,
//! deferred or failed with the server's words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How one recipient's copy fared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it goes.
    pub recipient: String,
    /// held, queued, sending, accepted, deferred, failed, undone.
    pub state: String,
    /// The server that said so.
    pub server: Option<String>,
    /// Its words.
    pub said: Option<String>,
    /// When it was settled, or is tried (again).
    pub at: Timestamp,
    /// The brake is on: it stays here until that is released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub braked: bool,
    /// It may have arrived more than once, with one Message-ID: a server took it and never said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
    /// It waits for an earlier mail of this case to the same recipient.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// How it was sealed, as half a sentence; none: in clear, or not composed yet.
    #[serde(default)]
    pub sealed: Option<String>,
}

impl Delivery {
    /// In words: "accepted by mx.n.example at …; encrypted with OpenPGP for key …, signed".
    pub fn words(&self, zone: &plan::Zone, now: Timestamp) -> String {
        let state = self.state_words(zone, now);
        match &self.sealed {
            Some(sealed) => format!("{state}; {sealed}"),
            None => state,
        }
    }

    fn state_words(&self, zone: &plan::Zone, now: Timestamp) -> String {
        let at = plan::say::short(self.at, zone, now);
        let server = self.server.as_deref().unwrap_or("their server");
        let said = self.said.as_deref().unwrap_or("");
        match self.state.as_str() {
            "held" | "queued" | "deferred" if self.braked => "held by the brake on all mail".to_owned(),
            "accepted" if self.doubted => format!("accepted by {server} at {at}; it may have arrived twice"),
            "accepted" => format!("accepted by {server} at {at}"),
            "held" | "queued" if self.behind => "waits for an earlier mail of this case to the same person".to_owned(),
            "deferred" => format!("deferred by {server}: {said}; tried again at {at}"),
            "failed" => format!("failed because {said}"),
            "held" => format!("held until {at}"),
            "undone" => format!("undone at {at}"),
            other => format!("{other} since {at}"),
        }
    }
}
