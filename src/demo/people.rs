//! Who works at the demo's desk, and who writes to it: invented people at invented organisations.
//!
//! Every address ends in `.example` (RFC 2606), so nothing can leave for a real mailbox even if a relay were configured.

/// An engineer of Acme Support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoEngineer {
    /// First and last name.
    pub name: &'static str,
    /// Mail address, under `acme.example`.
    pub address: &'static str,
    /// Name of the time zone in the IANA database.
    pub zone: &'static str,
    /// Working hours in that zone, as `duly cpu add --hours` reads them.
    pub hours: &'static str,
    /// Depth of knowledge: 1 support, 2 specialist, 3 product engineering.
    pub layer: u8,
    /// Lanes served; none means all.
    pub lanes: &'static [&'static str],
    /// Leads the desk: hears of promises at risk.
    pub lead: bool,
}

/// A person at a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoContact {
    /// First and last name.
    pub name: &'static str,
    /// Mail address, under the customer's domain.
    pub address: String,
    /// Name of the time zone in the IANA database.
    pub zone: &'static str,
}

/// A customer organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoCustomer {
    /// Name as people write it.
    pub name: &'static str,
    /// Mail domain, ends in `.example`.
    pub domain: String,
    /// People who write; never empty.
    pub contacts: Vec<DemoContact>,
}

const EUROPE: &str = "Europe/Berlin";
const AMERICA: &str = "America/New_York";
const ASIA: &str = "Asia/Tokyo";
const DAY: &str = "mon-fri 08:00-17:00";
const LATER_DAY: &str = "mon-fri 09:00-18:00";

const fn engineer(
    name: &'static str,
    address: &'static str,
    zone: &'static str,
    hours: &'static str,
    layer: u8,
    lanes: &'static [&'static str],
) -> DemoEngineer {
    DemoEngineer {
        name,
        address,
        zone,
        hours,
        layer,
        lanes,
        lead: false,
    }
}

/// The twelve engineers, in three zones; the first is `anna@acme.example`, with whom the tour works.
pub fn engineers() -> Vec<DemoEngineer> {
    vec![
        engineer("Anna Keller", "anna@acme.example", EUROPE, DAY, 1, &[]),
        engineer(
            "Li Wenjing",
            "li@acme.example",
            ASIA,
            LATER_DAY,
            2,
            &["fault", "operate", "performance", "upgrade"],
        ),
        engineer(
            "Marcus Oyelaran",
            "marcus@acme.example",
            EUROPE,
            LATER_DAY,
            2,
            &["performance", "guidance", "pre-sales", "develop"],
        ),
        DemoEngineer {
            lead: true,
            ..engineer(
                "Ruth Abelson",
                "ruth@acme.example",
                AMERICA,
                DAY,
                2,
                &["operate", "guidance", "pre-sales", "security"],
            )
        },
        engineer(
            "Tomasz Wilk",
            "tomasz@acme.example",
            EUROPE,
            DAY,
            1,
            &["install", "configure", "operate", "upgrade"],
        ),
        engineer("Haruka Ono", "haruka@acme.example", ASIA, LATER_DAY, 1, &[]),
        engineer("Dana Whitlock", "dana@acme.example", AMERICA, LATER_DAY, 1, &[]),
        engineer(
            "Ilse Brandt",
            "ilse@acme.example",
            EUROPE,
            DAY,
            3,
            &["fault", "develop", "performance"],
        ),
        engineer(
            "Joel Castellan",
            "joel@acme.example",
            AMERICA,
            DAY,
            2,
            &["security", "configure", "install"],
        ),
        engineer(
            "Naoki Terada",
            "naoki@acme.example",
            ASIA,
            LATER_DAY,
            2,
            &["fault", "operate", "performance"],
        ),
        engineer(
            "Greta Lindqvist",
            "greta@acme.example",
            EUROPE,
            LATER_DAY,
            2,
            &["upgrade", "operate", "fault"],
        ),
        engineer(
            "Sam Okafor",
            "sam@acme.example",
            AMERICA,
            LATER_DAY,
            1,
            &["operate", "configure", "install", "performance"],
        ),
    ]
}

type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

