//! A password of one's own, on `/me`: set with an authenticator, taken away; and what a try to sign in with one is worth.
//!
//! Hashing costs 19 MiB and a core for a while, so one hash is made at a time. A try for an address that nobody has costs what
//! one for a known address does, and is answered with the same words.

use super::acting::{Acting, Place};
use super::layout;
use super::{House, Words, listen};
use crate::desk::engineer::{self, Engineer};
use crate::desk::ledger::Actor;
use crate::desk::password::{self, Drawn, KEY_BYTES};
use crate::desk::session;
use crate::limits;
use crate::refusal::{Fault, Kind, Outcome, Refusal};
use anyhow::anyhow;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use data_encoding::{BASE32_NOPAD, BASE32HEX_NOPAD};
use maud::{Markup, html};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// One hash at a time (SECURITY.md §5.6 of the design).
static TURNS: Semaphore = Semaphore::const_new(1);

async fn turn() -> Result<SemaphorePermit<'static>, Refusal> {
    let patience = Duration::from_secs(limits::PASSWORD_TURN_SECONDS);
    match tokio::time::timeout(patience, TURNS.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Refusal::new(
            Kind::Failed,
            "Too many people sign in by password at this moment. Nothing was changed. Try again in a minute, or use a link.",
        )),
    }
}

fn argon2() -> anyhow::Result<Argon2<'static>> {
    // 19 MiB, two passes: the floor of SECURITY.md §5.6.
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|cause| anyhow!("argon2: {cause}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| anyhow!("the system gives no random bytes: {cause}"))?;
    Ok(bytes)
}

fn hash(password: &str) -> anyhow::Result<String> {
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(|cause| anyhow!("a salt: {cause}"))?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(|cause| anyhow!("argon2: {cause}"))?.to_string())
}

/// Whether a password is the one of a hash; of none, as slowly as of one.
fn verified(known: Option<&str>, password: &str) -> anyhow::Result<bool> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let stored = match (known, NOBODYS.get()) {
        (Some(hash), _) => hash,
        (None, Some(hash)) => hash,
        (None, None) => {
            let made = hash("nobody has this one")?;
            NOBODYS.get_or_init(|| made)
        }
    };
    let parsed = PasswordHash::new(stored).map_err(|cause| anyhow!("a stored hash: {cause}"))?;
    let is_right = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(is_right && known.is_some())
}

/// A try to sign in by address, password and code. Whatever comes of it, the answer takes as long.
pub async fn press(house: House, acting: Acting, place: Place, agent: String, words: Words) -> Outcome<Response> {
    let _turn = turn().await?;
    let floor = tokio::time::sleep(Duration::from_millis(limits::PASSWORD_ANSWER_MILLIS));
    let work = listen::blocking(move || signed_in(&house, &acting, &place, &agent, &words));
    let (done, ()) = tokio::join!(work, floor);
    done
}

