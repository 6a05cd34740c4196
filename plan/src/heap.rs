//! For each class its engineers, the one who is free first on top.
//!
//! One heap a class with the place of everybody in it, so that whoever is given work sinks from where they are.

use crate::interval::Minute;
use crate::team::Team;

/// The heaps of a team; by (free, place).
pub(crate) struct Heaps {
    heaps: Vec<Vec<u32>>,
    class: Vec<u32>,
    at: Vec<u32>,
    free: Vec<Minute>,
}

impl Heaps {
    /// Everybody free when their shift begins.
    pub fn new(team: &Team) -> Heaps {
        let free: Vec<Minute> = team.people.iter().map(|person| person.shift.begins(0)).collect();
        let mut heaps: Vec<Vec<u32>> = team.classes.iter().map(|class| class.members.clone()).collect();
        let mut at = vec![0; free.len()];
        for heap in &mut heaps {
            // A sorted list is a heap.
            heap.sort_unstable_by_key(|&person| (free[person as usize], person));
            for (place, &person) in heap.iter().enumerate() {
                at[person as usize] = place as u32;
            }
        }
        Heaps {
            heaps,
            class: team.people.iter().map(|person| person.class).collect(),
            at,
            free,
        }
    }

    /// Who of a class is free first.
    pub fn top(&self, class: u32) -> Option<u32> {
        self.heaps[class as usize].first().copied()
    }

    /// The first `most` of a class's heap: whoever is free first is among them.
    pub fn near_top(&self, class: u32, most: usize) -> impl Iterator<Item = u32> + '_ {
        self.heaps[class as usize].iter().copied().take(most)
    }

    /// When somebody is free.
    pub fn free(&self, person: u32) -> Minute {
        self.free[person as usize]
    }

    /// Somebody was given work: free later than before.
    pub fn busy_until(&mut self, person: u32, free: Minute) {
        self.free[person as usize] = free;
        let heap = &mut self.heaps[self.class[person as usize] as usize];
        let key = |person: u32| (self.free[person as usize], person);
        let mut place = self.at[person as usize] as usize;
        loop {
            let left = 2 * place + 1;
            let Some(&first) = heap.get(left) else { break };
            let child = match heap.get(left + 1) {
                Some(&second) if key(second) < key(first) => left + 1,
                _ => left,
            };
            if key(heap[child]) >= key(person) {
                break;
            }
            heap[place] = heap[child];
            self.at[heap[place] as usize] = place as u32;
            place = child;
        }
        heap[place] = person;
        self.at[person as usize] = place as u32;
    }
}
