//! The words of many languages that break ties, in one place; all lower case.
//!
//! Promises: tables only. A shape (a date, a person, a header field) decides wherever one can; these words are for
//! where it cannot. A new language is a word in each row.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, Anchored, Input, StartKind};

/// Phrases of which all are looked for in one pass over a text: one by one, a list of eighty costs more than all else that
/// is done to a mail.
pub(crate) struct Phrases {
    list: &'static [&'static str],
    place: StartKind,
    /// The same list in the form that is searched, built where it is first used.
    search: OnceLock<Option<AhoCorasick>>,
}

impl Phrases {
    /// Phrases in lower case that may stand anywhere.
    pub(crate) const fn new(list: &'static [&'static str]) -> Self {
        Self::at(StartKind::Unanchored, list)
    }
    /// Phrases in lower case that count at the beginning of a text only.
    pub(crate) const fn beginning(list: &'static [&'static str]) -> Self {
        Self::at(StartKind::Anchored, list)
    }

    const fn at(place: StartKind, list: &'static [&'static str]) -> Self {
        Phrases {
            list,
            place,
            search: OnceLock::new(),
        }
    }

    /// The phrases one by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().copied()
    }
    /// Whether any of them stands in the text, in upper or lower case.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let text = comparable(text);
        let anchored = match self.place {
            StartKind::Anchored => Anchored::Yes,
            _ => Anchored::No,
        };
        let search = self.search.get_or_init(|| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .start_kind(self.place)
                .build(self.list)
                .ok()
        });
        search
            .as_ref()
            .is_some_and(|search| search.is_match(Input::new(&*text).anchored(anchored)))
    }
}

/// Which rows of a table have a phrase in a text, in one pass for all of them.
pub(crate) struct Rows {
    search: Option<AhoCorasick>,
    /// The row of each phrase.
    row_of: Vec<usize>,
    count: usize,
}

impl Rows {
    /// Rows of phrases in lower case.
    pub(crate) fn new(rows: impl Iterator<Item = &'static [&'static str]>) -> Self {
        let (mut phrases, mut row_of, mut count) = (Vec::<&str>::new(), Vec::new(), 0);
        for row in rows {
            phrases.extend(row);
            row_of.resize(phrases.len(), count);
            count += 1;
        }
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(phrases).ok();
        Rows { search, row_of, count }
    }
    /// For every row, whether any of its phrases stands in the text, in upper or lower case.
    pub(crate) fn found_in(&self, text: &str) -> Vec<bool> {
        let text = comparable(text);
        let mut found = vec![false; self.count];
        if let Some(search) = &self.search {
            for phrase in search.find_overlapping_iter(&*text) {
                found[self.row_of[phrase.pattern().as_usize()]] = true;
            }
        }
        found
    }
}

/// A text as searches read it: they know both cases of ASCII, of other letters the lower case only.
fn comparable(text: &str) -> Cow<'_, str> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_lowercase()),
    }
}

/// Verbs and nouns with which mail programs say that somebody wrote; they break ties only.
#[rustfmt::skip]
pub(crate) static WROTE: Phrases = Phrases::new(&[
    "wrote", "writes", "schrieb", "geschrieben", "schreef", "geschreven", "a écrit", "a ecrit", "écrit", "escribió",
    "escribio", "escreveu", "ha scritto", "scrive", "napisał", "napisal", "napsal", "napísal", "написал", "пишет",
    "писал", "написав", "пише", "kirjoitti", "skrev", "đã viết", "yazdı", "şunu yazdı", "írta", "a scris", "έγραψε",
    "写道", "寫道", "のメール", "書きました", "작성", "wrote", "napisao", "je napisal", "rašė", "rakstīja", "kirjutas", "כתב",
    "كتب", "scríobh", "ha escrit", "menulis", "said",
]);

/// Names of copied header fields; they help where the shape alone is too short to tell.
#[rustfmt::skip]
pub(crate) const COPIED_FIELDS: &[&str] = &[
    "from", "sent", "to", "cc", "date", "subject", "reply-to", "von", "gesendet", "an", "betreff", "datum", "de",
    "envoyé", "envoyé le", "à", "objet", "date d'envoi", "enviado", "enviado el", "enviada em", "para", "asunto",
    "assunto", "fecha", "data", "da", "inviato", "a", "oggetto", "van", "verzonden", "aan", "onderwerp", "fra",
    "sendt", "til", "emne", "från", "skickat", "till", "ämne", "od", "wysłano", "do", "temat", "от", "отправлено",
    "кому", "тема", "дата", "发件人", "发送时间", "收件人", "主题", "抄送", "差出人", "送信日時", "宛先", "件名", "보낸 사람", "받는 사람",
];

