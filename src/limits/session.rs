//! Bounds of signing in.

/// Characters of a secret that signs somebody in, at least: 256 random bits in base32.
pub const SECRET_CHARS: usize = 52;
/// Minutes in which a sign-in link can be used (SECURITY.md §5.6 of the design).
pub const SIGN_IN_MINUTES: i64 = 15;
/// Days for which a used or expired link is still known, so that its page can say what became of it.
pub const SIGN_IN_KEPT_DAYS: i64 = 7;
/// Sign-in links of one person that are remembered; the oldest goes first, used or not.
pub const SIGN_IN_LINKS: i64 = 10;
/// Hours after which a session ends that nobody used (SECURITY.md §5.6 of the design).
pub const SESSION_IDLE_HOURS: i64 = 12;
/// Days after which a session ends, used or not.
pub const SESSION_DAYS: i64 = 7;
/// A session's last use is written down no more often: a page a second costs no write a second.
pub const SESSION_SEEN_SECONDS: i64 = 60;
/// Sessions of one person; with one more the one that was unused longest ends.
pub const SESSIONS: i64 = 20;
/// Characters of what is kept of a browser's name.
pub const SESSION_AGENT_CHARS: usize = 60;
/// Characters of a password, at least: it never stands alone, a code goes with it.
pub const PASSWORD_CHARS: usize = 10;
/// Bytes of a password, at most: it is hashed, which takes its time.
pub const PASSWORD_BYTES: usize = 1_000;
/// Wrong tries in a row after which a password rests (SECURITY.md, S7 of the design).
pub const PASSWORD_TRIES: i64 = 10;
/// Minutes for which it rests; links sign in meanwhile.
pub const PASSWORD_REST_MINUTES: i64 = 15;
/// Wait for one's turn to be hashed for: one hash at a time, each takes 19 MiB and a core.
pub const PASSWORD_TURN_SECONDS: u64 = 5;
/// Recovery codes that are given out with an authenticator.
pub const RECOVERY_CODES: usize = 10;
/// Milliseconds that every answer to a password takes at least, so that none says by its haste what was wrong.
pub const PASSWORD_ANSWER_MILLIS: u64 = 500;
