//! The launcher: this program started again, which becomes the init of a session.
//!
//! ```text
//! outer: name spaces, then starts itself as   init: private root, limits, capabilities, Landlock, seccomp, commands
//! ```
//!
//! Two processes, because a process name space holds the children of whoever made it. Both have one thread.

mod confine;
mod filter;
mod init;
mod measure;
mod outer;
mod root;
mod serve;
mod sys;

pub(crate) use measure::{FILE, MEASURE, Report};

/// The word after which the launcher makes name spaces.
pub(crate) const OUTER: &str = "outer";
/// The word after which it is the init of a session.
pub(crate) const INIT: &str = "init";

/// A step that failed: what, and what a person can do.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) what: String,
    pub(crate) fix: String,
}

/// What most failures can only be answered with.
const WITHOUT: &str = "run without `--trust`, in a container";

impl Failed {
    /// A step of the set-up that the system refused.
    pub(crate) fn step(what: &str, error: impl std::fmt::Display) -> Self {
        Self { what: format!("{what} failed: {error}"), fix: WITHOUT.to_owned() }
    }
}

/// Runs this process as a part of the launcher: `words` are what follows the hidden word that the host was given. Gives the
/// exit status.
///
/// Called before anything else happens in the process: it has one thread, and no descriptor but the standard ones.
pub fn launch(words: &[String]) -> u8 {
    sys::close_others();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [OUTER] => outer::outer(),
        [INIT] => init::init(),
        [MEASURE] => measure::measure(),
        [MEASURE, FILE] => measure::large_file(),
        _ => 2,
    }
}
