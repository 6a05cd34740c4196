//! Replies that are being written: whatever happens meanwhile, no typed word is lost, and nothing is sent that its writer would not
//! have sent.

use crate::files::OPEN;
use crate::front::{Front, Heard, NOW, closed, fronts};
use crate::kit::desk::{TestDesk, with};
use crate::kit::http::ask;
use crate::kit::mail::mail;
use duly::desk::Unverified;
use duly::limits;
use jiff::{SignedDuration, Timestamp};

const PRIYA: &str = "priya@northwind.example";
const ANNA: (&str, &str) = ("as", "1");
const TOM: (&str, &str) = ("as", "2");
const WORDS: &str = "Set slave_parallel_workers to 4 & tell me.";

/// What a hidden field of the form of a page holds.
fn field(body: &str, name: &str) -> String {
    let form = body.split("id=\"reply\"").nth(1).unwrap_or_default();
    let value = form
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap_or_default();
    value.split('"').next().unwrap_or_default().to_owned()
}

/// What stands in the form.
fn standing(body: &str) -> String {
    let text = body.split("<textarea id=\"text\"").nth(1).unwrap_or_default();
    let text = text
        .split_once('>')
        .map_or("", |(_, rest)| rest)
        .split("</textarea>")
        .next();
    text.unwrap_or_default().trim_start_matches('\n').replace("&amp;", "&")
}

/// One window of somebody on a case.
struct Window<'a> {
    front: &'a Front,
    case: i64,
    who: (&'a str, &'a str),
    draft: String,
    seen: String,
}

impl<'a> Window<'a> {
    async fn open(front: &'a Front, case: i64, who: (&'a str, &'a str)) -> Window<'a> {
        let page = front.page(&format!("/c/{case}?as={}", who.1)).await;
        assert_eq!(page.status, 200, "{}", page.body);
        Window {
            front,
            case,
            who,
            draft: field(&page.body, "draft"),
            seen: field(&page.body, "seen"),
        }
    }

    /// What the script sends at a pause in typing.
    async fn types(&mut self, text: &str) {
        let form = [
            self.who,
            ("by", "script"),
            ("draft", &self.draft),
            ("seen", &self.seen),
            ("text", text),
            ("kind", "finding"),
            ("then", "owe"),
            ("time", "fri 12:00"),
        ];
        let kept = self.front.send(&format!("/c/{}/draft", self.case), &form).await;
        assert_eq!(kept.status, 200, "{}", kept.body);
        self.draft = kept.body;
    }

    async fn sends(&self, text: &str) -> Heard {
        let form = [
            self.who,
            ("draft", self.draft.as_str()),
            ("seen", &self.seen),
            ("text", text),
            ("kind", "answer"),
            ("then", "wait"),
            ("time", "fri 12:00"),
        ];
        self.front.send(&format!("/c/{}/reply", self.case), &form).await
    }

    async fn again(&self) -> Heard {
        self.front.page(&format!("/c/{}?as={}", self.case, self.who.1)).await
    }
}

/// A refusal on which the words still stand, and its window goes on from there.
fn refused(heard: &Heard, because: &str) {
    let text = heard.text();
    assert_eq!(heard.status, 409, "{text}");
    assert!(text.contains(because), "{because} is not in {text}");
    assert_eq!(standing(&heard.body), WORDS);
    assert!(
        text.contains("Send anyway") || text.contains("was merged into"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_typed_stands_there_again_with_all_that_was_chosen_and_only_for_its_writer() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut window = Window::open(&front, case, ANNA).await;
        assert_eq!((window.draft.as_str(), window.seen.is_empty()), ("", false));
        window.types("Set slave").await;
        window.types(WORDS).await;
        assert!(window.draft.ends_with(".2"), "{}", window.draft);
        // The browser was killed; a new one opens the page.
        let page = window.again().await;
        assert_eq!(standing(&page.body), WORDS, "{}", front.name);
        for chosen in [
            "value=\"finding\" checked",
            "value=\"owe\" checked",
            "value=\"fri 12:00\"",
        ] {
            assert!(page.body.contains(chosen), "{chosen} is not in {}", page.body);
        }
        let toms = front.page(&format!("/c/{case}?as=2")).await;
        assert_eq!(standing(&toms.body), "", "a colleague reads no word of it");
        assert!(
            toms.text().contains("Anna Keller is writing a reply."),
            "{}",
            toms.text()
        );
        let later: Timestamp = NOW.parse().expect("a time");
        front
            .clock
            .set(later + SignedDuration::from_mins(limits::WRITING_MINUTES + 1));
        let toms = front.page(&format!("/c/{case}?as=2")).await;
        assert!(!toms.text().contains("is writing a reply"), "{}", toms.text());
        // Taken out of the form, it is gone.
        window.types(" \n").await;
        assert_eq!(
            (window.draft.as_str(), standing(&window.again().await.body).as_str()),
            ("", "")
        );
    }
}

#[tokio::test]
async fn a_reply_that_was_sent_leaves_no_draft_and_is_not_sent_twice_from_another_window() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut window = Window::open(&front, case, ANNA).await;
        window.types(WORDS).await;
        let twin = Window::open(&front, case, ANNA).await;
        assert_eq!(window.sends(WORDS).await.status, 303);
        assert_eq!(standing(&window.again().await.body), "", "{}", front.name);
        refused(&twin.sends(WORDS).await, "you replied, in another window");
    }
}

