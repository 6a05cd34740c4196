//! Any bytes, cut anywhere, to an SMTP and an LMTP session: no panic, always progress, and what is taken does not depend on the cuts.

#![no_main]

use duly::mail::raw::Body;
use duly::mail::session::{Budget, Envelope, Gate, Protocol, Reply, Session, Turn};
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};

struct Anything;

impl Gate for Anything {
    fn sender(&self, _: IpAddr, from: &str, _: Option<usize>) -> Result<(), Reply> {
        assert!(!from.contains(|c: char| c.is_control()));
        Ok(())
    }
    fn recipient(&self, envelope: &Envelope, to: &str) -> Result<(), Reply> {
        assert!(!to.is_empty() && (to.is_ascii() || envelope.smtputf8));
        Ok(())
    }
    async fn take(&self, _: Envelope, _: Body) -> Result<(), Reply> {
        Ok(())
    }
}

/// What was said and taken when the input comes in pieces of `step`.
fn run(protocol: Protocol, input: &[u8], step: usize) -> (Vec<u8>, Vec<(Envelope, Vec<u8>)>) {
    let budget = Budget::new(1 << 24);
    let mut session = Session::new("desk.example".into(), Ipv4Addr::LOCALHOST.into(), true, budget.clone())
        .speaking(protocol);
    let (mut said, mut taken, mut spool) = (Vec::new(), Vec::new(), Vec::new());
    'session: for mut piece in input.chunks(step) {
        while !piece.is_empty() {
            let (used, turn) = session.step(&Anything, piece, &mut said);
            piece = &piece[used..];
            match turn {
                Turn::More => assert!(used > 0),
                Turn::Spool(part) => {
                    spool.extend_from_slice(&part);
                    session.spooled(Ok(part));
                }
                Turn::Take(envelope, rest) => {
                    assert!(!envelope.to.is_empty());
                    spool.extend(rest);
                    taken.push((envelope, std::mem::take(&mut spool)));
                    session.taken(Ok(()), &mut said);
                }
                // What follows depends on the cut by design: in one packet it is refused, in two it is no handshake.
                Turn::Secure => return (Vec::new(), taken),
                Turn::Close => break 'session,
            }
        }
    }
    drop(session);
    assert_eq!(budget.left(), 1 << 24, "all memory was given back");
    (said, taken)
}

fuzz_target!(|data: &[u8]| {
    let Some((step, input)) = data.split_first() else {
        return;
    };
    let begin = b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
    let smtp = [&b"EHLO c\r\n"[..], begin, input].concat();
    let lmtp = [&b"LHLO c\r\n"[..], begin, input].concat();
    for (protocol, input) in [
        (Protocol::Smtp, input.to_vec()),
        (Protocol::Smtp, smtp),
        (Protocol::Lmtp, input.to_vec()),
        (Protocol::Lmtp, lmtp),
    ] {
        let (whole_said, whole) = run(protocol, &input, usize::MAX);
        let (cut_said, cut) = run(protocol, &input, usize::from(*step).max(1));
        assert_eq!(whole, cut);
        if !whole_said.is_empty()
            && !cut_said.is_empty()
            && !input.to_ascii_uppercase().windows(8).any(|w| w == b"STARTTLS")
        {
            assert_eq!(whole_said, cut_said);
        }
    }
});
