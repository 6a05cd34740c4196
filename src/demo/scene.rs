//! The facts of one story: hosts, versions, sizes, times, numbers. Drawn once, so that a story never contradicts itself.
//!
//! The names of facts are the placeholders of the templates. Dates are left out on purpose: a story does not know on
//! which day the demo is started, so people say "since Tuesday night" and logs show the time of day.

use super::dice::Dice;

/// The part of the product that a problem is about; it decides versions and the names of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Tarn, the relational database.
    Database,
    /// Cairn, the object store.
    Objects,
    /// Sluice, the message queue.
    Queue,
    /// Tether, the cluster manager.
    Cluster,
    /// Vigil, monitoring.
    Monitor,
    /// Larder, backup.
    Backup,
}

/// The facts of one story by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Scene(Vec<(&'static str, String)>);

const SITES: [&str; 24] = [
    "ber", "muc", "fra", "ams", "par", "mad", "lon", "osl", "sto", "tll", "nyc", "chi", "den", "lax", "tor", "gru",
    "nrt", "icn", "bom", "per", "akl", "zrh", "rom", "dub",
];
const DATABASES: [&str; 14] = [
    "orders",
    "billing",
    "ledger",
    "inventory",
    "crm",
    "telemetry",
    "catalog",
    "claims",
    "booking",
    "patients",
    "metering",
    "fleet",
    "payroll",
    "archive",
];
const TABLES: [&str; 16] = [
    "order_item",
    "event",
    "invoice",
    "shipment",
    "reading",
    "session",
    "audit_row",
    "stock_move",
    "payment",
    "position",
    "document",
    "job",
    "customer_note",
    "price_list",
    "attachment",
    "message_log",
];
const BUCKETS: [&str; 10] = [
    "scans",
    "invoices-pdf",
    "backups",
    "raw-frames",
    "exports",
    "media",
    "tile-cache",
    "dicom",
    "build-artifacts",
    "mail-archive",
];
const QUEUES: [&str; 10] = [
    "orders.v2",
    "telemetry.raw",
    "payments.settled",
    "audit",
    "stock-updates",
    "clickstream",
    "billing.events",
    "alerts.out",
    "position.delta",
    "document.ingest",
];
const GROUPS: [&str; 8] = [
    "enricher",
    "settlement",
    "mailer",
    "search-indexer",
    "fraud-check",
    "exporter",
    "dashboard",
    "reconciler",
];
const USERS: [&str; 8] = [
    "app_rw",
    "etl",
    "reporting",
    "batch",
    "svc_portal",
    "web",
    "ingest",
    "warehouse",
];
const SYSTEMS: [(&str, &str); 8] = [
    ("Debian 12", "6.1.0-28-amd64"),
    ("Debian 13", "6.12.9-amd64"),
    ("Ubuntu 22.04", "5.15.0-126-generic"),
    ("Ubuntu 24.04", "6.8.0-51-generic"),
    ("RHEL 8.10", "4.18.0-553.el8_10.x86_64"),
    ("RHEL 9.4", "5.14.0-427.el9_4.x86_64"),
    ("SLES 15 SP6", "6.4.0-150600.23-default"),
    ("Rocky 9.5", "5.14.0-503.el9_5.x86_64"),
];
const SINCE: [&str; 12] = [
    "since Monday night",
    "since Tuesday morning",
    "since Wednesday noon",
    "since Thursday night",
    "since Friday evening",
    "since the weekend",
    "since the last maintenance window",
    "since yesterday afternoon",
    "since this morning",
    "for three days now",
    "for about a week",
    "since the reboot on Sunday",
];

impl Scene {
    /// Draws the facts for a problem about `part` at customer number `customer`.
    pub(super) fn draw(dice: &mut Dice, part: Part, customer: usize) -> Self {
        let mut scene = Scene::default();
        scene.machines(dice, part, customer);
        scene.versions(dice, part);
        scene.names(dice);
        scene.sizes(dice);
        scene.marks(dice);
        scene
    }