/// Words between the dashes of an "original message" line.
#[rustfmt::skip]
pub(crate) const ORIGINAL: &[&str] = &[
    "original message", "forwarded message", "original appointment", "ursprüngliche nachricht", "originalnachricht",
    "weitergeleitete nachricht", "message d'origine", "message original", "message transféré", "mensaje original",
    "mensaje reenviado", "mensagem original", "mensagem encaminhada", "messaggio originale", "messaggio inoltrato",
    "oorspronkelijk bericht", "doorgestuurd bericht", "originalmeddelande", "oprindelig meddelelse",
    "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna", "původní zpráva", "исходное сообщение",
    "пересылаемое сообщение", "原始邮件", "转发邮件", "原始郵件", "元のメッセージ", "원본 메시지", "forwarded by",
    "begin forwarded message", "weitergeleitet von",
];

/// Words of the lines that mailing lists add.
#[rustfmt::skip]
pub(crate) static LIST: Phrases = Phrases::new(&[
    "mailing list", "mailman", "unsubscribe", "listinfo", "list info", "mailing-list", "abbestellen", "désabonner",
    "subscription options",
]);

/// How the lines begin that telephones and their mail programs add.
#[rustfmt::skip]
pub(crate) static DEVICE: Phrases = Phrases::beginning(&[
    "sent from my ", "sent from mail ", "sent from outlook", "sent from yahoo", "sent from samsung",
    "sent from proton", "sent from a ", "sent with ", "sent via ", "sent using ", "get outlook for ", "von meinem ",
    "gesendet von ", "gesendet mit ", "envoyé de mon ", "envoyé depuis ", "envoyé à partir", "enviado desde ",
    "enviado do meu ", "enviado de mi", "enviado a partir", "inviato da ", "inviato dal ", "verzonden vanaf ",
    "verstuurd vanaf ", "skickat från ", "sendt fra ", "lähetetty ", "wysłano z ", "wysłane z ", "odesláno z ",
    "отправлено с ", "отправлено из ", "надіслано з ", "发自我的", "從我的", "iphoneから送信", "나의 iphone",
    "iphone'umdan gönder", "trimis de pe ", "enviat des ", "outlook voor ", "télécharger outlook",
    "obtener outlook", "outlook für ",
]);

/// Prefixes of subjects that pass on and do not answer.
#[rustfmt::skip]
pub(crate) const FORWARD_PREFIXES: &[&str] = &[
    "fwd:", "fw:", "fwd :", "wg:", "tr:", "tr :", "rv:", "enc:", "i:", "vb:", "doorst:", "pd:", "vl:", "továbbítás:",
    "ilt:", "i̇lt:", "转发:", "轉寄:", "転送:", "전달:", "[fwd:",
];

/// Words with which programs announce a mail that is passed on.
#[rustfmt::skip]
pub(crate) static FORWARDED: Phrases = Phrases::new(&[
    "forwarded", "fwd", "weitergeleitet", "transféré", "réexpédié", "transmis", "reenviado", "encaminhada",
    "reencaminhada", "inoltrato", "doorgestuurd", "vidarebefordra", "videresend", "välitetty", "edelleenlähet",
    "przesłan", "přeposlan", "preposlan", "továbbított", "redirecționat", "proslijeđen", "iletilen", "пересыла",
    "переадрес", "переслан", "пересила", "转发", "轉寄", "転送", "전달",
]);

/// Prefixes of subjects that answer or pass on.
#[rustfmt::skip]
pub(crate) const ANSWER_PREFIXES: &[&str] = &[
    "re:", "aw:", "sv:", "antw:", "fwd:", "fw:", "wg:", "tr:", "rv:", "vs:", "odp:", "回复:", "答复:", "转发:", "ref:",
    "re :", "fwd :",
];

/// Header fields that only auto-responders set.
#[rustfmt::skip]
pub(crate) const AUTO_REPLY_FIELDS: &[&str] = &[
    "x-autoreply", "x-auto-reply", "x-autoreply-from", "x-auto-reply-from", "x-autorespond", "x-autoresponder",
    "x-autoresponse", "x-auto-responder", "x-mail-autoreply", "x-vacation", "x-amazon-auto-reply", "x-away",
    "x-ms-exchange-inbox-rules-loop",
];

