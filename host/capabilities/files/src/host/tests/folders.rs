//! What is done by path.

use super::super::bindings::wasi::filesystem::types::{DescriptorType, HostDirectoryEntryStream as _, NewTimestamp};
use super::super::{Entries, folder};
use super::*;
use crate::folder::OpenFolderError;
use crate::grant::{Access, FolderGrant};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

/// The entries of a directory, in order.
fn listed(guest: &mut Guest, at: Held) -> Vec<(String, DescriptorType)> {
    let stream = Held(told(guest.view().read_directory(at.lent())).unwrap().rep());
    let mut all = Vec::new();
    while let Some(entry) = told(guest.view().read_directory_entry(stream.lent())).unwrap() {
        all.push((entry.name, entry.type_));
    }
    // The end stays the end.
    assert!(told(guest.view().read_directory_entry(stream.lent())).unwrap().is_none());
    <FilesCtxView<'_> as super::super::bindings::wasi::filesystem::types::HostDirectoryEntryStream>::drop(
        &mut guest.view(),
        stream.own::<Entries>(),
    )
    .unwrap();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn listing(entries: &[(&str, DescriptorType)]) -> Vec<(String, DescriptorType)> {
    entries.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

#[test]
fn granted_folders_have_their_names() {
    let trees = vec![("/in", sample(false)), ("/out", sample(true))];
    let mut guest = Guest::with(trees, Subdirectories::AsOpened);
    let all = guest.view().get_directories().unwrap();
    let names: Vec<&str> = all.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["/in", "/out"]);
    let flags: Vec<DescriptorFlags> = all.iter().map(|(handle, _)| flags_of(&mut guest, Held(handle.rep()))).collect();
    assert_eq!(flags, [READ, READ | MUTATE]);
}

#[test]
fn a_directory_is_listed() {
    use DescriptorType::{Directory, RegularFile, SymbolicLink};
    let (mut guest, root) = Guest::of(&sample(false));
    let expected = [
        ("a.txt", RegularFile),
        ("abs", SymbolicLink),
        ("link", SymbolicLink),
        ("loop", SymbolicLink),
        ("out", SymbolicLink),
        ("sub", Directory),
    ];
    assert_eq!(listed(&mut guest, root), listing(&expected));
    let sub = guest.open(root, "sub", DIRECTORY, READ).unwrap();
    assert_eq!(listed(&mut guest, sub), listing(&[("b.txt", RegularFile), ("up", SymbolicLink)]));
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    assert_eq!(told(guest.view().read_directory(file.lent())).map(drop), Err(ErrorCode::NotDirectory));
}

#[test]
fn paths_are_looked_at() {
    let (mut guest, root) = Guest::of(&sample(false));
    let mut stat = |flags, path: &str| {
        told(guest.view().stat_at(root.lent(), flags, path.to_owned())).map(|stat| (stat.type_, stat.size))
    };
    assert_eq!(stat(none(), "a.txt"), Ok((DescriptorType::RegularFile, 10)));
    assert_eq!(stat(none(), "sub"), Ok((DescriptorType::Directory, 0)));
    assert_eq!(stat(none(), "link"), Ok((DescriptorType::SymbolicLink, 5)));
    assert_eq!(stat(FOLLOW, "link"), Ok((DescriptorType::RegularFile, 10)));
    assert_eq!(stat(FOLLOW, "sub/up"), Ok((DescriptorType::RegularFile, 10)));
    assert_eq!(stat(FOLLOW, "loop"), Err(ErrorCode::Loop));
    assert_eq!(stat(FOLLOW, "out"), Err(ErrorCode::NotPermitted));
    assert_eq!(stat(FOLLOW, "abs"), Err(ErrorCode::NotPermitted));
    assert_eq!(stat(none(), "nothing"), Err(ErrorCode::NoEntry));
    assert_eq!(stat(none(), "a.txt/b"), Err(ErrorCode::NotDirectory));
    assert_eq!(stat(none(), "/a.txt"), Err(ErrorCode::NotPermitted));
    assert_eq!(stat(none(), ""), Err(ErrorCode::Invalid));
    assert_eq!(told(guest.view().stat(root.lent())).map(|stat| stat.type_), Ok(DescriptorType::Directory));
}

#[test]
fn files_are_made_cut_and_found() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    assert_eq!(guest.open(root, "new", none(), READ | WRITE), Err(ErrorCode::NoEntry));
    guest.open(root, "new", CREATE, WRITE).unwrap();
    assert_eq!(memory.bytes("new").unwrap(), b"");
    assert_eq!(guest.open(root, "new", CREATE | EXCLUSIVE, WRITE), Err(ErrorCode::Exist));
    // Without `create`, `exclusive` says nothing.
    guest.open(root, "new", EXCLUSIVE, WRITE).unwrap();
    guest.open(root, "a.txt", TRUNCATE, WRITE).unwrap();
    assert_eq!(memory.bytes("a.txt").unwrap(), b"");
    // A file may be made by a handle that cannot write it.
    let made = guest.open(root, "made", CREATE, READ).unwrap();
    assert_eq!(flags_of(&mut guest, made), READ);
    assert_eq!(guest.open(root, "link", none(), READ), Err(ErrorCode::Loop));
    let followed = guest.view().open_at(root.lent(), FOLLOW, "link".to_owned(), none(), READ);
    assert!(told(followed).is_ok());
}

