#[path = "../../tests/toy/mod.rs"]
mod toy;
mod watch;

use super::store::KEEP_OVER;
use super::*;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use toy::{Toy, allow, both, files, http, skill};
use vox_model::Capability;
use vox_model::Lease as _;

struct Place {
    home: tempfile::TempDir,
    grants: Grants<Toy>,
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    Place { grants: Grants::new(&home.path().join("state")), home }
}

fn deny(asking: &Asking, grant: Toy) -> NewGrant<Toy> {
    NewGrant { decision: Decision::Deny, ..allow(asking, grant) }
}

fn lasting(new: NewGrant<Toy>, time: Duration) -> NewGrant<Toy> {
    NewGrant { terms: Terms { lasting: Some(time), ..new.terms }, ..new }
}

fn times(new: NewGrant<Toy>, times: u64) -> NewGrant<Toy> {
    NewGrant { terms: Terms { times: Some(times), ..new.terms }, ..new }
}

fn effective(grants: &Grants<Toy>, asking: &Asking) -> Toy {
    grants.look_up(asking).unwrap().effective(&Toy::default())
}

#[test]
fn empty_means_nothing() {
    let Place { grants, home } = place();
    let a = skill("a", 1, 1);
    let answer = grants.look_up(&a).unwrap();
    assert_eq!((&answer.standing, &answer.denied), (&Standing::Nothing, &Denied::Nothing));
    assert!(answer.effective(&Toy::default()).is_empty());
    assert_eq!(grants.note_use(&answer).unwrap(), Use::Counted);
    assert!(grants.list().unwrap().is_empty());
    assert!(!home.path().join("state").exists(), "looking made something");
    assert!(matches!(grants.add(allow(&a, Toy::default())), Err(GrantsError::Empty(_))));
    assert!(matches!(grants.add(deny(&a, Toy::default())), Err(GrantsError::Empty(_))));
    assert!(grants.look_up(&a).unwrap().effective(&Toy::default()).is_empty());
}

#[test]
fn a_grant_holds_for_one_name_content_and_consent() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    assert_eq!(effective(&grants, &a), http(&["x"]));
    for other in [skill("b", 1, 1), skill("a", 2, 1), skill("a", 1, 2), skill("A", 1, 1)] {
        assert!(effective(&grants, &other).is_empty(), "{other:?}");
    }
}

#[test]
fn grants_without_end_join_and_say_who_gave_what() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let first = grants.add(allow(&a, http(&["x"]))).unwrap();
    let second = grants.add(allow(&a, files(&["y"]))).unwrap();
    assert_eq!((first.id, first.merged, second.merged), (second.id, false, true));
    let third = grants.add(times(allow(&a, http(&["z"])), 3)).unwrap();
    let answer = grants.look_up(&a).unwrap();
    let given: Vec<_> = answer.sources.iter().map(|source| (source.id, source.grant.clone())).collect();
    assert_eq!(given, [(first.id, both(http(&["x"]), &files(&["y"]))), (third.id, http(&["z"]))]);
    assert_eq!(grants.list().unwrap().len(), 2);
}

#[test]
fn other_content_shows_what_widened_and_gives_nothing() {
    let Place { grants, home: _home } = place();
    let (v1, v2, v3) = (skill("a", 1, 1), skill("a", 2, 2), skill("a", 3, 3));
    grants.add(allow(&v1, http(&["x", "old"]))).unwrap();
    let id = grants.add(allow(&v2, http(&["x"]))).unwrap().id;
    let answer = grants.look_up(&v3).unwrap();
    assert!(answer.effective(&Toy::default()).is_empty());
    let Standing::Widened { old, from, changed } = answer.standing else { panic!() };
    // The last version alone: what only the one before it had is asked about again.
    assert_eq!((&old, from, changed), (&http(&["x"]), vec![id], Changed::Digest(v2.digest)));
    assert_eq!(http(&["x", "new"]).without(&old), http(&["new"]));
    // Also where a person was shown the same for both.
    let (w1, w2) = (skill("w", 1, 1), skill("w", 2, 1));
    grants.add(allow(&w1, http(&["old"]))).unwrap();
    grants.add(allow(&w2, http(&["x"]))).unwrap();
    let answer = grants.look_up(&skill("w", 3, 1)).unwrap();
    assert!(matches!(answer.standing, Standing::Widened { old, .. } if old == http(&["x"])));
    // The earlier ones still hold for their own content.
    assert_eq!(effective(&grants, &v1), http(&["x", "old"]));
}

