//! Files that are open.

use super::super::bindings::wasi::filesystem::types::{Advice, DescriptorType, NewTimestamp};
use super::super::file::MAX_READ;
use super::*;
use std::time::UNIX_EPOCH;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

fn at(seconds: u64) -> NewTimestamp {
    NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 0 })
}

#[test]
fn a_file_is_read_by_offset() {
    let (mut guest, root) = Guest::of(&sample(false));
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    let mut read = |length, offset| told(guest.view().read(file.lent(), length, offset)).unwrap();
    assert_eq!(read(4, 0), (b"0123".to_vec(), false));
    assert_eq!(read(4, 4), (b"4567".to_vec(), false));
    assert_eq!(read(4, 8), (b"89".to_vec(), true));
    // The end is not known before somebody reads on.
    assert_eq!(read(10, 0), (b"0123456789".to_vec(), false));
    assert_eq!(read(4, 10), (Vec::new(), true));
    assert_eq!(read(4, 1 << 40), (Vec::new(), true));
    // An adapter takes nothing and no end for an interruption.
    assert_eq!(read(0, 0), (Vec::new(), true));
}

#[test]
fn one_read_gives_a_mebibyte_at_most() {
    let big = vec![7; MAX_READ as usize + 1];
    let memory = Arc::new(Memory::new(false).file("big", &big));
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "big", none(), READ).unwrap();
    for length in [MAX_READ + 1, u64::MAX] {
        let (bytes, end) = told(guest.view().read(file.lent(), length, 0)).unwrap();
        assert_eq!((bytes.len() as u64, end), (MAX_READ, false));
        assert_eq!(memory.asked(), MAX_READ);
    }
}

#[test]
fn a_file_is_written_by_offset() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "a.txt", none(), WRITE).unwrap();
    assert_eq!(told(guest.view().write(file.lent(), b"ab".to_vec(), 2)), Ok(2));
    assert_eq!(memory.bytes("a.txt").unwrap(), b"01ab456789");
    // A gap is filled with zeros.
    assert_eq!(told(guest.view().write(file.lent(), b"z".to_vec(), 12)), Ok(1));
    assert_eq!(memory.bytes("a.txt").unwrap(), b"01ab456789\0\0z");
    assert_eq!(told(guest.view().set_size(file.lent(), 3)), Ok(()));
    assert_eq!(memory.bytes("a.txt").unwrap(), b"01a");
    // Beyond what any file can have, and not for the tree to find out.
    assert_eq!(told(guest.view().set_size(file.lent(), 1 << 63)), Err(ErrorCode::FileTooLarge));
    assert_eq!(told(guest.view().write(file.lent(), vec![1], i64::MAX as u64)), Err(ErrorCode::FileTooLarge));
}

#[test]
fn errors_of_the_tree_are_told() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "a.txt", none(), READ | WRITE).unwrap();
    memory.limit(10);
    assert_eq!(told(guest.view().write(file.lent(), b"x".to_vec(), 10)), Err(ErrorCode::Quota));
    assert_eq!(told(guest.view().set_size(file.lent(), 11)), Err(ErrorCode::Quota));
    memory.revoke();
    assert_eq!(told(guest.view().read(file.lent(), 1, 0)), Err(ErrorCode::Access));
    assert_eq!(told(guest.view().write(file.lent(), b"x".to_vec(), 0)), Err(ErrorCode::Access));
    assert_eq!(told(guest.view().stat(file.lent())).map(drop), Err(ErrorCode::Access));
    assert_eq!(told(guest.view().stat(root.lent())).map(drop), Err(ErrorCode::Access));
    // What cannot be looked at is not known to be the same as anything.
    assert!(!guest.view().is_same_object(root.lent(), file.lent()).unwrap());
    assert!(!guest.view().is_same_object(root.lent(), root.lent()).unwrap());
}

#[test]
fn flags_and_types_are_those_of_the_opening() {
    let (mut guest, root) = Guest::of(&sample(true));
    for flags in [READ, WRITE, READ | WRITE, none()] {
        let file = guest.open(root, "a.txt", none(), flags).unwrap();
        assert_eq!(flags_of(&mut guest, file), flags);
        assert_eq!(told(guest.view().get_type(file.lent())), Ok(DescriptorType::RegularFile));
    }
    // C's library asks for this whenever it opens anything for writing; files do not have it.
    let file = guest.open(root, "a.txt", none(), WRITE | MUTATE).unwrap();
    assert_eq!(flags_of(&mut guest, file), WRITE);
    assert_eq!(flags_of(&mut guest, root), READ | MUTATE);
    assert_eq!(told(guest.view().get_type(root.lent())), Ok(DescriptorType::Directory));
}

#[test]
fn a_file_tells_what_it_is() {
    let (mut guest, root) = Guest::of(&sample(true));
    let file = guest.open(root, "a.txt", none(), READ | WRITE).unwrap();
    let stat = told(guest.view().stat(file.lent())).unwrap();
    assert_eq!((stat.type_, stat.size, stat.link_count), (DescriptorType::RegularFile, 10, 1));
    assert!(stat.data_modification_timestamp.is_none());
    assert_eq!(told(guest.view().set_times(file.lent(), at(1), at(5))), Ok(()));
    let stat = told(guest.view().stat(file.lent())).unwrap();
    assert_eq!(stat.data_modification_timestamp.map(|time| time.seconds), Some(5));
    assert!(stat.data_access_timestamp.is_none());
    // Nothing to change changes nothing.
    let same = NewTimestamp::NoChange;
    assert_eq!(told(guest.view().set_times(file.lent(), at(9), same)), Ok(()));
    let stat = told(guest.view().stat(file.lent())).unwrap();
    assert_eq!(stat.data_modification_timestamp.map(|time| time.seconds), Some(5));
    assert_eq!(told(guest.view().set_times(file.lent(), same, NewTimestamp::Now)), Ok(()));
    let stat = told(guest.view().stat(file.lent())).unwrap();
    let seconds = UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(stat.data_modification_timestamp.is_some_and(|time| time.seconds.abs_diff(seconds) < 60));
}

