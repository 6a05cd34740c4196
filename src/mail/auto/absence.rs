//! Answers that nobody typed and no header marks: notices of absence, and challenges to the sender.
//!
//! Promises: structure and phrasing decide together. A notice of absence says early that somebody is away, speaks about
//! mail as such to whoever wrote ("your message will not be forwarded", "I will answer when I am back", or thanks together
//! with who stands in), and names a return or a deputy. Whatever only a person does speaks against it: a question, a file,
//! a log, words that hand something over. *"I am out of office tomorrow, but here is the log"* is a person's mail. A
//! language needs a few words in each row. Leaves out: subjects and header fields, which `auto.rs` looks at first.

use crate::mail::parse::Understood;
use crate::mail::words::Phrases;

/// A notice of absence or a challenge has few words; longer mail has something to say.
const CHARS: usize = 1_500;
/// Absence is the first thing a notice says.
const EARLY_CHARS: usize = 400;

/// Whether the words are a notice of absence.
pub(super) fn is_notice(mail: &Understood, text: &str) -> bool {
    let early = text
        .char_indices()
        .nth(EARLY_CHARS)
        .map_or(text, |(end, _)| &text[..end]);
    // Nearly no mail says it, so it is asked first.
    if !ABSENT.are_in(early) {
        return false;
    }
    let says = |list: &[&str]| list.iter().any(|phrase| text.contains(phrase));
    let about_mail = says(ABOUT_MAIL) || (says(THANKS) && says(DEPUTY));
    let returns = || says(DEPUTY) || says(RETURN) || names_a_date(text);
    about_mail && returns() && !says_something(mail, text)
}

/// Whether the words ask the sender to prove something before the mail is delivered.
pub(super) fn is_challenge(mail: &Understood, text: &str) -> bool {
    HELD.are_in(text) && PROVE.iter().any(|phrase| text.contains(phrase)) && !has_files(mail)
}

/// The words that both are looked for in: lower case, blanks single; `None` where there are none or too many.
pub(super) fn short_words(mail: &Understood) -> Option<String> {
    let text = if mail.new_text.trim().is_empty() {
        &mail.body_text
    } else {
        &mail.new_text
    };
    if text.chars().count() > CHARS || text.trim().is_empty() {
        return None;
    }
    let text = text.to_lowercase().replace('\u{2019}', "'");
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn has_files(mail: &Understood) -> bool {
    mail.attachments.iter().any(|file| !file.inline)
}

/// What only a person does: asks, hands something over, shows a log.
fn says_something(mail: &Understood, text: &str) -> bool {
    let asks = text.contains(['?', '\u{ff1f}', '\u{61f}']);
    let hands_over = HANDS_OVER.iter().any(|phrase| text.contains(phrase));
    asks || hands_over || has_files(mail) || mail.new_text.lines().any(looks_like_a_log)
}

/// A time of day with seconds, a number in hexadecimal, a path, a stack frame.
fn looks_like_a_log(line: &str) -> bool {
    line.split_whitespace().any(|word| {
        let colons = word.bytes().filter(|b| *b == b':').count();
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let clock = colons >= 2 && digits >= 6;
        let hex = word.starts_with("0x") && word.len() > 4;
        let path = word.starts_with('/') && word[1..].contains('/') && !word.contains("//");
        clock || hex || path
    })
}

/// `24.12.`, `12/24`, `2026-12-24`, `12月24日`: notices of absence name a day.
fn names_a_date(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let parts: Vec<&str> = word
            .split(['.', '/', '-', '月', '日', '년', '월', '일', ','])
            .filter(|p| !p.is_empty())
            .collect();
        let numbers = parts
            .iter()
            .filter(|p| p.len() <= 4 && p.bytes().all(|b| b.is_ascii_digit()))
            .count();
        (2..=4).contains(&numbers)
    })
}