#[test]
fn another_description_voids_a_grant() {
    let Place { grants, home: _home } = place();
    let (before, after) = (skill("a", 1, 1), skill("a", 1, 2));
    grants.add(allow(&before, http(&["x"]))).unwrap();
    let answer = grants.look_up(&after).unwrap();
    assert!(matches!(answer.standing, Standing::Widened { changed: Changed::Consent, .. }));
    assert!(answer.effective(&Toy::default()).is_empty());
    grants.add(allow(&after, http(&["y"]))).unwrap();
    assert_eq!(effective(&grants, &after), http(&["y"]));
    assert!(effective(&grants, &before).is_empty(), "void stays void");
    // What is forbidden is not void: a yes to another description does not lift it.
    let id = grants.add(deny(&before, http(&["x"]))).unwrap().id;
    grants.add(allow(&skill("a", 1, 3), http(&["x", "z"]))).unwrap();
    assert!(grants.list().unwrap().iter().any(|entry| entry.id == id));
    assert_eq!(effective(&grants, &skill("a", 1, 3)), http(&["z"]));
}

#[test]
fn what_is_forbidden_beats_what_is_given() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x", "y"]))).unwrap();
    let forbids = grants.add(deny(&a, http(&["x"]))).unwrap().id;
    assert_eq!(effective(&grants, &a), http(&["y"]));
    let answer = grants.look_up(&a).unwrap();
    assert_eq!(answer.effective(&http(&["x", "z"])), http(&["y", "z"]), "flags cannot lift it");
    assert_eq!(grants.add(allow(&a, http(&["x"]))).unwrap().denied_by, [forbids]);
    assert_eq!(grants.add(allow(&a, http(&["z"]))).unwrap().denied_by, []);
    assert_eq!(effective(&grants, &a), http(&["y", "z"]));
    // Neither a new build, nor a new name, nor another description lifts it; another skill is not concerned.
    for same in [skill("a", 2, 1), skill("b", 1, 1), skill("a", 1, 2)] {
        assert!(grants.look_up(&same).unwrap().effective(&http(&["x"])).is_empty(), "{same:?}");
    }
    assert_eq!(grants.look_up(&skill("b", 2, 1)).unwrap().effective(&http(&["x"])), http(&["x"]));
    // Taking back what was given leaves it; only its id lifts it.
    grants.revoke(&Revoke::Skill("a".to_owned())).unwrap();
    grants.revoke(&Revoke::All).unwrap();
    assert!(grants.look_up(&a).unwrap().effective(&http(&["x"])).is_empty());
    grants.revoke(&Revoke::Id(forbids)).unwrap();
    assert_eq!(grants.look_up(&a).unwrap().effective(&http(&["x"])), http(&["x"]));
}

#[test]
fn everything_can_be_forbidden() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    let all = NewGrant { decision: Decision::DenyAll, ..allow(&a, http(&["ignored"])) };
    let id = grants.add(all.clone()).unwrap().id;
    assert_eq!(grants.add(all).unwrap().id, id);
    assert!(
        grants.list().unwrap().iter().any(|entry| entry.id == id && entry.grant.is_empty()),
        "a set without meaning"
    );
    let answer = grants.look_up(&a).unwrap();
    assert_eq!(answer.denied, Denied::Everything);
    assert!(answer.effective(&files(&["z"])).is_empty());
    assert_eq!(grants.add(allow(&a, http(&["y"]))).unwrap().denied_by, [id]);
    // In `Widened` too: what is forbidden was not agreed to.
    grants.add(deny(&skill("b", 9, 9), http(&["x"]))).unwrap();
    grants.add(allow(&skill("b", 8, 8), http(&["x", "y"]))).unwrap();
    let Standing::Widened { old, .. } = grants.look_up(&skill("b", 7, 7)).unwrap().standing else { panic!() };
    assert_eq!(old, http(&["y"]));
}

#[test]
fn time_runs_out_and_setting_the_clock_back_does_not_help() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let now = Timestamp::now();
    let minutes = |n: i64| SignedDuration::from_mins(n);
    let new = lasting(allow(&a, http(&["x"])), Duration::from_secs(600));
    let id = grants.add_at(new.clone(), now).unwrap().id;
    let holds = |at: Timestamp| !grants.look_up_at(&a, at).unwrap().effective(&Toy::default()).is_empty();
    let end = now + minutes(10);
    assert!(holds(now) && holds(end - SignedDuration::from_millis(1)));
    assert!(!holds(end) && !holds(end + minutes(1)));
    assert!(holds(now - SignedDuration::from_secs(60)) && !holds(now - SignedDuration::from_secs(61)));
    assert!(!holds(now - minutes(5)));
    assert_eq!(grants.list().unwrap()[0].life(end), Life::Expired);
    // Once over it counts for nothing, also not as what was given before.
    assert_eq!(grants.look_up_at(&skill("a", 2, 1), end).unwrap().standing, Standing::Nothing);
    let late = grants.look_up_at(&a, now).unwrap();
    assert_eq!(grants.note_use_at(&late, end).unwrap(), Use::Gone(vec![id]));
    // The same again renews it; a week later it is no longer listed.
    assert_eq!(grants.add_at(new, end).unwrap().id, id);
    assert!(holds(end + minutes(9)));
    grants.add_at(allow(&a, files(&["y"])), end + minutes(10) + KEEP_OVER).unwrap();
    assert_eq!(grants.list().unwrap().len(), 1);
}

