//! What holds on every desk whenever it is quiet, whatever happened before. Each line is a statement that must find nothing.

use super::desk::TestDesk;
use duly::desk::proof;

/// What must not be, and the statement that would find it.
const NEVER: &[(&str, &str)] = &[
    (
        "an arrival without a place",
        "SELECT id FROM arrival WHERE placed_at IS NULL OR message IS NULL",
    ),
    (
        "a mail that came in and stands neither in a case nor in the spool",
        "SELECT id FROM message WHERE way = 'in' AND case_id IS NULL AND spool_reason IS NULL",
    ),
    (
        "a mail that came in without its bytes",
        "SELECT id FROM message WHERE way = 'in' AND kind <> 'file' AND raw IS NULL",
    ),
    (
        "a file of another customer than its case",
        "SELECT f.id FROM file f JOIN blob b ON b.id = f.blob JOIN message m ON m.id = f.message
            JOIN cases k ON k.id = m.case_id WHERE k.customer <> b.customer",
    ),
    (
        "an upload that is filed without a file",
        "SELECT id FROM upload WHERE state = 'filed' AND file IS NULL",
    ),
    (
        "a case whose reply_by is not its earliest open due",
        "SELECT k.id FROM cases k
         WHERE COALESCE(k.reply_by, -1) <> COALESCE((SELECT MIN(due) FROM promise p WHERE p.case_id = k.id AND p.state = 'open'), -1)",
    ),
    (
        "a case of ours under which no promise is open and no reply under way",
        "SELECT id FROM cases WHERE hand = 'ours' AND reply_by IS NULL AND under_way = 0",
    ),
    (
        "an open promise under a case that is not ours",
        "SELECT id FROM cases WHERE hand <> 'ours' AND reply_by IS NOT NULL",
    ),
    ("a hand that is none", "SELECT id FROM cases WHERE hand NOT IN ('ours', 'theirs', 'nobody', 'unsorted')"),
    (
        "a wait without party or wake time",
        "SELECT id FROM cases WHERE (party IS NULL) <> (wake_at IS NULL)",
    ),
    (
        "a case of theirs that waits for somebody else",
        "SELECT id FROM cases WHERE (hand = 'theirs') <> (COALESCE(party, '') = 'customer')",
    ),
    (
        "a closed or unsorted case that waits",
        "SELECT id FROM cases WHERE hand IN ('nobody', 'unsorted') AND wake_at IS NOT NULL",
    ),
    (
        "a resolution on a case that is not closed, or none on one that is",
        "SELECT id FROM cases WHERE (hand = 'nobody') <> (resolution IS NOT NULL)",
    ),
    (
        "a closing date on a case that is not theirs",
        "SELECT id FROM cases WHERE closing = 1 AND hand <> 'theirs'",
    ),
    (
        "a count of open slices that is wrong",
        "SELECT k.id FROM cases k
         WHERE k.slices <> (SELECT COUNT(*) FROM slice s WHERE s.case_id = k.id AND s.ended_at IS NULL)",
    ),
    (
        "a count of replies under way that is wrong",
        "SELECT k.id FROM cases k
         WHERE k.under_way <> (SELECT COUNT(*) FROM reply r WHERE r.case_id = k.id AND r.state = 'under way')",
    ),
    (
        "a promise that is settled without an instant, or open with one",
        "SELECT id FROM promise WHERE (state = 'open') <> (settled_at IS NULL)",
    ),
    (
        "a kept promise without its reply, or kept too late",
        "SELECT id FROM promise WHERE state = 'kept' AND (reply IS NULL OR settled_at > due)",
    ),
    (
        "a promise broken at another instant than its due",
        "SELECT id FROM promise WHERE state = 'broken' AND settled_at <> due",
    ),
    (
        "a broken promise without a successor for the same message and contact",
        "SELECT b.id FROM promise b WHERE b.state = 'broken' AND NOT EXISTS (
             SELECT 1 FROM promise s WHERE s.case_id = b.case_id AND s.contact = b.contact AND s.id > b.id
                AND s.basis = 'after a break' AND COALESCE(s.message, 0) = COALESCE(b.message, 0) AND s.made_at >= b.due)",
    ),
    (
        "a promise that names a version of an agreement or a calendar that is not there, or names none of an agreement",
        "SELECT p.id FROM promise p LEFT JOIN agreement_version a ON a.id = p.agreement_version
             LEFT JOIN calendar_version c ON c.id = p.calendar_version
         WHERE a.id IS NULL OR (p.calendar_version IS NOT NULL AND c.id IS NULL) OR p.zone_release IS NULL",
    ),
    (
        "a promise due before it was made",
        "SELECT id FROM promise WHERE due < made_at",
    ),
    (
        "a moved promise without its one successor for the same message and contact, agreed by both",
        "SELECT b.id FROM promise b WHERE b.state = 'moved' AND 1 <> (
             SELECT COUNT(*) FROM promise s WHERE s.moved_from = b.id AND s.contact = b.contact AND s.agreed_at IS NOT NULL
                AND s.asked_by IS NOT NULL AND COALESCE(s.message, 0) = COALESCE(b.message, 0))",
    ),
    (
        "something on the table of a promise that is settled",
        "SELECT n.id FROM negotiation n JOIN promise p ON p.id = n.promise WHERE n.state = 'open' AND p.state <> 'open'",
    ),
    (
        "a promise whose work is not counted while it is open, or counted when it is not",
        "SELECT id FROM promise WHERE (state = 'open') <> (slot IS NOT NULL)",
    ),
    (
        "booked work that is not that of the open promises and of the replies under way",
        "SELECT b.slot FROM booked b WHERE b.minutes <>
            COALESCE((SELECT SUM(p.minutes) FROM promise p WHERE p.slot = b.slot AND p.lane = b.lane AND p.layer = b.layer), 0)
          + COALESCE((SELECT SUM(r.minutes) FROM reply r WHERE r.slot = b.slot AND r.lane = b.lane AND r.layer = b.layer), 0)",
    ),
    (
        "work that is booked nowhere",
        "SELECT p.id FROM promise p WHERE p.slot IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM booked b WHERE b.slot = p.slot AND b.lane = p.lane AND b.layer = p.layer)",
    ),
    (
        "a promise that the ledger does not know",
        "SELECT id FROM promise
         WHERE id NOT IN (SELECT promise FROM event WHERE kind = 'promise.made' AND promise IS NOT NULL)",
    ),
    (
        "a settled promise whose settling the ledger does not know",
        "SELECT id FROM promise WHERE state <> 'open'
            AND (id, 'promise.' || state) NOT IN (SELECT promise, kind FROM event WHERE promise IS NOT NULL)",
    ),
    (
        "a mail out that ended without an instant",
        "SELECT id FROM outbox WHERE (state IN ('accepted', 'failed', 'undone')) <> (settled_at IS NOT NULL)",
    ),
    (
        "a mail that left and whose bytes are not kept",
        "SELECT id FROM outbox WHERE state IN ('accepted', 'deferred') AND raw IS NULL",
    ),
    (
        "automatic mail to a list or to the desk itself",
        "SELECT o.id FROM outbox o WHERE o.automatic = 1
            AND (o.recipient = 'support@acme.example' OR o.recipient IN (SELECT list FROM cases WHERE list IS NOT NULL))",
    ),
    (
        "a mail out without an event",
        "SELECT id FROM message WHERE way = 'out' AND kind <> 'imported'
            AND id NOT IN (SELECT message FROM event WHERE kind = 'mail.written' AND message IS NOT NULL)",
    ),
    (
        "a Message-ID of a mail of the case that the case does not know",
        "SELECT m.id FROM message m WHERE m.way = 'out' AND m.case_id IS NOT NULL AND m.message_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM known_id n WHERE n.case_id = m.case_id AND n.message_id = m.message_id)",
    ),
];

impl TestDesk {
    /// Checks what holds on every desk, the ledger included; then the desk must stop in order.
    pub fn ends_well(mut self) {
        self.holds();
        self.stop();
    }

    /// Checks what holds on every desk that is quiet.
    pub fn holds(&self) {
        self.quiet();
        for (what, sql) in NEVER {
            let found: Vec<i64> = self.rows(sql, &[]).iter().map(|row| row.int(0)).collect();
            assert!(found.is_empty(), "{}: there is {what}: {found:?}", self.on);
        }
        let late = self.number(
            "SELECT COUNT(*) FROM promise WHERE state = 'open' AND due <= $1",
            &[self.now().into()],
        );
        assert_eq!(late, 0, "{}: promises are open beyond their due", self.on);
        for taken in self.sink.taken() {
            let faults = super::wire::faults(&taken.raw);
            assert!(
                faults.is_empty(),
                "{}: {faults:#?}\n{}",
                self.on,
                String::from_utf8_lossy(&taken.raw)
            );
        }
        let whole = self.store().read_sealed(|tx| proof::verify(tx, &[]));
        assert!(whole.is_ok(), "{}: {whole:?}", self.on);
    }
}
