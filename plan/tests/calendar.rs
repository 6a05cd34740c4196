//! The calendar against sentences, and against two oracles that are written differently: a walk that paints every open
//! minute, and one that lists all windows of eleven years. Both ask the zone for the offset of every single time.

use jiff::civil::{Date, DateTime};
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use plan::interval::Interval;
use plan::{Calendar, Hours, NoHours, Window, Zone};
use proptest::prelude::*;

const ZONES: [&str; 20] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Asia/Gaza",
    "Africa/Casablanca",
    "America/Los_Angeles",
    "Asia/Dubai",
    "Africa/Johannesburg",
    "UTC",
    "UTC-3:30",
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn office() -> Calendar {
    Calendar::from_text("Europe/Berlin", "mon-fri 09:00-17:00").unwrap()
}

fn due(calendar: &Calendar, from: &str, target_minutes: i64) -> String {
    calendar
        .due(at(from), minutes(target_minutes), &[])
        .unwrap()
        .to_string()
}

#[test]
fn open_minutes_are_the_hours_of_each_day_and_round_the_clock_one_stretch() {
    let minute = |text: &str| at(text).as_second() / 60;
    let window = Interval::new(minute("2026-11-27T15:30:00Z"), minute("2026-11-30T09:00:00Z"));
    let open = office().open_minutes(window);
    let friday = Interval::new(window.from, minute("2026-11-27T16:00:00Z"));
    let monday = Interval::new(minute("2026-11-30T08:00:00Z"), window.to);
    assert_eq!(open, [friday, monday]);
    let always = Calendar::new(Zone::UTC, Hours::always());
    assert_eq!(always.open_minutes(window), [window]);
    assert_eq!(always.open_minutes(Interval::new(window.to, window.from)), []);
}

#[test]
fn a_reply_asked_on_friday_evening_falls_due_on_monday() {
    assert_eq!(due(&office(), "2026-11-27T15:30:00Z", 120), "2026-11-30T09:30:00Z");
    assert_eq!(due(&office(), "2026-11-27T20:00:00Z", 60), "2026-11-30T09:00:00Z");
}

#[test]
fn a_target_that_ends_with_the_window_is_due_at_its_end() {
    assert_eq!(due(&office(), "2026-11-24T14:00:00Z", 120), "2026-11-24T16:00:00Z");
    assert_eq!(
        due(&office(), "2026-11-24T14:00:00.001Z", 120),
        "2026-11-25T08:00:00.001Z"
    );
}

#[test]
fn a_target_of_nothing_is_due_at_once() {
    assert_eq!(due(&office(), "2026-11-28T14:00:00Z", 0), "2026-11-28T14:00:00Z");
    assert_eq!(due(&office(), "2026-11-28T14:00:00Z", -5), "2026-11-28T14:00:00Z");
}

