//! Who may do what.

use super::super::bindings::wasi::filesystem::types::NewTimestamp;
use super::*;

/// One thing done to a directory that changes something.
type Change = (&'static str, Act);

type Act = fn(&mut Guest, Held) -> Result<(), ErrorCode>;

const CHANGES: &[Change] = &[
    ("write", |guest, at| guest.open(at, "b.txt", none(), WRITE).map(drop)),
    ("write", |guest, at| guest.open(at, "b.txt", none(), READ | WRITE).map(drop)),
    ("write", |guest, at| guest.open(at, "b.txt", TRUNCATE, WRITE).map(drop)),
    ("write", |guest, at| guest.open(at, "new", CREATE, READ).map(drop)),
    ("write", |guest, at| guest.open(at, "new", CREATE | EXCLUSIVE, WRITE).map(drop)),
    ("write", |guest, at| guest.open(at, ".", none(), READ | MUTATE).map(drop)),
    ("make-directory", |guest, at| told(guest.view().create_directory_at(at.lent(), "d".to_owned()))),
    ("remove-directory", |guest, at| told(guest.view().remove_directory_at(at.lent(), "empty".to_owned()))),
    ("remove", |guest, at| told(guest.view().unlink_file_at(at.lent(), "c.txt".to_owned()))),
    ("rename", |guest, at| told(guest.view().rename_at(at.lent(), "b.txt".to_owned(), at.lent(), "moved".to_owned()))),
    ("link", |guest, at| told(guest.view().symlink_at(at.lent(), "c".to_owned(), "l".to_owned()))),
    ("set-time", |guest, at| told(guest.view().set_times(at.lent(), NewTimestamp::NoChange, NewTimestamp::Now))),
    ("set-time", |guest, at| {
        let (same, now) = (NewTimestamp::NoChange, NewTimestamp::Now);
        told(guest.view().set_times_at(at.lent(), none(), "empty".to_owned(), same, now))
    }),
];

/// One thing done to a directory that changes nothing.
const LOOKS: &[Act] = &[
    |guest, at| guest.open(at, "b.txt", none(), READ).map(drop),
    |guest, at| guest.open(at, "b.txt", none(), none()).map(drop),
    |guest, at| guest.open(at, ".", DIRECTORY, READ).map(drop),
    |guest, at| told(guest.view().read_directory(at.lent())).map(drop),
    |guest, at| told(guest.view().stat(at.lent())).map(drop),
    |guest, at| told(guest.view().stat_at(at.lent(), none(), "b.txt".to_owned())).map(drop),
    |guest, at| told(guest.view().readlink_at(at.lent(), "up".to_owned())).map(drop),
    |guest, at| told(guest.view().metadata_hash(at.lent())).map(drop),
    |guest, at| told(guest.view().metadata_hash_at(at.lent(), none(), "b.txt".to_owned())).map(drop),
];

fn tree(writable: bool) -> Arc<Memory> {
    let memory = Memory::new(writable)
        .directory("sub")
        .file("sub/b.txt", b"b")
        .file("sub/c.txt", b"c")
        .directory("sub/empty")
        .link("sub/up", "../a.txt");
    Arc::new(memory)
}

/// A handle of `sub`.
fn sub(memory: &Arc<Memory>, flags: DescriptorFlags, subdirectories: Subdirectories) -> (Guest, Held) {
    let mut guest = Guest::with(vec![("/data", Arc::clone(memory))], subdirectories);
    let root = guest.roots()[0];
    let sub = guest.open(root, "sub", DIRECTORY, flags).unwrap();
    (guest, sub)
}

#[test]
fn with_the_right_everything_works() {
    for (action, change) in CHANGES {
        let memory = tree(true);
        let (mut guest, sub) = sub(&memory, READ | MUTATE, Subdirectories::AsOpened);
        assert_eq!(change(&mut guest, sub), Ok(()), "{action}");
        assert!(guest.denied().is_empty());
    }
}

#[test]
fn without_the_right_nothing_changes() {
    for (action, change) in CHANGES {
        // The grant refuses, whatever is asked for later: taken down.
        let memory = tree(false);
        let before = memory.paths();
        for subdirectories in [Subdirectories::AsOpened, Subdirectories::Inherited] {
            let (mut guest, sub) = sub(&memory, READ, subdirectories);
            assert_eq!(change(&mut guest, sub), Err(ErrorCode::ReadOnly), "{action}");
            let denied = guest.denied();
            assert_eq!(denied.len(), 1, "{denied:?}");
            assert!(denied[0].starts_with(&format!("denied {action} /data/sub/")), "{denied:?}");
        }
        assert_eq!(memory.paths(), before, "{action}");
        assert_eq!(memory.bytes("sub/b.txt").unwrap(), b"b");
        // The handle refuses: the guest's own affair.
        let memory = tree(true);
        let (mut guest, sub) = sub(&memory, READ, Subdirectories::AsOpened);
        assert_eq!(change(&mut guest, sub), Err(ErrorCode::ReadOnly), "{action}");
        assert_eq!(memory.paths(), before, "{action}");
        assert!(guest.denied().is_empty());
    }
}

/// What Rust's and C's libraries rely on: they never ask for `mutate-directory`.
#[test]
fn subdirectories_inherit_where_they_are_to() {
    for (action, change) in CHANGES {
        let (mut guest, sub) = sub(&tree(true), READ, Subdirectories::Inherited);
        assert_eq!(change(&mut guest, sub), Ok(()), "{action}");
    }
}

#[test]
fn looking_needs_no_right() {
    for writable in [false, true] {
        for (number, look) in LOOKS.iter().enumerate() {
            let (mut guest, sub) = sub(&tree(writable), READ, Subdirectories::AsOpened);
            assert_eq!(look(&mut guest, sub), Ok(()), "{number}");
            assert!(guest.denied().is_empty());
        }
    }
}

#[test]
fn both_ends_of_a_move_need_the_right() {
    let memory = tree(true);
    let (mut guest, from) = sub(&memory, READ, Subdirectories::AsOpened);
    let root = guest.roots()[0];
    let mut rename = |from: Held, path: &str, to: Held| {
        told(guest.view().rename_at(from.lent(), path.to_owned(), to.lent(), "x".to_owned()))
    };
    assert_eq!(rename(from, "b.txt", root), Err(ErrorCode::ReadOnly));
    assert_eq!(rename(root, "sub/b.txt", from), Err(ErrorCode::ReadOnly));
    assert_eq!(rename(root, "sub/b.txt", root), Ok(()));
}

/// A directory opened for reading gives nobody more than reading, however deep.
#[test]
fn children_get_no_more() {
    let memory = Arc::new(Memory::new(true).directory("a").directory("a/b").file("a/b/f", b"f"));
    let (mut guest, root) = Guest::of(&memory);
    let a = guest.open(root, "a", none(), READ).unwrap();
    let b = guest.open(a, "b", none(), READ).unwrap();
    for at in [a, b] {
        assert_eq!(flags_of(&mut guest, at), READ);
        assert_eq!(guest.open(at, ".", none(), READ | MUTATE), Err(ErrorCode::ReadOnly));
    }
    assert_eq!(guest.open(b, "f", none(), WRITE), Err(ErrorCode::ReadOnly));
    // From a directory that has it, the right can be kept on the way down.
    let a = guest.open(root, "a", none(), READ | MUTATE).unwrap();
    let b = guest.open(a, "b", none(), MUTATE).unwrap();
    assert_eq!(flags_of(&mut guest, b), READ | MUTATE);
    assert!(guest.open(b, "f", none(), WRITE).is_ok());
}

/// What a file's handle may do is what it was opened for.
#[test]
fn file_handles_do_what_they_were_opened_for() {
    for flags in [none(), READ, WRITE, READ | WRITE] {
        let memory = sample(true);
        let (mut guest, root) = Guest::of(&memory);
        let file = guest.open(root, "a.txt", none(), flags).unwrap();
        let allowed = |flag, code| if flags.contains(flag) { Ok(()) } else { Err(code) };
        let (same, now) = (NewTimestamp::NoChange, NewTimestamp::Now);
        let (read, write) = (allowed(READ, ErrorCode::BadDescriptor), allowed(WRITE, ErrorCode::BadDescriptor));
        let mut view = guest.view();
        assert_eq!(told(view.read(file.lent(), 1, 0)).map(drop), read);
        assert_eq!(told(view.read_via_stream(file.lent(), 0)).map(drop), read);
        assert_eq!(told(view.write(file.lent(), vec![1], 0)).map(drop), write);
        assert_eq!(told(view.write_via_stream(file.lent(), 0)).map(drop), write);
        assert_eq!(told(view.append_via_stream(file.lent())).map(drop), write);
        assert_eq!(told(view.set_size(file.lent(), 3)), write);
        for time in [same, now] {
            assert_eq!(told(view.set_times(file.lent(), same, time)), allowed(WRITE, ErrorCode::NotPermitted));
        }
        let expected: &[u8] = if flags.contains(WRITE) { b"\x0112" } else { b"0123456789" };
        assert_eq!(memory.bytes("a.txt").unwrap(), expected);
    }
}
