//! What a skill may spend.

use super::*;
use crate::bindings::wasi::keyvalue::batch::Host as _;
use crate::{MAX_BATCH, MAX_BUCKET, MAX_BUCKETS, MAX_CURSORS, MAX_KEY, MAX_OPERATIONS, MAX_VALUE, PAGE};
use proptest::prelude::*;
use vox_model::Verdict;

/// Stores `count` keys, `k00000` and on.
fn fill(call: &mut Call, bucket: u32, from: usize, count: usize) -> Result<(), Error> {
    let keys: Vec<(String, Vec<u8>)> = (from..from + count).map(|n| (format!("k{n:05}"), Vec::new())).collect();
    keys.chunks(MAX_BATCH).try_for_each(|keys| told(call.kv().set_many(borrowed(bucket), keys.to_vec())))
}

#[test]
fn the_quota_holds_to_the_byte() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 100);
    call.set(bucket, "key", &[0; 97]).unwrap();
    let refused = text(call.set(bucket, "k", b""));
    assert!(refused.contains("101 bytes") && refused.contains("100B were granted"), "{refused}");
    assert!(refused.contains("--allow-kv=128B"), "{refused}");
    assert!(text(call.set(bucket, "key", &[0; 98])).contains("full"));
    assert_eq!(call.get(bucket, "key").unwrap().unwrap().len(), 97);
    call.set(bucket, "key", &[0; 50]).unwrap();
    call.set(bucket, "k", &[0; 46]).unwrap();
    call.delete(bucket, "key").unwrap();
    call.set(bucket, "other", &[0; 48]).unwrap();
    // Other buckets draw on the same quota.
    let other = call.open("other").unwrap();
    assert!(text(call.set(other, "k", b"")).contains("full"));
    let denied: Vec<Effect> = call.effects().into_iter().filter(|e| e.verdict == Verdict::Denied).collect();
    assert_eq!((denied.len(), denied[0].sent), (3, 0));
}

#[test]
fn a_smaller_quota_lets_a_store_shrink() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1000);
    for key in ["a", "b", "c"] {
        call.set(bucket, key, &[0; 300]).unwrap();
    }
    drop(call);
    let (mut call, bucket) = Call::opened(&home, 100);
    assert_eq!(call.get(bucket, "a").unwrap().unwrap().len(), 300);
    assert!(text(call.set(bucket, "d", b"")).contains("full"));
    assert!(text(call.set(bucket, "a", &[0; 301])).contains("full"));
    call.set(bucket, "a", &[0; 299]).unwrap();
    call.delete(bucket, "b").unwrap();
}

#[test]
fn keys_values_and_names_are_bounded() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, &"k".repeat(MAX_KEY), &vec![0; MAX_VALUE]).unwrap();
    let long = "k".repeat(MAX_KEY + 1);
    assert!(text(call.set(bucket, &long, b"")).contains("257 bytes"));
    assert!(text(call.get(bucket, &long)).contains("at most 256"));
    assert!(text(call.delete(bucket, &long)).contains("hash"));
    assert!(text(call.set(bucket, "k", &vec![0; MAX_VALUE + 1])).contains("262145 bytes"));
    for bad in ["a\nb", "\0", "\u{9b}", &"b".repeat(MAX_BUCKET + 1)] {
        assert!(matches!(call.open(bad), Err(Error::NoSuchStore)), "{bad:?}");
    }
    call.open(&"b".repeat(MAX_BUCKET)).unwrap();
    call.open("../../etc").unwrap();
}

#[test]
fn there_are_sixteen_buckets() {
    let (_folder, home) = home();
    let (mut call, _) = Call::opened(&home, 1 << 20);
    // Empty buckets are names and nothing else.
    for n in 0..40 {
        call.open(&format!("empty{n}")).unwrap();
    }
    let opened: Vec<u32> = (0..MAX_BUCKETS + 1).map(|n| call.open(&format!("b{n}")).unwrap()).collect();
    for bucket in &opened[..MAX_BUCKETS] {
        call.set(*bucket, "k", b"v").unwrap();
    }
    assert!(text(call.set(opened[MAX_BUCKETS], "k", b"v")).contains("16 buckets"));
    assert!(text(call.open("one-more")).contains("16 buckets"));
    call.open("b3").unwrap();
    call.delete(opened[0], "k").unwrap();
    call.set(opened[MAX_BUCKETS], "k", b"v").unwrap();
}

#[test]
fn there_are_ten_thousand_keys() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    fill(&mut call, bucket, 0, 10_000).unwrap();
    assert!(text(call.set(bucket, "more", b"")).contains("10000 keys"));
    call.set(bucket, "k00000", b"still").unwrap();
    let other = call.open("other").unwrap();
    assert!(text(call.set(other, "more", b"")).contains("10000 keys"));
    call.delete(bucket, "k00000").unwrap();
    call.set(other, "more", b"").unwrap();
    // What the file takes on the disk stays in proportion.
    let length = home.path(&owner("skill")).metadata().unwrap().len();
    assert!(length < 8 << 20, "{length}");
}

