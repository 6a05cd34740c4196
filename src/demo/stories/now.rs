//! The open cases at the start of the demo: six written for it, the others tellings of known problems cut off midway.
//!
//! Times count on a desk that is open around the clock; under other hours a promise is merely less urgent.

use super::course::{Course, target_minutes};
use super::*;

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;

/// What is to be told of a problem, and where the telling stops.
#[derive(Clone, Copy)]
enum Cut {
    /// Asked, no reply yet.
    Asked,
    /// Asked back and told; ours again.
    Told,
    /// Asked, an engineer works on it.
    Running,
    /// We asked back and wait.
    Waiting,
    /// Answered, closing date set.
    Answered,
    /// A finding was sent; somebody else has to move first.
    Blocked(&'static str),
}

/// How many of each, in the order in which they are dealt out.
const CUTS: [(usize, Cut); 8] = [
    (11, Cut::Asked),
    (5, Cut::Told),
    (4, Cut::Running),
    (7, Cut::Waiting),
    (4, Cut::Answered),
    (1, Cut::Blocked("engineering")),
    (1, Cut::Blocked("upstream")),
    (1, Cut::Blocked("lab")),
];

/// The open cases, the oldest first.
pub fn open(seed: u64) -> Vec<Story> {
    let told: Vec<&'static Problem> = problems().into_iter().filter(|problem| problem.severity > 1).collect();
    let order = Dice::new(seed, 7).order(told.len());
    let mut stories = vec![
        stopped(seed),
        risk(seed),
        thread(seed),
        german(seed),
        trace(seed),
        code(seed),
    ];
    let cuts = CUTS.iter().flat_map(|&(count, cut)| std::iter::repeat_n(cut, count));
    // An engineer has one slice: whoever works on a case is not dealt a second one.
    let mut busy: Vec<usize> = stories.iter().filter_map(running).collect();
    for (number, cut) in cuts.enumerate() {
        let mut dice = Dice::new(seed, 100 + number as u64);
        let story = cut_off(&mut dice, told[order[number % told.len()]], cut, &busy);
        busy.extend(running(&story));
        stories.push(story);
    }
    stories.sort_by_key(|story| std::cmp::Reverse(story.opened_minutes_ago));
    stories
}

fn running(story: &Story) -> Option<usize> {
    match story.state {
        State::Running(engineer) => Some(engineer),
        _ => None,
    }
}

fn cut_off(dice: &mut Dice, problem: &'static Problem, cut: Cut, busy: &[usize]) -> Story {
    let mut course = Course::begin(dice, problem);
    course.ask(problem);
    let window = target_minutes(course.story.severity).min(DAY);
    let mut age = course.dice.between(window / 40, window * 6 / 10);
    match cut {
        Cut::Asked => {}
        Cut::Told => course.clarify(problem),
        Cut::Running => {
            age = age.max(window / 10);
            let free = (0..course.desk.len())
                .cycle()
                .skip(course.engineer)
                .take(course.desk.len())
                .find(|at| !busy.contains(at));
            course.story.state = State::Running(free.unwrap_or(course.engineer));
        }
        Cut::Waiting => {
            let text = course.text(problem.asks);
            course.reply(Kind::Question, Then::Wait { minutes: 3 * DAY }, &text);
            course.story.state = State::Waiting;
            age = course.dice.between(40, 2 * DAY);
        }
        Cut::Answered => {
            if !problem.direct {
                course.clarify(problem);
            }
            course.answer_and_wait(problem);
            course.story.state = State::Waiting;
            age = course.dice.between(2 * HOUR, 3 * DAY);
        }
        Cut::Blocked(on) => {
            course.clarify(problem);
            course.find(problem);
            let wake_minutes = course.dice.between(30, 50);
            age = course.dice.between(20, 60);
            course.story.state = State::Blocked { on, wake_minutes };
        }
    }
    course.end(age)
}

impl Course<'_> {
    /// The story, whose last turn was `age` minutes before the start of the demo.
    fn end(mut self, age: u32) -> Story {
        self.story.opened_minutes_ago = self.story.told_minutes() + age;
        self.story
    }

    /// Puts the story into the hands of one customer of ours, by number.
    fn at(mut self, customer: usize, contact: usize) -> Self {
        self.house = customers()[customer].clone();
        self.story.customer = customer;
        self.story.contact = contact;
        self
    }

    fn says(&mut self, after: u32, template: &str) {
        let body = self.text(template);
        self.mail(after, &body);
    }

    fn replies(&mut self, after: u32, kind: Kind, then: Then, template: &str) {
        let body = self.text(template);
        self.reply_after(after, kind, then, &body);
    }
}

