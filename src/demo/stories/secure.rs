//! Problems of certificates, sign-in and advisories.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&CHAIN, &RENEWED, &OLD_TLS, &DIRECTORY, &ADVISORY];

const CHAIN: Problem = Problem {
    part: Part::Queue,
    lane: "security",
    severity: 3,
    direct: true,
    subjects: &["TLS: unable to get local issuer certificate, only some clients ({host})", "PKIX path building failed against {host}:9093", "New certificate on {host} rejected by Java clients"],
    own: &[],
    question: "Since the new certificate on {host} the Java clients fail, while browsers and curl on our desktops are happy:

    javax.net.ssl.SSLHandshakeException: PKIX path building failed:
      unable to find valid certification path to requested target

The root is in the truststore. [[What is different?||It was issued by the same authority as before.]]",
    asks: "Probably the intermediate is missing. How many certificates does the server send?

    openssl s_client -connect {host}:9093 -showcerts </dev/null | grep -E 's:|i:'",
    told: "     0 s:CN={host}.prod.example
       i:CN=Corporate Issuing CA G{few}

Only this one.",
    finding: "The server sends only its own certificate. Desktops know the issuing authority from elsewhere or fetch it, Java does not.",
    answer: "Give the server the whole chain, its own certificate first:

    cat server.pem issuing-ca.pem > /etc/sluice/tls/chain.pem
    # sluice.toml
    [listener.tls]
    certificate = \"/etc/sluice/tls/chain.pem\"

    sluicectl tls reload

The root is left out. Then the command from before shows two entries, the second issued by the root. The authority has a new
generation (G{few}), which is why the same procedure worked last year.",
    more: "All clients connect. Do we need the intermediate in the truststores as well?",
    coda: "No, only the root. Remove it where somebody put it in during the trouble, otherwise next year's change hides the same mistake.",
    ends: Resolution::Solved,
};

const RENEWED: Problem = Problem {
    part: Part::Database,
    lane: "security",
    severity: 2,
    direct: false,
    subjects: &["{host} still presents the expired certificate after renewal", "certificate has expired, but the file is new ({host})", "TLS to {db} fails {since}: expired"],
    own: &[],
    question: "The certificate of {host} was renewed {days} days ago, the file is new, yet clients get

    SSL error: certificate verify failed: certificate has expired

[[openssl x509 on the file shows the new date.||The file has the right date, we looked three times.]] We cannot restart before the weekend.",
    asks: "The server reads the file at start and at reload. What does select loaded_at from tls_status say, and does the log have a line about the
key at the last reload?",
    told: "loaded_at is {many} days ago. In the log:

    {t1} [1] LOG:  could not load private key file \"server.key\": Permission denied
    {t1} [1] LOG:  TLS configuration was not reloaded",
    finding: "The renewal script writes the key as root with mode 600, so the reload fails and the server goes on with what it has, as designed.",
    answer: "No restart needed. The new key cannot be read by the server, so each reload kept the old pair:

    chown tarn:tarn server.key && chmod 600 server.key
    tarnctl reload
    select not_after from tls_status;

Existing sessions are not touched. In the renewal script add the chown and check the date over the wire, not in the file:
Vigil's probe_ssl_earliest_cert_expiry - time() < 14*86400 does exactly this.",
    more: "Works. Does the replica connection use the same certificate?",
    coda: "{host2} has its own and checks that of {host} when it reconnects; an established stream is not checked again. So look at {host2} before its next
restart.",
    ends: Resolution::Solved,
};

const OLD_TLS: Problem = Problem {
    part: Part::Objects,
    lane: "upgrade",
    severity: 3,
    direct: true,
    subjects: &["Old scanners cannot upload since {ver}: no shared cipher", "TLS 1.0 devices against {host} after upgrade", "handshake failure (40) for {some} devices in {site}"],
    own: &[],
    question: "After the upgrade to {ver} {some} devices of {bucket} can no longer connect:

    {t1} WARN tls: {ip2}: no protocols in common (client offers TLS 1.0)

They are [[scanners||controllers]] whose maker will not update them. Can {ver} be told to accept TLS 1.0?",
    asks: "Not in {ver}; the library has no code for it any more. Are these devices in a network of their own, and do they need the same bucket as
everybody?",
    told: "They are in VLAN 40 alone and write to one bucket only.",
    finding: "Then a proxy in that VLAN is a clean way. I try the configuration with a client that offers only TLS 1.0.",
    answer: "Support for TLS 1.0 has been removed and will not come back, for good reason. For devices that cannot change put a small proxy into their
VLAN, which speaks the old protocol on one side and TLS 1.3 on the other:

- It listens in VLAN 40 only, and may reach {host}:9000 only.
- It has its own access key, which may only PUT into {bucket}.
- Certificate with RSA 2048; the devices know nothing else.

I attach no image: take the stream module of the proxy you already run, built with a library that still has TLS 1.0. And
put an end date on it.",
    more: "It runs. Our auditors ask how long you would tolerate this.",
    coda: "We would not put a number on it for you. What helps in an audit: the separate network, the key that can only write, and a dated plan for
replacing the devices.",
    ends: Resolution::Workaround,
};