#[test]
fn keys_are_listed_page_by_page() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    fill(&mut call, bucket, 0, 2 * PAGE + 500).unwrap();
    let (first, cursor) = call.list(bucket, None).unwrap();
    assert_eq!((first.len(), first[PAGE - 1].as_str()), (PAGE, "k00999"));
    // What a list has passed may go, what lies ahead may come: nothing is missed, nothing comes twice.
    call.delete(bucket, "k00999").unwrap();
    call.set(bucket, "k00999x", b"").unwrap();
    let (second, next) = call.list(bucket, cursor).unwrap();
    assert_eq!((second[0].as_str(), second[1].as_str()), ("k00999x", "k01000"));
    assert_eq!(call.list(bucket, cursor).unwrap().0, second);
    let (last, end) = call.list(bucket, next).unwrap();
    assert_eq!((last.len(), last.last().unwrap().as_str(), end), (501, "k02499", None));
}

#[test]
fn exactly_one_page_has_no_cursor() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    fill(&mut call, bucket, 0, PAGE).unwrap();
    let other = call.open("e").unwrap();
    call.set(other, "in another bucket", b"").unwrap();
    let (keys, cursor) = call.list(bucket, None).unwrap();
    assert_eq!((keys.len(), cursor), (PAGE, None));
}

#[test]
fn made_up_cursors_are_refused() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    fill(&mut call, bucket, 0, PAGE + 1).unwrap();
    for cursor in [0, 1, 1000, u64::from(u32::MAX), u64::MAX] {
        assert!(text(call.list(bucket, Some(cursor))).contains("cursor"));
    }
    let cursor = call.list(bucket, None).unwrap().1.unwrap();
    // The same bucket under another handle, another bucket, and a number nearby.
    let same = call.open("").unwrap();
    let other = call.open("other").unwrap();
    assert!(call.list(same, Some(cursor)).is_err() && call.list(other, Some(cursor)).is_err());
    assert!(call.list(bucket, Some(cursor + 1)).is_err());
    for _ in 0..MAX_CURSORS {
        call.list(bucket, None).unwrap();
    }
    assert!(text(call.list(bucket, Some(cursor))).contains("lately"));
}

#[test]
fn batches_are_bounded() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    let keys = vec!["k".to_owned(); MAX_BATCH + 1];
    let entries: Vec<(String, Vec<u8>)> = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
    assert!(text(told(call.kv().get_many(borrowed(bucket), keys.clone()))).contains("1001 entries"));
    assert!(text(told(call.kv().delete_many(borrowed(bucket), keys))).contains("1001 entries"));
    assert!(text(told(call.kv().set_many(borrowed(bucket), entries))).contains("1001 entries"));
    call.set(bucket, "big", &vec![0; MAX_VALUE]).unwrap();
    assert_eq!(told(call.kv().get_many(borrowed(bucket), vec!["big".to_owned(); 16])).unwrap().len(), 16);
    let flood = told(call.kv().get_many(borrowed(bucket), vec!["big".to_owned(); 17]));
    assert!(text(flood).contains("4 MiB"));
}

#[test]
fn a_call_has_so_many_operations() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    for _ in 1..MAX_OPERATIONS {
        call.get(bucket, "k").unwrap();
    }
    for _ in 0..10 {
        assert!(text(call.get(bucket, "k")).contains("20000 times"));
    }
    assert!(text(call.open("")).contains("20000 times"));
    let effects = call.effects();
    assert_eq!(effects.len(), MAX_OPERATIONS as usize + 1);
    assert_eq!(effects.last().unwrap().verdict, Verdict::Failed);
    // Without a grant too.
    let mut call = Call::new(&home, "denied", 0);
    for _ in 0..MAX_OPERATIONS + 10 {
        assert!(call.state.admit("open", "").is_err());
    }
    assert!(text(call.open("")).contains("20000 times"));
}

#[test]
fn one_page_of_memory_is_not_a_gigabyte_of_disk() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    for round in 0..40u8 {
        for key in ["a", "b", "c"] {
            call.set(bucket, key, &vec![round; MAX_VALUE]).unwrap();
        }
    }
    drop(call);
    let length = home.path(&owner("skill")).metadata().unwrap().len();
    assert!(length <= 6 << 20, "{length}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn nothing_that_a_guest_says_panics(
        name in any::<String>(), keys in prop::collection::vec(any::<String>(), 0..6), cursor in any::<Option<u64>>(),
    ) {
        let (_folder, home) = home();
        let mut call = Call::new(&home, "skill", 4096);
        let Ok(bucket) = call.open(&name) else { return Ok(()) };
        for key in &keys {
            if call.set(bucket, key, key.as_bytes()).is_ok() {
                let got = call.get(bucket, key).unwrap();
                prop_assert_eq!(got.as_deref(), Some(key.as_bytes()));
            }
        }
        let _ = call.list(bucket, cursor);
    }
}