/// A problem that has only a beginning: the case goes on by hand.
const fn beginning(part: Part, lane: &'static str, severity: u8, subjects: &'static [&'static str]) -> Problem {
    Problem {
        part,
        lane,
        severity,
        direct: false,
        subjects,
        own: &[],
        question: "",
        asks: "",
        told: "",
        finding: "",
        answer: "",
        more: "",
        coda: "",
        ends: Resolution::Solved,
    }
}

/// Severity 1, minutes old, an engineer on it.
fn stopped(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Cluster,
        "fault",
        1,
        &["urgent: cluster in {site} has no quorum, all services down"],
    );
    let mut dice = Dice::new(seed, 11);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(21, 0);
    course.says(
        0,
        "All payments are down in both sites. The link between {site} and {site2} failed at {clock}, and the four nodes are two and two:

    $ tetherctl status
    Membership: {host} {host2}          (2 of 4 votes, quorum is 3)
    Quorum:     NO - resources stopped
    Arbiter:    qd.{site2} unreachable since {t1}

The network people say two hours. Can we force quorum on the two nodes in {site} without damaging anything? Nodes in {site2} are still
powered on, we can reach their management controllers over another line. Phone: in our contact sheet.",
    );
    course.story.state = State::Running(9);
    course.end(14)
}

/// Severity 2, a quarter of an hour before its due time, nobody on it.
fn risk(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Database,
        "performance",
        2,
        &["{host}: checkpoints take {min} minutes, application times out"],
    );
    let mut dice = Dice::new(seed, 12);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(3, 1);
    course.says(
        0,
        "Since the batch window was moved into business hours the application on {host} times out whenever a checkpoint ends:

    {t1} LOG:  checkpoint complete: wrote {count} buffers ({pct2}%); write=269.{few}12 s,
        sync={secs}.{few}40 s, total=33{few}.018 s; longest sync=9.{few}71 s, average=0.0{few}4 s

Until last week sync was below one second. Storage says their side is idle. Two questions: which of the numbers should worry us, and is
it safe to lower checkpoint_completion_target while the system runs? The next batch starts at noon, so an answer before would help a lot.",
    );
    course.end(target_minutes(2) - 15)
}

/// Eight messages over four days; ours, with the next word promised.
fn thread(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Queue,
        "fault",
        3,
        &["Messages out of order on {queue}, about {few} a day"],
    );
    let mut dice = Dice::new(seed, 13);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(0, 0);
    course.engineer = 0;
    course.says(
        0,
        "About {few} times a day our {group} sees a message of a shipment before the one that was sent earlier. Both have the same key, so they
must be in the same partition of {queue}. Sluice {ver}, producer is our own in Go.",
    );
    course.replies(
        95,
        Kind::Question,
        Then::Wait { minutes: 3 * DAY },
        "One key means one partition, but a retry may overtake a later batch. Which values has the producer for idempotence and for requests in
flight? And for one such pair: partition and offset of both messages (sluicectl find --key does it).",
    );
    course.says(
        310,
        "enable.idempotence=false, in.flight=5. The last pair:

    key=SH-{count}  part=11  offset={count}04  event=departed
    key=SH-{count}  part=11  offset={count}09  event=loaded",
    );
    course.replies(
        130,
        Kind::Answer,
        Then::Wait { minutes: 5 * DAY },
        "So the broker has them in the wrong order: \"loaded\" was sent first, failed, and its retry arrived after \"departed\". With five requests
in flight and no idempotence that is allowed. Set enable.idempotence=true; the broker then keeps the order of a partition even with
retries. No other change is needed.",
    );
    course.says(
        1_900,
        "Rolled out on all producers yesterday. Since then one case instead of {few}, so better, but not gone. Same picture, part=3 this time.",
    );
    course.replies(
        180,
        Kind::Finding,
        Then::Owe { minutes: 600 },
        "One that remains means a second cause. I compared the times: in this pair the two messages come from different instances of your
producer, 40 ms apart. I go through the log of {host} for a leader change in that minute. You hear from us again within the same working
day.",
    );
    course.replies(
        390,
        Kind::Question,
        Then::Wait { minutes: 3 * DAY },
        "No leader change in that minute. So the order was already lost before the queue: two instances of the producer each sent one event of the
same shipment. What decides which instance handles an event, and is there anything that keeps events of one shipment together?",
    );
    course.says(
        420,
        "A load balancer in front decides, round robin. We thought the queue would sort that out by time. If it cannot, what do others do? Route by
shipment at the balancer, or sort in the consumer? We have {some} thousand shipments under way at a time, and {group} may be late by ten
seconds, not more.",
    );
    course.end(50)
}