/// Somebody is away.
#[rustfmt::skip]
static ABSENT: Phrases = Phrases::new(&[
    "out of the office", "out of office", "out-of-office", "away from the office", "away from my desk", "i am away", "i'm away",
    "i will be away", "i'll be away", "currently away", "on vacation", "on holiday", "on annual leave", "on leave", "on parental leave",
    "on maternity leave", "on paternity leave", "on sick leave", "on a business trip", "i am travelling", "i am traveling",
    "not in the office", "office is closed", "office will be closed", "offices are closed", "no longer with the company",
    "no longer work", "no longer employed", "have left the company", "has left the company",
    "nicht im büro", "nicht im hause", "nicht im haus", "außer haus", "im urlaub", "abwesend", "nicht am arbeitsplatz",
    "in elternzeit", "auf dienstreise", "büro ist geschlossen", "nicht mehr im unternehmen", "nicht mehr bei",
    "absent", "en congé", "en vacances", "hors du bureau", "en déplacement", "fuera de la oficina", "fuera de oficina",
    "de vacaciones", "ausente", "de baja", "fuori ufficio", "in ferie", "assente", "non sono in ufficio", "fuori sede",
    "fora do escritório", "de férias", "niet op kantoor", "afwezig", "met vakantie", "op vakantie", "met verlof",
    "inte på kontoret", "på semester", "tjänstledig", "föräldraledig", "på ferie", "ikke på kontoret", "ikke til stede",
    "en ole toimistolla", "en ole paikalla", "lomalla", "nieobecn", "na urlopie", "poza biurem", "mimo kancelář", "na dovolené",
    "nepřítomn", "na dovolenke", "в отпуске", "отсутствую", "буду отсутствовать", "вне офиса", "в командировке", "у відпустці",
    "відсутн", "ofis dışında", "izindeyim", "yıllık izin", "házon kívül", "szabadságon", "concediu", "nu sunt la birou",
    "εκτός γραφείου", "σε άδεια", "不在にし", "不在の", "不在とな", "休暇", "お休みを", "出張", "不在办公室", "不在辦公室", "休假", "度假", "出差",
    "부재중", "휴가", "출장", "sedang cuti", "di luar kantor", "đi vắng", "nghỉ phép", "ลาพักร้อน", "מחוץ למשרד", "בחופשה", "خارج المكتب", "في إجازة",
]);

/// The notice speaks about mail, or about itself as a machine.
#[rustfmt::skip]
const ABOUT_MAIL: &[&str] = &[
    "will not be forwarded", "not be read", "not be forwarded", "not being forwarded", "respond to your e", "respond to your m",
    "reply to your e", "reply to your m", "answer your e", "answer your m", "read your e", "read your m", "get back to you",
    "respond to emails", "reply to emails", "respond upon", "reply upon", "limited access", "no access to", "without access to",
    "intermittent access", "checking email", "checking e-mail", "check my email", "check my e-mail", "reading email",
    "automated re", "automatic re", "automatically generated", "automated message", "auto-reply", "autoreply",
    "respond as soon as", "reply as soon as", "respond to your inquiry",
    "nicht weitergeleitet", "nicht gelesen", "ihre e-mail", "ihre mail", "deine mail", "deine e-mail", "ihre nachricht nach", "automatisch",
    "keinen zugriff", "e-mails nur", "mails nur", "beantworte ich", "ihre nachricht wird", "ihre nachricht werde",
    "ne sera pas transféré", "accès limité", "pas accès", "réponse automatique", "message automatique", "répondrai", "traiterai votre",
    "no será reenviado", "acceso limitado", "respuesta automática", "mensaje automático", "responderé", "contestaré",
    "non verrà inoltrat", "accesso limitato", "risposta automatica", "messaggio automatico", "risponderò",
    "não será encaminhad", "acesso limitado", "resposta automática", "responderei", "mensagem automática",
    "niet doorgestuurd", "beperkt toegang", "beperkte toegang", "automatisch bericht", "uw bericht beantwoord", "beantwoord ik",
    "vidarebefordras inte", "begränsad tillgång", "svarar när", "läser inte", "videresendes ikke", "begrænset adgang", "begrenset tilgang",
    "automatisk", "vastaan viesti", "automaattinen", "nie będzie przekazan", "odpowiem po", "ograniczony dostęp", "wiadomość automatyczna",
    "automatick", "odpovím", "nebude přeposlán", "автоматическ", "отвечу", "ограниченный доступ", "автоматичн", "відповім",
    "otomatik", "yanıtla", "cevap vere", "automatikus", "válaszol", "răspuns automat", "voi răspunde", "αυτόματ", "θα απαντήσω",
    "自動", "返信いたし", "返信が遅", "ご返信", "ご連絡いたし", "メールの確認", "自动", "自動回覆", "回复您", "回覆您", "查看邮件", "자동", "회신", "답변드리",
    "otomatis", "tự động", "อัตโนมัติ", "אוטומטי", "تلقائي",
];

