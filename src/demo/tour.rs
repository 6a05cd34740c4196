//! What `duly demo` prints when the desk is ready: one mail, one answer, seven commands to practise.

/// The tour with the places `{smtp}` (host:port), `{http}` (host:port), `{dir}` (data directory) and `{bin}` (folder of the
/// program, which need not be on the path) left open; see [`tour`].
pub const TOUR: &str = r#"Acme Support is open: 12 engineers, some 40 open cases, 2,000 closed ones.
Nothing leaves this machine. Stop with Ctrl-C; the desk is thrown away with {dir}.

  See it        http://{http}/

  1. Write as a customer, in a second window:

     python3 -c "import smtplib; smtplib.SMTP('{smtp}').sendmail(
       'priya.nair@northlight.example', 'support@acme.example',
       'From: Priya Nair <priya.nair@northlight.example>\nTo: support@acme.example\n'
       'Subject: Replica stopped after the upgrade\n\nThe standby says: invalid record length.')"

     A case appears with the time by which it is answered, and Priya has been told that time.

  2. Answer as an engineer, in a third window:

     export DULY_DIR={dir} PATH="{bin}:$PATH"
     duly ps                                        all open cases and whose move it is
     duly --as anna@acme.example next               the case that is due next for Anna
     duly show 2041                                 one case on one screen (take your number)
     duly log 2041                                  what happened to it, entry by entry
     echo "Start the standby from a fresh base backup: ..." |
       duly --as anna@acme.example reply 2041 -f - --kind answer --then close
     duly ledger 2041                               the promise, kept once the mail left (13 s)
     duly grep "invalid record"                     has anybody seen this before?

  Try next: reply with --kind question --then "wait fri 12:00", and answer it as Priya.
"#;

/// The tour for one running demo: addresses as `host:port`, `dir` and `bin` as they are to be typed.
pub fn tour(smtp: &str, http: &str, dir: &str, bin: &str) -> String {
    TOUR.replace("{smtp}", smtp)
        .replace("{http}", http)
        .replace("{dir}", dir)
        .replace("{bin}", bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_has_no_open_place_and_fits_a_terminal() {
        let text = tour("127.0.0.1:2525", "127.0.0.1:8025", "/tmp/duly-demo", "/opt/duly/bin");
        assert!(!text.contains('{') && !text.contains('}'));
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn the_people_of_the_tour_exist() {
        assert!(crate::demo::engineers().iter().any(|one| TOUR.contains(one.address)));
        let contacts = crate::demo::customers().into_iter().flat_map(|one| one.contacts);
        assert!(contacts.into_iter().any(|one| TOUR.contains(&one.address)));
    }

    #[test]
    fn seven_commands_are_practised() {
        let practised = [
            "duly ps",
            " next ",
            "duly show",
            "duly log",
            " reply ",
            "duly ledger",
            "duly grep",
        ];
        assert!(practised.iter().all(|words| TOUR.contains(words)));
    }
}
