//! Why a mail was not delivered: one word of ours for the thousand sentences of mail servers.
//!
//! Promises: the server's own sentence decides before its number, because servers give true sentences with wrong numbers
//! (`550 5.7.1 User Unknown`) far more often than the other way round; of the numbers the enhanced code (RFC 3463) comes
//! before the three digits (RFC 5321). Within the table the rarer meaning stands first: a blocked sender's refusal often
//! names the recipient as well. Leaves out: whose fault it is.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::mail::words::Rows;

/// Why a mail was not delivered, or not yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There is no such mailbox.
    UnknownUser,
    /// There is no such host or domain, or it names no mail server.
    UnknownHost,
    /// The mailbox, or its owner's quota, is full.
    MailboxFull,
    /// The mailbox exists and was switched off.
    Disabled,
    /// The person is elsewhere now.
    Moved,
    /// The mail is too large for them.
    TooLarge,
    /// They refuse the sending host or network, by a list or by reputation.
    Blocked,
    /// Too many mails, connections or recipients for their taste.
    TooMany,
    /// Their rules refuse this mail: authentication of the sender's domain, or a rule they do not explain.
    Policy,
    /// They take it for spam, for dangerous, or for badly made.
    Content,
    /// The server does not carry mail for that address.
    RelayRefused,
    /// They refuse the sender's address: not a member, not allowed, not to be verified.
    SenderRefused,
    /// The host takes no mail at all (RFC 7505).
    NotAccepting,
    /// Tried for as long as mail is tried.
    Expired,
    /// Their server could not be reached.
    Network,
    /// The mail went round in circles.
    Loop,
    /// Something is broken on their side.
    System,
    /// The recipient complained about the mail (RFC 5965); it was delivered.
    Complaint,
    /// Nobody said why.
    #[default]
    Unknown,
}

impl Reason {
    /// As it stands in tables and in `mail inspect`.
    pub fn text(self) -> &'static str {
        match self {
            Reason::UnknownUser => "unknown-user",
            Reason::UnknownHost => "unknown-host",
            Reason::MailboxFull => "mailbox-full",
            Reason::Disabled => "disabled",
            Reason::Moved => "moved",
            Reason::TooLarge => "too-large",
            Reason::Blocked => "blocked",
            Reason::TooMany => "too-many",
            Reason::Policy => "policy",
            Reason::Content => "content",
            Reason::RelayRefused => "relay-refused",
            Reason::SenderRefused => "sender-refused",
            Reason::NotAccepting => "not-accepting",
            Reason::Expired => "expired",
            Reason::Network => "network",
            Reason::Loop => "loop",
            Reason::System => "system",
            Reason::Complaint => "complaint",
            Reason::Unknown => "unknown",
        }
    }

    /// As a person reads it, after "because".
    pub fn words(self) -> &'static str {
        match self {
            Reason::UnknownUser => "there is no such mailbox",
            Reason::UnknownHost => "there is no such mail domain",
            Reason::MailboxFull => "the mailbox is full",
            Reason::Disabled => "the mailbox was switched off",
            Reason::Moved => "the person has moved to another address",
            Reason::TooLarge => "the mail is too large for them",
            Reason::Blocked => "their server refuses ours",
            Reason::TooMany => "too much mail at once for their server",
            Reason::Policy => "a rule of their server forbids it",
            Reason::Content => "their server takes it for spam or for dangerous",
            Reason::RelayRefused => "their server does not carry mail for this address",
            Reason::SenderRefused => "their server refuses our address as the sender",
            Reason::NotAccepting => "their domain takes no mail",
            Reason::Expired => "it was tried for as long as mail is tried",
            Reason::Network => "their server could not be reached",
            Reason::Loop => "it went round in circles",
            Reason::System => "something is broken on their side",
            Reason::Complaint => "the recipient complained about it",
            Reason::Unknown => "nobody said why",
        }
    }

    /// Whether any other mail to the address would fare the same. What is said of one mail (its size, its content) or of
    /// our server says nothing of the address.
    pub fn is_about_address(self) -> bool {
        !matches!(
            self,
            Reason::TooLarge
                | Reason::Content
                | Reason::Blocked
                | Reason::TooMany
                | Reason::SenderRefused
                | Reason::Policy
                | Reason::Complaint
                | Reason::Loop
        )
    }
}