    /// The fact of this name.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, fact)| fact.as_str())
    }

    /// Adds a fact; a later one of the same name hides the earlier.
    pub(super) fn add(&mut self, name: &'static str, fact: impl Into<String>) {
        self.0.push((name, fact.into()));
    }

    /// Each customer has its own way of naming machines, and two sites.
    fn machines(&mut self, dice: &mut Dice, part: Part, customer: usize) {
        let role = match part {
            Part::Database => "db",
            Part::Objects => "obj",
            Part::Queue => "mq",
            Part::Cluster => "node",
            Part::Monitor => "mon",
            Part::Backup => "bak",
        };
        let site = SITES[(customer * 2 + dice.below(2)) % SITES.len()];
        let first = dice.between(1, 58);
        for (step, name) in (0..).zip(["host", "host2", "host3"]) {
            let number = first + step;
            let host = match customer % 4 {
                0 => format!("{role}-{site}-{number:02}"),
                1 => format!("{site}{role}{number}"),
                2 => format!("p-{role}{number:02}"),
                _ => format!("{role}{number}.{site}"),
            };
            self.add(name, host);
        }
        self.add("site", site);
        self.add("site2", SITES[(customer * 2 + 5) % SITES.len()]);
        let (net, low) = (dice.between(10, 240), dice.between(11, 120));
        self.add("ip", format!("10.{net}.4.{low}"));
        self.add("ip2", format!("10.{net}.4.{}", low + dice.between(1, 90)));
    }

    fn versions(&mut self, dice: &mut Dice, part: Part) {
        let (major, minor) = match part {
            Part::Database => (8, dice.between(3, 4)),
            Part::Objects => (3, dice.between(7, 9)),
            Part::Queue => (2, dice.between(12, 14)),
            Part::Cluster => (5, dice.between(1, 3)),
            Part::Monitor => (1, dice.between(17, 20)),
            Part::Backup => (4, dice.between(1, 3)),
        };
        let patch = dice.between(0, 6);
        self.add("ver", format!("{major}.{minor}.{patch}"));
        self.add("fixver", format!("{major}.{minor}.{}", patch + dice.between(1, 2)));
        self.add("oldver", format!("{major}.{}.{}", minor - 1, dice.between(4, 11)));
        self.add("nextver", format!("{major}.{}", minor + 1));
        let (os, kernel) = SYSTEMS[dice.below(SYSTEMS.len())];
        self.add("os", os);
        self.add("kernel", kernel);
    }

    fn names(&mut self, dice: &mut Dice) {
        let table = dice.below(TABLES.len());
        self.add("table", TABLES[table]);
        self.add(
            "table2",
            TABLES[(table + 1 + dice.below(TABLES.len() - 1)) % TABLES.len()],
        );
        self.add("db", dice.pick(&DATABASES));
        self.add("bucket", dice.pick(&BUCKETS));
        self.add("queue", dice.pick(&QUEUES));
        self.add("group", dice.pick(&GROUPS));
        self.add("user", dice.pick(&USERS));
        self.add("since", dice.pick(&SINCE));
        self.add("patch", format!("T-{}", dice.between(2_104, 6_880)));
    }

    fn sizes(&mut self, dice: &mut Dice) {
        let gb = dice.between(38, 890);
        self.add("gb", gb.to_string());
        self.add("gb2", dice.between(4, 34).to_string());
        self.add("tb", format!("{}.{}", dice.between(2, 46), dice.between(1, 9)));
        self.add("ram", dice.pick(&["32", "64", "128", "192", "256", "384", "512"]));
        self.add("cores", dice.pick(&["8", "16", "24", "32", "48", "64"]));
        self.add("few", dice.between(3, 9).to_string());
        self.add("some", dice.between(12, 64).to_string());
        self.add("many", dice.between(110, 980).to_string());
        self.add("lots", format!("{},{:03}", dice.between(2, 940), dice.between(0, 999)));
        self.add("rows", format!("{} million", dice.between(3, 840)));
        self.add("count", dice.between(10_000, 990_000).to_string());
        self.add("pct", dice.between(71, 97).to_string());
        self.add("pct2", dice.between(4, 38).to_string());
        self.add("ms", dice.between(3, 28).to_string());
        self.add("ms2", dice.between(240, 4_900).to_string());
        self.add("secs", dice.between(11, 58).to_string());
        self.add("min", dice.between(6, 55).to_string());
        self.add("hours", dice.between(2, 22).to_string());
        self.add("days", dice.between(2, 19).to_string());
    }

    fn marks(&mut self, dice: &mut Dice) {
        let (hour, minute, second) = (dice.between(0, 22), dice.between(0, 49), dice.between(0, 49));
        self.add("clock", format!("{hour:02}:{minute:02}"));
        self.add("clock2", format!("{:02}:{:02}", hour, minute + dice.between(2, 10)));
        let milli = dice.between(100, 900);
        self.add("t1", format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"));
        self.add(
            "t2",
            format!(
                "{hour:02}:{minute:02}:{:02}.{:03}",
                second + dice.between(1, 4),
                dice.between(0, 999)
            ),
        );
        self.add(
            "t3",
            format!(
                "{hour:02}:{:02}:{:02}.{:03}",
                minute + dice.between(1, 2),
                second,
                dice.between(0, 999)
            ),
        );
        let pid = dice.between(1_210, 31_400);
        self.add("pid", pid.to_string());
        self.add("pid2", (pid + dice.between(3, 900)).to_string());
        self.add("hex", format!("{:06x}", dice.roll() & 0xFF_FFFF));
        let (high, low) = (dice.between(0x12, 0x9F), dice.between(0x0100_0000, 0xD000_0000));
        self.add("lsn", format!("{high:X}/{low:08X}"));
        self.add(
            "lsn2",
            format!("{high:X}/{:08X}", low + dice.between(0x10_0000, 0x2000_0000)),
        );
        self.add(
            "wal",
            format!(
                "0000000{}{:08X}000000{:02X}",
                dice.between(1, 7),
                high,
                dice.between(0x10, 0xF0)
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_is_the_same_each_time_and_later_facts_hide_earlier() {
        let mut scene = Scene::draw(&mut Dice::new(5, 2), Part::Queue, 3);
        let again = Scene::draw(&mut Dice::new(5, 2), Part::Queue, 3);
        assert_eq!(scene.0, again.0);
        scene.add("host", "mine");
        assert_eq!(scene.fact("host"), Some("mine"));
        assert_eq!(scene.fact("no such fact"), None);
    }
}
