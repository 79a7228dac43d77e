//! Seeing and removing what is kept.

use super::*;
use crate::Fault;

#[test]
fn stores_are_listed_found_and_removed() {
    let (folder, home) = home();
    assert_eq!(home.stores(), Ok(Vec::new()));
    assert_eq!(home.remove("nothing"), Ok(false));
    for owner in ["acme:notes 1", "acme:notes 2", "other"] {
        let mut call = Call::new(&home, owner, 1 << 20);
        let bucket = call.open("").unwrap();
        call.set(bucket, "k", b"v").unwrap();
    }
    std::fs::write(folder.path().join("kv/.new-half"), "half").unwrap();
    let stores = home.stores().unwrap();
    assert_eq!(stores.len(), 3);
    assert!(stores.iter().all(|store| store.bytes > 0 && store.changed.is_some()));
    for (start, count) in [("acme:notes", 2), ("ACME-notes-1", 1), ("other", 1), ("", 0), ("notes", 0), ("../kv", 0)] {
        assert_eq!(home.find(start).unwrap().len(), count, "{start}");
    }
    assert_eq!(home.remove("../kv"), Ok(false));
    let name = home.find("acme:notes 1").unwrap().remove(0).name;
    assert_eq!(home.remove(&name), Ok(true));
    assert_eq!(home.remove(&name), Ok(false));
    // Its skill begins anew, and nobody else lost anything.
    let mut call = Call::new(&home, "acme:notes 1", 1 << 20);
    let bucket = call.open("").unwrap();
    assert_eq!(call.get(bucket, "k").unwrap(), None);
    let mut call = Call::new(&home, "other", 1 << 20);
    let bucket = call.open("").unwrap();
    assert_eq!(call.get(bucket, "k").unwrap(), Some(b"v".to_vec()));
}

#[test]
fn a_store_in_use_is_not_removed() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, "k", b"v").unwrap();
    let name = home.stores().unwrap().remove(0).name;
    assert_eq!(home.remove(&name), Err(Fault::Busy));
    assert_eq!(call.get(bucket, "k").unwrap(), Some(b"v".to_vec()));
    drop(call);
    assert_eq!(home.remove(&name), Ok(true));
}

#[test]
fn a_damaged_store_can_be_removed() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, "k", b"v").unwrap();
    drop(call);
    std::fs::write(home.path(&owner("skill")), "damaged").unwrap();
    let name = home.stores().unwrap().remove(0).name;
    assert_eq!(home.remove(&name), Ok(true));
    assert_eq!(home.stores(), Ok(Vec::new()));
}

#[test]
fn what_a_killed_maker_left_goes_when_the_next_store_is_made() {
    let (folder, home) = home();
    Call::opened(&home, 1 << 20);
    let left = folder.path().join("kv/.new-left");
    let held = folder.path().join("kv/.new-held");
    let young = folder.path().join("kv/.new-young");
    for path in [&left, &held, &young] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, "half").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for path in [&left, &held] {
        let times = std::fs::FileTimes::new().set_modified(long_ago);
        std::fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }
    // One is still being made.
    let holder = std::fs::File::open(&held).unwrap();
    holder.lock().unwrap();
    let mut call = Call::new(&home, "another", 1 << 20);
    call.open("").unwrap();
    assert!(!left.exists() && held.exists() && young.exists());
}
