//! Settings of mailboxes as people write them, and secrets as they lie about.

use super::account::{Account, After, Auth, Scheme, Since};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn read(text: &str) -> Result<Account, String> {
    Account::read(text, Path::new("/desk"), "support@acme.example")
}

#[test]
fn an_entry_says_where_how_and_what_afterwards() {
    let one = read("imaps://support%40acme.example@imap.example.org/Support%20mail secret=imap.secret").unwrap();
    assert_eq!(one.user, "support@acme.example");
    assert_eq!(
        (one.host.as_str(), one.port, one.folder.as_str()),
        ("imap.example.org", 993, "Support mail")
    );
    assert_eq!((one.scheme, one.auth), (Scheme::Imap { tls: true }, Auth::Password));
    assert_eq!(
        (one.since, one.after.clone(), one.live),
        (Since::New, After::Keep, false),
        "shadow, and nothing old"
    );
    assert_eq!(one.secret, Path::new("/desk/imap.secret"));
    assert_eq!(
        (one.to.as_str(), one.mailbox().as_str()),
        ("support@acme.example", "imap:imap.example.org")
    );
    let all = "imap://a@b@[::1]:1143 secret=s name=main to=Install@acme.example auth=bearer from=unseen after=move:Done%2F2026 ca=root.pem live";
    let one = read(all).unwrap();
    assert_eq!(
        (one.user.as_str(), one.host.as_str(), one.port, one.is_local()),
        ("a@b", "::1", 1143, true)
    );
    assert_eq!((one.auth, one.since, one.live), (Auth::Bearer, Since::Unseen, true));
    assert_eq!(one.after, After::Move("Done/2026".into()));
    assert_eq!(
        (one.mailbox().as_str(), one.to.as_str()),
        ("imap:main", "install@acme.example")
    );
    assert_eq!(read("jmap://a@j.example secret=s").unwrap().port, 443);
}

#[test]
fn nonsense_is_named() {
    for (text, said) in [
        ("", "no mailbox"),
        ("pop3://a@b secret=s", "no mailbox"),
        ("imaps://host/INBOX secret=s", "no mailbox"),
        ("imaps://a@host:port secret=s", "no mailbox"),
        ("imaps://a@host", "secret=FILE"),
        ("imaps://a@host secret=../x", "secret=../x"),
        ("imaps://a@host secret=s password=hunter2", "not understood"),
        ("imaps://a@host secret=s after=delete", "after=delete"),
        ("imaps://a@host secret=s to=nobody", "to=nobody"),
        ("imaps://a%0d@host secret=s", "control character"),
        ("jmap+http://a@far.example secret=s", "not encrypted"),
    ] {
        let cause = read(text).unwrap_err();
        assert!(cause.contains(said), "{text}: {cause}");
    }
}

#[tokio::test]
async fn a_secret_is_a_file_that_nobody_else_reads_or_what_a_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::read("imaps://a@b secret=s", folder.path(), "x@y").unwrap();
    let write = |text: &str, mode: u32| {
        std::fs::write(&account.secret, text).unwrap();
        std::fs::set_permissions(&account.secret, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    assert!(account.secret().await.is_err(), "there is none");
    write("pass word\n", 0o600);
    assert_eq!(account.secret().await.unwrap(), "pass word");
    write("pass word\n", 0o640);
    assert!(account.secret().await.unwrap_err().to_string().contains("chmod 600"));
    write("#!/bin/sh\necho token-$((6*7))\n", 0o700);
    assert_eq!(account.secret().await.unwrap(), "token-42");
    write("#!/bin/sh\necho half; exit 3\n", 0o700);
    let cause = account.secret().await.unwrap_err().to_string();
    assert!(cause.contains("failed") && !cause.contains("half"), "{cause}");
    write("", 0o600);
    assert!(account.secret().await.is_err());
    write("two\nlines\n", 0o600);
    assert!(account.secret().await.is_err());
}
