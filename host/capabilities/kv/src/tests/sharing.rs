//! Several calls, several processes.

use super::*;
use crate::LOCK_WAIT;
use crate::bindings::wasi::keyvalue::atomics::Host as _;
use std::time::{Duration, Instant};

/// Holds the file as another process does: the lock belongs to the opened file, not to the process.
fn hold(home: &Home) -> redb::Database {
    redb::Database::open(home.path(&owner("skill"))).unwrap()
}

#[test]
fn calls_of_one_process_share_the_file() {
    let (_folder, home) = home();
    let (mut one, a) = Call::opened(&home, 1 << 20);
    let (mut two, b) = Call::opened(&home, 1 << 20);
    one.set(a, "k", b"from one").unwrap();
    assert_eq!(two.get(b, "k").unwrap().as_deref(), Some(&b"from one"[..]));
    drop(one);
    two.set(b, "k", b"from two").unwrap();
}

#[test]
fn threads_that_open_at_once_lose_nothing() {
    let (_folder, home) = home();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let (mut call, bucket) = Call::opened(&home, 1 << 20);
                    told(call.kv().increment(borrowed(bucket), "n".into(), 1)).unwrap();
                }
            });
        }
    });
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    assert_eq!(call.get(bucket, "n").unwrap().as_deref(), Some(&b"40"[..]));
}

#[test]
fn a_second_process_waits_and_then_hears_why() {
    let (_folder, home) = home();
    drop(Call::opened(&home, 1 << 20));
    let held = hold(&home);
    let mut call = Call::new(&home, "skill", 1 << 20);
    let started = Instant::now();
    let refused = text(call.open(""));
    assert!(refused.contains("another process") && refused.contains("try again"), "{refused}");
    assert!(started.elapsed() >= LOCK_WAIT && started.elapsed() < LOCK_WAIT + Duration::from_secs(3));
    drop(held);
    call.open("").unwrap();
}

#[test]
fn a_second_process_gets_it_when_the_first_lets_go() {
    let (_folder, home) = home();
    drop(Call::opened(&home, 1 << 20));
    let held = hold(&home);
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(held);
    });
    Call::new(&home, "skill", 1 << 20).open("").unwrap();
    letting_go.join().unwrap();
}

#[test]
fn two_homes_of_one_folder_make_one_store() {
    let (folder, _) = home();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let folder = folder.path().join("kv");
            scope.spawn(move || {
                let home = Home::new(folder);
                let (mut call, bucket) = Call::opened(&home, 1 << 20);
                call.set(bucket, &format!("k{n}"), b"").unwrap();
            });
        }
    });
    let home = Home::new(folder.path().join("kv"));
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    assert_eq!(call.list(bucket, None).unwrap().0, ["k0", "k1", "k2", "k3"]);
}

#[test]
fn without_a_home_nothing_is_kept() {
    let state = KvState::new(CallScope::unwatched("s"), Grant { quota: 1 }, None);
    let books = Arc::new(Books::default());
    let mut call = Call { state, table: ResourceTable::new(), books, held: Arc::new(Held(AtomicBool::new(true))) };
    assert!(text(call.open("")).contains("keeps no data"));
}
