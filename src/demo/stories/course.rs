//! The course of a conversation: who writes when, and what the writing carries.

use super::voice::Reply;
use super::*;

/// The people of one telling and the time it takes them.
pub(super) struct Course<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) scene: Scene,
    pub(super) house: DemoCustomer,
    pub(super) desk: Vec<DemoEngineer>,
    pub(super) story: Story,
    /// The engineer who answers.
    pub(super) engineer: usize,
}

/// Minutes within which the severity wants a reply, as elapsed time (PRODUCT.md §3.13).
pub(super) const fn target_minutes(severity: u8) -> u32 {
    match severity {
        1 => 120,
        2 => 240,
        3 => 600,
        _ => 1_800,
    }
}

const DAY: u32 = 24 * 60;

/// What a customer writes when it worked.
const CONFIRMS: [&str; 9] = [
    "[[That did it.||Confirmed, that was it.]] {host} has been quiet for {hours} hours now, nothing new in the log after {clock}.",
    "[[Applied on {host} and {host2}||Rolled out on all {few} nodes]], no further occurrence since {clock}. [[Please close.||You can close this one.]]",
    "We did this in last night's window, it took {min} minutes including checks. Looks good on all graphs.",
    "Works. [[I have added it to our runbook||The change is in our configuration management now]], so {site2} gets it with the next rollout.",
    "Done on {host}; first run at {clock} went through without a single warning. [[Thank you for the explanation, too.||]]",
    "Yes, this matches what we see. Fixed on {host2} first, then {host}, {min} minutes apart. All green.",
    "The fix holds: {hours} hours under normal load, and the morning peak came and went. [[Case can be closed from our side.||Closing is fine.]]",
    "It is back to where it was before, around {ms} ms. [[My colleagues in {site2} say thanks.||We will watch it over the next days.]]",
    "Good, tested on staging against a copy ({gb} GB) and then in production at {clock}. No surprises.",
];

/// How an engineer ends such a case.
const ENDS: [&str; 6] = [
    "Good to hear. I close the case; an answer to this mail opens it again if {host} says otherwise.",
    "Thanks for telling us. For the record I noted the change on {host} and the time {clock}, so whoever looks next finds it. Closing.",
    "Very good. I leave the summary in the case (cause, change, {min} minutes of work) and close it.",
    "Glad it holds. One thing for your calendar: check {host2} once more after the next reboot. Closed for now.",
    "Then we are done here. Should it come back under load, send the log from {host} around that time and this case continues.",
    "Noted, closing. The same setting will survive your next upgrade to {nextver}, nothing to undo.",
];

/// One conversation about `problem` from the first mail to the close.
pub(super) fn whole(dice: &mut Dice, problem: &'static Problem) -> Story {
    let mut course = Course::begin(dice, problem);
    course.ask(problem);
    // A question that can be answered as it stands often is; the others are asked back first.
    let direct = problem.direct && course.dice.chance(60);
    if !direct {
        course.clarify_or_lose(problem);
        if course.story.state != State::Ready {
            return course.story;
        }
    }
    match course.dice.between(1, 100) {
        1..=34 => course.answer(problem, Then::Close),
        35..=50 if !direct => {
            course.find(problem);
            course.answer(problem, Then::Close);
        }
        51..=60 if !direct => {
            course.find(problem);
            course.answer_and_wait(problem);
            course.more(problem);
        }
        35..=72 => {
            course.answer_and_wait(problem);
            course.more(problem);
        }
        73..=94 => {
            course.answer_and_wait(problem);
            course.confirm();
        }
        _ => {
            // The answer stands and nobody objects: the closing date closes it.
            course.answer_and_wait(problem);
            course.story.state = State::Closed(Resolution::Answered);
            return course.story;
        }
    }
    course.story.state = State::Closed(problem.ends);
    course.story
}

impl<'a> Course<'a> {
    /// Chooses people, facts and subject; no turn yet.
    pub(super) fn begin(dice: &'a mut Dice, problem: &'static Problem) -> Self {
        let (houses, desk) = (customers(), engineers());
        let customer = dice.below(houses.len());
        let house = houses[customer].clone();
        let mut scene = Scene::draw(dice, problem.part, customer);
        for (name, words) in problem.own {
            let word = dice.pick(words);
            let word = text::line(dice, &scene, word);
            scene.add(name, word);
        }
        let severity = match (problem.severity, dice.between(1, 100)) {
            (2..=3, 1..=8) => problem.severity + 1,
            (3, 9..=14) => 2,
            (severity, _) => severity,
        };
        let able: Vec<usize> = (0..desk.len())
            .filter(|&at| desk[at].lanes.is_empty() || desk[at].lanes.contains(&problem.lane))
            .collect();
        let engineer = able[dice.below(able.len())];
        let subject = dice.pick(problem.subjects);
        let story = Story {
            customer,
            contact: dice.below(house.contacts.len()),
            subject: text::line(dice, &scene, subject),
            severity,
            lane: problem.lane,
            opened_minutes_ago: 0,
            turns: Vec::new(),
            state: State::Ready,
        };
        debug_assert!(LANES.contains(&problem.lane));
        Course {
            dice,
            scene,
            house,
            desk,
            story,
            engineer,
        }
    }

    pub(super) fn text(&mut self, template: &str) -> String {
        text::write(self.dice, &self.scene, template)
    }

    /// The customer's first mail.
    pub(super) fn ask(&mut self, problem: &Problem) {
        let body = self.text(problem.question);
        self.mail(0, &body);
    }

