//! Bounces, automatic answers and what is read out of them: any body under the headers that lead into each reader.
#![no_main]

use duly::desk::{likeness, number};
use duly::limits;
use duly::mail::parse::understand;
use libfuzzer_sys::fuzz_target;

/// Headers that lead into a reader, and what stands before the body.
const WAYS: &[&str] = &[
    "From: MAILER-DAEMON@x.org\nSubject: Undelivered Mail Returned to Sender\n\n",
    "From: MAILER-DAEMON@x.org\nSubject: Warning: still trying\nTo: a@y.org\n\n",
    "From: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n",
    "From: <>\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n",
    "From: f@x.org\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n",
    "From: no-reply@x.org\nSubject: Notification\n\n{\"bounce\":{\"bouncedRecipients\":[",
    "From: a@x.org\nX-Failed-Recipients: ",
    "From: Jane <jane@x.org>\nSubject: Re: Replica\n\nI am out of the office ",
    "From: Jane <jane@x.org>\nSubject: ",
];

fuzz_target!(|data: &[u8]| {
    let Some((&which, body)) = data.split_first() else { return };
    let raw = [WAYS[usize::from(which) % WAYS.len()].as_bytes(), body].concat();
    let mail = understand(&raw);
    if let Some(bounce) = &mail.bounce {
        assert!(bounce.failures.len() <= limits::BOUNCED_RECIPIENTS);
        assert_eq!(bounce.recipients.len(), bounce.failures.len());
        for failure in &bounce.failures {
            assert!(failure.recipient.contains('@') && failure.recipient.len() <= limits::ADDRESS_BYTES);
            assert!(failure.said.chars().count() <= 300);
        }
    }
    assert!(number::in_subject(&mail.subject).len() <= 4);
    assert!(likeness::shape(&mail.subject).len() <= limits::LIKENESS_SUBJECT_BYTES * 2);
});
