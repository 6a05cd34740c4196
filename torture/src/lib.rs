//! What fault campaigns and benchmarks share: a desk that is the real program in its own folder, customers who write to
//! it from many addresses, and a relay that takes whatever it sends.
//!
//! Nothing of the program is linked in here: a campaign sees what a person sees, through SMTP, the command line and the
//! local socket, plus one read-only look into the database of a desk that stands still. Every random choice comes from
//! one seed, which is printed.

pub mod account;
pub mod customers;
pub mod desk;
pub mod dice;
pub mod mail;
pub mod memory;
pub mod moody;
pub mod relay;
pub mod smtp;

/// A whole number from the environment, or what is usual.
///
/// # Panics
/// If the variable holds something else: a campaign of another size than wanted proves nothing.
pub fn number(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text}: a whole number, please")),
        Err(_) => usual,
    }
}