#[test]
fn what_is_over_is_listed_for_a_week() {
    let Place { grants, home: _home } = place();
    let (a, other) = (skill("a", 1, 1), skill("other", 2, 2));
    let (now, week) = (Timestamp::now(), SignedDuration::from_hours(168));
    let timed = grants.add_at(lasting(allow(&a, http(&["x"])), Duration::from_secs(600)), now).unwrap().id;
    let counted = grants.add_at(times(allow(&a, files(&["y"])), 1), now).unwrap().id;
    let answer = grants.look_up_at(&a, now).unwrap();
    assert_eq!(grants.note_use_at(&answer, now).unwrap(), Use::Counted);
    let last = grants.add_at(allow(&other, http(&["z"])), now).unwrap().id;
    // Each change tidies up.
    let listed = |at: Timestamp| -> Vec<EntryId> {
        grants.add_at(allow(&other, http(&["z"])), at).unwrap();
        grants.list().unwrap().iter().map(|entry| entry.id).collect()
    };
    assert_eq!(listed(now + week - SignedDuration::from_secs(1)), [timed, counted, last]);
    assert_eq!(listed(now + week), [timed, last]);
    assert_eq!(listed(now + week + SignedDuration::from_secs(599)), [timed, last]);
    assert_eq!(listed(now + week + SignedDuration::from_secs(600)), [last]);
}

#[test]
fn a_limited_grant_never_gains_or_loses_its_limit() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let limited = grants.add(times(allow(&a, http(&["x"])), 2)).unwrap().id;
    let open = grants.add(allow(&a, http(&["x"]))).unwrap().id;
    assert_ne!(limited, open);
    assert_eq!(grants.add(times(allow(&a, http(&["x"])), 5)).unwrap().id, limited);
    let left: Vec<_> = grants.list().unwrap().iter().map(|entry| entry.uses_left).collect();
    assert_eq!(left, [Some(5), None]);
    for bad in [times(allow(&a, http(&["x"])), 0), times(deny(&a, http(&["x"])), 1)] {
        assert!(matches!(grants.add(bad), Err(GrantsError::Terms(_))));
    }
    for bad in [Duration::ZERO, Duration::MAX] {
        assert!(matches!(grants.add(lasting(allow(&a, http(&["x"])), bad)), Err(GrantsError::Terms(_))));
    }
}

#[test]
fn uses_are_counted_and_run_out() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let id = grants.add(times(allow(&a, http(&["x"])), 2)).unwrap().id;
    let stale = grants.look_up(&a).unwrap();
    for _ in 0..2 {
        assert_eq!(grants.note_use(&grants.look_up(&a).unwrap()).unwrap(), Use::Counted);
    }
    assert!(effective(&grants, &a).is_empty());
    assert_eq!(grants.note_use(&stale).unwrap(), Use::Gone(vec![id]));
    assert_eq!(grants.list().unwrap()[0].life(Timestamp::now()), Life::Spent);
}

#[test]
fn a_call_counts_on_all_of_its_grants_or_on_none() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let x = grants.add(times(allow(&a, http(&["x"])), 5)).unwrap().id;
    let y = grants.add(allow(&a, http(&["y"]))).unwrap().id;
    let answer = grants.look_up(&a).unwrap();
    grants.revoke(&Revoke::Id(y)).unwrap();
    assert_eq!(grants.note_use(&answer).unwrap(), Use::Gone(vec![y]));
    let entry = &grants.list().unwrap()[0];
    assert_eq!((entry.id, entry.uses_left, entry.last_used), (x, Some(5), None));
}

#[test]
fn last_use_is_kept_to_the_minute_without_writing_each_time() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    let answer = grants.look_up(&a).unwrap();
    let now = Timestamp::now();
    let used = |at| {
        assert_eq!(grants.note_use_at(&answer, at).unwrap(), Use::Counted);
        grants.list().unwrap()[0].last_used
    };
    assert_eq!(used(now), Some(now));
    assert_eq!(used(now + SignedDuration::from_secs(59)), Some(now));
    let later = now + SignedDuration::from_secs(60);
    assert_eq!(used(later), Some(later));
}