/// Thanks to whoever wrote: persons say so too, so it counts only together with a deputy.
#[rustfmt::skip]
const THANKS: &[&str] = &[
    "thank you for your", "thanks for your", "thank you for contacting", "thanks for contacting", "vielen dank für ihre", "danke für ihre",
    "vielen dank für deine", "danke für deine", "merci pour votre", "merci de votre", "remercie de votre", "remercie pour votre",
    "gracias por su", "gracias por tu", "grazie per", "obrigado pel", "obrigada pel", "bedankt voor", "dank voor uw", "hartelijk dank",
    "tack för ditt", "tack för din", "tak for din", "takk for din", "kiitos viesti", "dziękuję za", "děkuji za", "спасибо за",
    "благодарю за", "дякую за", "teşekkür ederim", "köszönöm", "mulțumesc pentru", "ευχαριστώ για", "ありがとうございます", "感谢您的", "谢谢您的",
    "感謝您的", "감사합니다", "terima kasih atas", "cảm ơn",
];

/// Who stands in, and for what.
#[rustfmt::skip]
const DEPUTY: &[&str] = &[
    "please contact", "in urgent", "urgent matter", "for urgent", "if urgent", "if it is urgent", "in my absence", "during my absence",
    "for emergencies", "in an emergency", "in case of emergency", "for immediate", "in dringenden", "dringende", "wenden sie sich",
    "wende dich", "vertretung", "vertritt mich", "bitte kontaktieren", "en cas d'urgence", "veuillez contacter", "merci de contacter",
    "vous pouvez contacter", "en caso de urgencia", "por favor contacte", "para asuntos urgentes", "puede contactar", "in caso di urgenza",
    "per urgenze", "si prega di contattare", "em caso de urgência", "entre em contato", "por favor contacte", "voor dringende", "neem contact op",
    "kunt u contact", "brådskande", "kontakta", "hastesager", "kontakt venligst", "vennligst kontakt", "kiireellis", "w pilnych", "proszę o kontakt",
    "proszę kontaktować", "v naléhavých", "kontaktujte", "срочн", "обращайтесь", "терміново", "звертайтесь", "acil", "sürgős", "pentru urgențe",
    "επείγον", "緊急", "お急ぎ", "紧急", "急事", "请联系", "請聯絡", "긴급", "급한", "hubungi", "liên hệ", "דחוף", "للحالات العاجلة",
];

/// When it ends.
#[rustfmt::skip]
const RETURN: &[&str] = &[
    "until ", "till ", "return", "be back", "am back", "back in", "back on", "bis zum", "bis einschließlich", "ab dem", "wieder", "zurück",
    "jusqu'au", "retour", "à partir du", "hasta el", "regreso", "vuelta", "a partir del", "fino al", "rientro", "ritorno", "dal ", "até ", "retorno",
    "regresso", "tot en met", "tot ", "terug", "till den", "tillbaka", "åter", "indtil", "tilbage", "tilbake", "asti", "takaisin", "saakka",
    "do dnia", "wracam", "wrócę", "do ", "vrátím", "zpět", "до ", "вернусь", "повернусь", "kadar", "döneceğim", "-ig", "vissza", "până",
    "μέχρι", "επιστρέφω", "まで", "戻り", "直到", "至", "返回", "까지", "복귀", "sampai", "kembali", "đến", "จนถึง", "עד", "حتى",
];

