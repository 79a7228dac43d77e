//! What a store does.

use super::*;
use crate::bindings::wasi::keyvalue::atomics::Host as _;
use crate::bindings::wasi::keyvalue::batch::Host as _;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use vox_model::Verdict;

#[test]
fn off_refuses() {
    let (folder, home) = home();
    let mut call = Call::new(&home, "skill", 0);
    assert!(matches!(call.open(""), Err(Error::AccessDenied)));
    assert!(!folder.path().join("kv").exists());
    let effects = call.effects();
    assert_eq!((effects[0].verdict, effects[0].action.as_str()), (Verdict::Denied, "open"));
    assert!(effects[0].rule.contains("--allow-kv"));
}

#[test]
fn on_works_and_lasts() {
    let (folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    assert_eq!(call.get(bucket, "a").unwrap(), None);
    call.set(bucket, "a", b"1").unwrap();
    call.set(bucket, "b", b"").unwrap();
    call.set(bucket, "", b"no name").unwrap();
    call.set(bucket, "a", b"one").unwrap();
    call.delete(bucket, "b").unwrap();
    call.delete(bucket, "never").unwrap();
    drop(call);
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    assert_eq!(call.get(bucket, "a").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(call.get(bucket, "b").unwrap(), None);
    assert!(told(call.kv().exists(borrowed(bucket), "a".into())).unwrap());
    assert!(!told(call.kv().exists(borrowed(bucket), "b".into())).unwrap());
    assert_eq!(call.list(bucket, None).unwrap(), (vec![String::new(), "a".into()], None));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("kv")), 0o700);
    assert_eq!(mode(&home.path(&owner("skill"))), 0o600);
    // Nothing is left of making it.
    assert_eq!(std::fs::read_dir(folder.path().join("kv")).unwrap().count(), 1);
}

#[test]
fn owners_and_buckets_are_apart() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, "a", b"mine").unwrap();
    let same = call.open("default").unwrap();
    let other = call.open("other").unwrap();
    assert_eq!(call.get(same, "a").unwrap().as_deref(), Some(&b"mine"[..]));
    assert_eq!(call.get(other, "a").unwrap(), None);
    call.set(other, "z", b"").unwrap();
    assert_eq!(call.list(bucket, None).unwrap().0, ["a"]);
    assert_eq!(call.list(other, None).unwrap().0, ["z"]);
    let mut stranger = Call::new(&home, "stranger", 1 << 20);
    let bucket = stranger.open("").unwrap();
    assert_eq!(stranger.get(bucket, "a").unwrap(), None);
}

#[test]
fn numbers_are_incremented() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    let mut add = |key: &str, delta| told(call.kv().increment(borrowed(bucket), key.into(), delta));
    assert_eq!(add("n", 5).unwrap(), 5);
    assert_eq!(add("n", 37).unwrap(), 42);
    assert!(text(add("n", u64::MAX)).contains("exceed"));
    assert_eq!(add("n", 0).unwrap(), 42);
    assert_eq!(call.get(bucket, "n").unwrap().as_deref(), Some(&b"42"[..]));
    for bad in [&b"x"[..], b"", b"+1", b"-1", b"1.5", b"18446744073709551616", &[0xff]] {
        call.set(bucket, "bad", bad).unwrap();
        let done = told(call.kv().increment(borrowed(bucket), "bad".into(), 1));
        assert!(text(done).contains("decimal"), "{bad:?}");
        assert_eq!(call.get(bucket, "bad").unwrap().as_deref(), Some(bad));
    }
}

#[test]
fn batches_are_whole_or_nothing() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 100);
    let entries = |sizes: &[usize]| -> Vec<(String, Vec<u8>)> {
        sizes.iter().enumerate().map(|(n, size)| (format!("k{n}"), vec![b'v'; *size])).collect()
    };
    told(call.kv().set_many(borrowed(bucket), entries(&[10, 20, 30]))).unwrap();
    assert!(text(told(call.kv().set_many(borrowed(bucket), entries(&[1, 2, 3, 100])))).contains("full"));
    let keys = vec!["k2".to_owned(), "nope".to_owned(), "k0".to_owned()];
    let values = told(call.kv().get_many(borrowed(bucket), keys)).unwrap();
    assert_eq!(values, [Some(("k2".into(), vec![b'v'; 30])), None, Some(("k0".into(), vec![b'v'; 10]))]);
    told(call.kv().delete_many(borrowed(bucket), vec!["k0".into(), "nope".into(), "k2".into()])).unwrap();
    assert_eq!(call.list(bucket, None).unwrap().0, ["k1"]);
    let shown: Vec<String> = call.effects().iter().map(|e| format!("{} {}", e.action, e.target)).collect();
    assert_eq!(shown[1], "set-many default/ 3 keys: k0 k1 k2");
}