/// Header fields that only challenge-response programs set.
#[rustfmt::skip]
pub(crate) const CHALLENGE_FIELDS: &[&str] = &[
    "x-tmda-confirm-done", "x-tmda-challenge", "x-bluebottle-request", "x-choicemail-registration-request", "x-spamarrest-challenge",
    "x-boxbe-challenge", "x-challenge-response", "x-cr-challenge",
];

/// How mail programs begin the subject of an automatic answer.
#[rustfmt::skip]
pub(crate) const AWAY: &[&str] = &[
    "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse",
    "autorespons ", "autorespond", "automatic response", "automated reply", "automated response", "out of office",
    "out of the office", "out-of-office", "away from my mail", "away from the office", "vacation reply",
    "vacation:", "on vacation", "automatische antwort", "automatische rückantwort", "automatische beantwortung",
    "abwesenheitsnotiz", "abwesenheit", "abwesend", "nicht im büro", "außer haus", "réponse automatique",
    "reponse automatique", "message d'absence", "absence du bureau", "absent du bureau", "respuesta automática",
    "respuesta automatica", "fuera de la oficina", "fuera de oficina", "risposta automatica", "fuori sede",
    "fuori ufficio", "resposta automática", "resposta automatica", "ausência temporária", "automatisch antwoord",
    "afwezig", "afwezigheidsbericht", "autosvar", "automatiskt svar", "automatisk svar", "frånvarande",
    "fraværende", "poissaoloilmoitus", "automaattinen vastaus", "odpowiedź automatyczna", "autoodpowiedź",
    "automatyczna odpowiedź", "automatická odpověď", "automatická odpoveď", "automatikus válasz", "házon kívül",
    "răspuns automat", "автоответ", "автоматический ответ", "автоматична відповідь", "otomatik yanıt",
    "αυτόματη απάντηση", "自动回复", "自動回覆", "自动答复", "自動返信", "自動応答", "不在通知", "자동 회신", "자동회신", "부재중", "תשובה אוטומטית",
    "رد تلقائي", "trả lời tự động", "balasan otomatis",
];

/// Header fields that only machines set.
#[rustfmt::skip]
pub(crate) const MACHINE_FIELDS: &[&str] = &[
    "x-cron-env", "x-autogenerated", "x-auto-generated", "x-facebook-notify", "x-github-reason",
    "x-generated-by-report", "x-ms-exchange-generated-message-source",
];

/// Header fields that only mailing lists set.
#[rustfmt::skip]
pub(crate) const LIST_FIELDS: &[&str] = &[
    "list-id", "list-post", "x-mailman-version", "x-mailing-list", "mailing-list", "x-ml-name", "x-ml-count",
    "x-beenthere", "x-list", "x-loop-list",
];

/// What the subjects of bounces say.
#[rustfmt::skip]
pub(crate) static UNDELIVERABLE_SUBJECTS: Phrases = Phrases::new(&[
    "undeliverable", "undelivered", "undeliverd", "non-delivery", "nondelivery", "non delivery", "not delivered",
    "delivery status notification", "delivery failure", "delivery failed", "delivery has failed", "delivery error",
    "delivery problem", "delivery notification", "delivery warning", "delivery delayed", "delayed mail",
    "mail delivery", "message delivery", "failure notice", "failure delivery", "failed delivery", "returned mail",
    "mail returned", "returned to sender", "returning message to sender", "could not be delivered",
    "could not send", "couldn't be delivered", "was not delivered", "cannot be delivered", "not be delivered",
    "mail system error", "mail failed", "rejected mail", "message rejected", "user unknown", "unzustellbar",
    "nicht zustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "non remis", "échec de la remise",
    "échec de remise", "non distribué", "no se puede entregar", "no se ha podido entregar", "error de entrega",
    "mancato recapito", "mancata consegna", "não foi possível entregar", "não entregue", "onbestelbaar",
    "kan niet worden bezorgd", "nie można dostarczyć", "не доставлено", "недоставленное",
    "не может быть доставлено", "сообщение не доставлено", "ваше сообщение не", "无法投递", "退信", "系统退信", "無法傳遞",
    "配信不能", "送信できません", "配送失敗", "メール送信エラー", "전송 실패", "반송", "bounce notification",
]);

