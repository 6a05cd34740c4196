//! What the courier decides without a network.

use super::*;

#[test]
fn tries_come_further_and_further_apart() {
    let minutes: Vec<u64> = (0..9).map(|tries| backoff(tries).as_secs() / 60).collect();
    assert_eq!(minutes, [0, 1, 5, 15, 30, 60, 120, 120, 120]);
    assert_eq!(backoff(u32::MAX).as_secs(), 7200);
}

#[test]
fn a_mail_is_given_up_after_five_days_and_not_before() {
    let first: Timestamp = "2026-03-02T10:00:00Z".parse().expect("a time");
    let end: Timestamp = "2026-03-07T10:00:00Z".parse().expect("a time");
    let mut now = first;
    let mut tries = 0;
    while let Some(next) = next_try(first, tries, now) {
        assert!(next <= end);
        now = next;
        tries += 1;
        assert!(tries < 100, "the schedule has an end");
    }
    assert_eq!(now, end, "the last try stands at the end");
    assert_eq!(tries, 66);
}

#[test]
fn what_the_server_says_is_kept_clean_and_short() {
    assert_eq!(clean("550 no\r\nsuch\tuser\u{1b}[31m "), "550 no  such user [31m");
    assert_eq!(clean(&"\u{e9}".repeat(1_000)).chars().count(), limits::SMTP_REPLY_BYTES);
}

#[test]
fn only_whole_lines_and_true_addresses_leave() {
    assert!(fit_to_send("", "a@b.example", b"x\r\n\r\ny").is_ok());
    for raw in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"a\r", b"a\r\r\n", b"\n"] {
        assert!(fit_to_send("", "a@b.example", raw).is_err(), "{raw:?}");
    }
    for to in [
        "",
        "a",
        "a@b>\r\nRCPT TO:<c@d",
        "a@b> SIZE=1",
        "a b@c",
        "<a@b>",
        "a@b\0",
    ] {
        assert!(fit_to_send("", to, b"x\r\n").is_err(), "{to:?}");
    }
}

#[test]
fn a_strangers_mx_does_not_reach_into_this_machine() {
    for inside in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "169.254.1.1",
        "fe80::1",
        "224.0.0.1",
    ] {
        assert!(!is_outside(inside.parse().expect("an address")), "{inside}");
    }
    for outside in ["192.0.2.1", "2001:db8::1", "10.0.0.1"] {
        assert!(is_outside(outside.parse().expect("an address")), "{outside}");
    }
}