const CUSTOMERS: [Row; 30] = [
    (
        "Northlight Freight",
        "northlight",
        EUROPE,
        &["Priya Nair", "Jonas Thiel", "Karin Voss"],
    ),
    (
        "Globalux Energy",
        "globalux",
        "Europe/Paris",
        &["Claire Aubry", "Mehdi Saidi"],
    ),
    (
        "Initara Software",
        "initara",
        "America/Chicago",
        &["Walt Peterson", "Bea Lindholm", "Ravi Menon"],
    ),
    (
        "Harbour & Pike Bank",
        "harbourpike",
        "Europe/London",
        &["Fiona Marsh", "Deepak Rao", "Owen Tranter", "Siobhan Kerr"],
    ),
    (
        "Kestrel Air Cargo",
        "kestrelair",
        "America/Denver",
        &["Luz Herrera", "Todd Vance"],
    ),
    (
        "Stadtwerke Lindenau",
        "sw-lindenau",
        EUROPE,
        &["Uwe Hartmann", "Sabine Kroll"],
    ),
    (
        "Fjordline Telecom",
        "fjordline",
        "Europe/Oslo",
        &["Ingrid Solheim", "Per Aasen", "Maja Dahl"],
    ),
    (
        "Quillmark Publishing",
        "quillmark",
        AMERICA,
        &["Noah Brightman", "Adele Fontaine"],
    ),
    (
        "Tokai Precision Works",
        "tokai-precision",
        ASIA,
        &["Kenji Murata", "Yui Sakamoto"],
    ),
    (
        "Ombrella Insurance",
        "ombrella",
        "Europe/Madrid",
        &["Iker Zabala", "Marta Pons"],
    ),
    (
        "Pallas University Clinic",
        "pallas-clinic",
        EUROPE,
        &["Dr. Henrike Lang", "Stefan Moll"],
    ),
    (
        "Redwater Mining",
        "redwater",
        "Australia/Perth",
        &["Shane Colley", "Tui Parata"],
    ),
    (
        "Vireo Games",
        "vireo",
        "America/Los_Angeles",
        &["Kim Delgado", "Asher Blum", "Mina Park"],
    ),
    (
        "Calder & Sons Logistics",
        "calder",
        "Europe/London",
        &["Graham Calder", "Nadia Hussain"],
    ),
    (
        "Meteo Altipiano",
        "meteo-altipiano",
        "Europe/Rome",
        &["Luca Ferri", "Elena Conti"],
    ),
    (
        "Sundra Retail",
        "sundra",
        "Asia/Kolkata",
        &["Anjali Deshpande", "Vikram Shetty", "Farhan Ali"],
    ),
    (
        "Polder Waterworks",
        "polderwater",
        "Europe/Amsterdam",
        &["Joost de Wit", "Anneke Smit"],
    ),
    (
        "Arbor State Library",
        "arborlib",
        "America/Chicago",
        &["Ellen Fisk", "Curtis Boone"],
    ),
    (
        "Zephyr Mobility",
        "zephyrmob",
        "Europe/Paris",
        &["Antoine Morel", "Leila Haddad"],
    ),
    (
        "Koru Health Records",
        "koruhealth",
        "Pacific/Auckland",
        &["Aroha Ngata", "Ben Whittaker"],
    ),
    (
        "Brightfen Analytics",
        "brightfen",
        "Europe/Dublin",
        &["Ciara Doyle", "Eoin Walsh"],
    ),
    (
        "Mosaic Payments",
        "mosaicpay",
        AMERICA,
        &["Tessa Rowan", "Imran Qureshi", "Paul Novak"],
    ),
    (
        "Hanseatic Yards",
        "hanseyards",
        EUROPE,
        &["Dirk Petersen", "Wiebke Lorenz"],
    ),
    (
        "Lumen Grid Operator",
        "lumengrid",
        "Europe/Stockholm",
        &["Elsa Nystrom", "Oskar Falk"],
    ),
    (
        "Selva Agro",
        "selva-agro",
        "America/Sao_Paulo",
        &["Rafael Duarte", "Bianca Melo"],
    ),
    (
        "Pinecone Schools Trust",
        "pinecone-schools",
        "Europe/London",
        &["Harriet Cole", "Amir Shah"],
    ),
    (
        "Daehan Robotics",
        "daehan-robotics",
        "Asia/Seoul",
        &["Jiho Kang", "Seo-yeon Lim"],
    ),
    (
        "Baltic Ledger",
        "balticledger",
        "Europe/Tallinn",
        &["Kadri Tamm", "Mart Saar"],
    ),
    (
        "Opaline Cosmetics",
        "opaline",
        "Europe/Zurich",
        &["Reto Frei", "Chantal Girard"],
    ),
    (
        "Trellis Transit Authority",
        "trellis-transit",
        "America/Toronto",
        &["Maya Singh", "Gordon Leclair"],
    ),
];

/// The thirty customers and their contacts.
pub fn customers() -> Vec<DemoCustomer> {
    CUSTOMERS
        .iter()
        .map(|&(name, short, zone, people)| {
            let domain = format!("{short}.example");
            let contacts = people
                .iter()
                .map(|&name| DemoContact {
                    name,
                    address: address(name, &domain),
                    zone,
                })
                .collect();
            DemoCustomer { name, domain, contacts }
        })
        .collect()
}

/// `first.last@domain`, without titles: "Dr. Henrike Lang" is henrike.lang.
fn address(name: &str, domain: &str) -> String {
    let words: Vec<String> = name
        .split(' ')
        .filter(|word| !word.ends_with('.'))
        .map(str::to_ascii_lowercase)
        .collect();
    format!("{}@{domain}", words.join("."))
}

/// The name by which a person is greeted.
pub(super) fn first_name(name: &str) -> &str {
    name.split(' ').find(|word| !word.ends_with('.')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn twelve_engineers_work_in_three_zones_under_one_lead() {
        let desk = engineers();
        assert_eq!(desk.len(), 12);
        assert_eq!(desk.iter().map(|one| one.zone).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(desk.iter().filter(|one| one.lead).count(), 1);
        assert!(desk.iter().all(|one| one.address.ends_with("@acme.example")));
        let lanes = desk.iter().flat_map(|one| one.lanes);
        assert!(lanes.into_iter().all(|lane| crate::demo::LANES.contains(lane)));
    }

    #[test]
    fn nobody_has_the_address_of_somebody_else() {
        let mut seen = BTreeSet::new();
        for contact in customers().iter().flat_map(|one| &one.contacts) {
            assert!(contact.address.ends_with(".example"), "{}", contact.address);
            assert!(contact.address.is_ascii() && !contact.address.contains(' '));
            assert!(seen.insert(contact.address.clone()), "{}", contact.address);
        }
        assert_eq!(customers().len(), 30);
    }

    #[test]
    fn every_zone_is_known() {
        let zones = customers().into_iter().flat_map(|one| one.contacts).map(|one| one.zone);
        for zone in zones.chain(engineers().iter().map(|one| one.zone)) {
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
    }
}
