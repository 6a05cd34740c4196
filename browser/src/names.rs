//! A name server that knows no name: journeys need no network, and a desk that checks senders gets its answers at once.

use anyhow::Result;
use std::net::{SocketAddr, UdpSocket};

/// Answers every question with "no such name" (RFC 1035 §4.1.1, RCODE 3); ends with the test's process.
pub(crate) fn nothing_known() -> Result<SocketAddr> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((read, from)) = socket.recv_from(&mut bytes) {
            if let Some(answer) = unknown(&bytes[..read]) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    Ok(address)
}

/// The answer to one question: its header and the question again, nothing else.
fn unknown(asked: &[u8]) -> Option<Vec<u8>> {
    let name = asked.get(12..)?.iter().position(|byte| *byte == 0)?;
    let mut answer = asked.get(..12 + name + 5)?.to_vec();
    answer[2] |= 0x80; // an answer
    answer[3] = 0x83; // recursion available, no such name
    answer[6..12].fill(0); // no records
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_with_itself_and_no_such_name() {
        let asked = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01a\x07example\x00\x00\x10\x00\x01\x00\x00\x29";
        let answer = unknown(asked).expect("an answer");
        assert_eq!(answer[..12], *b"\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00");
        assert_eq!(answer[12..], asked[12..asked.len() - 3]);
        assert_eq!(unknown(&asked[..10]), None);
    }
}