fn signed_in(house: &House, acting: &Acting, place: &Place, agent: &str, words: &Words) -> Outcome<Response> {
    let door = &house.door;
    let now = door.clock.now();
    let word = |name: &str| words.get(name).cloned().unwrap_or_default();
    let (address, typed, code) = (word("address"), word("password"), word("code"));
    let known = door.store.read(|tx| password::known(tx, &address))?;
    let short = typed.get(..limits::PASSWORD_BYTES).unwrap_or(&typed);
    let is_right = verified(known.as_ref().map(|known| known.hash.as_str()), short)?;
    let known = known.ok_or_else(wrong)?;
    let before = acting
        .signed()
        .map(|session| (session.signed.id, session.signed.engineer.id));
    let secret = super::sign_in::secret()?;
    let (desk, agent, for_session) = (Arc::clone(&door.desk), agent.to_owned(), secret.clone());
    let engineer = door.store.write(move |tx| {
        if !password::passes(tx, now, &desk, known.engineer, is_right, &code)? {
            return Ok(None);
        }
        let engineer = engineer::on_the_desk(tx, known.engineer)?;
        if let Some(engineer) = &engineer {
            session::open(tx, now, engineer, &for_session, &agent, before)?;
        }
        Ok(engineer)
    })?;
    let cookie = place.cookie_of(&engineer.ok_or_else(wrong)?, &secret);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// The same words whatever was wrong: they tell nobody which addresses there are.
fn wrong() -> Refusal {
    Refusal::forbidden(format!(
        "Address, password or code is not right, or the password rests: after {} wrong tries it does so for {} minutes. Nothing was \
         changed. A sign-in link works meanwhile.",
        limits::PASSWORD_TRIES,
        limits::PASSWORD_REST_MINUTES
    ))
}

/// The form by which one signs in, with the address that was typed.
pub fn sign_in_form(address: &str) -> Markup {
    html! {
        form method="post" action=(super::sign_in::PATH) {
            label.field for="address" { "Address" input #address name="address" type="email" required autocomplete="username" value=(address); }
            label.field for="password" { "Password" input #password name="password" type="password" required autocomplete="current-password"; }
            label.field for="code" { "Code of your authenticator, or a recovery code"
                input #code name="code" required autocomplete="one-time-code" maxlength="40"; }
            div.send { button.main type="submit" { "Sign in" } }
        }
    }
}

/// What one's own page says of one's password.
pub fn section(acting: &Acting, engineer: &Engineer, has: bool) -> Markup {
    html! {
        section aria-labelledby="h-password" {
            h2 #h-password { "Password" }
            @if let Err(refusal) = password::may_have(engineer) { p.gloss { (refusal.text) } }
            @else {
                p { @if has { "You can sign in by password, with a code of your authenticator." }
                    @else { "You have none: you sign in by a link." } }
                (new_form(acting))
                @if has {
                    form method="post" action="/me/no-password" { (acting.proof()) p.send { button type="submit" { "Take the password away" } } }
                }
            }
        }
    }
}

/// Where a new password is typed.
fn new_form(acting: &Acting) -> Markup {
    html! {
        form method="post" action="/me/password" {
            (acting.proof())
            label.field for="new-password" { "New password"
                input #new-password name="password" type="password" required minlength=(limits::PASSWORD_CHARS) autocomplete="new-password"; }
            div.send { button type="submit" { "Set it, and an authenticator" } }
            p.hint { "At least " (limits::PASSWORD_CHARS) " letters. It works together with the codes of an authenticator app, which you set up in the next step." }
        }
    }
}

/// Where the first code of a new authenticator is typed.
fn code_form(acting: &Acting) -> Markup {
    html! {
        form method="post" action="/me/code" {
            (acting.proof())
            label.field for="code" { "The code that it shows now"
                input #code name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="10"; }
            div.send { button.main type="submit" { "Done" } }
            p.hint { "Until then your old password, if you had one, works as before." }
        }
    }
}

/// The form again, with what was wrong above it.
fn anew(outcome: Outcome<Response>, title: &str, form: &Markup) -> Outcome<Response> {
    match outcome {
        Err(Fault::Refused(refusal)) => {
            let back = html! { p { a.button href="/me" { "Back to your page" } } };
            let page = layout::alone(title, html! { (layout::refused(&refusal)) (form) (back) });
            Ok((super::status_of(refusal.kind), page).into_response())
        }
        done => done,
    }
}

/// What one does to one's own password: `password`, `code`, `no-password`; none where the act is none of these.
pub async fn act(house: &House, acting: &Acting, act: &str, words: &Words) -> Option<Outcome<Response>> {
    let (house, acting, words) = (house.clone(), acting.clone(), words.clone());
    Some(match act {
        "password" => {
            let form = new_form(&acting);
            anew(begin(house, acting, words).await, "Set a password", &form)
        }
        "code" => {
            let form = code_form(&acting);
            let done = listen::blocking(move || confirm(&house, &acting, &words)).await;
            anew(done, "Set up your authenticator", &form)
        }
        "no-password" => listen::blocking(move || end(&house, &acting)).await,
        _ => return None,
    })
}

async fn begin(house: House, acting: Acting, words: Words) -> Outcome<Response> {
    let _turn = turn().await?;
    let begun = move || {
        let door = &house.door;
        let engineer = super::me::own(&acting)?.signed.engineer.clone();
        let typed = words.get("password").map(String::as_str).unwrap_or_default();
        password::may_have(&engineer)?;
        password::complaint(&engineer, typed)?;
        let hash = hash(typed)?;
        let drawn = Drawn {
            key: random::<KEY_BYTES>()?,
            nonce: random()?,
        };
        let key = BASE32_NOPAD.encode(&drawn.key);
        let (desk, whose) = (Arc::clone(&door.desk), engineer.clone());
        door.store
            .write(move |tx| password::begin(tx, &desk, &whose, &hash, &drawn))?;
        Ok(authenticator(&acting, &door.desk.name, &engineer, &key).into_response())
    };
    listen::blocking(begun).await
}

/// The page with an authenticator's key, which is shown this once.
fn authenticator(acting: &Acting, desk: &str, engineer: &Engineer, key: &str) -> Markup {
    let groups: Vec<String> = key
        .as_bytes()
        .chunks(4)
        .map(|four| String::from_utf8_lossy(four).into_owned())
        .collect();
    let plain = |text: &str| text.replace([':', '?', '&', '#', '%', '/', ' '], "%20");
    let link = format!(
        "otpauth://totp/{0}:{1}?secret={key}&issuer={0}",
        plain(desk),
        engineer.address
    );
    layout::alone(
        "Set up your authenticator",
        html! {
            p.lead { "Give this key to an authenticator app. It is shown this once." }
            pre tabindex="0" aria-label="Key" { code { (groups.join(" ")) } }
            p { "On a telephone with such an app: " a href=(link) { "open it there" } ". By hand: " (engineer.address) ", by time, six digits." }
            (code_form(acting))
        },
    )
}

fn confirm(house: &House, acting: &Acting, words: &Words) -> Outcome<Response> {
    let door = &house.door;
    let engineer = super::me::own(acting)?.signed.engineer.clone();
    let (now, desk) = (door.clock.now(), Arc::clone(&door.desk));
    let code = words.get("code").cloned().unwrap_or_default();
    let mut recovery = Vec::with_capacity(limits::RECOVERY_CODES);
    for _ in 0..limits::RECOVERY_CODES {
        let drawn = BASE32HEX_NOPAD.encode(&random::<10>()?).to_lowercase();
        recovery.push(format!(
            "{}-{}-{}-{}",
            &drawn[..4],
            &drawn[4..8],
            &drawn[8..12],
            &drawn[12..]
        ));
    }
    let kept = recovery.clone();
    door.store
        .write(move |tx| password::confirm(tx, now, &desk, &engineer, &code, &kept))?;
    let page = layout::alone(
        "You can sign in by password",
        html! {
            p.lead role="status" { "Password and authenticator work from now on." }
            p { "Without the authenticator one of these signs in instead of a code, each once. They are shown this once: keep them where you keep such things." }
            pre tabindex="0" aria-label="Recovery codes" { code { @for one in &recovery { (one) "\n" } } }
            p { a.button href="/me" { "Back to your page" } }
        },
    );
    Ok(page.into_response())
}

fn end(house: &House, acting: &Acting) -> Outcome<Response> {
    let door = &house.door;
    let (now, engineer) = (door.clock.now(), super::me::own(acting)?.signed.engineer.id);
    let actor = Actor::Engineer(engineer);
    door.store.write(move |tx| password::end(tx, now, actor, engineer))?;
    Ok(Redirect::to("/me?done").into_response())
}
