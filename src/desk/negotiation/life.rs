//! The life of one promise as a table: state and event in, next state and effects out. Pure.
//!
//! What stands in [`step`] is the whole of it (PRODUCT.md §3.5 to §3.12): the due time moves only when both sides have said
//! so; silence, lapses and refusals leave it where it was; what is settled stays settled, but for the bounce of the reply
//! that kept it. Whether a time fits is [`admission`](super::super::admission)'s answer and comes in with the event. What
//! is true of every history is said in [`Life::complaint`], for the model tests.

use jiff::Timestamp;

/// What the contact has said of the due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Nothing yet: we said it.
    Offered,
    /// They chose it or accepted it.
    Agreed,
    /// They want another one; this one stands.
    Asked,
}

impl Word {
    /// As it stands in the table and on every screen.
    pub fn text(self) -> &'static str {
        match self {
            Word::Offered => "offered",
            Word::Agreed => "agreed",
            Word::Asked => "asked",
        }
    }

    /// Back from the table.
    pub fn of(text: &str) -> Word {
        match text {
            "agreed" => Word::Agreed,
            "asked" => Word::Asked,
            _ => Word::Offered,
        }
    }
}

/// What is on the table beside the due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Nothing.
    Quiet,
    /// We named another time and wait for the contact; `wish` is what they had asked for, if they did.
    Offered {
        /// The time we named.
        at: Timestamp,
        /// When it lapses.
        until: Timestamp,
        /// The time they had asked for.
        wish: Option<Timestamp>,
    },
    /// They named a time that the count does not grant, and wait for us.
    Asked {
        /// The time they named.
        wish: Timestamp,
        /// When the wish lapses.
        until: Timestamp,
    },
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A useful reply was accepted in time, then.
    Kept(Timestamp),
    /// Both sides agreed on another time: a new promise has it.
    Moved(Timestamp),
    /// Its due came.
    Broken,
    /// No reply is wanted.
    Withdrawn,
}

/// One promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// When it was made.
    pub made: Timestamp,
    /// By when; never changes.
    pub due: Timestamp,
    /// What the contact said of it.
    pub word: Word,
    /// What is on the table.
    pub talk: Talk,
    /// How it ended; none while it is open.
    pub end: Option<End>,
}

/// What admission says to a time that the contact wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// It can be held.
    Yes,
    /// It cannot; this earlier-than-due time can, and is offered until then.
    Counter(Timestamp, Timestamp),
    /// It cannot, and nothing better than the due can: a lead decides until then.
    No(Timestamp),
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// We offer another time, until it lapses.
    Offer(Timestamp, Timestamp),
    /// The contact asks for another time.
    Ask(Timestamp, Fits),
    /// The contact takes the time that we offered, and it still fits.
    Accept,
    /// The contact says that the due time is fine.
    Fine,
    /// The contact wants the due time kept, not the one that we offered.
    Keep,
    /// We grant what they asked for.
    Grant,
    /// We do not.
    Decline,
    /// What is on the table lapses: its time is over, or its time fits no more.
    Lapse,
    /// The clock reaches the due.
    Due,
    /// The first server outside accepted a useful reply, then.
    Reply(Timestamp),
    /// Nobody wants an answer.
    Withdraw,
    /// The reply that kept it came back for good.
    Bounce,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The promise is settled.
    Settle(End),
    /// A new promise for the same messages, with what the contact has said of it.
    Make(Timestamp, Word),
    /// A new promise for the same messages at the earliest time that admission knows, after a break.
    MakeEarliest,
    /// The promise is open again.
    Reopen,
    /// The work is counted at this time as well.
    Reserve(Timestamp),
    /// It is counted at the due only.
    Release,
    /// The contact has said something of the due.
    Say(Word),
    /// A lead has to know.
    Lead,
}

/// Why something cannot happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// It is settled.
    Settled,
    /// The time is over already.
    Past,
    /// It is the time that is promised anyway.
    Same,
    /// Nothing of the kind is on the table.
    Nothing,
    /// Its due has not come, or it was not kept.
    NotNow,
}

impl Life {
    /// A promise as it is made.
    pub fn new(made: Timestamp, due: Timestamp, word: Word) -> Life {
        Life {
            made,
            due,
            word,
            talk: Talk::Quiet,
            end: None,
        }
    }

    /// The time at which its work is counted: the earlier of those that are on the table.
    pub fn counted_at(&self) -> Option<Timestamp> {
        match (self.end, self.talk) {
            (Some(_), _) => None,
            (None, Talk::Offered { at, .. }) => Some(at.min(self.due)),
            (None, _) => Some(self.due),
        }
    }

    /// When something happens by the clock alone.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        match (self.end, self.talk) {
            (Some(_), _) => None,
            (None, Talk::Offered { at, until, .. }) => Some(until.min(at).min(self.due)),
            (None, Talk::Asked { wish, until }) => Some(until.min(wish).min(self.due)),
            (None, Talk::Quiet) => Some(self.due),
        }
    }

    /// What must not be, whatever happened; none if all is well.
    pub fn complaint(&self) -> Option<&'static str> {
        match (self.end, self.talk) {
            _ if self.due < self.made => Some("it is due before it was made"),
            (Some(End::Kept(at)), _) if at > self.due => Some("it was kept after its due"),
            (Some(End::Moved(to)), _) if to == self.due => Some("it was moved to where it was"),
            (Some(_), talk) if talk != Talk::Quiet => Some("it is settled and still negotiated"),
            (None, Talk::Offered { at, .. }) if at == self.due => Some("the due itself is offered"),
            (None, Talk::Asked { .. }) if self.word != Word::Asked => Some("a wish is open that its word hides"),
            _ => None,
        }
    }

    fn quiet(self, word: Word) -> Life {
        Life {
            talk: Talk::Quiet,
            word,
            ..self
        }
    }

    fn ended(self, end: End) -> Life {
        Life {
            talk: Talk::Quiet,
            end: Some(end),
            ..self
        }
    }

    /// What the contact had said before they wished something that they did not get.
    fn word_after_wish(self) -> Word {
        match self.word {
            Word::Asked => Word::Offered,
            word => word,
        }
    }

    fn moved(self, to: Timestamp) -> (Life, Vec<Effect>) {
        let end = End::Moved(to);
        (
            self.ended(end),
            vec![Effect::Release, Effect::Settle(end), Effect::Make(to, Word::Agreed)],
        )
    }
}

