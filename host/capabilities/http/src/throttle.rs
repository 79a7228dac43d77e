//! How many different names skills use under grants with a wildcard. Each name is a message to whoever serves the
//! domain, before any connection is made.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use vox_model::Digest;

/// How long a name is remembered.
const WINDOW: Duration = Duration::from_secs(60);

/// Skills that are remembered at the same time. One more makes room by forgetting windows that are over; while all
/// are open, new skills are refused.
const MAX_SKILLS: usize = 4096;

struct Window {
    since: Instant,
    names: HashSet<String>,
}

/// The names of the last minute.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, Digest), Window>>);

impl Throttle {
    /// Whether a skill of a tenant may use a name: it has used it in this minute, or there is room for another one.
    pub(crate) fn takes(&self, tenant: &str, skill: Digest, name: &str, limit: usize) -> bool {
        let Ok(mut skills) = self.0.lock() else { return false };
        let key = (tenant.to_owned(), skill);
        if !skills.contains_key(&key) && skills.len() >= MAX_SKILLS {
            skills.retain(|_, window| window.since.elapsed() < WINDOW);
            if skills.len() >= MAX_SKILLS {
                return false;
            }
        }
        let window = skills.entry(key).or_insert_with(|| Window { since: Instant::now(), names: HashSet::new() });
        if window.since.elapsed() >= WINDOW {
            *window = Window { since: Instant::now(), names: HashSet::new() };
        }
        if window.names.contains(name) {
            return true;
        }
        let room = window.names.len() < limit;
        if room {
            window.names.insert(name.to_owned());
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N8 of the threat model.
    #[test]
    fn names_run_out_for_one_skill_and_not_for_another() {
        let throttle = Throttle::default();
        let skill = Digest([1; 32]);
        let taken = (0..10_000).filter(|i| throttle.takes("a", skill, &format!("{i}.example.org"), 32)).count();
        assert_eq!(taken, 32);
        assert!(throttle.takes("a", skill, "0.example.org", 32), "a known name stays free");
        assert!(throttle.takes("b", skill, "x.example.org", 32));
        assert!(throttle.takes("a", Digest([2; 32]), "x.example.org", 32));
    }
}
