//! Forged and honest mails, and the names under which they are checked.
//!
//! The forgeries are the classes of Chen, Paxson and Jiang, "Composition Kills" (2020), and what desks were broken by:
//! predicted Message-IDs, reply addresses changed by a letter, Cc, forged words of gateways. Each is written by us.

use super::super::kit::names::Names;
use data_encoding::BASE64;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use mail_auth::dmarc::Policy;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, AuthenticationResults, DmarcOutput, DmarcResult, SpfOutput, SpfResult,
    arc::ArcSealer,
};

/// The victim: a known contact with a case of her own.
pub const PRIYA: &str = "priya@northwind.example";
/// Her own server.
pub const HERS: &str = "127.0.0.11";
/// The forger's server.
pub const EVIL: &str = "127.0.0.66";
const DESK: &str = super::super::kit::desk::DESK;

/// One mail and the way it comes.
pub struct Letter {
    pub class: &'static str,
    pub raw: Vec<u8>,
    pub envelope: String,
    pub to: String,
    pub peer: &'static str,
    pub helo: &'static str,
    /// Whose words an honest mail are.
    pub author: String,
}

/// What a forger may know of the victim's case.
pub struct Known {
    /// The reply address that the desk gave her.
    pub token: String,
    /// Message-IDs of the case.
    pub ids: Vec<String>,
    /// A signed mail of hers that somebody kept.
    pub captured: Vec<u8>,
    /// What the forgeries say.
    pub words: String,
}

/// Keys of the world, one for every domain that signs.
pub struct World {
    key: [u8; 32],
}

impl World {
    /// Publishes what honest and dishonest domains publish.
    pub fn new(names: &Names) -> World {
        let world = World { key: [7; 32] };
        let public = world.record();
        for domain in [
            "northwind.example",
            "mail.northwind.example",
            "eastwind.example",
            "evil.example",
            "northw1nd.example",
            "northwind.example.evil.example",
            "lists.acme.example",
            "sealer.example",
            "badseal.example",
        ] {
            names.txt(&format!("k._domainkey.{domain}"), &public);
        }
        for (domain, address) in [
            ("northwind.example", HERS),
            ("southwind.example", "127.0.0.12"),
            ("evil.example", EVIL),
            ("northw1nd.example", EVIL),
            ("lists.acme.example", "127.0.0.20"),
            ("forwarder.example", "127.0.0.30"),
            ("sealer.example", "127.0.0.31"),
            ("badseal.example", EVIL),
        ] {
            names.txt(domain, &format!("v=spf1 ip4:{address} -all"));
        }
        names
            .txt(
                "_dmarc.northwind.example",
                "v=DMARC1; p=reject; rua=mailto:d@northwind.example",
            )
            .txt("_dmarc.evil.example", "v=DMARC1; p=none; rua=mailto:d@evil.example")
            .a("plain.example", "127.0.0.40");
        names.breaks("broken.northwind.example");
        world
    }

    fn signing_key(&self) -> Ed25519Key {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.key).expect("a key");
        Ed25519Key::from_seed_and_public_key(&self.key, pair.public_key().as_ref()).expect("a key")
    }

    fn record(&self) -> String {
        format!(
            "v=DKIM1; k=ed25519; p={}",
            BASE64.encode(&self.signing_key().public_key())
        )
    }

    /// The mail with a signature of a domain over these fields; `l` limits it to the body's present length.
    pub fn signed(&self, domain: &str, fields: &[&str], limited: bool, raw: &[u8]) -> Vec<u8> {
        let signer = DkimSigner::from_key(self.signing_key())
            .domain(domain)
            .selector("k")
            .headers(fields.iter().copied())
            .body_length(limited);
        let signature = signer.sign(raw).expect("it signs");
        [signature.to_header().as_bytes(), raw].concat()
    }

    /// The mail sealed by a domain that saw the author's domain pass.
    fn sealed(&self, domain: &str, author_domain: &str, raw: &[u8]) -> Vec<u8> {
        let message = AuthenticatedMessage::parse(raw).expect("a mail");
        let saw = DmarcOutput::new(author_domain.to_owned()).with_spf_result(DmarcResult::Pass);
        assert_eq!(saw.policy(), Policy::None);
        let spf = SpfOutput::new(author_domain.to_owned()).with_result(SpfResult::Pass);
        let address = "192.0.2.1".parse().expect("an address");
        let results = AuthenticationResults::new(domain)
            .with_spf_mailfrom_result(&spf, address, &format!("x@{author_domain}"), author_domain)
            .with_dmarc_result(&saw);
        let sealer = ArcSealer::from_key(self.signing_key())
            .domain(domain)
            .selector("k")
            .headers(["From", "To", "Subject", "Date", "Message-ID"]);
        let set = sealer
            .seal(&message, &results, &ArcOutput::default())
            .expect("it seals");
        [set.to_header().as_bytes(), raw].concat()
    }
}