/// A customer who writes German.
fn german(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Backup,
        "operate",
        3,
        &["Rücksicherung von {db} bricht ab, Prüfsumme falsch"],
    );
    let mut dice = Dice::new(seed, 14);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(5, 0);
    let body = course.text(
        "Guten Tag,

wir üben vierteljährlich die Rücksicherung der Zählerdaten ({db}, {gb} GB). Diesmal bricht larder nach etwa {min} Minuten ab:

    {t1} info   restore full-{hex}F nach {host2}:/srv/uebung
    {t2} error  base.{few}.tar.zst: Prüfsumme stimmt nicht (erwartet 4e{hex}, gelesen 91{hex})
    {t2} fatal  Abbruch, {some} von {many} Dateien geschrieben

Die Sicherung der Vorwoche lässt sich fehlerfrei zurückspielen. Auf dem Speicher in {site} gab es in der Nacht der Sicherung einen
Plattentausch. Zwei Fragen:

1. Lässt sich die beschädigte Datei aus der Differenzsicherung ergänzen, oder ist die ganze Kette verloren?
2. Warum hat die nächtliche Prüfung nichts gemeldet? Sie endet immer mit \"ok\".

Sie können gern auf Englisch antworten.

Mit freundlichen Grüßen
Uwe Hartmann
Stadtwerke Lindenau, Leittechnik",
    );
    course.push(Turn {
        who: Who::Customer,
        after_minutes: 0,
        text: format!("{body}\n"),
        kind: None,
        then: Then::Nothing,
    });
    course.end(75)
}

/// A crash with its stack.
fn trace(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Database,
        "fault",
        2,
        &["Crash in ALTER TABLE on {host}, {ver} (stack inside)"],
    );
    let mut dice = Dice::new(seed, 15);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(12, 2);
    course.says(
        0,
        "Adding a column with a default to {table} crashes {ver} on {host} every time, also on a fresh clone. {oldver} is fine.

    alter table {table} add column flags int not null default compute_flags(7);

Stack of the core:

    #0  0x000055d0{hex}1c in heap_form_minimal (desc=0x0) at heaptuple.c:1{many}
    #1  0x000055d0{hex}8e in eval_missing_default (rel=0x7f21{hex}08, attnum={few}) at missing.c:214
    #2  0x000055d0{hex}f3 in at_exec_add_column (wqueue=0x7ffd{hex}98) at tablecmds.c:7{many}
    #3  0x000055d1{hex}07 in at_rewrite_catalogs (lockmode=8) at tablecmds.c:5{many}
    #4  0x000055d1{hex}b2 in process_utility_slow (pstate=0x55d2{hex}e0) at utility.c:1{many}
    #5  0x000055d1{hex}c9 in exec_simple_query (query=0x55d2{hex}10) at tarn.c:1{many}

With a constant as default nothing happens. The core is {few} GB, tell us where to put it. We need the column for a release on Thursday.",
    );
    course.replies(
        52,
        Kind::Finding,
        Then::Owe { minutes: 240 },
        "Reproduced with your statement: {ver} crashes if the default calls a function that is not marked volatile and reads a table. The stack is
the same as yours, so the core is not needed.

Until it is mended split it; this does not crash, tested on the same build:

    alter table {table} add column flags int;
    update {table} set flags = compute_flags(7);      -- in batches of 50,000
    alter table {table} alter column flags set not null;

I gave it to product engineering as {patch}. You hear from us again within four hours, with what they say about a fix before Thursday.",
    );
    course.story.state = State::Blocked {
        on: "engineering",
        wake_minutes: 120,
    };
    course.end(70)
}

/// A question about a program.
fn code(seed: u64) -> Story {
    static BEGINNING: Problem = beginning(
        Part::Queue,
        "develop",
        4,
        &["Rust consumer for {queue} loses messages at shutdown"],
    );
    let mut dice = Dice::new(seed, 16);
    let mut course = Course::begin(&mut dice, &BEGINNING).at(20, 0);
    course.says(
        0,
        "Our consumer loses a handful of messages at each deploy. The main loop, shortened:

    loop {
        tokio::select! {
            _ = stop.recv() => break,
            batch = consumer.poll(Duration::from_secs(1)) => {
                let batch = batch?;
                consumer.commit(&batch).await?;      // commit first, to be quick
                for message in batch {
                    queue.send(message).await?;      // bounded channel, {some} places
                }
            }
        }
    }
    drop(queue);
    worker.await?;

The worker writes to {db}. Is it the break in select!, or the order of commit and send? And what would be the smallest change that makes
it safe, without waiting for {db} on every single message? Sluice {ver}, client crate 0.9.",
    );
    course.end(4 * HOUR)
}
