//! The approval of fifty files.

use crate::campaign::Subject;
use crate::tree::{Tree, leftovers, tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use vox_capabilities::files::changes::Store;
use vox_capabilities::files::tree::{How, Opened, Place as At, Tree as View};
use vox_capabilities::files::{Access, Folder, FolderGrant, Quota};
use vox_model::CallScope;
use vox_tests::program::{Place, Ran};

/// `vox approve` of 20 new files, 20 replaced and 10 removed ones, with directories and a link.
#[derive(Default)]
pub struct Approve {
    /// The folder before and after.
    trees: OnceLock<(Tree, Tree)>,
}

/// The command.
pub const WORDS: &[&str] = &["approve", "--yes"];

fn stuck<T, E: std::fmt::Display>(done: Result<T, E>) -> T {
    done.unwrap_or_else(|error| panic!("{error}"))
}

/// The folder that is granted.
pub fn live(place: &Place) -> PathBuf {
    stuck(fs::canonicalize(place.work())).join("docs")
}

fn furnish(live: &Path) {
    for folder in ["old", "gone", "kept"] {
        stuck(fs::create_dir_all(live.join(folder)));
    }
    for number in 0..20 {
        stuck(fs::write(live.join(format!("old/{number}")), format!("old {number}")));
    }
    for number in 0..10 {
        stuck(fs::write(live.join(format!("gone/{number}")), "gone"));
    }
    stuck(fs::write(live.join("kept/file"), "kept"));
}

/// Writes a file as a guest does.
pub fn put(view: &dyn View, path: &str, text: &str) {
    let how = How { read: true, write: true, create: true, truncate: true, follow: true, ..How::default() };
    match stuck(view.open(&At::default(), path, how)) {
        Opened::File(file) => stuck(file.write_at(0, text.as_bytes())),
        Opened::Directory(_) => panic!("{path} is a directory"),
    }
}

fn change(view: &dyn View) {
    let root = At::default();
    for number in 0..20 {
        put(view, &format!("old/{number}"), &format!("new {number}"));
    }
    for number in 0..10 {
        stuck(view.remove_file(&root, &format!("gone/{number}")));
    }
    stuck(view.remove_directory(&root, "gone"));
    stuck(view.create_directory(&root, "made"));
    stuck(view.create_directory(&root, "made/sub"));
    for number in 0..20 {
        put(view, &format!("made/sub/{number}"), &format!("made {number}"));
    }
    stuck(view.symlink("sub/0", &root, "made/link"));
}

/// Stages what `act` does to a folder, in the store of this place.
pub fn stage(place: &Place, live: &Path, act: impl FnOnce(&dyn View)) {
    let store = stuck(Store::open(&place.home().join("state/changes")));
    let grant = FolderGrant { host: live.to_owned(), guest: "docs".to_owned(), access: Access::Write };
    let draft = stuck(store.draft());
    let folder = stuck(Folder::open(&grant, Some(&draft), Quota::default(), CallScope::unwatched("test")));
    act(&*folder.tree);
    let staged = folder.staged.unwrap_or_else(|| panic!("nothing is staged"));
    assert!(stuck(staged.seal(&store)).is_some());
}

/// A place where a change set of fifty files waits.
pub fn waiting() -> Place {
    let place = stuck(Place::in_memory());
    let live = live(&place);
    furnish(&live);
    stage(&place, &live, change);
    place
}

impl Approve {
    fn trees(&self) -> &(Tree, Tree) {
        self.trees.get_or_init(|| {
            let place = waiting();
            let old = tree(&live(&place));
            let ran = place.run(WORDS);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            let new = tree(&live(&place));
            assert_ne!(old, new);
            (old, new)
        })
    }
}

impl Subject for Approve {
    fn ready(&self) -> Place {
        waiting()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn codes(&self) -> &[i32] {
        &[8]
    }

    fn settle(&self, place: &Place, ran: &Ran, what: &str) {
        let (old, new) = self.trees();
        let listed = place.run(&["changes", "--format", "json"]);
        let what = format!(
            "{what}\nsaid {:?} {}{}\nthen {}{}",
            ran.code, ran.stdout, ran.stderr, listed.stdout, listed.stderr
        );
        assert_eq!(listed.code, Some(0), "{what}");
        let now = tree(&live(place));
        assert!(now == *old || now == *new, "neither old nor new: {what}\n{now:#?}");
        assert!(ran.code != Some(0) || now == *new, "acknowledged and gone: {what}");
        let waiting = listed.stdout.matches("\"folder\"").count();
        assert_eq!(waiting, usize::from(now == *old), "{what}");
        assert_eq!(leftovers(&live(place)), [""; 0].map(PathBuf::from), "{what}");
        assert_eq!(leftovers(&place.home().join("state")), [""; 0].map(PathBuf::from), "{what}");
        if now == *old {
            let again = place.run(WORDS);
            assert_eq!(again.code, Some(0), "{what}\nagain: {}", again.stderr);
            assert_eq!(tree(&live(place)), *new, "{what}");
        }
        let sets = tree(&place.home().join("state/changes/sets"));
        assert!(sets.is_empty(), "{what}\nleft in the store: {sets:#?}");
    }
}