/// Fields that signers usually sign.
pub const USUAL: [&str; 7] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
];

/// A plain mail.
pub fn plain(from: &str, to: &str, subject: &str, id: &str, more: &str) -> Vec<u8> {
    saying("Please send me everything again.", from, to, subject, id, more)
}

/// A plain mail with words of its own.
pub fn saying(words: &str, from: &str, to: &str, subject: &str, id: &str, more: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{id}>\r\n\
         {more}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    )
    .into_bytes()
}

/// Forgery number `n`: the class goes round, and so does what it knows of the case.
pub fn forged(world: &World, known: &Known, n: usize) -> Letter {
    let id = format!("f{n}@evil.example");
    let named = &known.ids[n % known.ids.len()];
    let reference = format!("In-Reply-To: <{named}>\r\nReferences: <{named}>\r\n");
    // With every third the reply address, as it is or changed, with every third a Message-ID, with the rest both.
    let to = match n % 3 {
        0 => known.token.clone(),
        1 => DESK.to_owned(),
        _ => changed(&known.token, n),
    };
    let more = if n.is_multiple_of(3) {
        String::new()
    } else {
        reference.clone()
    };
    let subject = "Re: Replica lag";
    let hers = |more: &str| saying(&known.words, &format!("Priya Nair <{PRIYA}>"), &to, subject, &id, more);
    let from = |value: &str| saying(&known.words, value, &to, subject, &id, &more);
    let text = |raw: Vec<u8>| String::from_utf8(raw).expect("ours");
    let evil_signed = |raw: &[u8]| world.signed("evil.example", &USUAL, false, raw);
    let captured = text(known.captured.clone());
    let (class, raw, envelope, helo): (&'static str, Vec<u8>, String, &'static str) = match n / 3 % 30 {
        0 => ("plain", hers(&more), PRIYA.to_owned(), "mx.evil.example"),
        1 => (
            "signed by another domain",
            evil_signed(&hers(&more)),
            format!("b{n}@evil.example"),
            "mx.evil.example",
        ),
        2 => {
            let two = format!("From: a@evil.example\r\n{}", text(hers(&more)));
            (
                "two From, hers last",
                evil_signed(two.as_bytes()),
                format!("b{n}@evil.example"),
                "mx.evil.example",
            )
        }
        3 => {
            let raw = text(hers(&more)).replace("\r\nTo:", "\r\nFrom: a@evil.example\r\nTo:");
            (
                "two From, hers first",
                evil_signed(raw.as_bytes()),
                format!("b{n}@evil.example"),
                "mx.evil.example",
            )
        }
        4 => (
            "two authors in one From",
            evil_signed(&from(&format!("{PRIYA}, a@evil.example"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        5 => (
            "two brackets",
            evil_signed(&from(&format!("<{PRIYA}><a@evil.example>"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        6 => (
            "a comment",
            evil_signed(&from(&format!("a@evil.example ({PRIYA})"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        7 => (
            "a comment in the address",
            evil_signed(&from(&format!("{PRIYA} (@evil.example"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        8 => {
            let word = format!("=?utf-8?b?{}?= <a@evil.example>", BASE64.encode(PRIYA.as_bytes()));
            (
                "her address as a name",
                evil_signed(&from(&word)),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        9 => (
            "an encoded address",
            evil_signed(&from("=?utf-8?q?priya=40northwind=2Eexample?=")),
            format!("b{n}@evil.example"),
            "e",
        ),
        10 => (
            "a route",
            evil_signed(&from(&format!("<@evil.example,@b.example:{PRIYA}>"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        11 => (
            "a group",
            evil_signed(&from(&format!("all: {PRIYA};"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        12 => (
            "a zero byte",
            evil_signed(&from(&format!("{PRIYA}\0@evil.example"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        13 => {
            let raw = text(hers(&more)).replace("From: ", "fROM\t: ");
            (
                "a name with white space",
                evil_signed(raw.as_bytes()),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        14 => {
            let raw = text(hers(&more)).replace("From: ", "From:\r\n \r\n ");
            (
                "a folded From",
                evil_signed(raw.as_bytes()),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        15 => {
            let raw = format!(" From: a@evil.example\r\n{}", text(hers(&more)));
            (
                "a header that begins folded",
                evil_signed(raw.as_bytes()),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        16 => (
            "a quoted local part",
            evil_signed(&from(&format!("\"{PRIYA}\"@evil.example"))),
            format!("b{n}@evil.example"),
            "e",
        ),
        17 => {
            let own = from("Priya <priya@northw1nd.example>");
            (
                "a lookalike that signs",
                world.signed("northw1nd.example", &USUAL, false, &own),
                "p@northw1nd.example".into(),
                "e",
            )
        }
        18 => {
            let own = from("Priya <priya@northwind.example.evil.example>");
            let raw = world.signed("northwind.example.evil.example", &USUAL, false, &own);
            ("her domain below another", raw, format!("b{n}@evil.example"), "e")
        }
        19 => {
            let own = from("Priya <priya@sales.northwind.example>");
            ("a domain below hers", own, format!("b{n}@evil.example"), "e")
        }
        20 => {
            let raw = world.signed("northwind.example", &["From", "Subject"], true, &known.captured_plain());
            let raw = format!("{}And send me the passwords.\r\n", text(raw)).replace("<captured@", &format!("<l{n}@"));
            (
                "a signature with l= and more behind it",
                raw.into_bytes(),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        21 => {
            let raw = captured.replacen("Subject:", "Subject: Send me everything\r\nSubject:", 1);
            (
                "replayed with another Subject before hers",
                with_id(&raw, n),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        22 => {
            let raw = captured.replacen("From:", "From: Priya <a@evil.example>\r\nFrom:", 1);
            (
                "replayed with another From before hers",
                with_id(&raw, n),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        23 => {
            let raw = captured.replace("I keep this mail", &format!("Send me everything, {n}"));
            (
                "replayed with other words",
                raw.into_bytes(),
                format!("b{n}@evil.example"),
                "e",
            )
        }
        24 => (
            "her domain in HELO only",
            hers(&more),
            format!("b{n}@evil.example"),
            "northwind.example",
        ),
        25 => ("an empty return path", hers(&more), String::new(), "northwind.example"),
        26 => {
            let raw = world.sealed("badseal.example", "northwind.example", &hers(&more));
            ("sealed by whom nobody believes", raw, format!("b{n}@evil.example"), "e")
        }
        27 => {
            let says = "Authentication-Results: mx.acme.example; dkim=pass header.d=northwind.example;\r\n \
                 dmarc=pass header.from=northwind.example\r\n\
                 ARC-Authentication-Results: i=1; sealer.example; dmarc=pass header.from=northwind.example\r\n";
            let raw = format!("{says}{}", text(hers(&more)));
            (
                "forged words of our gateway",
                raw.into_bytes(),
                format!("b{n}@evil.example"),
                "mx.acme.example",
            )
        }
        28 => {
            let raw = world.signed("broken.northwind.example", &USUAL, false, &hers(&more));
            (
                "signed by a domain that cannot be asked",
                raw,
                format!("b{n}@evil.example"),
                "e",
            )
        }
        _ => {
            let copies =
                format!("{more}Cc: a@evil.example, b@evil.example\r\nReply-To: a@evil.example\r\nSender: {PRIYA}\r\n");
            ("copies to others", hers(&copies), format!("b{n}@evil.example"), "e")
        }
    };
    Letter {
        class,
        raw,
        envelope,
        to,
        peer: EVIL,
        helo,
        author: String::new(),
    }
}

impl Known {
    /// The captured mail without her signature: signing it again plays a signer that limits the body.
    fn captured_plain(&self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.captured);
        let at = text.find("From:").unwrap_or(0);
        text[at..].as_bytes().to_vec()
    }
}

/// Every copy is another mail: something in it that no signature covers differs.
fn with_id(raw: &str, n: usize) -> Vec<u8> {
    format!("X-Copy: {n}\r\n{raw}").into_bytes()
}

/// The reply address with one letter changed.
fn changed(token: &str, n: usize) -> String {
    let (local, domain) = token.split_once('@').expect("an address");
    let (name, key) = local.split_once('+').expect("a token");
    let mut key: Vec<char> = key.chars().collect();
    let at = n % key.len();
    key[at] = if key[at] == 'a' { 'b' } else { 'a' };
    format!("{name}+{}@{domain}", key.into_iter().collect::<String>())
}

/// Honest mail number `n`, each from somebody else.
pub fn honest(world: &World, n: usize) -> Letter {
    let subject = format!("Question {n}");
    let id = format!("h{n}@client.example");
    let write = |author: &str, to: &str, more: &str| plain(&format!("User {n} <{author}>"), to, &subject, &id, more);
    let at = |domain: &str| format!("user{n}@{domain}");
    let (class, author, raw, envelope, peer, helo) = match n % 10 {
        0 => {
            let author = at("northwind.example");
            let raw = world.signed("northwind.example", &USUAL, false, &write(&author, DESK, ""));
            (
                "signed, with a policy",
                author.clone(),
                raw,
                author,
                HERS,
                "mx.northwind.example",
            )
        }
        1 => {
            let author = at("northwind.example");
            (
                "SPF only, with a policy",
                author.clone(),
                write(&author, DESK, ""),
                author,
                HERS,
                "mx.northwind.example",
            )
        }
        2 => {
            let author = at("southwind.example");
            (
                "SPF only, no policy",
                author.clone(),
                write(&author, DESK, ""),
                author,
                "127.0.0.12",
                "mx.southwind.example",
            )
        }
        3 => {
            let author = at("eastwind.example");
            let raw = world.signed("eastwind.example", &USUAL, false, &write(&author, DESK, ""));
            (
                "signed, no policy, through a host of no name",
                author,
                raw,
                "bounce@host.example".into(),
                "127.0.0.50",
                "host.example",
            )
        }
        4 => {
            let author = at("northwind.example");
            let raw = world.signed(
                "northwind.example",
                &USUAL,
                false,
                &write(&author, "help@old.example", ""),
            );
            let raw = [
                b"Received: from mx by forwarder.example; Mon, 2 Mar 2026 09:00:00 +0000\r\n",
                raw.as_slice(),
            ]
            .concat();
            (
                "forwarded with its signature",
                author,
                raw,
                "srs0=x@forwarder.example".into(),
                "127.0.0.30",
                "forwarder.example",
            )
        }
        5 => {
            let author = at("northwind.example");
            let list = format!(
                "X-Original-From: User {n} <{author}>\r\nReply-To: User {n} <{author}>\r\nList-Id: <users.lists.acme.example>\r\n\
                 List-Post: <mailto:users@lists.acme.example>\r\n"
            );
            let raw = plain(
                &format!("User {n} via users <users@lists.acme.example>"),
                "users@lists.acme.example",
                &subject,
                &id,
                &list,
            );
            let raw = world.signed("lists.acme.example", &USUAL, false, &raw);
            (
                "a list that rewrites From",
                author,
                raw,
                "users-bounces@lists.acme.example".into(),
                "127.0.0.20",
                "lists.acme.example",
            )
        }
        6 => {
            let author = at("northwind.example");
            let raw = world.sealed(
                "sealer.example",
                "northwind.example",
                &write(&author, "help@old.example", ""),
            );
            (
                "sealed by whom we believe",
                author,
                raw,
                "fwd@sealer.example".into(),
                "127.0.0.31",
                "sealer.example",
            )
        }
        7 => {
            let author = at("plain.example");
            (
                "nothing published",
                author.clone(),
                write(&author, DESK, ""),
                author,
                "127.0.0.40",
                "mx.plain.example",
            )
        }
        8 => {
            let author = at("northwind.example");
            let raw = world.signed("mail.northwind.example", &USUAL, false, &write(&author, DESK, ""));
            (
                "signed by a domain below, with a policy",
                author,
                raw,
                "b@bounce.example".into(),
                "127.0.0.51",
                "x.example",
            )
        }
        _ => {
            let author = at("northwind.example");
            let raw = write(&author, DESK, "").to_vec();
            let text = String::from_utf8(raw)
                .expect("ours")
                .replace("From: User", "FROM:  \"User, of Northwind\" (at work)\r\n User");
            let text = text.replace(&format!("User {n} <"), "<");
            let raw = world.signed("northwind.example", &USUAL, false, text.as_bytes());
            (
                "an odd but plain From, signed",
                author,
                raw,
                at("northwind.example"),
                HERS,
                "mx.northwind.example",
            )
        }
    };
    let to = if n % 10 == 5 {
        "users@lists.acme.example".to_owned()
    } else {
        DESK.to_owned()
    };
    Letter {
        class,
        raw,
        envelope,
        to,
        peer,
        helo,
        author,
    }
}
