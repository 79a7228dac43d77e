//! Small writes: a grant, a value, an entry of the cache.

use crate::campaign::Subject;
use crate::tree::{age, copy, leftovers};
use std::path::PathBuf;
use std::sync::OnceLock;
use vox_tests::program::{Place, Ran};
use vox_tests::{fixtures, places};

fn stuck<T, E: std::fmt::Display>(done: Result<T, E>) -> T {
    done.unwrap_or_else(|error| panic!("{error}"))
}

fn run(place: &Place, words: &[&str], what: &str) -> Ran {
    let ran = place.run(words);
    assert_eq!(ran.code, Some(0), "{words:?} after {what}\n{}{}", ran.stdout, ran.stderr);
    ran
}

/// A place that is made once and copied.
#[derive(Default)]
struct Template(OnceLock<Place>);

impl Template {
    fn copied(&self, make: impl FnOnce() -> Place) -> Place {
        let place = stuck(Place::in_memory());
        copy(self.0.get_or_init(make).root(), place.root());
        place
    }
}

/// A place with the guest `store`, which has its settings and nothing else.
fn with_store() -> Place {
    let place = stuck(Place::in_memory());
    let guest = stuck(places::guest("store"));
    stuck(std::fs::copy(guest, place.work().join("store.wasm")));
    run(&place, &["grant", "store.wasm", "--config", "unit=km", "--yes"], "nothing");
    place
}

fn nothing_is_left(place: &Place, what: &str) {
    assert_eq!(leftovers(&place.home()), [""; 0].map(PathBuf::from), "{what}");
}

/// `vox grant`.
#[derive(Default)]
pub struct Grant(Template);

impl Subject for Grant {
    fn ready(&self) -> Place {
        self.0.copied(with_store)
    }

    fn words(&self) -> &[&str] {
        &["grant", "store.wasm", "--allow-kv", "--yes"]
    }

    fn codes(&self) -> &[i32] {
        &[4, 8]
    }

    fn settle(&self, place: &Place, ran: &Ran, what: &str) {
        let listed = run(place, &["grants"], what).stdout;
        assert!(listed.contains("read the setting `unit`"), "the old grant is gone: {what}\n{listed}");
        let new = listed.contains("keep up to 1MiB");
        assert!(new || ran.code != Some(0), "acknowledged and gone: {what}\n{listed}");
        run(place, self.words(), what);
        assert!(run(place, &["grants"], what).stdout.contains("keep up to 1MiB"), "{what}");
        age(&leftovers(&place.home()));
        run(place, &["revoke", "--all"], what);
        nothing_is_left(place, what);
    }
}

/// `vox call` of a function that keeps a value.
pub struct Keep {
    template: Template,
    /// Whether there is a store with something in it already.
    there: bool,
}

impl Keep {
    pub fn new(there: bool) -> Self {
        Self { template: Template::default(), there }
    }
}

impl Subject for Keep {
    fn ready(&self) -> Place {
        self.template.copied(|| {
            let place = with_store();
            run(&place, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km", "--yes"], "nothing");
            let first: &[&str] = match self.there {
                true => &["call", "store.wasm", "set", "first", "1"],
                false => &["call", "store.wasm", "now"],
            };
            run(&place, first, "nothing");
            place
        })
    }

    fn words(&self) -> &[&str] {
        &["call", "store.wasm", "set", "second", "2"]
    }

    fn codes(&self) -> &[i32] {
        // What the skill is told, a damaged state, and what this machine lacks.
        &[1, 3, 4, 8, 10]
    }

    fn settle(&self, place: &Place, ran: &Ran, what: &str) {
        age(&leftovers(&place.home()));
        let get = |key: &str| run(place, &["call", "store.wasm", "get", key], what).stdout;
        let second = get("second");
        assert!(second == "\"2\"\n" || second == "null\n", "{what}\n{second}");
        assert!(second == "\"2\"\n" || ran.code != Some(0), "acknowledged and gone: {what}");
        if self.there {
            assert_eq!(get("first"), "\"1\"\n", "{what}");
        }
        run(place, self.words(), what);
        assert_eq!(get("second"), "\"2\"\n", "{what}");
        run(place, &["revoke", "--all"], what);
        nothing_is_left(place, what);
    }
}

/// `vox call` of a skill that has to be compiled and kept.
#[derive(Default)]
pub struct Compile(Template);

impl Subject for Compile {
    fn ready(&self) -> Place {
        self.0.copied(|| {
            let place = stuck(Place::in_memory());
            place.put("answer.wasm", fixtures::assembled(fixtures::ANSWER));
            place.put("other.wasm", fixtures::assembled(&fixtures::ANSWER.replace("42", "43")));
            place
        })
    }

    fn words(&self) -> &[&str] {
        &["call", "answer.wasm", "answer"]
    }

    fn codes(&self) -> &[i32] {
        &[4, 10]
    }

    fn settle(&self, place: &Place, ran: &Ran, what: &str) {
        assert!(ran.code != Some(0) || ran.stdout == "42\n", "{what}\n{}{}", ran.stdout, ran.stderr);
        age(&leftovers(&place.home()));
        for _ in 0..2 {
            let again = run(place, self.words(), what);
            assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("42\n", ""), "{what}");
        }
        // What was left goes when the next entry is written.
        assert_eq!(run(place, &["call", "other.wasm", "answer"], what).stdout, "43\n", "{what}");
        let usage = run(place, &["cache", "--format", "json"], what).stdout;
        assert!(usage.contains("\"quarantined\":0") && usage.contains("\"code\":2"), "{what}\n{usage}");
        nothing_is_left(place, what);
    }
}
