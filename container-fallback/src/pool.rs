//! Containers that were started before anyone asks for them.

use crate::probe::Proven;
use crate::session::{Session, SessionOptions, StartError};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A few sessions without folders and devices, for calls that need neither. Each is used once: a session serves one call and is
/// then dropped, so nothing of one call reaches another.
#[derive(Debug)]
pub struct Pool {
    proven: Proven,
    state: PathBuf,
    size: usize,
    ready: Mutex<Vec<Session>>,
}

impl Pool {
    /// An empty pool for so many sessions.
    pub fn new(proven: Proven, state: PathBuf, size: usize) -> Self {
        Self { proven, state, size, ready: Mutex::new(Vec::new()) }
    }

    /// Starts what is missing, one after the other. For a thread in the background, after a call was served.
    ///
    /// # Errors
    /// As for [`Session::start`]; what was started before stays.
    pub fn fill(&self) -> Result<(), StartError> {
        while self.waiting() < self.size {
            let session = self.start()?;
            self.lock().push(session);
        }
        Ok(())
    }

    /// A session: one that waits, or a new one.
    ///
    /// # Errors
    /// As for [`Session::start`].
    pub fn take(&self) -> Result<Session, StartError> {
        loop {
            let waiting = self.lock().pop();
            match waiting {
                Some(session) if session.alive() => return Ok(session),
                // Something outside ended it.
                Some(_) => {}
                None => return self.start(),
            }
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn start(&self) -> Result<Session, StartError> {
        let options = SessionOptions { call: "pool".to_owned(), ..SessionOptions::default() };
        Session::start(&self.proven, &self.state, &options)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
