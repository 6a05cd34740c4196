//! The order of the stop.

use super::*;

/// A mail that is committed, and the desk stopped, right after a look that found none.
struct LastMail {
    stop: watch::Sender<bool>,
    waits: Arc<Mutex<bool>>,
}

impl Rounds for LastMail {
    fn step(&mut self) -> Outcome<bool> {
        let mut waits = self.waits.lock().unwrap();
        if *self.stop.borrow() {
            return Ok(std::mem::take(&mut *waits));
        }
        *waits = true;
        self.stop.send_replace(true);
        Ok(false)
    }

    fn rest(&mut self) {}
}

#[tokio::test]
async fn a_mail_that_is_acknowledged_right_before_the_stop_has_its_place_after_it() {
    let (stop, stopped) = watch::channel(false);
    let (_bell, rung) = watch::channel(0);
    let waits = Arc::new(Mutex::new(false));
    understand(
        LastMail {
            stop,
            waits: Arc::clone(&waits),
        },
        rung,
        stopped,
    )
    .await;
    assert!(!*waits.lock().unwrap(), "the mail was left without its place");
}
