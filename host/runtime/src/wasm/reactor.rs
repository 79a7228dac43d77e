//! Who moves what a call waits for: timers, files, connections.
//!
//! A call that is alone with its waits moves them on its own thread, by a reactor that it borrows: nothing is handed to
//! another thread and back, which costs more than what is waited for. Connections live on the reactor that made them, so
//! a skill gets the one back that it had last. Calls that start programs, and sandboxes that are kept, share a thread
//! instead: what serves a program goes on while the guest computes, and a thousand kept sandboxes need no descriptors.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use vox_model::{Digest, Failure};

/// Reactors that wait for their next call. Each has three descriptors, besides those of its idle connections.
const IDLE: usize = 32;

/// How often idle reactors are looked after, as long as one has connections.
const ROUND: Duration = Duration::from_secs(5);

/// All reactors of a host; none before the first call that may wait.
#[derive(Default)]
pub(crate) struct Reactors {
    shared: OnceLock<Runtime>,
    /// The one that was used last is at the end.
    idle: Mutex<VecDeque<Idle>>,
    /// Whether somebody looks after the idle ones.
    attended: AtomicBool,
}

struct Idle {
    runtime: Runtime,
    /// The skill that had it last.
    skill: Digest,
}

/// What moves the waits of one call. Goes back to the others with this value.
pub(crate) struct Reactor {
    /// None for the shared one.
    own: Option<Runtime>,
    skill: Digest,
    home: Arc<Reactors>,
}

impl Reactors {
    /// The one that all share, with a thread of its own.
    ///
    /// # Errors
    /// The system has no thread or no descriptor left.
    pub(crate) fn shared(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.shared.get() {
            return Ok(runtime);
        }
        let mut builder = Builder::new_multi_thread();
        let made = builder.worker_threads(1).thread_name("vox-io").enable_all().build().map_err(none)?;
        // Whoever loses the race drops a runtime that has done nothing yet.
        Ok(self.shared.get_or_init(|| made))
    }

    /// The shared one, for a call.
    ///
    /// # Errors
    /// As [`Reactors::shared`].
    pub(crate) fn join(self: &Arc<Self>, skill: Digest) -> Result<Reactor, Failure> {
        self.shared()?;
        Ok(Reactor { own: None, skill, home: self.clone() })
    }

    /// One for this call alone: the one that the skill had before, if it is free.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub(crate) fn borrow(self: &Arc<Self>, skill: Digest) -> Result<Reactor, Failure> {
        let found = {
            let mut idle = self.idle();
            let at = idle.iter().rposition(|idle| idle.skill == skill);
            at.and_then(|at| idle.remove(at)).or_else(|| idle.pop_back())
        };
        let runtime = match found {
            Some(idle) => idle.runtime,
            None => Builder::new_current_thread().thread_name("vox-io").enable_all().build().map_err(none)?,
        };
        Ok(Reactor { own: Some(runtime), skill, home: self.clone() })
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(self: &Arc<Self>, idle: Idle) {
        let busy = settle(&idle.runtime);
        let oldest = {
            let mut all = self.idle();
            all.push_back(idle);
            if all.len() > IDLE { all.pop_front() } else { None }
        };
        if let Some(oldest) = oldest {
            // Work on files that nobody can interrupt is not waited for.
            oldest.runtime.shutdown_background();
        }
        if busy && !self.attended.swap(true, Ordering::AcqRel) {
            let home = Arc::downgrade(self);
            if std::thread::Builder::new().name("vox-idle".to_owned()).spawn(move || attend(&home)).is_err() {
                // The next call that leaves a connection tries again.
                self.attended.store(false, Ordering::Release);
            }
        }
    }
}

fn none(error: io::Error) -> Failure {
    Failure::Host(format!("nothing to wait with: {error}"))
}

/// Has tasks that were told to end do so, and connections see what has come; whether any are left.
fn settle(runtime: &Runtime) -> bool {
    if runtime.metrics().num_alive_tasks() == 0 {
        return false;
    }
    runtime.block_on(async {
        // Once for events to be seen, once for tasks to act on them, once for what these wake.
        for _ in 0..3 {
            yield_now().await;
        }
    });
    runtime.metrics().num_alive_tasks() > 0
}