#[test]
fn effects_are_taken_down_escaped_and_bounded() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, "key\u{202e}\n", b"12345").unwrap();
    call.get(bucket, "key\u{202e}\n").unwrap();
    let _ = call.get(bucket, &"\x1b".repeat(5000));
    let _ = told(call.kv().delete_many(borrowed(bucket), vec!["\u{202e}".repeat(80); 900]));
    let effects = call.effects();
    assert_eq!(effects[0].target, "default/");
    assert_eq!(effects[1].target, r"default/key\u{202e}\n");
    assert_eq!((effects[1].sent, effects[1].received), (12, 0));
    assert_eq!((effects[2].sent, effects[2].received), (0, 5));
    assert_eq!(effects[2].rule, "--allow-kv");
    assert_eq!(effects[3].verdict, Verdict::Failed);
    for effect in effects {
        assert!(effect.target.len() <= 320 && !effect.target.contains(['\x1b', '\u{202e}']), "{}", effect.target);
    }
}

#[test]
fn taken_back_is_denied_at_once() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    call.set(bucket, "a", b"1").unwrap();
    call.take_back();
    assert!(matches!(call.get(bucket, "a"), Err(Error::AccessDenied)));
    assert!(matches!(call.set(bucket, "a", b"2"), Err(Error::AccessDenied)));
    assert!(matches!(call.open(""), Err(Error::AccessDenied)));
    let denied = call.effects().iter().filter(|effect| effect.verdict == Verdict::Denied).count();
    assert_eq!(denied, 3);
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    assert_eq!(call.get(bucket, "a").unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_dropped_bucket_is_gone() {
    let (_folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    let owned = Resource::<Bucket>::new_own(bucket);
    call.kv().drop(owned).unwrap();
    let Err(gone) = call.kv().get(borrowed(bucket), "a".into()) else { panic!("it is still there") };
    assert!(gone.told().is_err(), "a trap, not an error of the store");
}

#[test]
fn it_links_once() {
    let engine = wasmtime::Engine::default();
    let mut linker = wasmtime::component::Linker::<Call>::new(&engine);
    crate::add_to_linker(&mut linker).unwrap();
    assert!(crate::add_to_linker(&mut linker).is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8, Vec<u8>),
    Delete(u8),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..6, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(k, v)| Step::Set(k, v)),
        2 => (0u8..6).prop_map(Step::Delete),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// A store does what a map with a quota does.
    #[test]
    fn a_store_is_a_map_with_a_quota(steps in steps()) {
        const QUOTA: usize = 120;
        let (_folder, home) = home();
        let (mut call, mut bucket) = Call::opened(&home, QUOTA as u64);
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Set(key, value) => {
                    let key = format!("k{key}");
                    let size = |m: &BTreeMap<String, Vec<u8>>| m.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
                    let mut after = model.clone();
                    after.insert(key.clone(), value.clone());
                    let fits = size(&after) <= QUOTA || size(&after) <= size(&model);
                    prop_assert_eq!(call.set(bucket, &key, &value).is_ok(), fits);
                    if fits {
                        model = after;
                    }
                }
                Step::Delete(key) => {
                    call.delete(bucket, &format!("k{key}")).unwrap();
                    model.remove(&format!("k{key}"));
                }
                Step::Reopen => {
                    drop(call);
                    (call, bucket) = Call::opened(&home, QUOTA as u64);
                }
            }
            let keys = call.list(bucket, None).unwrap().0;
            prop_assert_eq!(&keys, &model.keys().cloned().collect::<Vec<_>>());
            for (key, value) in &model {
                let got = call.get(bucket, key).unwrap();
                prop_assert_eq!(got.as_ref(), Some(value));
            }
        }
    }
}
