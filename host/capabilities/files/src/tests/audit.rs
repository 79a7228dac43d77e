//! What is taken down, and what happens when a grant is taken back.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use vox_model::{Capability, Effect, Lease, Recorder, Scope, Verdict};

#[derive(Default)]
struct Watch {
    effects: Mutex<Vec<Effect>>,
    back: AtomicBool,
}

impl Recorder for Watch {
    fn record(&self, effect: Effect) {
        self.effects.lock().unwrap().push(effect);
    }
}

impl Lease for Watch {
    fn holds(&self, _: Capability) -> bool {
        !self.back.load(Ordering::SeqCst)
    }
}

impl Watch {
    fn scope(self: &Arc<Self>) -> CallScope {
        CallScope::from(Scope { recorder: self.clone(), lease: self.clone(), ..Scope::unwatched("test") })
    }

    fn take(&self) -> Vec<(Capability, String, String, Verdict)> {
        let effects = std::mem::take(&mut *self.effects.lock().unwrap());
        effects.into_iter().map(|e| (e.capability, e.action, e.target, e.verdict)).collect()
    }
}

use Capability::{FilesystemRo as Ro, FilesystemRw as Rw};
use Verdict::{Allowed, Denied, Failed};

#[test]
fn each_operation_is_taken_down_once() {
    for access in [Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let watch = Arc::new(Watch::default());
        let tree = bench.open_for(access, Quota::default(), watch.scope());
        let base = Place(vec!["dir".to_owned()]);
        let file = match tree.open(&base, "inner", READ).unwrap() {
            Opened::File(file) => file,
            Opened::Directory(_) => unreachable!(),
        };
        for _ in 0..10 {
            file.read_at(0, 3).unwrap();
        }
        tree.stat(&root(), "file", true).unwrap();
        tree.list(&base).unwrap();
        put(&*tree, "new", "text");
        tree.create_directory(&root(), "made").unwrap();
        tree.rename((&root(), "new"), (&root(), "made/new")).unwrap();
        tree.remove_file(&root(), "made/new").unwrap();
        let _ = get(&*tree, "missing");
        let _ = get(&*tree, "../outside");
        let _ = tree.stat(&root(), "/etc", true);
        let _ = tree.stat(&root(), "missing", true);
        let expected = [
            (Ro, "read", "work/dir/inner", Allowed),
            (Ro, "list", "work/dir", Allowed),
            (Rw, "write", "work/new", Allowed),
            (Rw, "make-directory", "work/made", Allowed),
            (Rw, "rename", "work/new -> work/made/new", Allowed),
            (Rw, "remove", "work/made/new", Allowed),
            (Ro, "read", "work/missing", Failed),
            (Ro, "read", "work/../outside", Denied),
            (Ro, "stat", "work//etc", Denied),
        ];
        assert_eq!(watch.take(), expected.map(|(c, action, target, v)| (c, action.to_owned(), target.to_owned(), v)));
    }
}

#[test]
fn writing_a_folder_that_is_for_reading_is_taken_down_as_denied() {
    let bench = Bench::furnished();
    let watch = Arc::new(Watch::default());
    let tree = bench.open_for(Access::Read, Quota::default(), watch.scope());
    assert_eq!(word(&open(&*tree, "file", WRITE)), "ReadOnly");
    let effects = watch.effects.lock().unwrap().clone();
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].verdict, Denied);
    assert_eq!(effects[0].rule, format!("--allow-read {}::work", bench.live.display()));
}

#[test]
fn a_grant_that_is_taken_back_cuts_open_files_too() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let watch = Arc::new(Watch::default());
        let tree = bench.open_for(access, Quota::default(), watch.scope());
        let how = if access == Access::Read { READ } else { WRITE };
        let file = open(&*tree, "file", how).unwrap();
        assert_eq!(file.read_at(0, 3).unwrap(), b"con");
        watch.back.store(true, Ordering::SeqCst);
        watch.take();
        assert_eq!(word(&file.read_at(0, 3)), "Access");
        assert_eq!(word(&file.write_at(0, b"x")), "Access");
        assert_eq!(word(&file.append(b"x")), "Access");
        assert_eq!(word(&file.set_size(0)), "Access");
        assert_eq!(word(&file.stat()), "Access");
        for operation in OPERATIONS {
            assert_eq!(word(&operate(&*tree, &root(), operation, "file")), "Access", "{operation}");
        }
        assert_eq!(word(&tree.list(&root())), "Access");
        let taken = watch.take();
        assert_eq!(taken.len(), 5 + OPERATIONS.len() + 1);
        assert!(taken.iter().all(|(.., verdict)| *verdict == Denied));
    }
}