#[test]
fn openings_that_make_no_sense_are_refused() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let before = memory.paths();
    for open in [DIRECTORY | CREATE, DIRECTORY | TRUNCATE, DIRECTORY | EXCLUSIVE] {
        assert_eq!(guest.open(root, "x", open, READ), Err(ErrorCode::Invalid), "{open:?}");
    }
    // Cutting a file by way of a handle for reading.
    assert_eq!(guest.open(root, "a.txt", TRUNCATE, READ), Err(ErrorCode::Invalid));
    assert_eq!(guest.open(root, "a.txt", TRUNCATE, none()), Err(ErrorCode::Invalid));
    assert_eq!(guest.open(root, "a.txt", DIRECTORY, READ), Err(ErrorCode::NotDirectory));
    assert_eq!(guest.open(root, "sub", DIRECTORY, WRITE), Err(ErrorCode::IsDirectory));
    assert_eq!(guest.open(root, "sub", none(), WRITE), Err(ErrorCode::IsDirectory));
    assert_eq!(guest.open(root, "sub", CREATE, READ), Err(ErrorCode::IsDirectory));
    assert_eq!(memory.paths(), before);
    assert_eq!(memory.bytes("a.txt").unwrap(), b"0123456789");
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    assert_eq!(guest.open(file, "x", none(), READ), Err(ErrorCode::NotDirectory));
}

#[test]
fn directories_are_made_and_removed() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let mut view = guest.view();
    assert_eq!(told(view.create_directory_at(root.lent(), "sub/c".to_owned())), Ok(()));
    assert_eq!(told(view.create_directory_at(root.lent(), "sub".to_owned())), Err(ErrorCode::Exist));
    assert_eq!(told(view.remove_directory_at(root.lent(), "sub".to_owned())), Err(ErrorCode::NotEmpty));
    assert_eq!(told(view.remove_directory_at(root.lent(), "a.txt".to_owned())), Err(ErrorCode::NotDirectory));
    assert_eq!(told(view.remove_directory_at(root.lent(), "sub/c".to_owned())), Ok(()));
    assert_eq!(told(view.unlink_file_at(root.lent(), "sub".to_owned())), Err(ErrorCode::IsDirectory));
    assert_eq!(told(view.unlink_file_at(root.lent(), "a.txt".to_owned())), Ok(()));
    assert_eq!(told(view.unlink_file_at(root.lent(), "a.txt".to_owned())), Err(ErrorCode::NoEntry));
    assert_eq!(told(view.unlink_file_at(root.lent(), "link".to_owned())), Ok(()));
    assert!(!memory.paths().iter().any(|path| path == "a.txt" || path == "link" || path == "sub/c"));
}

#[test]
fn things_are_moved_within_a_folder_only() {
    let (one, two) = (sample(true), sample(true));
    let trees = vec![("/one", Arc::clone(&one)), ("/two", Arc::clone(&two)), ("/again", Arc::clone(&one))];
    let mut guest = Guest::with(trees, Subdirectories::AsOpened);
    let roots = guest.roots();
    let sub = guest.open(roots[0], "sub", none(), READ | MUTATE).unwrap();
    let mut rename = |from: Held, path: &str, to: Held, to_path: &str| {
        told(guest.view().rename_at(from.lent(), path.to_owned(), to.lent(), to_path.to_owned()))
    };
    assert_eq!(rename(roots[0], "a.txt", sub, "c.txt"), Ok(()));
    assert_eq!(one.bytes("sub/c.txt").unwrap(), b"0123456789");
    assert_eq!(rename(roots[0], "sub/b.txt", roots[1], "b.txt"), Err(ErrorCode::CrossDevice));
    // Trees alike are two folders; one tree under two names is one.
    assert_eq!(rename(roots[0], "sub/b.txt", roots[2], "b.txt"), Ok(()));
    assert_eq!(one.bytes("b.txt").unwrap(), b"b");
    assert_eq!(two.bytes("sub/b.txt").unwrap(), b"b");
    assert_eq!(rename(roots[0], "nothing", sub, "x"), Err(ErrorCode::NoEntry));
    assert!(!guest.view().is_same_object(roots[0].lent(), roots[1].lent()).unwrap());
    assert!(guest.view().is_same_object(roots[0].lent(), roots[2].lent()).unwrap());
}