#[tokio::test]
async fn two_windows_never_write_over_each_other() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let (mut one, mut other) = (
            Window::open(&front, case, ANNA).await,
            Window::open(&front, case, ANNA).await,
        );
        one.types("The first window").await;
        other.types("The second one").await;
        // A third is opened on the newest draft, and both go on with it.
        let (mut third, mut fourth) = (
            Window::open(&front, case, ANNA).await,
            Window::open(&front, case, ANNA).await,
        );
        third.types("The second one goes on").await;
        fourth.types("Something else").await;
        let page = one.again().await;
        for words in [
            "The first window",
            "The second one goes on",
            "Something else",
            "Your other drafts here",
        ] {
            assert!(
                page.text().contains(words),
                "{}: {words} is not in {}",
                front.name,
                page.text()
            );
        }
        // An answer that was lost on the way makes no second draft.
        let before = fourth.draft.clone();
        fourth.types("Something else, and").await;
        fourth.draft = before;
        fourth.types("Something else, and more").await;
        let page = one.again().await;
        assert_eq!(page.body.matches("Something else, and").count(), 1, "{}", page.body);
        let draft = fourth.draft.clone();
        let gone = front
            .send(&format!("/c/{case}/discard"), &[ANNA, ("draft", &draft)])
            .await;
        assert_eq!(gone.status, 303, "{}", gone.body);
        assert!(!one.again().await.text().contains("Something else"));
        let theirs = front
            .send(&format!("/c/{case}/discard"), &[TOM, ("draft", &one.draft)])
            .await;
        assert_eq!(theirs.status, 303);
        assert!(
            one.again().await.text().contains("The first window"),
            "nobody throws away another's"
        );
    }
}

#[tokio::test]
async fn a_case_that_a_colleague_answered_meanwhile_is_not_answered_unawares() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut anna = Window::open(&front, case, ANNA).await;
        anna.types(WORDS).await;
        let tom = Window::open(&front, case, TOM).await;
        assert_eq!(tom.sends("Which version is it?").await.status, 303);
        let stale = anna.sends(WORDS).await;
        refused(&stale, "Tom Berg replied");
        assert!(
            stale.text().contains("Which version is it?"),
            "what is new stands there"
        );
        anna.seen = field(&stale.body, "seen");
        anna.draft = field(&stale.body, "draft");
        let sent = anna.sends(WORDS).await;
        assert_eq!(sent.status, 303, "{}: it is sent anyway: {}", front.name, sent.text());
    }
}

#[tokio::test]
async fn what_the_customer_wrote_meanwhile_is_read_before_the_reply_goes() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut anna = Window::open(&front, case, ANNA).await;
        anna.types(WORDS).await;
        let note = front
            .send(&format!("/c/{case}/note"), &[TOM, ("note", "It is the disk.")])
            .await;
        assert_eq!(note.status, 303);
        let opened = anna.again().await;
        assert!(
            opened.text().contains("New since you began") && opened.text().contains("Tom Berg noted"),
            "{}: the page says so before anything is sent: {}",
            front.name,
            opened.text()
        );
        refused(&anna.sends(WORDS).await, "Tom Berg noted");
    }
}

