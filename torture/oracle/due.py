#!/usr/bin/env python3
"""Due times by other means: random calendars with what is due, for R9 (torture/tests/time.rs).

    due.py windows SEED COUNT CASES WANTED     a walk over windows, over all zones, 2000 to 2045
    due.py minutes SEED COUNT CASES WANTED     a walk over every single minute, painted open or closed
    due.py release                             the release of the zone database that is asked

Both ask zoneinfo and the PyPI package tzdata (run with PYTHONTZPATH empty) and share nothing with the program but the rules,
which are written in words in plan/src/calendar.rs. CASES are lines as `duly due --cases` takes them, WANTED the line that
each is to be answered with, or `refused`.
"""
import json
import random
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

UTC = timezone.utc
DAY = timedelta(days=1)
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# Factory says of itself that it is no zone; localtime is the machine's.
ZONES = sorted(available_timezones() - {"Factory", "localtime"})
# Dates that a zone skips, with their neighbours.
SKIPPED = [("Pacific/Apia", 2011, 12, 30), ("Pacific/Fakaofo", 2011, 12, 30), ("Pacific/Kwajalein", 1993, 8, 21)]
# As the program: dates looked at before it gives up.
MOST_DAYS = 4000


def clock(minute):
    return f"{minute // 60:02d}:{minute % 60:02d}"


def windows_of_a_day(rnd):
    kind = rnd.random()
    if kind < 0.15:
        return []
    if kind < 0.25:
        return ["00:00-24:00"]
    if kind < 0.40:  # over midnight
        begin = rnd.randrange(12 * 60, 24 * 60)
        return [f"{clock(begin)}-{clock(rnd.randrange(0, begin + 1))}"]
    if kind < 0.50:  # about the hours in which clocks are changed
        begin = rnd.randrange(0, 4 * 60, 15)
        return [f"{clock(begin)}-{clock(begin + rnd.randrange(15, 180, 15))}"]
    if kind < 0.58:  # windows that overlap: open once
        begin = rnd.randrange(0, 20 * 60)
        return [f"{clock(begin)}-{clock(begin + 180)}", f"{clock(begin + 60)}-{clock(begin + 120)}", f"{clock(begin + 90)}-{clock(begin + 239)}"]
    cuts = sorted(rnd.sample(range(6 * 60, 22 * 60, 5), rnd.choice([2, 2, 4, 6])))
    return [f"{clock(cuts[i])}-{clock(cuts[i + 1])}" for i in range(0, len(cuts), 2)]


def calendar_near(rnd, zone, day):
    """A random calendar whose holidays and exceptions lie about a day."""
    hours = {name: windows_of_a_day(rnd) for name in NAMES}
    near = lambda count, days: [(day + timedelta(rnd.randrange(-3, days))).isoformat() for _ in range(count)]
    if rnd.random() < 0.003:  # hardly ever open: some are refused
        hours = {}
    holidays = near(rnd.choice([0, 0, 1, 3, 20]), rnd.choice([10, 400]))
    exceptions = {d: rnd.choice([[], windows_of_a_day(rnd), ["10:00-12:00"]]) for d in near(rnd.choice([0, 1, 4]), 30)}
    for holiday in holidays[:2]:  # an exception on a holiday wins
        if rnd.random() < 0.5:
            exceptions[holiday] = ["09:00-10:30"]
    return {"zone": zone, "hours": {d: w for d, w in hours.items() if w}, "holidays": sorted(set(holidays)), "exceptions": exceptions}


def changes(zone, year):
    """Days of a year on whose way to the next the offset changes."""
    at = datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(at + i * DAY).astimezone(zone).utcoffset() for i in range(367)]
    return [at + i * DAY for i in range(366) if offsets[i] != offsets[i + 1]]


def place(rnd):
    """A zone and an instant: anywhere, or shortly before its clocks are changed."""
    if rnd.random() < 0.03:
        name, *skipped = rnd.choice(SKIPPED)
        start = datetime(*skipped, tzinfo=UTC) - timedelta(minutes=rnd.randrange(0, 6 * 1440))
        return name, start
    name, year = rnd.choice(ZONES), rnd.randrange(2000, 2046)
    start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(seconds=rnd.randrange(365 * 86400))
    if rnd.random() < 0.25:
        found = changes(ZoneInfo(name), year)
        if found:
            start = rnd.choice(found) - timedelta(minutes=rnd.randrange(0, 5 * 1440))
    return name, start


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def minutes_of(window):
    begin, end = ((int(part[:2]) * 60 + int(part[3:])) for part in window.split("-"))
    return begin, end if end > begin else end + 1440


def windows_on(calendar, day):
    text = day.isoformat()
    if text in calendar["exceptions"]:
        return calendar["exceptions"][text]
    if text in calendar["holidays"]:
        return []
    return calendar["hours"].get(NAMES[day.weekday()], [])


# --- the walk over windows


