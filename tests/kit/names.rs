//! A name server with the records that a test gives it, on loopback. It shares no code with the desk.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is said of a name.
#[derive(Debug, Clone)]
enum Record {
    Address(IpAddr),
    Text(String),
    Mail(u16, String),
    Pointer(String),
}

#[derive(Default)]
struct Table {
    records: HashMap<String, Vec<Record>>,
    broken: Vec<String>,
    silent: Vec<String>,
    asked: HashMap<String, usize>,
}

/// The server; it ends with the test.
#[derive(Clone)]
pub struct Names {
    /// Where it is asked.
    pub address: SocketAddr,
    table: Arc<Mutex<Table>>,
}

impl Names {
    pub fn start() -> Names {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a socket option");
        let names = Names {
            address: socket.local_addr().expect("its address"),
            table: Arc::default(),
        };
        let table = Arc::downgrade(&names.table);
        std::thread::spawn(move || {
            let mut buffer = [0; 2_048];
            while let Some(table) = table.upgrade() {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                if let Some(answer) = answer(&table, &buffer[..length]) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        names
    }

    fn add(&self, name: &str, record: Record) -> &Names {
        let mut table = self.table.lock().expect("no panic inside");
        table.records.entry(name.to_lowercase()).or_default().push(record);
        self
    }

    pub fn txt(&self, name: &str, text: &str) -> &Names {
        self.add(name, Record::Text(text.to_owned()))
    }

    pub fn a(&self, name: &str, address: &str) -> &Names {
        self.add(name, Record::Address(address.parse().expect("an address")))
    }

    pub fn mx(&self, name: &str, host: &str) -> &Names {
        self.add(name, Record::Mail(10, host.to_owned()))
    }

    /// The name of an address.
    pub fn ptr(&self, address: &str, name: &str) -> &Names {
        let address: std::net::Ipv4Addr = address.parse().expect("an address");
        let [a, b, c, d] = address.octets();
        self.add(
            &format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
            Record::Pointer(name.to_owned()),
        )
    }

    /// From now on names in this domain are answered with a failure of the server.
    pub fn breaks(&self, domain: &str) -> &Names {
        self.table
            .lock()
            .expect("no panic inside")
            .broken
            .push(domain.to_owned());
        self
    }

    /// From now on names in this domain are answered again.
    pub fn mends(&self, domain: &str) -> &Names {
        let mut table = self.table.lock().expect("no panic inside");
        table.broken.retain(|one| one != domain);
        drop(table);
        self
    }

    /// From now on names in this domain are not answered.
    pub fn falls_silent(&self, domain: &str) -> &Names {
        self.table
            .lock()
            .expect("no panic inside")
            .silent
            .push(domain.to_owned());
        self
    }

    /// How often a name was asked for.
    pub fn asked(&self, name: &str) -> usize {
        let table = self.table.lock().expect("no panic inside");
        table.asked.get(name).copied().unwrap_or(0)
    }

    /// How often anything was asked for.
    pub fn asked_in_all(&self) -> usize {
        self.table.lock().expect("no panic inside").asked.values().sum()
    }
}

/// The answer to a question (RFC 1035 §4.1); none where the server is silent.
fn answer(table: &Mutex<Table>, question: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(question.get(at..at + 2)?.try_into().ok()?);
    let end = at + 4;
    let name = labels.join(".");
    let mut table = table.lock().expect("no panic inside");
    *table.asked.entry(name.clone()).or_default() += 1;
    let within = |domains: &[String]| {
        domains
            .iter()
            .any(|domain| name == *domain || name.ends_with(&format!(".{domain}")))
    };
    if within(&table.silent) {
        return None;
    }
    let is_broken = within(&table.broken);
    let known = table.records.get(&name);
    // A name above one that exists exists as well (RFC 8020).
    let exists = known.is_some() || table.records.keys().any(|one| one.ends_with(&format!(".{name}")));
    let records: Vec<(u16, Vec<u8>)> = known
        .into_iter()
        .flatten()
        .map(data)
        .filter(|(one, _)| *one == kind && !is_broken)
        .collect();
    let code: u8 = match (is_broken, exists) {
        (true, _) => 2,
        (false, false) => 3,
        (false, true) => 0,
    };
    let mut out = question.get(..2)?.to_vec();
    out.extend([0x85, 0x80 | code, 0, 1]);
    out.extend(u16::try_from(records.len()).ok()?.to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(question.get(12..end)?);
    for (kind, data) in records {
        out.extend([0xC0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 14, 16]);
        out.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

fn data(record: &Record) -> (u16, Vec<u8>) {
    match record {
        Record::Address(IpAddr::V4(address)) => (1, address.octets().to_vec()),
        Record::Address(IpAddr::V6(address)) => (28, address.octets().to_vec()),
        Record::Text(text) => {
            let strings = text.as_bytes().chunks(255);
            let with_length = |part: &[u8]| [&[part.len() as u8], part].concat();
            (16, strings.flat_map(with_length).collect())
        }
        Record::Mail(preference, host) => (15, [preference.to_be_bytes().to_vec(), wire(host)].concat()),
        Record::Pointer(name) => (12, wire(name)),
    }
}

fn wire(name: &str) -> Vec<u8> {
    let labels = name.trim_end_matches('.').split('.').filter(|label| !label.is_empty());
    let mut out: Vec<u8> = labels
        .flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat())
        .collect();
    out.push(0);
    out
}
