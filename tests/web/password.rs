//! Signing in by password and authenticator: what passes, what is counted, and that nothing tells who is known.

use crate::front::{Front, Heard, Visitor, closed};
use data_encoding::BASE32_NOPAD;
use duly::desk::engineer::Role;
use duly::limits;
use jiff::SignedDuration;
use totp_rs::Builder;

const LI: &str = "li@acme.example";
const PASSWORD: &str = "a long walk on the beach";

fn later(front: &Front, seconds: i64) {
    front.clock.set(front.clock.now() + SignedDuration::from_secs(seconds));
}

/// What an authenticator with this key shows now.
fn code(front: &Front, key: &str) -> String {
    let key = BASE32_NOPAD.decode(key.as_bytes()).expect("a key");
    let authenticator = Builder::new().with_secret(key).build().expect("an authenticator");
    let shown = authenticator.generate(front.clock.now().as_second() as u64);
    shown.to_string()
}

async fn sign_in(front: &Front, address: &str, password: &str, code: &str) -> Heard {
    let form = [("address", address), ("password", password), ("code", code)];
    front.send("/sign-in", &form).await
}

/// Li, signed in by a link, sets a password; the authenticator's key and a recovery code.
async fn set(front: &Front) -> (String, String) {
    let li = front.visitor(LI).await;
    let page = li.send("/me/password", &[("password", PASSWORD)]).await;
    assert_eq!(page.status, 200, "{}: {}", front.name, page.body);
    let secret = page.body.split("secret=").nth(1).expect("a key");
    let key = secret.split('&').next().expect("a key").to_owned();
    assert_eq!(
        sign_in(front, LI, PASSWORD, &code(front, &key)).await.status,
        403,
        "not before its first code"
    );
    let wrong = li.send("/me/code", &[("code", "000000")]).await;
    assert!(
        wrong.status == 422 && wrong.text().contains("Code: it is not"),
        "{}",
        wrong.body
    );
    let done = li.send("/me/code", &[("code", &code(front, &key))]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let codes = done.body.split("Recovery codes\"><code>").nth(1).expect("codes");
    let codes: Vec<&str> = codes
        .split("</code>")
        .next()
        .expect("codes")
        .split_whitespace()
        .collect();
    assert_eq!(codes.len(), limits::RECOVERY_CODES);
    (key, codes[0].to_owned())
}

async fn desks() -> Vec<Front> {
    let fronts = closed("").await;
    for front in &fronts {
        front.hire(LI, "Li Wei", Role::Engineer).await;
    }
    fronts
}

#[tokio::test]
async fn a_password_signs_in_with_a_code_that_is_good_once_or_with_a_recovery_code() {
    for front in desks().await {
        let (key, recovery) = set(&front).await;
        let used = code(&front, &key);
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &used).await.status,
            403,
            "{}: its step was used",
            front.name
        );
        later(&front, 30);
        let begun = sign_in(&front, LI, PASSWORD, &code(&front, &key)).await;
        assert_eq!(begun.status, 303, "{}: {}", front.name, begun.body);
        let li = Visitor::of(&front, &begun);
        let page = li.page("/me").await;
        assert!(
            page.text().contains("Li Wei") && page.text().contains("by password"),
            "{}",
            page.body
        );
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &recovery.to_uppercase()).await.status,
            303
        );
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &recovery).await.status,
            403,
            "each is good once"
        );
        later(&front, 30);
        assert_eq!(li.send("/me/no-password", &[]).await.status, 303);
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &code(&front, &key)).await.status,
            403,
            "{}",
            front.name
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_to_nobody_and_ten_tries_let_the_password_rest() {
    for front in desks().await {
        let (key, _) = set(&front).await;
        later(&front, 30);
        let mut said = Vec::new();
        for (address, password, code) in [
            ("nobody@acme.example", PASSWORD, code(&front, &key)),
            (LI, "a long walk on the moon!", code(&front, &key)),
            (LI, PASSWORD, "123456".to_owned()),
        ] {
            let heard = sign_in(&front, address, password, &code).await;
            assert_eq!(heard.status, 403, "{}", front.name);
            said.push(heard.body.replace(address, ""));
        }
        assert!(said.windows(2).all(|two| two[0] == two[1]), "{}: {said:#?}", front.name);
        for _ in 2..limits::PASSWORD_TRIES {
            assert_eq!(sign_in(&front, LI, "wrong and long", "123456").await.status, 403);
        }
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &code(&front, &key)).await.status,
            403,
            "it rests"
        );
        assert_eq!(
            front.visitor(LI).await.page("/").await.status,
            200,
            "a link signs in meanwhile"
        );
        later(&front, 60 * limits::PASSWORD_REST_MINUTES);
        assert_eq!(
            sign_in(&front, LI, PASSWORD, &code(&front, &key)).await.status,
            303,
            "{}",
            front.name
        );
    }
}

#[tokio::test]
async fn a_password_is_refused_that_is_none_and_an_administrator_has_none() {
    for front in desks().await {
        let li = front.visitor(LI).await;
        for (bad, why) in [("short", "at least 10"), ("Li@Acme.Example1", "your address")] {
            let heard = li.send("/me/password", &[("password", bad)]).await;
            assert!(
                heard.status == 422 && heard.text().contains(why),
                "{}: {}",
                front.name,
                heard.body
            );
        }
        let early = li.send("/me/code", &[("code", "123456")]).await;
        assert_eq!(early.status, 409, "{}", early.body);
        front.hire("ada@acme.example", "Ada", Role::Administrator).await;
        let ada = front.visitor("ada@acme.example").await;
        let heard = ada.send("/me/password", &[("password", PASSWORD)]).await;
        assert_eq!(heard.status, 403, "{}", heard.body);
        assert!(!ada.page("/me").await.body.contains("new-password"));
    }
}