#[test]
fn the_night_that_loses_an_hour_counts_what_the_clock_on_the_wall_lost() {
    let night = Calendar::from_text("Europe/Berlin", "mon-sun 00:00-24:00").unwrap();
    assert_eq!(due(&night, "2026-03-28T23:00:00Z", 180), "2026-03-29T02:00:00Z");
    let office = Calendar::from_text("Europe/Berlin", "sun 01:00-04:00, mon 09:00-17:00").unwrap();
    assert_eq!(
        office.open_between(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")),
        minutes(120)
    );
    assert_eq!(
        office.open_between(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")),
        minutes(240)
    );
}

#[test]
fn a_window_inside_the_gap_is_read_with_the_offset_before_it_and_counted_once() {
    // 02:15-02:45 does not exist on 29 March; it is read as 03:15-03:45, which the second window holds already.
    let calendar = Calendar::from_text("Europe/Berlin", "sun 02:15-02:45 03:00-04:00").unwrap();
    let (eve, noon) = (at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z"));
    assert_eq!(calendar.open_between(eve, noon), minutes(60));
    assert_eq!(
        calendar.due(eve, minutes(20), &[]).unwrap().to_string(),
        "2026-03-29T01:20:00Z"
    );
    // 02:30-03:15 would end before it begins: no time at all.
    let backwards = Calendar::from_text("Europe/Berlin", "sun 02:30-03:15").unwrap();
    assert_eq!(backwards.open_between(eve, noon), SignedDuration::ZERO);
}

#[test]
fn a_time_that_occurs_twice_means_the_first() {
    let calendar = Calendar::from_text("Europe/Berlin", "sun 02:30-03:00").unwrap();
    let (eve, noon) = (at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z"));
    assert_eq!(calendar.next_open(eve).unwrap().to_string(), "2026-10-25T00:30:00Z");
    assert_eq!(calendar.open_between(eve, noon), minutes(90));
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let calendar = Calendar::from_text("Europe/Berlin", "mon-sun 22:00-06:00").unwrap();
    let closed = calendar.with_holidays(["2026-12-25".parse().unwrap()]).unwrap();
    assert!(
        closed.is_open(at("2026-12-25T03:00:00Z")),
        "the night of the 24th goes on"
    );
    assert!(!closed.is_open(at("2026-12-25T22:00:00Z")));
    assert!(
        !closed.is_open(at("2026-12-26T03:00:00Z")),
        "the night of the holiday is off"
    );
}

#[test]
fn an_exception_replaces_the_hours_even_on_a_holiday() {
    let date: Date = "2026-12-24".parse().unwrap();
    let morning: Window = "10:00-12:00".parse().unwrap();
    let calendar = office()
        .with_holidays([date])
        .unwrap()
        .with_exceptions([(date, vec![morning])])
        .unwrap();
    assert_eq!(due(&calendar, "2026-12-23T20:00:00Z", 60), "2026-12-24T10:00:00Z");
    let closed = office().with_exceptions([(date, vec![])]).unwrap();
    assert_eq!(due(&closed, "2026-12-23T20:00:00Z", 60), "2026-12-25T09:00:00Z");
}

#[test]
fn a_date_that_a_zone_skips_has_no_hours() {
    // Samoa had no 30 December 2011 (a Friday).
    let calendar = Calendar::from_text("Pacific/Apia", "thu-sat 09:00-10:00").unwrap();
    assert_eq!(
        calendar.open_between(at("2011-12-29T00:00:00Z"), at("2012-01-01T00:00:00Z")),
        minutes(120)
    );
}

#[test]
fn a_leap_day_is_a_day() {
    assert_eq!(due(&office(), "2028-02-28T15:00:00Z", 8 * 60), "2028-02-29T15:00:00Z");
}

#[test]
fn pauses_take_no_time_in_whatever_order_they_come() {
    let calendar = office();
    let pauses = [
        (at("2026-11-25T09:00:00Z"), at("2026-11-26T09:00:00Z")),
        (at("2026-11-24T20:00:00Z"), at("2026-11-25T08:30:00Z")),
        (at("2026-11-25T10:00:00Z"), at("2026-11-25T11:00:00Z")),
        (at("2026-11-25T08:20:00Z"), at("2026-11-25T08:10:00Z")),
        (at("2026-11-01T00:00:00Z"), at("2026-11-24T15:00:00Z")),
    ];
    let due = calendar.due(at("2026-11-24T14:00:00Z"), minutes(120), &pauses).unwrap();
    assert_eq!(due.to_string(), "2026-11-26T09:30:00Z");
}

#[test]
fn overlapping_windows_are_open_once() {
    let calendar = Calendar::from_text("UTC", "fri 22:00-06:00, sat 00:00-24:00").unwrap();
    assert_eq!(
        calendar.open_between(at("2026-11-27T00:00:00Z"), at("2026-11-30T00:00:00Z")),
        minutes(26 * 60)
    );
}

#[test]
fn a_calendar_without_hours_says_so() {
    let never = Calendar::from_text("Europe/Berlin", "").unwrap();
    let now = at("2026-11-24T14:00:00Z");
    assert_eq!(never.due(now, minutes(1), &[]), Err(NoHours));
    assert_eq!(never.next_open(now), Err(NoHours));
    assert_eq!(never.closing_of_business_day(now, 1), Err(NoHours));
    assert!(!never.is_open(now));
    assert_eq!(office().due(now, SignedDuration::MAX, &[]), Err(NoHours));
    assert_eq!(office().due(now, minutes(i64::from(i32::MAX)), &[]), Err(NoHours));
    assert_eq!(office().due(Timestamp::MAX, minutes(60), &[]), Err(NoHours));
    let _ = office().due(Timestamp::MIN, minutes(60), &[]);
    let pause = [(Timestamp::MIN, Timestamp::MAX)];
    assert_eq!(office().due(now, minutes(1), &pause), Err(NoHours));
}

#[test]
fn business_days_end_with_the_close_of_the_day() {
    let closing = |from: &str, days| office().closing_of_business_day(at(from), days).unwrap().to_string();
    assert_eq!(closing("2026-11-24T10:00:00Z", 1), "2026-11-25T16:00:00Z");
    assert_eq!(closing("2026-11-24T02:00:00Z", 1), "2026-11-25T16:00:00Z");
    assert_eq!(
        closing("2026-11-24T18:00:00Z", 1),
        "2026-11-26T16:00:00Z",
        "after close counts as the next morning"
    );
    assert_eq!(closing("2026-11-27T10:00:00Z", 2), "2026-12-01T16:00:00Z");
    assert_eq!(
        closing("2026-11-28T10:00:00Z", 1),
        "2026-12-01T16:00:00Z",
        "Saturday's mail is Monday's"
    );
    assert_eq!(closing("2026-11-24T10:00:00Z", 0), "2026-11-24T16:00:00Z");
    let night = Calendar::from_text("UTC", "fri 22:00-06:00, mon-tue 09:00-17:00").unwrap();
    let close = night.closing_of_business_day(at("2026-11-28T03:00:00Z"), 1).unwrap();
    assert_eq!(
        close.to_string(),
        "2026-11-30T17:00:00Z",
        "Saturday at three is still Friday's shift"
    );
}

#[test]
fn mistakes_are_named() {
    let said = |zone, hours| Calendar::from_text(zone, hours).unwrap_err().to_string();
    assert!(said("Europe/Bärlin", "mon 09:00-10:00").contains("Europe/Bärlin"));
    assert!(said("UTC", "mon-fri 9-17").contains("9-17"));
    assert_eq!(office().to_string(), "mon-fri 09:00-17:00");
}

/// The instant of a local time by the offset that holds before a change, which is both rules at once.
fn resolve(zone: &Zone, local: DateTime) -> Timestamp {
    let before = match zone.jiff().to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    before.to_timestamp(local).unwrap()
}

fn skipped(zone: &Zone, date: Date) -> bool {
    let in_gap = |hour, minute| {
        let offset = zone.jiff().to_ambiguous_timestamp(date.at(hour, minute, 0, 0)).offset();
        matches!(offset, AmbiguousOffset::Gap { .. })
    };
    in_gap(0, 0) && in_gap(23, 59)
}

#[derive(Debug, Clone)]
struct Life {
    zone: Zone,
    week: [Vec<Window>; 7],
    holidays: Vec<Date>,
    exceptions: Vec<(Date, Vec<Window>)>,
    from: Timestamp,
    pauses: Vec<(Timestamp, Timestamp)>,
}

impl Life {
    fn calendar(&self) -> Calendar {
        let calendar = Calendar::new(self.zone.clone(), Hours::new(self.week.clone()).unwrap());
        let calendar = calendar.with_holidays(self.holidays.iter().copied()).unwrap();
        calendar.with_exceptions(self.exceptions.iter().cloned()).unwrap()
    }

    fn windows(&self, date: Date) -> &[Window] {
        if skipped(&self.zone, date) {
            return &[];
        }
        if let Some((_, windows)) = self.exceptions.iter().rev().find(|(day, _)| *day == date) {
            return windows;
        }
        if self.holidays.contains(&date) {
            &[]
        } else {
            &self.week[date.weekday().to_monday_zero_offset() as usize]
        }
    }

    /// Every window that begins on one of `days` dates, from two days before the receipt on.
    fn spans(&self, days: i64) -> Vec<(Timestamp, Timestamp)> {
        let first = self.zone.local(self.from).date() - 2.days();
        let dates = (0..days).map(|day| first + Span::new().days(day));
        let mut spans = Vec::new();
        for date in dates {
            for window in self.windows(date) {
                let text = window.to_string();
                let (begin, end) = text.split_once('-').unwrap();
                let local = |clock: &str, date: Date| {
                    let hour: i8 = clock[..2].parse().unwrap();
                    let date = if hour == 24 { date + 1.day() } else { date };
                    date.at(hour % 24, clock[3..].parse().unwrap(), 0, 0)
                };
                let end_date = if end <= begin { date + 1.day() } else { date };
                spans.push((
                    resolve(&self.zone, local(begin, date)),
                    resolve(&self.zone, local(end, end_date)),
                ));
            }
        }
        spans
    }

    /// Paints every open minute of `days` days and counts them one by one; everything lies on whole minutes.
    fn painted(&self, target_minutes: i64, days: i64) -> Option<Timestamp> {
        let base = self.from.as_second() / 60;
        let mut open = vec![false; (days * 24 * 60) as usize];
        let mut paint = |(begin, end): (Timestamp, Timestamp), colour: bool| {
            for minute in begin.as_second() / 60..end.as_second() / 60 {
                if let Some(place) = usize::try_from(minute - base)
                    .ok()
                    .and_then(|minute| open.get_mut(minute))
                {
                    *place = colour;
                }
            }
        };
        self.spans(days).into_iter().for_each(|span| paint(span, true));
        self.pauses.iter().for_each(|pause| paint(*pause, false));
        let minute = (0..)
            .zip(&open)
            .filter(|(_, open)| **open)
            .nth(target_minutes as usize - 1)?
            .0;
        Timestamp::from_second((base + minute + 1) * 60).ok()
    }

    /// Lists eleven years of windows, joins them and takes the pauses out.
    fn listed(&self, target: SignedDuration) -> Option<Timestamp> {
        let mut spans = self.spans(4_000);
        spans.sort();
        let mut left = target;
        let mut at = self.from;
        for (begin, end) in spans {
            at = at.max(begin);
            while at < end {
                if let Some(pause) = self.pauses.iter().find(|(begin, end)| *begin <= at && at < *end) {
                    at = pause.1;
                    continue;
                }
                let until = self
                    .pauses
                    .iter()
                    .map(|pause| pause.0)
                    .filter(|begin| *begin > at)
                    .fold(end, Timestamp::min);
                let open = until.duration_since(at);
                if open >= left {
                    return Some(at + left);
                }
                left -= open;
                at = until;
            }
        }
        None
    }
}

fn window() -> impl Strategy<Value = Window> {
    (0..24 * 60u32, 0..=24 * 60u32).prop_map(|(begin, end)| {
        let text = format!("{:02}:{:02}-{:02}:{:02}", begin / 60, begin % 60, end / 60, end % 60);
        text.parse().unwrap()
    })
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    prop_oneof![
        Just(vec![]),
        prop::collection::vec(window(), 1..=3),
        Just(vec![Window::DAY])
    ]
}

/// Lives around changes of offset as often as anywhere else, everything on whole minutes.
fn life() -> impl Strategy<Value = Life> {
    let week = prop::array::uniform7(windows());
    let dates = prop::collection::vec(0..500i64, 0..12);
    let exceptions = prop::collection::vec((0..40i64, windows()), 0..4);
    let pauses = prop::collection::vec((-3_000..20_000i64, 1..8_000i64), 0..4);
    let receipt = (0..24_000_000i64, any::<bool>(), -4_000..4_000i64);
    (
        prop::sample::select(ZONES.to_vec()),
        week,
        dates,
        exceptions,
        pauses,
        receipt,
    )
        .prop_map(|(zone, week, holidays, exceptions, pauses, (minute, near, around))| {
            let zone: Zone = zone.parse().unwrap();
            let anywhere = at("2000-01-01T00:00:00Z") + minutes(minute);
            let change = zone.jiff().following(anywhere).next().map(|change| change.timestamp());
            let from = change
                .filter(|_| near)
                .map_or(anywhere, |change| change + minutes(around));
            let day = |days: i64| zone.local(from).date() + Span::new().days(days);
            Life {
                week,
                holidays: holidays.into_iter().map(day).collect(),
                exceptions: exceptions
                    .into_iter()
                    .map(|(days, windows)| (day(days - 3), windows))
                    .collect(),
                pauses: pauses
                    .into_iter()
                    .map(|(after, long)| (from + minutes(after), from + minutes(after + long)))
                    .collect(),
                from,
                zone,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn due_is_the_minute_that_a_painter_counts(life in life(), target in 1..6_000i64) {
        let due = life.calendar().due(life.from, minutes(target), &life.pauses);
        match life.painted(target, 60) {
            Some(painted) => prop_assert_eq!(due, Ok(painted)),
            None => prop_assert!(due.is_err() || due.is_ok_and(|due| due > life.from + minutes(57 * 24 * 60))),
        }
    }

    #[test]
    fn open_time_up_to_due_is_the_target(life in life(), target in 1..40_000i64, cut in 0..40_000i64) {
        let calendar = life.calendar();
        if let Ok(due) = calendar.due(life.from, minutes(target), &[]) {
            prop_assert_eq!(calendar.open_between(life.from, due), minutes(target));
            let before = due - SignedDuration::from_millis(1);
            prop_assert!(calendar.open_between(life.from, before) < minutes(target));
            let middle = life.from + minutes(cut.min(due.duration_since(life.from).as_mins()));
            let (first, second) = (calendar.open_between(life.from, middle), calendar.open_between(middle, due));
            prop_assert_eq!(first + second, minutes(target), "open time adds up");
        }
    }

    #[test]
    fn later_mail_longer_targets_and_more_pauses_are_never_due_earlier(life in life(), target in 1..6_000i64, more in 0..3_000i64) {
        let calendar = life.calendar();
        let never = Timestamp::MAX;
        let due = |from, target, pauses: &[_]| calendar.due(from, minutes(target), pauses).unwrap_or(never);
        let plain = due(life.from, target, &[]);
        prop_assert!(plain <= due(life.from, target + more, &[]));
        prop_assert!(plain <= due(life.from, target, &life.pauses));
        // The later mail may fall due where the earlier one's eleven years end, so only what both hold is compared.
        if plain < never {
            prop_assert!(plain <= due(life.from + minutes(more), target, &[]));
        }
    }

    #[test]
    fn the_next_opening_is_open_and_nothing_before_it_is(life in life()) {
        let calendar = life.calendar();
        if let Ok(opening) = calendar.next_open(life.from) {
            prop_assert!(opening >= life.from);
            prop_assert!(calendar.is_open(opening));
            prop_assert_eq!(calendar.open_between(life.from, opening), SignedDuration::ZERO);
            prop_assert_eq!(opening == life.from, calendar.is_open(life.from));
        }
    }

    #[test]
    fn hours_keep_their_text(week in prop::array::uniform7(windows())) {
        let hours = Hours::new(week).unwrap();
        prop_assert_eq!(hours.to_string().parse::<Hours>(), Ok(hours));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_target_of_a_year_is_due_where_a_list_of_all_windows_says(
        life in life(), target in 1..600_000i64, seconds in 0..60i64, millis in 0..1_000i64,
    ) {
        let mut life = life;
        life.from += SignedDuration::from_millis(seconds * 1_000 + millis);
        let target = minutes(target);
        prop_assert_eq!(life.calendar().due(life.from, target, &life.pauses).ok(), life.listed(target));
    }
}