#[tokio::test]
async fn a_case_that_was_closed_meanwhile_says_so_and_keeps_the_words() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut anna = Window::open(&front, case, ANNA).await;
        anna.types(WORDS).await;
        let away = front
            .send(&format!("/c/{case}/withdraw"), &[TOM, ("because", "They telephoned.")])
            .await;
        assert_eq!(away.status, 303, "{}", away.text());
        refused(&anna.sends(WORDS).await, "the case was closed");
    }
}

#[tokio::test]
async fn the_words_to_a_case_that_was_merged_stand_in_the_other_one() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let other = front.mail(PRIYA, "Replica", "It lags more.").await;
        let mut anna = Window::open(&front, case, ANNA).await;
        anna.types("Set slave").await;
        let merged = front
            .send(&format!("/c/{case}/merge"), &[TOM, ("into", &other.to_string())])
            .await;
        assert_eq!(merged.status, 303, "{}", merged.text());
        refused(&anna.sends(WORDS).await, &format!("was merged into case {other}"));
        let there = front.page(&format!("/c/{other}?as=1")).await;
        assert_eq!(standing(&there.body), WORDS, "{}", front.name);
        assert!(
            there.text().contains(&format!("written for case {case}")),
            "{}",
            there.text()
        );
        let there = Window::open(&front, other, ANNA).await;
        assert_eq!(there.sends(WORDS).await.status, 303);
        assert_eq!(standing(&there.again().await.body), "");
    }
}

#[tokio::test]
async fn a_session_that_ends_takes_no_word_along() {
    for front in closed("").await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let anna = front.visitor("anna@acme.example").await;
        let page = anna.page(&format!("/c/{case}")).await;
        let (seen, proof) = (field(&page.body, "seen"), anna.proof().await);
        let kept = anna
            .send(
                &format!("/c/{case}/draft"),
                &[("by", "script"), ("draft", ""), ("seen", &seen), ("text", "Set slave")],
            )
            .await;
        assert_eq!((kept.status, kept.body.as_str()), (200, "1.1"), "{}", kept.head);
        let now = front.clock.now();
        front
            .clock
            .set(now + SignedDuration::from_hours(limits::SESSION_IDLE_HOURS + 1));
        let body = format!("form={proof}&draft=1.1&seen={seen}&text=Set+slave+to+4&by=script");
        let over = anna.ask("POST", &format!("/c/{case}/draft"), &[], &body).await;
        assert!(
            over.status == 401 && over.text().contains("Set slave to 4"),
            "{}",
            over.text()
        );
        let again = front.visitor("anna@acme.example").await;
        assert_eq!(standing(&again.page(&format!("/c/{case}")).await.body), "Set slave");
        assert!(again.page("/me").await.text().contains("What you have begun to write"));
        let tom = front.visitor("tom@acme.example").await;
        assert!(
            !tom.page(&format!("/c/{case}")).await.text().contains("Set slave"),
            "{}",
            front.name
        );
    }
}

#[tokio::test]
async fn typing_is_a_sign_that_somebody_is_there() {
    for front in closed("").await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let anna = front.visitor("anna@acme.example").await;
        let proof = anna.proof().await;
        let script = [("Sec-Fetch-Dest", "empty")];
        for hours in 0..2 {
            let now = front.clock.now();
            front
                .clock
                .set(now + SignedDuration::from_hours(limits::SESSION_IDLE_HOURS - 1));
            let body = format!("form={proof}&draft=&seen=1&by=script&text=after+{hours}");
            let kept = anna.ask("POST", &format!("/c/{case}/draft"), &script, &body).await;
            assert_eq!(kept.status, 200, "{}: {hours}: {}", front.name, kept.text());
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_put_back_loses_nothing() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let mut anna = Window::open(&front, case, ANNA).await;
        anna.types("Set slave").await;
        let now: Timestamp = NOW.parse().expect("a time");
        for hours in [-48, 24 * 400] {
            front.clock.set(now + SignedDuration::from_hours(hours));
            anna.types(WORDS).await;
            assert_eq!(standing(&anna.again().await.body), WORDS, "{}: {hours}", front.name);
        }
    }
}