def instant(zone, day, minute):
    """fold=0: a gap is read with the offset before it, of two the first."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    return local.replace(tzinfo=zone).astimezone(UTC)


def is_skipped(zone, day):
    noon = instant(zone, day, 720).astimezone(zone)
    return noon.date() != day


def walk(calendar, start, target, pauses):
    zone, first = ZoneInfo(calendar["zone"]), start.astimezone(ZoneInfo(calendar["zone"])).date() - 2 * DAY
    days, spans, done = 12, [], 0
    while True:
        for i in range(done, days):
            day = first + i * DAY
            windows = windows_on(calendar, day)
            if windows and not is_skipped(zone, day):
                for window in windows:
                    begin, end = minutes_of(window)
                    spans.append((instant(zone, day, begin), instant(zone, day, end)))
        done = days
        # What lies close to the end may not be whole yet.
        sure = datetime(first.year, first.month, first.day, tzinfo=UTC) + (days - 4) * DAY
        due = spent(sorted(spans), start, target, pauses)
        if due is not None and (due < sure or days == MOST_DAYS):
            return due
        if days == MOST_DAYS:
            return None
        days = min(days * 4, MOST_DAYS)


def spent(spans, start, target, pauses):
    left, covered = target, start
    for begin, end in spans:
        begin = max(begin, covered)
        while begin < end:
            for pause, over in pauses:  # in order and apart
                if pause <= begin < over:
                    begin = over
            if begin >= end:
                break
            until = min([end] + [pause for pause, _ in pauses if pause > begin])
            if until - begin >= left:
                return begin + left
            left -= until - begin
            begin = until
        covered = max(covered, end)
    return None


def apart(pauses):
    joined = []
    for begin, end in sorted(p for p in pauses if p[0] < p[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def by_windows(rnd):
    name, start = place(rnd)
    calendar = calendar_near(rnd, name, start.date())
    minutes = rnd.choice([0, 15, 30, 60, 240, 480, 1440, rnd.randrange(1, 6000), rnd.randrange(1, 6000)])
    if rnd.random() < 0.004:
        minutes = rnd.randrange(6000, 130_000)
    pauses = []
    if rnd.random() < 0.35:
        for _ in range(rnd.choice([1, 1, 2, 5])):
            begin = start + timedelta(seconds=rnd.randrange(-86400, 5 * 86400))
            pauses.append((begin, begin + timedelta(seconds=rnd.randrange(-600, 4 * 86400))))
    due = start if minutes == 0 else walk(calendar, start, timedelta(minutes=minutes), apart(pauses))
    return calendar, start, minutes, pauses, due


# --- the walk over minutes


class Minutes:
    """Every minute of three weeks of a zone, and the first one at which its clocks show a local time."""

    LENGTH = 24 * 1440

    def __init__(self, rnd):
        name, start = place(rnd)
        self.zone, self.begin = name, start.replace(hour=0, minute=0, second=0) - 4 * DAY
        zone, shown = ZoneInfo(name), {}
        for minute in range(self.LENGTH):
            local = (self.begin + timedelta(minutes=minute)).astimezone(zone).replace(tzinfo=None, fold=0)
            shown.setdefault(local, minute)
        self.shown = shown
        self.days = {local.date() for local in shown}

    def minute(self, local):
        """In a gap no clock shows the time: as many minutes behind the last time that one showed."""
        for back in range(0, 26 * 60):
            found = self.shown.get(local - timedelta(minutes=back))
            if found is not None:
                return found + back
        return None

    def case(self, rnd):
        start = 4 * 1440 + rnd.randrange(0, 6 * 1440)
        calendar = calendar_near(rnd, self.zone, (self.begin + timedelta(minutes=start)).date())
        pauses = []
        for _ in range(rnd.choice([0, 0, 1, 3])):
            begin = start + rnd.randrange(-600, 3000)
            pauses.append((begin, begin + rnd.randrange(1, 2000)))
        opened = bytearray(self.LENGTH)
        for day in self.days:
            for window in windows_on(calendar, day):
                begin, end = (self.minute(datetime(day.year, day.month, day.day) + timedelta(minutes=m)) for m in minutes_of(window))
                if begin is not None and end is not None:
                    end = min(end, self.LENGTH)
                    opened[begin:end] = b"\1" * max(end - begin, 0)
        for begin, end in pauses:
            begin, end = max(begin, 0), min(end, self.LENGTH)
            opened[begin:end] = bytes(max(end - begin, 0))
        # Only what surely falls due before the painted minutes end; days at their edge are not whole.
        sure = self.LENGTH - 4 * 1440
        most = sum(opened[start:sure])
        if most == 0:
            return None
        target = rnd.randrange(1, most + 1)
        left, minute = target, start
        while left:
            left -= opened[minute]
            minute += 1
        at = lambda m: self.begin + timedelta(minutes=m)
        return calendar, at(start), target, [(at(b), at(e)) for b, e in pauses], at(minute)


def by_minutes(rnd, count):
    table, uses, made = None, 0, 0
    while made < count:
        if uses == 0:
            table, uses = Minutes(rnd), 100
        uses -= 1
        case = table.case(rnd)
        if case is not None:
            made += 1
            yield case


def main():
    if sys.argv[1] == "release":
        import tzdata

        print(tzdata.IANA_VERSION)
        return
    how, seed, count, cases, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
    rnd = random.Random(seed)
    made = (by_windows(rnd) for _ in range(count)) if how == "windows" else by_minutes(rnd, count)
    with open(cases, "w") as questions, open(wanted, "w") as answers:
        for number, (calendar, start, minutes, pauses, due) in enumerate(made):
            case = {"id": number, "from": iso(start), "target_minutes": minutes, "pauses": [[iso(b), iso(e)] for b, e in pauses], "calendar": calendar}
            questions.write(json.dumps(case, separators=(",", ":")) + "\n")
            answers.write(("refused" if due is None else iso(due)) + "\n")


main()
