//! Whatever comes in has a place: a case, or the spool with its reason, with its own bytes, and nothing waits for it.

use super::kit::databases::migrated;
use super::kit::desk::{DESK, MONDAY, TestDesk, time};
use super::kit::odd;
use duly::desk::MIGRATIONS;

/// Odd mails of one run: SECURITY.md R8. The soak has more, by `DULY_ODD_MAILS`.
const MAILS: u64 = 5_000;
/// PostgreSQL gets the first of them: reading is the same, and placing is tested on both.
const ON_POSTGRES: u64 = 500;

#[test]
fn thousands_of_odd_mails_have_a_place_each_and_their_own_bytes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (mails, seed) = (
        number("DULY_ODD_MAILS").unwrap_or(MAILS),
        number("DULY_ODD_SEED").unwrap_or(1),
    );
    for database in migrated(MIGRATIONS) {
        let on = database.name;
        let count = if database.is_postgres() {
            ON_POSTGRES.min(mails)
        } else {
            mails
        };
        let mut desk = TestDesk::open(database, &[], time(MONDAY));
        let mut refused = 0;
        for which in 0..count {
            let mut raw = odd::mail(seed * 1_000_003 + which);
            // What SMTP carries ends with a line (RFC 5321 §4.1.1.4).
            if !raw.ends_with(b"\r\n") {
                raw.extend_from_slice(b"\r\n");
            }
            // Each sender has an hour's share of mails; these are many senders.
            let from = format!("odd{}@customer{}.example", which % 97, which / 97);
            match desk.send(&raw, &from, &[DESK]) {
                (250, _) => {}
                (554, reason) if reason.contains("longer than") => refused += 1,
                other => panic!("{on}: seed {seed}, mail {which}: {other:?}"),
            }
        }
        desk.placed();
        let taken = desk.number("SELECT COUNT(*) FROM arrival", &[]);
        assert_eq!(taken + refused, count as i64, "{on}");
        let placed = desk.number(
            "SELECT COUNT(*) FROM arrival a JOIN message m ON m.id = a.message
             WHERE m.raw IS NOT NULL AND (m.case_id IS NOT NULL OR m.spool_reason IS NOT NULL)",
            &[],
        );
        assert_eq!(placed, taken, "{on}: every mail has its place");
        let deaths = desk.number("SELECT CAST(COALESCE(SUM(deaths), 0) AS BIGINT) FROM arrival", &[]);
        assert_eq!(deaths, 0, "{on}: no mail ended the worker");
        println!("{on}: {taken} mails placed, {refused} refused at the door, seed {seed}");
        desk.stop();
    }
}