/// The table: what becomes of a promise, and what follows from it.
///
/// # Errors
/// What cannot happen in this state; nothing follows from it.
pub fn step(life: Life, now: Timestamp, event: Event) -> Result<(Life, Vec<Effect>), No> {
    if let (Some(End::Kept(_)), Event::Bounce) = (life.end, event) {
        // The timer has the next word where its due is over by now.
        let open = Life { end: None, ..life };
        return Ok((open, vec![Effect::Reopen]));
    }
    if life.end.is_some() {
        return Err(No::Settled);
    }
    let (named, over) = match event {
        Event::Offer(at, _) => (Some(at), at <= now),
        Event::Ask(at, Fits::Counter(other, _)) => (Some(at), at <= now || other <= now),
        Event::Ask(at, _) => (Some(at), at <= now),
        _ => (None, false),
    };
    if over || (named.is_some() && now >= life.due) {
        return Err(No::Past);
    }
    if named == Some(life.due) && !matches!(event, Event::Ask(..)) {
        return Err(No::Same);
    }
    Ok(match (life.talk, event) {
        (_, Event::Offer(at, until)) => {
            let wish = wish_of(life.talk);
            let talk = Talk::Offered { at, until, wish };
            (Life { talk, ..life }, vec![Effect::Release, Effect::Reserve(at)])
        }
        // They name the time that is promised: it is fine.
        (_, Event::Ask(at, _)) if at == life.due => (
            life.quiet(Word::Agreed),
            vec![Effect::Release, Effect::Say(Word::Agreed)],
        ),
        (_, Event::Ask(wish, Fits::Yes)) => life.moved(wish),
        (_, Event::Ask(wish, Fits::Counter(at, until))) if at != life.due => {
            let wish = Some(wish);
            let talk = Talk::Offered { at, until, wish };
            let word = Word::Asked;
            let effects = vec![Effect::Release, Effect::Reserve(at), Effect::Say(word), Effect::Lead];
            (Life { talk, word, ..life }, effects)
        }
        (_, Event::Ask(wish, Fits::Counter(_, until) | Fits::No(until))) => {
            let (talk, word) = (Talk::Asked { wish, until }, Word::Asked);
            let effects = vec![Effect::Release, Effect::Say(word), Effect::Lead];
            (Life { talk, word, ..life }, effects)
        }
        (Talk::Offered { at, .. }, Event::Accept) => match now < life.due && now < at {
            true => life.moved(at),
            false => return Err(No::Past),
        },
        (Talk::Offered { .. }, Event::Keep) => {
            let word = Word::Agreed;
            (life.quiet(word), vec![Effect::Release, Effect::Say(word), Effect::Lead])
        }
        (Talk::Quiet, Event::Fine) if life.word != Word::Agreed => {
            (life.quiet(Word::Agreed), vec![Effect::Say(Word::Agreed)])
        }
        (talk, Event::Grant) => match wish_of(talk) {
            Some(wish) if wish <= now || now >= life.due => return Err(No::Past),
            Some(wish) => life.moved(wish),
            None => return Err(No::Nothing),
        },
        (talk, Event::Decline) if wish_of(talk).is_some() => {
            let word = life.word_after_wish();
            (life.quiet(word), vec![Effect::Release, Effect::Say(word)])
        }
        (Talk::Offered { .. } | Talk::Asked { .. }, Event::Lapse) => {
            let word = life.word_after_wish();
            (life.quiet(word), vec![Effect::Release, Effect::Say(word)])
        }
        (_, Event::Due) if now >= life.due => (
            life.ended(End::Broken),
            vec![Effect::Release, Effect::Settle(End::Broken), Effect::MakeEarliest],
        ),
        (_, Event::Reply(at)) if at <= life.due => {
            let end = End::Kept(at);
            (life.ended(end), vec![Effect::Release, Effect::Settle(end)])
        }
        // What comes late keeps nothing; the timer has broken it, or does so now.
        (_, Event::Reply(_)) => (
            life.ended(End::Broken),
            vec![Effect::Release, Effect::Settle(End::Broken), Effect::MakeEarliest],
        ),
        (_, Event::Withdraw) => (
            life.ended(End::Withdrawn),
            vec![Effect::Release, Effect::Settle(End::Withdrawn)],
        ),
        (_, Event::Due | Event::Bounce) => return Err(No::NotNow),
        (_, Event::Accept | Event::Keep | Event::Fine | Event::Decline | Event::Lapse) => return Err(No::Nothing),
    })
}

/// What the contact had asked for.
pub fn wish_of(talk: Talk) -> Option<Timestamp> {
    match talk {
        Talk::Asked { wish, .. } => Some(wish),
        Talk::Offered { wish, .. } => wish,
        Talk::Quiet => None,
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