#[tokio::test]
async fn a_draft_that_is_too_long_or_one_too_many_is_refused_and_not_cut() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let form = |text| [ANNA, ("by", "script"), ("draft", ""), ("seen", "1"), ("text", text)];
        let path = format!("/c/{case}/draft");
        let names: Vec<String> = (0..limits::DRAFTS_OF_CASE)
            .map(|number| format!("draft {number}"))
            .collect();
        for name in &names {
            assert_eq!(front.send(&path, &form(name)).await.status, 200, "{}", front.name);
        }
        let many = front.send(&path, &form("one more")).await;
        assert!(
            many.status == 409 && many.text().contains("Throw one away first"),
            "{}",
            many.text()
        );
        assert_eq!(
            front
                .page(&format!("/c/{case}?as=1"))
                .await
                .text()
                .matches("Go on with it")
                .count(),
            names.len() - 1
        );
    }
}

/// A form as a browser sends it to a running desk.
fn post(desk: &TestDesk, path: &str, form: &str) -> crate::kit::http::Answer {
    let origin = format!("http://{}", desk.http());
    let fields = [
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    ask(desk.http(), "POST", path, &fields, form.as_bytes())
}

#[test]
fn a_desk_that_was_stopped_has_the_words_again() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(PRIYA, "Replica lag")).case();
        let kept = post(
            desk,
            &format!("/c/{case}/draft"),
            "as=1&by=script&draft=&seen=0&text=Set+slave+to+4",
        );
        assert_eq!((kept.status, kept.text().as_str()), (200, "1.1"), "{}", kept.head);
        desk.stop();
        desk.start();
        let page = crate::files::page(desk, &format!("/c/{case}?as=1")).text();
        assert_eq!(standing(&page), "Set slave to 4", "{}", desk.on);
    });
}

#[test]
fn a_disk_that_is_full_gives_the_words_back() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(PRIYA, "Replica lag")).case();
        let refuse: &[&'static str] = match desk.on {
            "SQLite" => &[
                "CREATE TRIGGER full_draft BEFORE INSERT ON draft BEGIN SELECT RAISE(ABORT, 'disk full'); END",
                "CREATE TRIGGER full_reply BEFORE INSERT ON reply BEGIN SELECT RAISE(ABORT, 'disk full'); END",
            ],
            _ => &[
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''disk full''; END'",
                "CREATE TRIGGER full_draft BEFORE INSERT ON draft FOR EACH ROW EXECUTE FUNCTION full_disk()",
                "CREATE TRIGGER full_reply BEFORE INSERT ON reply FOR EACH ROW EXECUTE FUNCTION full_disk()",
            ],
        };
        for sql in refuse {
            desk.store()
                .write(move |tx| tx.execute(sql, &[]))
                .expect("the disk is full from now on");
        }
        let form = "as=1&draft=&seen=99999999&text=Set+slave+to+4&kind=answer&then=wait&time=fri+12:00";
        for act in ["draft", "reply"] {
            let refused = post(desk, &format!("/c/{case}/{act}"), form);
            assert_eq!(refused.status, 500, "{}", refused.text());
            assert_eq!(standing(&refused.text()), "Set slave to 4", "{}: {act}", desk.on);
            assert!(
                !refused.text().contains("RAISE") && !refused.text().contains("disk full"),
                "causes stay in the log"
            );
        }
    });
}

#[tokio::test]
async fn enter_in_a_line_of_the_form_keeps_a_draft_and_sends_nothing() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let page = front.page(&format!("/c/{case}?as=1")).await.body;
        let form = page.split("id=\"reply\"").nth(1).expect("the form");
        let button = form.split("<button").nth(1).and_then(|rest| rest.split('>').next());
        let button = button.expect("the first button, which a browser presses for Enter");
        assert!(button.contains(&format!("formaction=\"/c/{case}/draft\"")), "{button}");
    }
}
