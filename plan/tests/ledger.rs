//! P18: no minute is lost or negative after any sequence of promises made, finished, cancelled and moved.

mod desk;

use desk::{Dice, Skills, exact_promise, first_seed, instances, small};
use plan::slack::Profiles;
use plan::snapshot::Snapshot;

/// One change of a desk, done to a list of promises and to the profiles alike.
fn change(dice: &mut Dice, desk: &mut Snapshot, profiles: &mut Profiles, id: i64) {
    let kinds = desk.kinds.len() as i64;
    let at = |dice: &mut Dice, desk: &Snapshot| dice.between(0, desk.promises.len() as i64 - 1) as usize;
    match dice.between(0, 3) {
        _ if desk.promises.is_empty() => make(dice, desk, profiles, id, kinds),
        0 | 1 => make(dice, desk, profiles, id, kinds),
        2 => {
            let gone = desk.promises.remove(at(dice, desk));
            profiles.add(gone.kind, -gone.work.mean, gone.due);
        }
        _ => {
            let place = at(dice, desk);
            let promise = &mut desk.promises[place];
            profiles.add(promise.kind, -promise.work.mean, promise.due);
            promise.due = 30 * dice.between(0, 9);
            profiles.add(promise.kind, promise.work.mean, promise.due);
        }
    }
}

fn make(dice: &mut Dice, desk: &mut Snapshot, profiles: &mut Profiles, id: i64, kinds: i64) {
    let promise = exact_promise(
        id,
        dice.between(1, kinds),
        30 * dice.between(0, 9),
        15 * dice.between(1, 4),
    );
    profiles.add(promise.kind, promise.work.mean, promise.due);
    desk.promises.push(promise);
}

#[test]
fn profiles_after_any_sequence_are_those_of_the_list_of_promises() {
    for seed in first_seed()..first_seed() + instances(3) {
        let mut dice = Dice::new(seed);
        let skills = if seed % 2 == 0 { Skills::Any } else { Skills::Nested };
        let mut desk = small(&mut dice, skills);
        desk.promises.clear();
        let mut profiles = Profiles::new(&desk);
        for id in 1..=20 {
            change(&mut dice, &mut desk, &mut profiles, id);
            let anew = Profiles::new(&desk);
            for kind in 1..=desk.kinds.len() as i64 {
                for (minutes, want) in [(1, 1), (30, 60), (100, 1), (400, 1)] {
                    let (kept, made) = (
                        profiles.earliest(kind, minutes, want),
                        anew.earliest(kind, minutes, want),
                    );
                    assert_eq!(kept, made, "seed {seed}, after change {id}");
                }
            }
        }
    }
}