const DIRECTORY: Problem = Problem {
    part: Part::Database,
    lane: "configure",
    severity: 3,
    direct: false,
    subjects: &["LDAP login to {db} takes {secs} s", "Connections slow {since}: authentication phase", "Login storm: {many} sessions in authentication on {host}"],
    own: &[],
    question: "Logging in to {db} takes {secs} seconds with LDAP, local accounts are instant. pg_ident and roles are unchanged. hba line:

    host all all 10.0.0.0/8 ldap ldapurl=\"ldap://dc.corp.example/dc=corp?sAMAccountName?sub\"

[[The directory itself answers fast.||ldapsearch from the same machine is fast.]]",
    asks: "With a base of the whole domain the server may return referrals that the library follows one by one. Is ldapsearch -C (chase
referrals) slow as well? And how many addresses does dc.corp.example have?",
    told: "With -C it takes {secs} seconds. The name has {few} addresses, one of them belongs to a site that was closed.",
    finding: "Referrals lead to the closed site's controller, which does not answer until the timeout. That is the {secs} seconds.",
    answer: "The search at the root of the domain yields referrals, and one leads to a dead controller. Two changes:

    host all all 10.0.0.0/8 ldap ldapserver=\"gc.corp.example\" ldapport=3269 ldapscheme=ldaps \\
      ldapbasedn=\"ou=people,dc=corp\" ldapsearchattribute=sAMAccountName
    # /etc/ldap/ldap.conf
    REFERRALS off
    NETWORK_TIMEOUT 3

The global catalogue gives no referrals, ldaps keeps passwords off the wire in clear. Reload, no restart. And let the pooler keep
connections, {many} logins a minute are not needed.",
    more: "Login in {ms} ms. Will somebody who is locked in the directory lose open sessions?",
    coda: "No, it is asked at login only. If policy wants that, terminate sessions by a job that compares both lists, every {min} minutes or so.",
    ends: Resolution::Solved,
};

const ADVISORY: Problem = Problem {
    part: Part::Objects,
    lane: "security",
    severity: 3,
    direct: true,
    subjects: &["Are we affected by the advisory on path handling? ({ver})", "Scanner reports a critical finding on {host}, version {ver}", "Security finding in Cairn {ver}: need a statement"],
    own: &[],
    question: "Our vulnerability scanner flags Cairn {ver} on {some} hosts as critical because of the path handling advisory ({patch}). Your release notes say fixed
in {fixver}. [[Are we affected, and how urgent is it?||We need a statement for our security board.]]",
    asks: "The flaw is only in the file gateway. Is it switched on anywhere? cairnctl config show gateway.file on all hosts tells; the default is off.",
    told: "Off everywhere, checked on all {some}. The listener does not exist (ss -ltn).",
    finding: "Without the gateway the affected code is never reached. I have asked product engineering to confirm it in writing, as your board wants a
statement and not an opinion.",
    answer: "Statement: {patch} concerns requests to the file gateway of versions before {fixver}. With gateway.file = off, the default, the code is
not reachable; you are not exploitable in the configuration that you describe.

- Urgency: normal. Take {fixver} with your next regular update.
- Keep the evidence: the output of cairnctl config show with date and host.
- The scanner goes by the version number; it will be quiet after the update only.

If somebody turns the gateway on before that, the statement no longer holds.",
    more: "Accepted by the board. Where do we get such information without asking?",
    coda: "Each release has a machine readable file (VEX) beside its checksums, which says \"not affected\" with the condition. Most scanners can
read it.",
    ends: Resolution::Answered,
};