/// Something comes with these words.
#[rustfmt::skip]
const HANDS_OVER: &[&str] = &[
    "attached", "here is", "here are", "see below", "below is", " log ", " logs", "log file", "stack trace", "traceback", "core dump", "patch",
    "anbei", "im anhang", "hier ist", "hier sind", "siehe unten", "ci-joint", "voici", "adjunto", "aquí está", "allegat", "ecco", "em anexo", "segue",
    "bijlage", "hierbij", "bifogat", "bifogar", "vedhæftet", "vedlagt", "liitteenä", "w załączeniu", "załączam", "v příloze", "во вложени", "прилага",
    "у вкладенні", "ekte", "csatolt", "atașat", "συνημμέν", "添付", "附件", "첨부", "terlampir", "đính kèm",
];

/// The mail waits for something.
#[rustfmt::skip]
static HELD: Phrases = Phrases::new(&[
    "is being held", "has been held", "been quarantined", "is waiting to be", "awaiting your", "awaiting confirmation", "pending confirmation",
    "before your message", "before your e-mail", "before your email", "before i receive your", "will be delivered", "to have your message delivered",
    "your message delivered", "not on my list", "not in my address book", "not on the list of approved", "approved senders", "approved sender list",
    "allow list", "whitelist", "unknown sender", "first time you", "have not received mail from", "haven't received mail from",
    "wird zurückgehalten", "wurde zurückgehalten", "zugestellt wird", "zugestellt werden kann", "unbekannter absender", "est en attente",
    "sera remis", "sera délivré", "liste blanche", "está retenido", "será entregado", "lista blanca", "è in attesa", "verrà consegnat",
    "está retida", "será entregue", "wordt vastgehouden", "wordt bezorgd", "будет доставлено", "ожидает подтверждения",
]);