    /// As [`Self::clarify`], but one customer in thirty does not answer and the case closes over it.
    fn clarify_or_lose(&mut self, problem: &Problem) {
        if self.dice.chance(97) {
            return self.clarify(problem);
        }
        let text = self.text(problem.asks);
        self.reply(Kind::Question, Then::Wait { minutes: 5 * DAY }, &text);
        self.story.state = State::Closed(Resolution::NoReply);
    }

    /// A question back, and the customer's answer to it.
    pub(super) fn clarify(&mut self, problem: &Problem) {
        let text = self.text(problem.asks);
        self.reply(Kind::Question, Then::Wait { minutes: 3 * DAY }, &text);
        let body = self.text(problem.told);
        let after = self.customers_minutes();
        self.mail(after, &body);
    }

    /// What was found so far, with the next time.
    pub(super) fn find(&mut self, problem: &Problem) {
        let minutes = target_minutes(self.story.severity);
        let next = match minutes {
            120 => "You hear from us again within two hours.",
            240 => "You hear from us again within four hours.",
            600 => "You hear from us again within the same working day.",
            _ => "You hear from us again by tomorrow evening.",
        };
        let text = self.text(&format!("{}\n\n{next}", problem.finding));
        self.reply(
            Kind::Finding,
            Then::Owe {
                minutes: minutes.min(DAY),
            },
            &text,
        );
        // What stands in the notes speaks of machines and logs; guidance has neither.
        if matches!(problem.lane, "fault" | "operate" | "performance") && self.dice.chance(60) {
            let note = self.dice.pick(&[
                "Where I am: same picture on {host} and {host2}, reproduced in a small set-up with {ver}. Next: write it up for the customer.",
                "Compared with {patch}. The symptom fits, the log lines at {clock} fit, the version {ver} is in the affected range.",
                "No call needed, what they sent from {host} around {clock} is enough. Answer drafted; want a second pair of eyes on step 2 for {ver}.",
                "Handing over at the end of my hours: finding sent, answer is half written, only the check on {host} ({clock2}, pid {pid}) is missing.",
            ]);
            let note = self.text(note);
            self.push(Turn {
                who: Who::Engineer(self.engineer),
                after_minutes: 4,
                text: format!("{note}\n"),
                kind: Some(Kind::Note),
                then: Then::Nothing,
            });
        }
    }

    pub(super) fn answer(&mut self, problem: &Problem, then: Then) {
        let text = self.text(problem.answer);
        self.reply(Kind::Answer, then, &text);
    }

    /// The answer, with a closing date some days ahead.
    pub(super) fn answer_and_wait(&mut self, problem: &Problem) {
        self.answer(problem, Then::Wait { minutes: 4 * DAY });
    }

    /// A further question, and its answer, which closes.
    pub(super) fn more(&mut self, problem: &Problem) {
        let body = self.text(problem.more);
        let after = self.customers_minutes();
        self.mail(after, &body);
        let text = self.text(problem.coda);
        self.reply(Kind::Answer, Then::Close, &text);
    }

    /// The customer says that it worked, and the case closes.
    pub(super) fn confirm(&mut self) {
        let (said, ends) = (self.dice.pick(&CONFIRMS), self.dice.pick(&ENDS));
        let body = self.text(said);
        let after = self.customers_minutes();
        self.mail(after, &body);
        let text = self.text(ends);
        self.reply(Kind::Answer, Then::Close, &text);
    }

    /// A customer's mail.
    pub(super) fn mail(&mut self, after_minutes: u32, body: &str) {
        let to = self
            .story
            .turns
            .iter()
            .any(|turn| turn.kind.is_some())
            .then(|| &self.desk[self.engineer]);
        let contact = &self.house.contacts[self.story.contact];
        let text = voice::customer(self.dice, &self.house, contact, to, body);
        self.push(Turn {
            who: Who::Customer,
            after_minutes,
            text,
            kind: None,
            then: Then::Nothing,
        });
    }

    /// An engineer's reply, within the target of the severity.
    pub(super) fn reply(&mut self, kind: Kind, then: Then, body: &str) {
        let target = target_minutes(self.story.severity).min(DAY);
        // Most answers come early in their window, as they do at a desk that is not overloaded.
        let (early, late) = (target / 12, target - target / 8);
        let after = self.dice.between(early, late).min(self.dice.between(early, late));
        self.reply_after(after, kind, then, body);
    }

    /// An engineer's reply at a time of the caller's choice.
    pub(super) fn reply_after(&mut self, after_minutes: u32, kind: Kind, then: Then, body: &str) {
        let turn = match self.story.turns.as_slice() {
            [_] => Reply::First,
            [.., last] if last.who == Who::Customer => Reply::Next,
            _ => Reply::Further,
        };
        let contact = &self.house.contacts[self.story.contact];
        let text = voice::engineer(self.dice, &self.desk[self.engineer], contact, turn, body);
        self.push(Turn {
            who: Who::Engineer(self.engineer),
            after_minutes,
            text,
            kind: Some(kind),
            then,
        });
    }

    pub(super) fn push(&mut self, turn: Turn) {
        self.story.turns.push(turn);
    }

    fn customers_minutes(&mut self) -> u32 {
        match self.story.severity {
            1 => self.dice.between(4, 25),
            2 => self.dice.between(12, 260),
            _ => self.dice.between(35, 2_600),
        }
    }
}
