//! The laws of `GrantSet`, for every pair of small grants. Those of files and HTTP have tests of their own.

use super::*;

/// What a grant allows, as a set of words.
type Atoms = BTreeSet<&'static str>;

/// Something that can be granted, and what it allows.
fn all() -> Vec<(Granted, Atoms)> {
    let one = |make: &dyn Fn(&mut Granted), atoms: &[&'static str]| {
        let mut granted = Granted::default();
        make(&mut granted);
        (granted, atoms.iter().copied().collect())
    };
    let clock = |text: &str| text.parse::<vox_cap_clock::Grant>().unwrap();
    let kv = |text: &str| text.parse::<vox_cap_kv::Grant>().unwrap();
    let setting = |text: &str| text.parse::<vox_cap_config::Grant>().unwrap();
    let seed = |text: &str| text.parse::<vox_cap_random::Grant>().unwrap();
    vec![
        one(&|_| {}, &[]),
        one(&|it| it.clock = clock("coarse"), &["ms"]),
        one(&|it| it.clock = clock("fine"), &["ms", "ns"]),
        one(&|it| it.kv = kv("1MiB"), &["1 MiB"]),
        one(&|it| it.kv = kv("2MiB"), &["1 MiB", "2 MiB"]),
        one(&|it| it.config = setting("a=1"), &["a=1"]),
        one(&|it| it.config = setting("b=1"), &["b=1"]),
        one(&|it| it.config = setting("a=2"), &["a=2"]),
        one(&|it| it.random = seed("1"), &["seed 1"]),
        one(&|it| it.random = seed("2"), &["seed 2"]),
        one(
            &|it| {
                it.clock = clock("fine");
                it.kv = kv("1MiB");
                it.config = setting("a=1");
                it.random = seed("1");
            },
            &["ms", "ns", "1 MiB", "a=1", "seed 1"],
        ),
    ]
}

/// What is in a grant, by looking at it.
fn atoms(granted: &Granted) -> Atoms {
    let mut found = Atoms::new();
    match granted.clock.precision {
        None => {}
        Some(vox_cap_clock::Precision::Coarse) => found.extend(["ms"]),
        Some(vox_cap_clock::Precision::Fine) => found.extend(["ms", "ns"]),
    }
    match granted.kv.quota {
        0 => {}
        0x10_0000 => found.extend(["1 MiB"]),
        0x20_0000 => found.extend(["1 MiB", "2 MiB"]),
        other => panic!("a quota of {other}"),
    }
    for (name, value) in granted.config.settings() {
        found.insert(match (name.as_str(), value.as_str()) {
            ("a", "1") => "a=1",
            ("a", "2") => "a=2",
            ("b", "1") => "b=1",
            other => panic!("{other:?}"),
        });
    }
    match granted.random.seed {
        None => {}
        Some(1) => drop(found.insert("seed 1")),
        Some(2) => drop(found.insert("seed 2")),
        Some(other) => panic!("a seed of {other}"),
    }
    found
}

/// Of two values for one name the later one holds.
fn displaces(new: &str, old: &str) -> bool {
    let key = |atom: &str| atom.split(['=', ' ']).next().map(str::to_owned);
    new != old && key(new) == key(old)
}

#[test]
fn adding_gives_both_and_nothing_beyond() {
    for (a, in_a) in all() {
        assert_eq!(atoms(&a), in_a);
        for (b, in_b) in all() {
            let mut both = a.clone();
            both.merge(&b);
            let kept = in_a.iter().copied().filter(|old| !in_b.iter().any(|new| displaces(new, old)));
            assert_eq!(atoms(&both), kept.chain(in_b.iter().copied()).collect(), "{a:?} and {b:?}");
        }
    }
}

#[test]
fn taking_away_leaves_nothing_of_the_other() {
    for (a, in_a) in all() {
        for (b, in_b) in all() {
            let mut less = a.clone();
            less.subtract(&b);
            let left = atoms(&less);
            assert!(left.is_subset(&in_a) && left.is_disjoint(&in_b), "{a:?} less {b:?}: {less:?}");
            // What goes besides: what cannot be had without what was taken away, such as a store; all values of a setting.
            let whole = |atom: &&str| match *atom {
                "ms" | "ns" => in_b.contains("ms"),
                "1 MiB" | "2 MiB" => in_b.contains("1 MiB"),
                other => in_b.iter().any(|taken| *taken == other || taken.contains('=') && displaces(taken, other)),
            };
            let expected: Atoms = in_a.iter().copied().filter(|atom| !whole(atom)).collect();
            assert_eq!(left, expected, "{a:?} less {b:?}");
        }
    }
}

#[test]
fn what_widened_is_empty_exactly_where_the_other_covers_it() {
    for (a, in_a) in all() {
        for (b, in_b) in all() {
            let wider = a.without(&b);
            assert_eq!(wider.is_empty(), in_a.is_subset(&in_b), "{a:?} beyond {b:?}: {wider:?}");
            let seen = atoms(&wider);
            assert!(seen.is_subset(&in_a) && in_a.difference(&in_b).all(|atom| seen.contains(atom)), "{a:?} {b:?}");
        }
    }
}

#[test]
fn what_gives_something_says_so() {
    for (a, in_a) in all() {
        assert_eq!(a.is_empty(), in_a.is_empty(), "{a:?}");
        assert_eq!(a.describe().is_empty(), in_a.is_empty(), "{a:?}");
        assert_eq!(a.capabilities().is_empty(), in_a.is_empty(), "{a:?}");
        let expected: BTreeSet<Capability> = in_a
            .iter()
            .map(|atom| match *atom {
                "ms" | "ns" => Capability::Clock,
                "1 MiB" | "2 MiB" => Capability::Kv,
                "seed 1" | "seed 2" => Capability::Random,
                _ => Capability::Config,
            })
            .collect();
        assert_eq!(a.capabilities(), expected, "{a:?}");
        let kept: Granted = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
        assert_eq!(kept, a, "it is stored as it is");
    }
}