#[test]
fn impossible_times_are_refused() {
    let (mut guest, root) = Guest::of(&sample(true));
    let file = guest.open(root, "a.txt", none(), WRITE).unwrap();
    let bad = NewTimestamp::Timestamp(Datetime { seconds: 0, nanoseconds: u32::MAX });
    let (late, same) = (at(u64::MAX), NewTimestamp::NoChange);
    for held in [file, root] {
        assert_eq!(told(guest.view().set_times(held.lent(), bad, same)), Err(ErrorCode::Invalid));
        assert_eq!(told(guest.view().set_times(held.lent(), same, bad)), Err(ErrorCode::Invalid));
        assert_eq!(told(guest.view().set_times(held.lent(), same, late)), Err(ErrorCode::Overflow));
    }
    let times_at =
        |guest: &mut Guest, time| told(guest.view().set_times_at(root.lent(), none(), "a.txt".to_owned(), time, time));
    assert_eq!(times_at(&mut guest, bad), Err(ErrorCode::Invalid));
    assert_eq!(times_at(&mut guest, late), Err(ErrorCode::Overflow));
}

#[test]
fn advice_and_syncing_are_taken_note_of() {
    let (mut guest, root) = Guest::of(&sample(true));
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    assert_eq!(told(guest.view().advise(file.lent(), 0, 10, Advice::WillNeed)), Ok(()));
    assert_eq!(told(guest.view().advise(file.lent(), 1, u64::MAX, Advice::Normal)), Err(ErrorCode::Invalid));
    assert_eq!(told(guest.view().advise(root.lent(), 0, 1, Advice::Normal)), Err(ErrorCode::BadDescriptor));
    for held in [file, root] {
        assert_eq!(told(guest.view().sync(held.lent())), Ok(()));
        assert_eq!(told(guest.view().sync_data(held.lent())), Ok(()));
    }
}

#[test]
fn directories_have_no_content() {
    let (mut guest, root) = Guest::of(&sample(true));
    let mut view = guest.view();
    let code = Err(ErrorCode::IsDirectory);
    assert_eq!(told(view.read(root.lent(), 1, 0)).map(drop), code);
    assert_eq!(told(view.write(root.lent(), vec![1], 0)).map(drop), code);
    assert_eq!(told(view.set_size(root.lent(), 0)), code);
    assert_eq!(told(view.read_via_stream(root.lent(), 0)).map(drop), code);
    assert_eq!(told(view.write_via_stream(root.lent(), 0)).map(drop), code);
    assert_eq!(told(view.append_via_stream(root.lent())).map(drop), code);
}

#[test]
fn the_same_file_is_the_same_object() {
    let (mut guest, root) = Guest::of(&sample(true));
    let one = guest.open(root, "a.txt", none(), READ).unwrap();
    let other = guest.open(root, "a.txt", none(), WRITE).unwrap();
    let sub = guest.open(root, "sub", none(), READ).unwrap();
    let again = guest.open(sub, ".", none(), READ).unwrap();
    let b = guest.open(sub, "b.txt", none(), READ).unwrap();
    let mut same = |one: Held, other: Held| guest.view().is_same_object(one.lent(), other.lent()).unwrap();
    assert!(same(one, other) && same(sub, again) && same(root, root));
    assert!(!same(one, b) && !same(sub, root) && !same(sub, b));
}

#[test]
fn hashes_tell_files_apart_and_calls_nothing() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "a.txt", none(), READ | WRITE).unwrap();
    let hash_at = |guest: &mut Guest, root: Held, flags, path: &str| {
        let hash = told(guest.view().metadata_hash_at(root.lent(), flags, path.to_owned())).unwrap();
        (hash.lower, hash.upper)
    };
    let open = told(guest.view().metadata_hash(file.lent())).unwrap();
    let before = hash_at(&mut guest, root, none(), "a.txt");
    assert_eq!((open.lower, open.upper), before);
    assert_eq!(hash_at(&mut guest, root, FOLLOW, "link"), before);
    assert_ne!(hash_at(&mut guest, root, none(), "link"), before);
    // Another call sees other numbers.
    let (mut other, other_root) = Guest::of(&memory);
    assert_ne!(hash_at(&mut other, other_root, none(), "a.txt"), before);
    told(guest.view().write(file.lent(), vec![0; 20], 0)).unwrap();
    assert_ne!(hash_at(&mut guest, root, none(), "a.txt"), before);
}

#[test]
fn dropped_handles_are_gone() {
    let (mut guest, root) = Guest::of(&sample(true));
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    guest.view().drop(file.own()).unwrap();
    assert!(matches!(guest.view().read(file.lent(), 1, 0), Err(Fault::Trap(_))));
    assert!(guest.view().drop(file.own()).is_err());
}
