use super::*;
use vox_model::Capability;

/// Lets the answer of a watch grow old.
fn wait() {
    std::thread::sleep(Watch::<Toy>::EVERY + Duration::from_millis(10));
}

#[test]
fn a_watch_cuts_what_was_taken_back_and_nothing_else() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let id = grants.add(allow(&a, http(&["x"]))).unwrap().id;
    grants.add(times(allow(&a, files(&["y"])), 1)).unwrap();
    let answer = grants.look_up(&a).unwrap();
    assert_eq!(grants.note_use(&answer).unwrap(), Use::Counted);
    let watch = Watch::new(&grants, &answer, Toy::default());
    // The call has used up the second grant itself: that does not end it.
    assert!(watch.holds(Capability::HttpOut) && watch.holds(Capability::FilesystemRo));
    assert!(!watch.holds(Capability::Kv), "never given");
    grants.add(allow(&skill("other", 5, 5), http(&["x"]))).unwrap();
    wait();
    assert!(watch.holds(Capability::HttpOut));
    grants.revoke(&Revoke::Id(id)).unwrap();
    wait();
    assert!(!watch.holds(Capability::HttpOut) && watch.holds(Capability::FilesystemRo));
    grants.add(allow(&a, http(&["x"]))).unwrap();
    wait();
    assert!(!watch.holds(Capability::HttpOut), "a call that was cut stays cut");
}

#[test]
fn a_watch_cuts_what_was_forbidden_and_what_ran_out() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(lasting(allow(&a, files(&["y"])), Duration::from_millis(150))).unwrap();
    let answer = grants.look_up(&a).unwrap();
    // What flags gave cannot be taken back, but it can be forbidden.
    let watch = Watch::new(&grants, &answer, http(&["x", "z"]));
    assert!(watch.holds(Capability::HttpOut) && watch.holds(Capability::FilesystemRo));
    std::thread::sleep(Duration::from_millis(220));
    assert!(watch.holds(Capability::HttpOut) && !watch.holds(Capability::FilesystemRo));
    grants.add(deny(&skill("a", 7, 7), http(&["z"]))).unwrap();
    wait();
    assert!(!watch.holds(Capability::HttpOut), "one of two hosts went, so the whole goes");
}

#[test]
fn a_watch_notices_what_went_before_it_began_and_a_store_that_is_gone() {
    let Place { grants, home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    let answer = grants.look_up(&a).unwrap();
    let watch = Watch::new(&grants, &answer, Toy::default());
    assert!(watch.holds(Capability::HttpOut));
    std::fs::rename(home.path().join("state"), home.path().join("away")).unwrap();
    wait();
    assert!(!watch.holds(Capability::HttpOut));
    assert!(!Watch::new(&grants, &answer, Toy::default()).holds(Capability::HttpOut));
    assert!(Watch::new(&grants, &answer, http(&["x"])).holds(Capability::HttpOut), "given by a flag as well");
}

#[test]
fn a_watch_is_quick_between_two_looks() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(allow(&a, http(&["x"]))).unwrap();
    let watch = Watch::new(&grants, &grants.look_up(&a).unwrap(), Toy::default());
    let mut asked = 0;
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_millis(200) {
        assert!(watch.holds(Capability::HttpOut));
        asked += 1;
    }
    // A microsecond each would give 200,000; a slow machine may do a tenth of that.
    assert!(asked > 20_000);
}

/// Grants that were used up by other calls give nothing, also when this call's own grant goes.
#[test]
fn what_others_used_up_does_not_keep_a_call_going() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    grants.add(times(allow(&a, http(&["x"])), 1)).unwrap();
    assert_eq!(grants.note_use(&grants.look_up(&a).unwrap()).unwrap(), Use::Counted);
    let own = grants.add(allow(&a, http(&["x"]))).unwrap().id;
    let answer = grants.look_up(&a).unwrap();
    assert_eq!(answer.given_by().map(|source| source.id).collect::<Vec<_>>(), [own]);
    let watch = Watch::new(&grants, &answer, Toy::default());
    assert!(watch.holds(Capability::HttpOut));
    grants.revoke(&Revoke::Id(own)).unwrap();
    wait();
    assert!(!watch.holds(Capability::HttpOut));
}

/// A grant that is given again while a call runs lasts for as long as it was given now.
#[test]
fn what_is_renewed_in_time_goes_on() {
    let Place { grants, home: _home } = place();
    let a = skill("a", 1, 1);
    let new = |time: u64| lasting(allow(&a, http(&["x"])), Duration::from_millis(time));
    grants.add(new(400)).unwrap();
    let watch = Watch::new(&grants, &grants.look_up(&a).unwrap(), Toy::default());
    assert!(watch.holds(Capability::HttpOut));
    grants.add(new(60_000)).unwrap();
    wait();
    assert!(watch.holds(Capability::HttpOut));
    std::thread::sleep(Duration::from_millis(450));
    assert!(watch.holds(Capability::HttpOut), "the first end counts no more");
}