#[test]
fn revoking_takes_one_all_of_a_skill_or_everything() {
    let Place { grants, home: _home } = place();
    let (a1, a2, b) = (skill("a", 1, 1), skill("a", 2, 1), skill("b", 3, 1));
    let first = grants.add(allow(&a1, http(&["x"]))).unwrap().id;
    assert_eq!(grants.revoke(&Revoke::Id(first)).unwrap()[0].grant, http(&["x"]));
    assert!(matches!(grants.revoke(&Revoke::Id(first)), Err(GrantsError::NoSuch(id)) if id == first));
    for asking in [&a1, &a2, &b] {
        assert_ne!(grants.add(allow(asking, http(&["x"]))).unwrap().id, first, "ids are never used twice");
    }
    assert_eq!(grants.revoke(&Revoke::Skill("a".to_owned())).unwrap().len(), 2);
    assert_eq!(effective(&grants, &b), http(&["x"]));
    assert_eq!(grants.revoke(&Revoke::All).unwrap().len(), 1);
    assert!(grants.revoke(&Revoke::All).unwrap().is_empty());
}

#[test]
fn odd_names_are_refused() {
    let Place { grants, home: _home } = place();
    assert!(grants.add(allow(&skill(&"x".repeat(MAX_PACKAGE), 1, 1), http(&["x"]))).is_ok());
    for bad in ["", "a\nb", "\u{202e}a", "a\u{200b}", &"x".repeat(MAX_PACKAGE + 1)] {
        let error = grants.add(allow(&skill(bad, 1, 1), http(&["x"]))).unwrap_err();
        assert!(matches!(&error, GrantsError::Name(_)), "{error}");
        assert!(!error.to_string().chars().any(crate::text::misleads));
    }
}

#[test]
fn a_damaged_store_is_an_error_and_is_kept() {
    let Place { grants, home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    let whole = std::fs::read_to_string(grants.path()).unwrap();
    let repeated = whole.replace("\"next\": 2", "\"next\": 1");
    let unknown = whole.replace("\"decision\": \"allow\"", "\"decision\": \"perhaps\"");
    let more = whole.replace("\"created\"", "\"scope\": 1, \"created\"");
    for (n, bad) in [&whole[..whole.len() / 2], &repeated, &unknown, &more].into_iter().enumerate() {
        std::fs::write(grants.path(), bad).unwrap();
        std::fs::set_permissions(grants.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        let watch = Watch::new(&grants, &answer_of(&a), Toy::default());
        assert!(!watch.holds(Capability::HttpOut), "a call goes on under a store that cannot be read");
        let error = grants.add(allow(&a, http(&["y"]))).unwrap_err();
        assert!(matches!(&error, GrantsError::State(StateError::Damaged { aside: Some(_), .. })), "{error}");
        assert_eq!(grants.damaged().unwrap().len(), n + 1);
        assert!(effective(&grants, &a).is_empty());
    }
    let names = std::fs::read_dir(home.path().join("state")).unwrap().count();
    assert_eq!(names, 4 + 1, "four damaged files and the lock");
}

fn answer_of(asking: &Asking) -> Answer<Toy> {
    let Place { grants, home: _home } = place();
    grants.add(allow(asking, http(&["x"]))).unwrap();
    grants.look_up(asking).unwrap()
}

#[test]
fn a_store_that_others_may_read_is_refused_and_left() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    std::fs::set_permissions(grants.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = grants.look_up(&a).unwrap_err().to_string();
    assert!(error.contains(&format!("chmod 600 {}", grants.path().display())), "{error}");
    assert!(grants.add(allow(&a, http(&["y"]))).is_err());
    assert!(grants.damaged().unwrap().is_empty());
}

fn some_grant() -> impl Strategy<Value = Toy> {
    proptest::collection::btree_set((prop_oneof![Just(Capability::Kv), Just(Capability::HttpOut)], "[a-c]"), 1..4)
        .prop_map(Toy)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against the plainest model: the union of what was allowed to exactly this, without all that was denied to it.
    #[test]
    fn the_store_gives_what_a_plain_model_gives(
        steps in proptest::collection::vec((0_u8..2, 1_u8..3, any::<bool>(), some_grant()), 1..8)
    ) {
        let Place { grants, home: _home } = place();
        let mut model: Vec<(Asking, bool, Toy)> = Vec::new();
        for (name, digest, allows, grant) in steps {
            let asking = skill(["a", "b"][usize::from(name)], digest + 10 * name, 1);
            let new = if allows { allow(&asking, grant.clone()) } else { deny(&asking, grant.clone()) };
            grants.add(new).unwrap();
            model.push((asking, allows, grant));
        }
        for (name, digest) in [("a", 1), ("a", 2), ("b", 11), ("b", 12), ("c", 30)] {
            let asking = skill(name, digest, 1);
            let mut expected = Toy::default();
            model.iter().filter(|(of, allows, _)| *allows && *of == asking).for_each(|(_, _, g)| expected.merge(g));
            for (of, allows, grant) in &model {
                if !allows && of.package == asking.package {
                    expected.subtract(grant);
                }
            }
            prop_assert_eq!(effective(&grants, &asking), expected);
        }
    }
}
