//! The queue before the writer: bounded, in order, open to threads and to tasks.
//!
//! Not a channel, because none lets both a plain thread and an async task wait for a place: `std`'s would block a task's
//! thread, tokio's panics when a thread inside its runtime waits.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A bounded queue in order of arrival.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    places: usize,
    filled: Condvar,
    room: Condvar,
    room_for_tasks: Notify,
}

struct State<J> {
    jobs: VecDeque<J>,
    closed: bool,
}

/// What waiting for a job brought.
pub(super) enum Popped<J> {
    /// The oldest job.
    Job(J),
    /// Nothing in the time given.
    Idle,
    /// Nothing, and nothing will come.
    Closed,
}

enum Refused<J> {
    Full(J),
    Closed(J),
}

impl<J> Queue<J> {
    pub(super) fn new(places: usize) -> Self {
        Queue {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                closed: false,
            }),
            places,
            filled: Condvar::new(),
            room: Condvar::new(),
            room_for_tasks: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        // No job runs under this lock, so a panic cannot leave the list half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_push(&self, state: &mut State<J>, job: J) -> Result<(), Refused<J>> {
        if state.closed {
            return Err(Refused::Closed(job));
        }
        if state.jobs.len() >= self.places {
            return Err(Refused::Full(job));
        }
        state.jobs.push_back(job);
        self.filled.notify_one();
        Ok(())
    }

    /// Appends a job, waiting for a place; gives it back when the queue is closed.
    pub(super) fn push(&self, mut job: J) -> Result<(), J> {
        let mut state = self.state();
        loop {
            match self.try_push(&mut state, job) {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(refused)) => return Err(refused),
                Err(Refused::Full(refused)) => job = refused,
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// As [`Queue::push`], for a task.
    pub(super) async fn push_async(&self, mut job: J) -> Result<(), J> {
        loop {
            let mut room = pin!(self.room_for_tasks.notified());
            // Listens before it looks, so that a place freed in between is not missed.
            room.as_mut().enable();
            let tried = self.try_push(&mut self.state(), job);
            match tried {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(refused)) => return Err(refused),
                Err(Refused::Full(refused)) => job = refused,
            }
            room.await;
        }
    }

    /// The oldest job, if there is one now.
    pub(super) fn pop_now(&self) -> Option<J> {
        let job = self.state().jobs.pop_front();
        if job.is_some() {
            self.room.notify_one();
            self.room_for_tasks.notify_one();
        }
        job
    }

    /// The oldest of the jobs that are such, taken out of their order.
    pub(super) fn pop_such(&self, is_such: impl Fn(&J) -> bool) -> Option<J> {
        let mut state = self.state();
        let at = state.jobs.iter().position(is_such)?;
        let job = state.jobs.remove(at);
        drop(state);
        self.room.notify_one();
        self.room_for_tasks.notify_one();
        job
    }

    /// The oldest job, waiting for one; without `patience` until there is one or the queue is closed.
    pub(super) fn pop(&self, patience: Option<Duration>) -> Popped<J> {
        let empty = |state: &mut State<J>| state.jobs.is_empty() && !state.closed;
        let state = self.state();
        let state = match patience {
            Some(patience) => {
                self.filled
                    .wait_timeout_while(state, patience, empty)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .filled
                .wait_while(state, empty)
                .unwrap_or_else(PoisonError::into_inner),
        };
        let closed = state.closed;
        drop(state);
        match self.pop_now() {
            Some(job) => Popped::Job(job),
            None if closed => Popped::Closed,
            None => Popped::Idle,
        }
    }

    /// Takes no more jobs; those that are in are still given out.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
        self.room.notify_all();
        self.room_for_tasks.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_such_is_taken_out_and_all_others_keep_their_order() {
        let queue = Queue::new(4);
        for job in [3, 4, 6, 5] {
            assert!(queue.push(job).is_ok());
        }
        assert_eq!(queue.pop_such(|job| job % 2 == 0), Some(4), "the oldest of two");
        assert_eq!(queue.pop_such(|job| *job > 9), None);
        let left: Vec<i32> = std::iter::from_fn(|| queue.pop_now()).collect();
        assert_eq!(left, [3, 6, 5]);
    }

    #[test]
    fn a_full_queue_makes_threads_and_tasks_wait_for_a_place() {
        let queue = Arc::new(Queue::new(1));
        queue.push(0).unwrap();
        let thread = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(1)
        });
        let task = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap()
                    .block_on(queue.push_async(2))
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 3 {
            if let Popped::Job(job) = queue.pop(None) {
                seen.push(job);
            }
        }
        assert_eq!((thread.join().unwrap(), task.join().unwrap()), (Ok(()), Ok(())));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_has_and_takes_nothing() {
        let queue = Queue::new(4);
        queue.push(1).unwrap();
        assert!(matches!(queue.pop(Some(Duration::ZERO)), Popped::Job(1)));
        assert!(matches!(queue.pop(Some(Duration::ZERO)), Popped::Idle));
        queue.push(2).unwrap();
        queue.close();
        assert_eq!(queue.push(3), Err(3));
        assert!(matches!(queue.pop(None), Popped::Job(2)));
        assert!(matches!(queue.pop(None), Popped::Closed));
    }

    #[test]
    fn closing_wakes_whoever_waits_for_a_place() {
        let queue = Arc::new(Queue::new(1));
        queue.push(0).unwrap();
        let waiting = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(1)
        });
        queue.close();
        assert_eq!(waiting.join().unwrap(), Err(1));
    }
}