/// What the sender must do.
#[rustfmt::skip]
const PROVE: &[&str] = &[
    "confirm that you", "verify that you", "prove that you", "prove you are", "confirm you are", "verify you are", "you are a human",
    "you are human", "a real person", "not a spammer", "not spam", "authenticate yourself", "verify your address", "verify your email",
    "verify your identity", "confirm your address", "confirm your message", "confirm your email", "simply reply to this", "just reply to this",
    "reply to this message to confirm", "click the link below to", "click on the link below to", "click on the following link", "click the following link",
    "to release your", "request to be added", "one-time verification", "sender verification", "bestätigen sie, dass", "bestätigen sie ihre",
    "klicken sie auf den", "confirmer que vous", "confirmez votre", "cliquez sur le lien", "confirme que", "confirme su", "haga clic en el",
    "confermi", "clicchi sul", "clique no link", "bevestig", "klik op de", "подтвердите", "перейдите по ссылке",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::understand;

    fn is_notice(mail: &Understood) -> bool {
        short_words(mail).is_some_and(|text| super::is_notice(mail, &text))
    }

    fn is_challenge(mail: &Understood) -> bool {
        short_words(mail).is_some_and(|text| super::is_challenge(mail, &text))
    }

    fn mail(words: &str) -> Understood {
        understand(
            format!("From: Jane <jane@x.org>\nTo: desk@y.org\nSubject: Re: Replica\nContent-Type: text/plain; charset=utf-8\n\n{words}\n")
                .as_bytes(),
        )
    }

    #[test]
    fn a_notice_of_absence_without_any_header_is_known_in_the_large_languages() {
        for words in [
            "Hello,\n\nI am out of the office until 3 March with limited access to email. For urgent matters please contact Bob.\n\nJane",
            "Thank you for your message. I am on annual leave and will be back on 12/03. In urgent cases please contact bob@x.org.",
            "Sehr geehrte Damen und Herren,\n\nvielen Dank für Ihre Nachricht. Ich bin bis zum 12.03. nicht im Büro. Ihre E-Mail wird nicht weitergeleitet. In dringenden Fällen wenden Sie sich bitte an Frau Roth.",
            "Bonjour,\n\nJe suis absent du bureau jusqu'au 12 mars. Je répondrai à votre message à mon retour. En cas d'urgence, veuillez contacter Paul.",
            "Gracias por su mensaje. Estoy fuera de la oficina hasta el 12/03. Para asuntos urgentes puede contactar con Ana.",
            "Grazie per la sua e-mail. Sono in ferie fino al 12/03. Per urgenze si prega di contattare Anna.",
            "Obrigado pela sua mensagem. Estou de férias até 12/03. Em caso de urgência entre em contato com a Ana.",
            "Bedankt voor uw bericht. Ik ben afwezig tot en met 12 maart. Voor dringende zaken kunt u contact opnemen met Jan.",
            "Tack för ditt mail. Jag är på semester till den 12 mars. Vid brådskande ärenden, kontakta Eva.",
            "Dziękuję za wiadomość. Jestem na urlopie do 12.03. W pilnych sprawach proszę o kontakt z Anną.",
            "Здравствуйте! Я в отпуске до 12 марта. Отвечу по возвращении. По срочным вопросам обращайтесь к Анне.",
            "お世話になっております。3月12日まで休暇のため不在にしております。お急ぎの場合は田中までご連絡ください。ご返信が遅れますことをご了承ください。",
            "您好,感谢您的来信。我正在休假,3月12日返回。如有紧急事务请联系王先生。",
            "안녕하세요. 3월 12일까지 휴가로 부재중입니다. 급한 용무는 김 대리에게 연락 바랍니다. 복귀 후 회신드리겠습니다.",
        ] {
            assert!(is_notice(&mail(words)), "{words}");
        }
    }

    #[test]
    fn a_person_who_will_be_away_is_a_person() {
        for words in [
            "I am out of office tomorrow, but here is the log you asked for: the daemon stops at start.",
            "I'm out of the office until Monday. Could you look at the trace meanwhile? In urgent cases please contact Bob, he has limited access to the host.",
            "Thanks for your answer. I will be away next week and test it when I am back.",
            "We are on vacation until 12/03, please go on with Bob, who has the same setup.",
            "Ich bin morgen nicht im Büro, anbei aber die Logdatei. Bitte melden Sie sich bei Herrn Roth, er hat automatisch alle Rechte.",
            "Je suis absent demain, voici la trace. Mon collègue répondra à votre message jusqu'au 12/03.",
            "The out of office replies of our Exchange server loop with your desk; they are automatically generated. What do we do until it is fixed?",
            "2026-03-01 12:00:01 postgres: out of office hours job failed\nautomatically generated until 12/03",
            "Our office is closed on Friday.",
        ] {
            assert!(!is_notice(&mail(words)), "{words}");
        }
    }

    #[test]
    fn a_challenge_asks_the_sender_to_prove_something_and_a_person_tells_about_it() {
        for words in [
            "Your message to bob@x.org is being held because your address is not on my list. To release your message, click the link below to confirm that you are a human: https://x.org/c/123",
            "Dies ist eine automatische Anfrage: Ihre E-Mail wird zurückgehalten. Bitte bestätigen Sie Ihre Adresse.",
            "I apologize for this automatic reply. To control spam I only accept mail from approved senders. Simply reply to this message to confirm your message.",
        ] {
            assert!(is_challenge(&mail(words)), "{words}");
        }
        for words in [
            "My replica is held back by the archiver and I cannot confirm that the patch helps.",
            "Please verify that you see the same on your side.",
        ] {
            assert!(!is_challenge(&mail(words)), "{words}");
        }
    }

    #[test]
    fn phrases_are_lower_case_with_single_blanks() {
        let lists = [ABOUT_MAIL, THANKS, DEPUTY, RETURN, HANDS_OVER, PROVE];
        let phrases = lists.into_iter().flatten().copied();
        for phrase in phrases.chain(ABSENT.iter()).chain(HELD.iter()) {
            assert_eq!(phrase, phrase.to_lowercase());
            assert!(!phrase.contains("  "), "{phrase}");
        }
    }
}