/// What the words of one refusal mean; `None` if none of them is known.
pub(crate) fn of_words(said: &str) -> Option<Reason> {
    // What people chose as their addresses and links says nothing: `quota@…` is not full.
    let words = said
        .split_whitespace()
        .map(|word| match word.find('<').zip(word.rfind('>')) {
            Some((open, close)) if open < close && word[open..close].contains('@') => &word[..open],
            _ if word.contains('@') && !word.contains("...") => "",
            _ => word,
        });
    let said = words.collect::<Vec<_>>().join(" ").to_lowercase();
    let said = said
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let first = ROWS.found_in(&said).into_iter().position(|found| found)?;
    Some(SENTENCES[first].0)
}

/// What an enhanced status code means (RFC 3463, RFC 7505, RFC 7372 and the registry of IANA).
pub(crate) fn of_status(status: &str) -> Option<Reason> {
    let mut numbers = status.split('.').map(|n| n.parse::<u32>().ok());
    let (_, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some(match (subject, detail) {
        (1, 2) => Reason::UnknownHost,
        (1, 6) => Reason::Moved,
        (1, 7..=9) => Reason::SenderRefused,
        (1, 10) => Reason::NotAccepting,
        (1, _) => Reason::UnknownUser,
        (2, 1) => Reason::Disabled,
        (2, 2) => Reason::MailboxFull,
        (2, 3) | (3, 4) => Reason::TooLarge,
        (3, _) => Reason::System,
        (4, 1 | 2) => Reason::Network,
        (4, 3 | 5) => Reason::System,
        (4, 4) => Reason::UnknownHost,
        (4, 6) => Reason::Loop,
        (4, 7) => Reason::Expired,
        (5, 3) => Reason::TooMany,
        (6, _) => Reason::Content,
        (7, 2) => Reason::SenderRefused,
        (7, 13) => Reason::Disabled,
        (7, 17) => Reason::Moved,
        (7, 25) => Reason::Blocked,
        (7, 500..) => Reason::Blocked,
        (7, _) => Reason::Policy,
        _ => return None,
    })
}

/// What a three-digit reply means by itself (RFC 5321 §4.2.3); most say nothing.
pub(crate) fn of_code(code: &str) -> Option<Reason> {
    match code {
        "551" => Some(Reason::Moved),
        "552" | "452" | "422" => Some(Reason::MailboxFull),
        "553" => Some(Reason::UnknownUser),
        "521" | "556" => Some(Reason::NotAccepting),
        _ => None,
    }
}

static ROWS: LazyLock<Rows> = LazyLock::new(|| Rows::new(SENTENCES.iter().map(|(_, phrases)| *phrases)));

/// The first row of which a phrase stands in the sentence decides. All lower case, blanks single.
#[rustfmt::skip]
const SENTENCES: &[(Reason, &[&str])] = &[
    (Reason::NotAccepting, &[
        "does not accept mail", "doesn't accept mail", "do not accept mail", "null mx", "nullmx", "no mail accepted",
        "host does not receive mail", "takes no mail", "does not receive mail",
    ]),
    (Reason::UnknownHost, &[
        "host unknown", "unknown host", "host or domain name not found", "host not found", "domain name not found",
        "nxdomain", "no such domain", "unrouteable mail domain", "unroutable mail domain", "unrouteable address",
        "unroutable address", "domain not found", "unknown domain", "domain does not exist", "domain is not reachable",
        "couldn't find any host", "could not find a gateway", "illegal host/domain", "no mx record", "invalid domain",
        "no such host", "domain couldn't be found", "domain wasn't found", "domain name is not valid",
        "unbekannte domain", "domaine inconnu", "dominio desconocido", "домен не найден",
    ]),
    (Reason::Loop, &[
        "too many hops", "mail loop", "loops back to", "routing loop", "hop count exceeded", "mail forwarding loop",
        "too many received", "loop detected", "maximum hop", "loop broken",
    ]),
    (Reason::TooMany, &[
        "rate limit", "ratelimit", "too many connections", "too many concurrent", "too many recipients",
        "too many messages", "too many mails", "sent to too many", "frequency limited", "unexpected volume",
        "sending too", "receiving mail at a rate", "exceeded the maximum number", "throttl", "too fast",
        "exceeded its hourly", "max message per", "relay quota", "daily quota", "hourly quota", "sending quota", "sending limit",
    ]),
    (Reason::MailboxFull, &[
        "mailbox full", "mailbox is full", "full mailbox", "over quota", "overquota", "over the quota", "quota exceeded",
        "exceeded quota", "quotaexceeded", "exceeded storage", "out of storage", "insufficient storage",
        "not enough storage", "exceeds allowed size", "exceeded the space", "storage quota", "disk quota",
        "quota reached", "mailbox size limit", "mailbox has exceeded", "exceeded his/her", "mail quota", "exceed quota",
        "account is full", "inbox is full", "would be over", "would exceed", "quota is full", "user is over",
        "postfach ist voll", "postfach voll", "speicherplatz", "boîte pleine", "boite pleine", "boîte aux lettres pleine",
        "boite aux lettres pleine", "quota dépassé", "buzón lleno", "buzón está lleno", "casella piena",
        "caixa cheia", "caixa de correio cheia", "postvak vol", "переполнен", "ящик полон", "przepełnion",
        "容量", "いっぱい", "已满", "已滿", "용량", "quota", "too much mail stored",
    ]),
    (Reason::TooLarge, &[
        "message size exceeds", "maximum inbound message size", "message too large", "message is too large",
        "message too big", "message is too big", "maximum message size", "message length exceeds", "size limit",
        "exceeds fixed maximum", "exceeds maximum size", "message size limit", "too large message", "larger than the",
        "message is larger", "nachricht ist zu groß", "zu groß", "trop volumineux", "trop grand", "demasiado grande",
        "troppo grande", "muito grande", "te groot", "слишком больш", "サイズ", "太大", "过大", "size is over",
        "extensive memory",
    ]),
    (Reason::Policy, &[
        "dmarc", "spf ", "spf)", "spf:", "an spf", "dkim", "unauthenticated email", "authentication required", "authrequired",
        "sender authentication", "did not pass authentication", "must issue a starttls",
    ]),
    (Reason::Blocked, &[
        "blocked using", "blocklist", "blacklist", "black list", "block list", "blocked by", "blocked -", "spamhaus", "dnsbl",
        "rbl ", "rbl.", "(rbl", "listed in", "listed at", "listed by", "banned sending ip", "ip reputation", "poor reputation",
        "reputation of", "low reputation", "client host rejected", "client host blocked", "reverse dns", "reverse lookup",
        "ptr record", "ptr dns", "rdns", "name lookup failed", "no reverse", "hostname verification", "cannot find your hostname",
        "cannot find your reverse", "your ip", "sending ip", "ip address sending", "ip address has been", "from your host",
        "connections not accepted", "connection rejected by", "not accepting mail with", "client ip", "your host", "your server",
        "your network", "email blocked", "(bl)", "dynamic ip", "dialup", "dial-up", "generic hostname", "helo name",
        "helo command rejected", "invalid helo", "bad helo", "invalid host name", "ip=", "has no ptr", "go away",
        "unresolvable", "with no reverse", "fix reverse",
    ]),
    (Reason::Content, &[
        "spam", "virus", "content rejected", "unsolicited", "junk mail", "phish", "malware", "malicious",
        "harmful", "prohibited attachment", "attachment type", "file type", "content presents", "headers too large",
        "rejected by content", "header error", "multiple addresses in from", "addresses in from", "rfc 5322",
        "rfc5322", "rfc 2822", "rfc2822", "rfc 822", "bare lf", "bare line", "8bitmime", "invalid header", "malformed header", "malformed message",
        "malformed address header",
        "message content", "not rfc", "blocked because its content", "dangerous", "unacceptable content",
        "conversion", "unsupported content",
    ]),
    (Reason::RelayRefused, &[
        "relay access denied", "relaying denied", "relay not permitted", "relay is not permitted", "permitted to relay",
        "unable to relay", "do not relay", "not relay", "relaying is prohibited", "relaying prohibited", "no relaying",
        "relay denied", "relay refused", "no relay", "relaying not allowed", "relay not allowed", "allowed to relay",
        "rcpthosts", "not a gateway", "not local host", "domain not in", "isn't in my list", "relay this", "relaying mail",
        "relay prohibited", "insecure mail relay", "mail server requires authentication when attempting to send to a non-local",
        "user not local", "not our customer domain",
    ]),
    (Reason::SenderRefused, &[
        "domain of sender", "sender address", "sender rejected", "sender denied", "sender domain", "sender verify",
        "sender verification", "sender not allowed", "valid sender", "invalid sender", "mail from address", "mailfrom domain",
        "return path", "not a member", "members only", "only members", "member of this", "allowed to post", "permission to post",
        "post to the group", "post to this", "posting to", "email address is not verified", "rejected mail from", "allowed to send",
        "cannot send e-mail to yourself", "kein mitglied", "envelope sender", "rejected because of the sender",
        "sender is not", "from address", "unable to verify sender", "unknown sender", "permission to send",
    ]),
    (Reason::Disabled, &[
        "disabled", "inactive", "suspended", "discontinued", "deactivated", "account is locked", "account locked",
        "has been closed", "account closed", "no longer active", "not active", "not currently active", "account blocked",
        "account is blocked", "account has been blocked", "account expired", "account has expired", "is unavailable at this time",
        "mailbox is currently unavailable", "not accepting messages", "mailbox is frozen", "mailbox frozen", "dormant",
        "compte du destinataire est bloqu", "gesperrt", "deaktiviert", "suspendu", "suspendida", "desativad", "заблокирован",
    ]),
    (Reason::Moved, &[
        "has moved", "new address", "no longer on server", "no longer on this server", "moved to", "has left the",
        "no longer with", "no longer works", "not our customer", "is no longer at", "no longer employed", "address has changed",
        "address changed", "please update your", "moved elsewhere",
    ]),
    (Reason::UnknownUser, &[
        "user unknown", "unknown user", "no such user", "user not found", "unknown recipient", "recipient unknown",
        "recipient not found", "no such recipient", "no such mailbox", "no mailbox", "mailbox not found", "mailbox unavailable",
        "mailbox does not exist", "mailbox doesn't exist", "invalid recipient", "recipient invalid", "invalid mailbox",
        "unknown mailbox", "unknown address", "invalid address", "invalid user", "user invalid", "address invalid",
        "address rejected", "address not found", "address unknown", "does not exist", "doesn't exist", "doesnt exist",
        "do not exist", "not exist", "doesn't have a", "does not have a", "not a valid", "isn't a valid", "not known", "not recognized",
        "not recognised", "unrecognized", "is unknown", "unknown local", "unknown or", "not listed in", "no account",
        "account not found", "not our user", "user doesn't", "recipient rejected", "recipients rejected", "recipient address",
        "addressee unknown", "bad destination mailbox", "not in directory", "no matching", "name not found", "not found in directory",
        "no valid recipients", "not valid", "could not be found", "couldn't be found", "wasn't found", "invalid mail address",
        "unknown account", "no local mailbox", "no such address", "user id", "undeliverable address", "no one here",
        "invalid final delivery", "address is wrong", "unknown in", "user unknown in", "no such local user", "unknown username", "recipient preferences",
        "unbekannter empfänger", "empfänger unbekannt", "adressat unbekannt", "existiert nicht", "destinataire inconnu",
        "utilisateur inconnu", "n'existe pas", "destinataire invalide", "adresse invalide", "usuario desconocido", "no existe", "destinatario desconocido",
        "sconosciuto", "inesistente", "non esiste", "usuário desconhecido", "não existe", "onbekende gebruiker", "bestaat niet",
        "nie istnieje", "neexistuje", "не найден", "не существует", "неизвестный пользователь", "存在しない", "存在しません",
        "見つかりません", "宛先不明", "不存在", "존재하지 않", "ไม่พบ",
    ]),
    (Reason::Expired, &[
        "retry time not reached", "retry timeout exceeded", "in the queue too long", "queue too long", "message expired",
        "delivery time expired", "has expired", "time expired", "could not be delivered for", "maximum time in queue",
        "retry count exceeded", "too long in queue", "will be deleted from queue", "message timed out", "giving up after",
        "not delivered within", "delivery attempts failed for", "unable to deliver this message after", "lifetime",
        "queue expired", "expired", "failing for a long time", "multiple retries", "could not deliver for the last",
        "not been collected after", "number of delivery attempts",
    ]),
    (Reason::Network, &[
        "connection refused", "timed out", "timeout", "time-out", "no route to host", "network error", "network unreachable",
        "network is unreachable", "couldn't connect", "could not connect", "unable to connect", "connect to", "lost connection", "connection lost",
        "accept our requests to connect", "not reachable", "unreachable", "connection reset", "connection closed", "connection dropped",
        "connection failed", "connection died", "establish an smtp connection", "did not respond", "not responding", "name service error",
        "name server", "dns error", "dns lookup", "name or service not known", "socket", "no answer", "conversation with",
        "contact destination", "connection was", "smtp connection", "host is down", "tls", "server unavailable",
    ]),
    (Reason::System, &[
        "local configuration error", "configuration error", "system error", "out of memory", "disk full", "no space left",
        "service unavailable", "service currently unavailable", "service not available", "i/o error", "input/output error", "couldn't create", "could not create",
        "temporary failure", "temporarily unavailable", "temporary lookup failure", "temporary problem", "temporary system",
        "resources temporarily", "local error", "internal error", "transaction failed", "not enough disk", "insufficient system",
        "command failed", "command died", "pipe", "procmail", "can't create", "permission denied", "upstream error", "data format error", "unable to open",
        "system not", "unknown mailer error", "protocol error", "syntax error", "local delivery failed", "out of disk", "write error",
        "out of free space",
    ]),
    (Reason::SenderRefused, &["after mail from", "in reply to mail from"]),
    (Reason::Blocked, &["after initial connection", "while receiving the initial server greeting"]),
    (Reason::Policy, &[
        "policy", "policies", "access denied", "not accepted", "not allowed", "denied", "prohibited", "not authorized", "not authorised",
        "not permitted", "refused", "rejected", "rejete", "refuse", "abgelehnt", "zurückgewiesen", "restricted", "security", "unacceptable",
        "rechazado", "rifiutato", "rejeitad", "geweigerd", "отклонен", "отказ", "拒否", "拒绝", "拒絕", "거부",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_decides_before_the_number_and_the_rarer_meaning_first() {
        for (said, reason) in [
            ("550 5.1.1 <bob@y.org>... User Unknown", Reason::UnknownUser),
            ("550 5.7.1 550 User Unknown: bob@y.org", Reason::UnknownUser),
            ("552 5.2.2 Mailbox full", Reason::MailboxFull),
            (
                "552 5.3.4 Message size exceeds fixed maximum message size (10485760)",
                Reason::TooLarge,
            ),
            (
                "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.example",
                Reason::Blocked,
            ),
            (
                "550 5.7.26 Unauthenticated email from y.org is not accepted due to domain's DMARC policy",
                Reason::Policy,
            ),
            (
                "553 5.1.8 Domain of sender address root@x.local does not exist",
                Reason::SenderRefused,
            ),
            ("554 5.7.1 <bob@y.org>: Relay access denied", Reason::RelayRefused),
            (
                "Host or domain name not found. Name service error for name=y.example",
                Reason::UnknownHost,
            ),
            (
                "550 5.2.1 The email account that you tried to reach is disabled",
                Reason::Disabled,
            ),
            (
                "connect to mx.y.org[192.0.2.9]:25: Connection timed out",
                Reason::Network,
            ),
            (
                "I'm not going to try again; this message has been in the queue too long.",
                Reason::Expired,
            ),
            ("Das Postfach ist voll", Reason::MailboxFull),
            ("Ce destinataire n'existe pas", Reason::UnknownUser),
            (
                "550 permanent failure for one or more recipients (bob@y.org:550 5.1.10 null MX)",
                Reason::NotAccepting,
            ),
        ] {
            assert_eq!(of_words(said), Some(reason), "{said}");
        }
        assert_eq!(of_words("250 all is well"), None);
    }

    #[test]
    fn every_word_of_the_table_is_found_as_it_is_compared() {
        for (reason, phrases) in SENTENCES {
            for phrase in *phrases {
                assert_eq!(*phrase, phrase.to_lowercase(), "{reason:?}");
                assert!(
                    !phrase.contains("  ") && !phrase.trim().is_empty(),
                    "{reason:?}: {phrase:?}"
                );
            }
        }
    }

    #[test]
    fn a_code_says_what_its_registry_says() {
        assert_eq!(of_status("5.1.1"), Some(Reason::UnknownUser));
        assert_eq!(of_status("4.4.7"), Some(Reason::Expired));
        assert_eq!(of_status("5.7.1"), Some(Reason::Policy));
        assert_eq!(of_status("5.0.0"), None);
        assert_eq!(of_status("five"), None);
        assert_eq!(of_code("552"), Some(Reason::MailboxFull));
        assert_eq!(of_code("550"), None);
    }
}