/// What the texts of bounces say.
#[rustfmt::skip]
pub(crate) static UNDELIVERABLE_TEXTS: Phrases = Phrases::new(&[
    "not be delivered", "undeliverable", "could not deliver", "cannot deliver", "can't deliver",
    "unable to deliver", "wasn't able to deliver", "not delivered", "delivery failed", "delivery to the following",
    "delivery has failed", "delivery failure", "failed permanently", "permanent error", "permanent failure",
    "permanent fatal error", "returned to sender", "returning message", "was rejected", "been rejected",
    "been postponed", "been delayed", "not yet been delivered", "delivery of email",
    "following addresses failed", "failed recipient", "unknown user", "user unknown", "no such user", "invalid recipient", "requested action not taken", "recipient rejected",
    "address rejected", "mailbox is full",
    "mailbox full", "mailbox unavailable", "message could not", "not a member of",
    "\"notificationtype\":\"bounce\"", "\"bouncetype\"", "konnte nicht zugestellt",
    "nicht zugestellt werden", "n'a pas pu être remis", "n'a pas pu être distribué", "no se pudo entregar",
    "no ha podido ser entregado", "impossibile recapitare", "não pôde ser entregue", "kon niet worden bezorgd",
    "не было доставлено", "не удалось доставить", "送信できませんでした", "送信に失敗", "配信できません", "配送できません", "无法送达", "無法送達",
    "전송하지 못",
]);

/// Words of notices that a mail is late.
#[rustfmt::skip]
pub(crate) static DELAY: Phrases = Phrases::new(&[
    "warning", "delay", "deferral", "retard", "deferred", "will retry", "will continue to", "will keep trying", "not yet been delivered",
    "been postponed", "still being", "is temporary", "temporarily", "advisory-only", "verzögert", "retardé",
]);

/// Sentences that only notices of delay have: nothing has failed yet.
#[rustfmt::skip]
pub(crate) static ONLY_DELAY: Phrases = Phrases::new(&[
    "this is a warning message only", "you do not need to resend", "will be retried", "will retry for", "will keep trying",
    "will continue to be", "will continue to try", "will continue trying", "only a temporary failure", "no action is required",
    "message is delayed", "has been delayed", "delivery attempts will continue", "still in the queue", "advisory-only",
    "warnung", "wird weiterhin versucht", "nous continuerons", "se seguirá intentando", "再送",
]);

/// Words of notices that a server gave up.
#[rustfmt::skip]
pub(crate) static FINAL: Phrases = Phrases::new(&[
    "permanent", "giving up", "gave up", "failed", "failure", "fatal", "undeliver", "returned", "returning", "unzustellbar",
    "non remis", "no se puede entregar", "mancat", "não entregue", "onbestelbaar", "недоставлен", "退信",
]);

/// What stands above the copy of the mail that did not arrive.
#[rustfmt::skip]
pub(crate) static COPIES: Phrases = Phrases::new(&[
    "original message", "copy of the message", "copy of my message", "message headers", "unsent message",
    "returned message", "message header follow", "below this line is a copy", "header and top", "message follows",
    "lines of your",
]);

#[cfg(test)]
mod tests {
    use super::*;

    static GREETINGS: Phrases = Phrases::new(&["good day", "grüß gott"]);
    static OPENINGS: Phrases = Phrases::beginning(&["dear ", "grüss "]);

    #[test]
    fn phrases_are_found_anywhere_and_at_the_beginning_in_either_case() {
        assert!(GREETINGS.are_in("Well, Good Day to you"));
        assert!(GREETINGS.are_in("Ja, GRÜSS oder GRÜß GOTT"));
        assert!(!GREETINGS.are_in("good evening"));
        assert!(OPENINGS.are_in("GRÜSS dich"));
        assert!(!OPENINGS.are_in("Well, grüß dich"));
    }

    #[test]
    fn rows_are_found_where_their_phrases_overlap() {
        let rows = Rows::new([&["full"][..], &["mailbox", "box full"], &["none"]].into_iter());
        assert_eq!(rows.found_in("Mailbox FULL"), [true, true, false]);
    }

    #[test]
    fn every_list_can_be_searched() {
        let lists = [
            &WROTE,
            &LIST,
            &DEVICE,
            &FORWARDED,
            &UNDELIVERABLE_SUBJECTS,
            &UNDELIVERABLE_TEXTS,
            &DELAY,
            &ONLY_DELAY,
            &FINAL,
            &COPIES,
        ];
        for list in lists {
            for phrase in list.iter() {
                assert_eq!(phrase, phrase.to_lowercase());
                assert!(list.are_in(phrase), "{phrase}");
            }
        }
    }
}
