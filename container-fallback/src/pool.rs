//! Containers that were started before anyone asks for them.

use crate::probe::Proven;
use crate::session::{Session, SessionOptions, StartError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A few sessions without folders and devices, for calls that need neither. Each is used once: a session serves one call and is
/// then dropped, so nothing of one call reaches another.
#[derive(Debug)]
pub struct Pool {
    proven: Proven,
    state: PathBuf,
    size: usize,
    ready: Mutex<Vec<Session>>,
    /// Whether somebody starts what is missing.
    filling: AtomicBool,
}

impl Pool {
    /// An empty pool for so many sessions.
    pub fn new(proven: Proven, state: PathBuf, size: usize) -> Self {
        Self { proven, state, size, ready: Mutex::new(Vec::new()), filling: AtomicBool::new(false) }
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

    /// Starts what is missing on a thread of its own, unless one does so already. What fails there is told to whoever needs
    /// a session next.
    pub fn fill_soon(self: &Arc<Self>) {
        if self.filling.swap(true, Ordering::AcqRel) {
            return;
        }
        let pool = self.clone();
        let filler = move || {
            let _ = pool.fill();
            pool.filling.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("vox-containers".to_owned()).spawn(filler).is_err() {
            self.filling.store(false, Ordering::Release);
        }
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