/// Looks after connections that nobody uses: the other side closes them, their time ends. Over when none is left, or with
/// the host.
fn attend(home: &Weak<Reactors>) {
    loop {
        std::thread::sleep(ROUND);
        let Some(home) = home.upgrade() else { return };
        let mut busy = false;
        let count = home.idle().len();
        for _ in 0..count {
            // Taken out meanwhile, so that no call waits for it.
            let Some(idle) = home.idle().pop_front() else { break };
            busy |= settle(&idle.runtime);
            home.idle().push_back(idle);
        }
        if busy {
            continue;
        }
        home.attended.store(false, Ordering::Release);
        // One that came back just before was told that somebody looks.
        let left = home.idle().iter().any(|idle| idle.runtime.metrics().num_alive_tasks() > 0);
        if !left || home.attended.swap(true, Ordering::AcqRel) {
            return;
        }
    }
}

impl Reactor {
    /// What to wait on.
    ///
    /// # Errors
    /// As [`Reactors::shared`].
    pub(crate) fn runtime(&self) -> Result<&Runtime, Failure> {
        self.own.as_ref().map_or_else(|| self.home.shared(), Ok)
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(runtime) = self.own.take() {
            self.home.give_back(Idle { runtime, skill: self.skill });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    const A: Digest = Digest([1; 32]);
    const B: Digest = Digest([2; 32]);

    fn id(reactor: &Reactor) -> tokio::runtime::Id {
        reactor.runtime().unwrap().handle().id()
    }

    #[test]
    fn a_skill_gets_the_reactor_back_that_it_had() {
        let home = Arc::new(Reactors::default());
        let (a, b) = (home.borrow(A).unwrap(), home.borrow(B).unwrap());
        let ids = (id(&a), id(&b));
        assert_ne!(ids.0, ids.1, "two at once never share one");
        drop(a);
        drop(b);
        let again = home.borrow(A).unwrap();
        assert_eq!(id(&again), ids.0);
        assert_eq!(id(&home.borrow(A).unwrap()), ids.1, "one of another skill rather than a new one");
    }

    #[test]
    fn those_that_share_share_one_and_it_is_never_given_out_alone() {
        let home = Arc::new(Reactors::default());
        let (a, b) = (home.join(A).unwrap(), home.join(B).unwrap());
        assert_eq!(id(&a), id(&b));
        let shared = id(&a);
        drop((a, b));
        assert_ne!(id(&home.borrow(A).unwrap()), shared);
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let home = Arc::new(Reactors::default());
        let all: Vec<_> = (0..IDLE + 3).map(|_| home.borrow(A).unwrap()).collect();
        drop(all);
        assert_eq!(home.idle().len(), IDLE);
    }

    #[test]
    fn a_task_that_was_told_to_end_is_gone_when_the_reactor_is_back() {
        let home = Arc::new(Reactors::default());
        let reactor = home.borrow(A).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = reactor.runtime().unwrap();
        let task = runtime.spawn(async move {
            let _stream = TcpStream::connect(address).await.unwrap();
            std::future::pending::<()>().await;
        });
        runtime.block_on(yield_now());
        let (mut seen, _) = listener.accept().unwrap();
        task.abort();
        drop(reactor);
        seen.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(io::Read::read(&mut seen, &mut [0]).unwrap(), 0, "the connection is closed");
    }

    #[test]
    fn idle_connections_are_looked_after_until_none_is_left() {
        let home = Arc::new(Reactors::default());
        let reactor = home.borrow(A).unwrap();
        let listener = reactor.runtime().unwrap().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = reactor.runtime().unwrap();
        // Ends when the other side closes, as a kept connection does.
        runtime.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            while stream.readable().await.is_ok() {
                if matches!(stream.try_read(&mut [0]), Ok(0)) {
                    break;
                }
            }
        });
        let mine = std::net::TcpStream::connect(address).unwrap();
        drop(reactor);
        assert!(home.attended.load(Ordering::Acquire), "a task is left, so somebody looks");
        drop(mine);
        let alive = || home.idle().iter().map(|idle| idle.runtime.metrics().num_alive_tasks()).sum::<usize>();
        let until = std::time::Instant::now() + ROUND * 6;
        while (alive() > 0 || home.attended.load(Ordering::Acquire)) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(alive(), 0);
        assert!(!home.attended.load(Ordering::Acquire), "and nobody does any more");
    }
}
