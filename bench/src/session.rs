//! Sessions alone: mail through SMTP to a gate that takes at once and keeps nothing.
//!
//! What the listener costs of a mail's way in, without the desk behind it. Server and customers share this process, so the
//! processor time is that of both.

use crate::process::cpu_seconds;
use crate::report::Report;
use anyhow::{Result, ensure};
use duly::mail::listen;
use duly::mail::raw::Body;
use duly::mail::session::{Envelope, Gate, Reply};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use torture::dice::Dice;
use torture::mail::{self, Form, Mail};
use torture::smtp::{Said, Session, source};

/// Takes at once and keeps nothing.
struct Nothing;

impl Gate for Nothing {
    fn sender(&self, _: IpAddr, _: &str, _: Option<usize>) -> Result<(), Reply> {
        Ok(())
    }
    fn recipient(&self, _: &Envelope, _: &str) -> Result<(), Reply> {
        Ok(())
    }
    async fn take(&self, _: Envelope, raw: Body) -> Result<(), Reply> {
        std::hint::black_box(&raw);
        Ok(())
    }
}

/// Measures and reports it for some numbers of sessions.
pub fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut dice = Dice::new(20_261_122);
    let mails: Vec<Mail> = (0..64)
        .map(|number| mail::write(&mut dice, number, number, 6_000, Form::Plain))
        .collect();
    let all = if quick { 6_000 } else { 60_000 };
    for sessions in [1, 8, 64] {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let host = "desk.example".to_owned();
        let server = runtime.spawn(listen::serve(listener, Arc::new(Nothing), host, None, stopped));
        let (began, cpu) = (Instant::now(), cpu_seconds(std::process::id())?);
        let mails = &mails;
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..sessions)
                .map(|place| scope.spawn(move || send(address, place, mails, all / sessions / mails.len())))
                .collect();
            clients.into_iter().try_for_each(|client| match client.join() {
                Ok(sent) => sent,
                Err(_) => anyhow::bail!("a customer panicked"),
            })
        })?;
        let sent = (all / sessions / mails.len() * mails.len() * sessions) as f64;
        let name = format!("SMTP alone, {sessions} sessions, 6 kB a mail");
        report.figure(&name, "mails/s", &[sent / began.elapsed().as_secs_f64()]);
        let cost = (cpu_seconds(std::process::id())? - cpu) * 1e6 / sent;
        report.figure(
            &format!("{name}: processor time with its customers"),
            "µs a mail",
            &[cost],
        );
        server.abort();
    }
    Ok(())
}

fn send(desk: SocketAddr, place: usize, mails: &[Mail], times: usize) -> Result<()> {
    let mut session = Session::open(desk, source(place))?;
    for _ in 0..times {
        let said = session.send_all(mails)?;
        ensure!(said.iter().all(|said| *said == Said::Taken), "refused: {said:?}");
    }
    Ok(session.quit()?)
}
