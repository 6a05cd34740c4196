//! What a delivery status notification says, as the desk needs it.

/// What a delivery status notification says of one of our mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-ID it is about, if named.
    pub about: Option<String>,
    /// Whether trying again is useless.
    pub permanent: bool,
    /// Nothing failed: the recipient complained (RFC 5965).
    pub complaint: bool,
    /// What is said of each recipient.
    pub failed: Vec<Failed>,
}

/// What a bounce says of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// The address.
    pub recipient: String,
    /// Whether their server gave up.
    pub permanent: bool,
    /// Whether any other mail to the address would fare the same.
    pub is_about_address: bool,
    /// Why, in a few words of ours: "the mailbox is full".
    pub reason: String,
    /// Their server's own words.
    pub said: String,
}

impl Failed {
    /// Our words with theirs behind them.
    pub fn words(&self) -> String {
        match (self.reason.is_empty(), self.said.is_empty()) {
            (_, true) => format!("it came back: {}", self.reason),
            (true, false) => format!("it came back ({})", self.said),
            (false, false) => format!("it came back: {} ({})", self.reason, self.said),
        }
    }
}
