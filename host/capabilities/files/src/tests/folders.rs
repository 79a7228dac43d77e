//! The folders of a call together: when they are opened, and what is left where one cannot be.

use super::*;
use crate::OpenFolderError;
use crate::folders::{Folders, Sealed};
use crate::grant::Grant;

/// The entries of the store's folder of drafts.
fn drafts(bench: &Bench) -> usize {
    std::fs::read_dir(bench.store.root().join("drafts")).unwrap().count()
}

fn folders(bench: &Bench, granted: &[(&Path, &str, Access)]) -> Folders {
    let folders = granted.iter().map(|(host, guest, access)| FolderGrant {
        host: host.to_path_buf(),
        guest: (*guest).to_owned(),
        access: *access,
    });
    let grant = Grant { folders: folders.collect() };
    Folders::new(Arc::new(grant), Some(bench.store.root().to_owned()), CallScope::unwatched("test"))
}

#[test]
fn nothing_is_opened_or_made_before_somebody_asks() {
    let bench = Bench::furnished();
    let gone = bench.live.join("gone");
    let granted = [(bench.live.as_path(), "work", Access::Write), (gone.as_path(), "gone", Access::Read)];
    let unasked = folders(&bench, &granted);
    assert_eq!(drafts(&bench), 0, "a call that never asks makes nothing");
    let Sealed { changes, lost } = unasked.seal();
    assert!(changes.is_empty() && lost.is_empty(), "{lost:?}");

    let mut asked = folders(&bench, &granted[..1]);
    for _ in 0..2 {
        let opened = asked.open().unwrap();
        assert_eq!(opened.iter().map(|folder| folder.shared.guest()).collect::<Vec<_>>(), ["work"]);
        assert_eq!(drafts(&bench), 1, "opened once");
    }
    put(&*asked.open().unwrap()[0].tree, "file", "changed");
    assert_eq!(asked.seal().changes.len(), 1);
    assert_eq!((drafts(&bench), bench.read("file").as_str()), (0, "content"));
}

#[test]
fn what_killed_calls_left_goes_with_the_next_one() {
    let bench = Bench::furnished();
    let left = bench.store.draft().unwrap();
    std::fs::create_dir(left.join("upper")).unwrap();
    let young = bench.store.draft().unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::open(&left).unwrap().set_modified(long_ago).unwrap();
    let mut asked = folders(&bench, &[(bench.live.as_path(), "work", Access::Write)]);
    asked.open().unwrap();
    assert!(!left.exists() && young.exists());
    assert_eq!(drafts(&bench), 2, "the young one and ours");
}

#[test]
fn where_one_cannot_be_opened_none_is_and_nothing_is_left() {
    let bench = Bench::furnished();
    let gone = bench.live.join("gone");
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let granted = [(bench.live.as_path(), "work", Access::Write), (gone.as_path(), "gone", access)];
        let mut asked = folders(&bench, &granted);
        // Whoever asks again is told again.
        for _ in 0..2 {
            let refused = asked.open().err().unwrap();
            assert!(matches!(&refused, OpenFolderError::Open { path, .. } if *path == gone), "{refused}");
            assert_eq!(drafts(&bench), 0, "{access:?}");
        }
        assert!(asked.seal().changes.is_empty());
    }
}

#[test]
fn a_store_that_cannot_be_used_is_told_when_something_is_to_be_staged() {
    let bench = Bench::furnished();
    let blocked = bench.live.join("file");
    let grant = Arc::new(Grant { folders: vec![bench.grant(Access::Write)] });
    let mut asked = Folders::new(grant, Some(blocked.join("store")), CallScope::unwatched("test"));
    assert!(matches!(asked.open().err(), Some(OpenFolderError::Store(_))));
}