#[test]
fn links_stay_inside() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let mut view = guest.view();
    assert_eq!(told(view.symlink_at(root.lent(), "sub/b.txt".to_owned(), "to-b".to_owned())), Ok(()));
    assert_eq!(told(view.readlink_at(root.lent(), "to-b".to_owned())), Ok("sub/b.txt".to_owned()));
    let outward = view.symlink_at(root.lent(), "/etc/passwd".to_owned(), "passwd".to_owned());
    assert_eq!(told(outward), Err(ErrorCode::NotPermitted));
    assert_eq!(told(view.symlink_at(root.lent(), "x".to_owned(), "sub".to_owned())), Err(ErrorCode::Exist));
    // A path of the host is not told.
    assert_eq!(told(view.readlink_at(root.lent(), "abs".to_owned())), Err(ErrorCode::NotPermitted));
    assert_eq!(told(view.readlink_at(root.lent(), "a.txt".to_owned())), Err(ErrorCode::Invalid));
    assert!(!memory.paths().contains(&"passwd".to_owned()));
    assert_eq!(guest.denied(), ["denied link /data/passwd"]);
}

#[test]
fn hard_links_are_not_made() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let before = memory.paths();
    let linked = guest.view().link_at(root.lent(), none(), "a.txt".to_owned(), root.lent(), "b".to_owned());
    assert_eq!(told(linked), Err(ErrorCode::Unsupported));
    assert_eq!(memory.paths(), before);
}

#[test]
fn times_are_set_by_path() {
    let (mut guest, root) = Guest::of(&sample(true));
    let time = |seconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 0 });
    let set = |guest: &mut Guest, flags, path: &str, seconds| {
        let path = path.to_owned();
        told(guest.view().set_times_at(root.lent(), flags, path, NewTimestamp::NoChange, time(seconds)))
    };
    let told_at = |guest: &mut Guest, path: &str| {
        let stat = told(guest.view().stat_at(root.lent(), none(), path.to_owned())).unwrap();
        stat.data_modification_timestamp.map(|time| time.seconds)
    };
    assert_eq!(set(&mut guest, none(), "link", 3), Ok(()));
    assert_eq!((told_at(&mut guest, "link"), told_at(&mut guest, "a.txt")), (Some(3), None));
    assert_eq!(set(&mut guest, FOLLOW, "link", 4), Ok(()));
    assert_eq!((told_at(&mut guest, "link"), told_at(&mut guest, "a.txt")), (Some(3), Some(4)));
    assert_eq!(set(&mut guest, none(), "nothing", 4), Err(ErrorCode::NoEntry));
    assert_eq!(told(guest.view().set_times(root.lent(), NewTimestamp::NoChange, time(8))), Ok(()));
    assert_eq!(told_at(&mut guest, "."), Some(8));
}

#[test]
fn what_is_taken_down_has_an_end() {
    let (mut guest, root) = Guest::of(&sample(false));
    let path = "ä".repeat(100_000);
    assert_eq!(told(guest.view().unlink_file_at(root.lent(), path)), Err(ErrorCode::ReadOnly));
    let seen = guest.seen.0.lock().unwrap();
    assert!(seen[0].target.starts_with("/data/ää"));
    assert!(seen[0].target.len() <= folder::MAX_TARGET);
}

#[test]
fn listings_that_are_open_are_bounded_together() {
    let mut memory = Memory::new(false).directory("many");
    for number in 0..20_000 {
        memory = memory.file(&format!("many/{number}"), b"");
    }
    let (mut guest, root) = Guest::of(&Arc::new(memory));
    let many = guest.open(root, "many", DIRECTORY, READ).unwrap();
    let mut open = Vec::new();
    let refused = loop {
        match told(guest.view().read_directory(many.lent())) {
            Ok(stream) => open.push(stream),
            Err(code) => break code,
        }
    };
    assert_eq!(refused, ErrorCode::Quota);
    assert_eq!(open.len(), folder::MAX_HELD / 20_000);
    // Closing one makes room for one.
    guest.table.delete(open.pop().unwrap()).unwrap();
    assert!(told(guest.view().read_directory(many.lent())).is_ok());
    assert!(told(guest.view().read_directory(many.lent())).is_err());
}

/// The guest cannot go on without its folders, and is not told that there are none: its call ends.
#[test]
fn a_guest_that_asks_for_a_folder_that_is_gone_is_ended() {
    let temp = tempfile::tempdir().unwrap();
    let gone = std::fs::canonicalize(temp.path()).unwrap().join("gone");
    let folder = FolderGrant { host: gone.clone(), guest: "gone".to_owned(), access: Access::Read };
    let scope = CallScope::unwatched("guest");
    let granted = Folders::new(Arc::new(Grant { folders: vec![folder] }), None, scope.clone());
    let mut files = Files::new(granted, Subdirectories::Inherited, scope);
    let mut table = ResourceTable::new();
    let error = FilesCtxView { ctx: &mut files, table: &mut table }.get_directories().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(OpenFolderError::Open { path, .. }) if *path == gone), "{error}");
    assert!(!files.asked_in_vain(), "it has a folder");
}
