//! Numbers, names and orders that nobody means well.

use super::super::bindings::wasi::filesystem::types::{Advice, NewTimestamp};
use super::super::file::MAX_READ;
use super::*;
use proptest::prelude::*;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

/// Bytes that files have in these tests: whatever a guest asks for, this is what it gets.
const QUOTA: u64 = 1 << 16;

fn limited(writable: bool) -> Arc<Memory> {
    let memory = sample(writable);
    memory.limit(QUOTA);
    memory
}

/// Numbers near every border, and any others.
fn number() -> impl Strategy<Value = u64> {
    let borders = [0, 1, 9, 10, 11, QUOTA, MAX_READ, 1 << 32, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];
    prop_oneof![prop::sample::select(borders.to_vec()), any::<u64>()]
}

/// Names that mean something, and any others.
fn path() -> impl Strategy<Value = String> {
    let names = [
        "",
        ".",
        "..",
        "/",
        "//",
        "a.txt",
        "a.txt/",
        "sub",
        "sub/",
        "sub/b.txt",
        "sub/../a.txt",
        "../a.txt",
        "link",
        "loop",
        "out",
        "out/passwd",
        "abs",
        "/etc/passwd",
        "sub/up",
        "new",
        "sub/new",
        "a\0b",
        "./././.",
        "a.txt/..",
    ];
    prop_oneof![4 => prop::sample::select(names.to_vec()).prop_map(ToOwned::to_owned), 1 => any::<String>()]
}

fn time() -> impl Strategy<Value = NewTimestamp> {
    let at = |(seconds, nanoseconds)| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds });
    prop_oneof![Just(NewTimestamp::NoChange), Just(NewTimestamp::Now), (number(), any::<u32>()).prop_map(at),]
}

fn open_flags() -> impl Strategy<Value = OpenFlags> {
    prop::sample::subsequence(vec![CREATE, DIRECTORY, EXCLUSIVE, TRUNCATE], 0..=4)
        .prop_map(|all| all.into_iter().fold(none(), |flags, flag| flags | flag))
}

fn flags() -> impl Strategy<Value = DescriptorFlags> {
    let sync = DescriptorFlags::FILE_INTEGRITY_SYNC;
    prop::sample::subsequence(vec![READ, WRITE, MUTATE, sync], 0..=4)
        .prop_map(|all| all.into_iter().fold(none(), |flags, flag| flags | flag))
}

/// Something a guest does, with a handle by its number among those it has.
#[derive(Clone, Debug)]
enum Act {
    Open(usize, String, bool, OpenFlags, DescriptorFlags),
    Write(usize, u8, u64),
    SetSize(usize, u64),
    SetTimes(usize, NewTimestamp, NewTimestamp),
    SetTimesAt(usize, String, bool, NewTimestamp),
    Append(usize),
    Create(usize, String),
    RemoveDirectory(usize, String),
    Remove(usize, String),
    Rename(usize, String, usize, String),
    Symlink(usize, String, String),
    Link(usize, String, usize, String),
}

fn act() -> impl Strategy<Value = Act> {
    let held = || 0..6usize;
    prop_oneof![
        4 => (held(), path(), any::<bool>(), open_flags(), flags()).prop_map(|(h, p, f, o, d)| Act::Open(h, p, f, o, d)),
        1 => (held(), any::<u8>(), number()).prop_map(|(h, length, offset)| Act::Write(h, length, offset)),
        1 => (held(), number()).prop_map(|(h, size)| Act::SetSize(h, size)),
        1 => (held(), time(), time()).prop_map(|(h, a, m)| Act::SetTimes(h, a, m)),
        1 => (held(), path(), any::<bool>(), time()).prop_map(|(h, p, f, m)| Act::SetTimesAt(h, p, f, m)),
        1 => held().prop_map(Act::Append),
        1 => (held(), path()).prop_map(|(h, p)| Act::Create(h, p)),
        1 => (held(), path()).prop_map(|(h, p)| Act::RemoveDirectory(h, p)),
        1 => (held(), path()).prop_map(|(h, p)| Act::Remove(h, p)),
        1 => (held(), path(), held(), path()).prop_map(|(h, p, t, q)| Act::Rename(h, p, t, q)),
        1 => (held(), path(), path()).prop_map(|(h, p, q)| Act::Symlink(h, p, q)),
        1 => (held(), path(), held(), path()).prop_map(|(h, p, t, q)| Act::Link(h, p, t, q)),
    ]
}

impl Act {
    /// Does it; what is opened joins the handles.
    fn done_by(self, guest: &mut Guest, all: &mut Vec<Held>) -> Result<(), ErrorCode> {
        let held = |number: usize| all[number % all.len()];
        let follows = |follow| if follow { FOLLOW } else { none() };
        let mut view = guest.view();
        match self {
            Self::Open(at, path, follow, open, flags) => {
                let opened = told(view.open_at(held(at).lent(), follows(follow), path, open, flags))?;
                all.push(Held(opened.rep()));
                Ok(())
            }
            Self::Write(at, length, offset) => {
                told(view.write(held(at).lent(), vec![0xff; length.into()], offset)).map(drop)
            }
            Self::SetSize(at, size) => told(view.set_size(held(at).lent(), size)),
            Self::SetTimes(at, accessed, modified) => told(view.set_times(held(at).lent(), accessed, modified)),
            Self::SetTimesAt(at, path, follow, time) => {
                told(view.set_times_at(held(at).lent(), follows(follow), path, time, time))
            }
            Self::Append(at) => {
                let stream = told(view.append_via_stream(held(at).lent()))?;
                let mut stream = guest.table.delete(stream).unwrap();
                stream.write(vec![1].into()).map_err(|_| ErrorCode::Io)
            }
            Self::Create(at, path) => told(view.create_directory_at(held(at).lent(), path)),
            Self::RemoveDirectory(at, path) => told(view.remove_directory_at(held(at).lent(), path)),
            Self::Remove(at, path) => told(view.unlink_file_at(held(at).lent(), path)),
            Self::Rename(at, path, to, to_path) => {
                told(view.rename_at(held(at).lent(), path, held(to).lent(), to_path))
            }
            Self::Symlink(at, target, path) => told(view.symlink_at(held(at).lent(), target, path)),
            Self::Link(at, path, to, to_path) => {
                told(view.link_at(held(at).lent(), none(), path, held(to).lent(), to_path))
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// A folder that is granted for reading stays as it is, whatever a guest does, in whatever order.
    #[test]
    fn a_folder_for_reading_never_changes(acts in prop::collection::vec(act(), 1..24), inherited: bool) {
        let memory = limited(false);
        let before = (memory.paths(), memory.bytes("a.txt"), memory.bytes("sub/b.txt"));
        let subdirectories = if inherited { Subdirectories::Inherited } else { Subdirectories::AsOpened };
        let mut guest = Guest::with(vec![("/data", Arc::clone(&memory))], subdirectories);
        let mut all = guest.roots();
        for act in acts {
            let opens = matches!(act, Act::Open(..));
            let done = act.clone().done_by(&mut guest, &mut all);
            // Setting nothing is the one change that comes for free.
            prop_assert!(done.is_err() || opens, "{act:?}");
        }
        prop_assert_eq!((memory.paths(), memory.bytes("a.txt"), memory.bytes("sub/b.txt")), before);
        for held in all {
            let flags = flags_of(&mut guest, held);
            prop_assert!(!flags.contains(WRITE) && !flags.contains(MUTATE));
        }
    }

    /// What is reached from a directory for reading is for reading, whatever is asked for.
    #[test]
    fn rights_only_shrink(acts in prop::collection::vec((0..6usize, path(), any::<bool>(), open_flags(), flags()), 1..16)) {
        let memory = limited(true);
        let (mut guest, root) = Guest::of(&memory);
        let before = (memory.paths(), memory.bytes("a.txt"));
        let mut all = vec![guest.open(root, ".", none(), READ).unwrap()];
        for (at, path, follow, open, flags) in acts {
            let _ = Act::Open(at, path, follow, open, flags).done_by(&mut guest, &mut all);
        }
        for held in all {
            let flags = flags_of(&mut guest, held);
            prop_assert!(!flags.contains(WRITE) && !flags.contains(MUTATE));
        }
        prop_assert_eq!((memory.paths(), memory.bytes("a.txt")), before);
    }

    /// Nothing panics, and no file grows beyond what the tree allows.
    #[test]
    fn anything_may_be_tried(acts in prop::collection::vec(act(), 1..32)) {
        let memory = limited(true);
        let (mut guest, _) = Guest::of(&memory);
        let mut all = guest.roots();
        for act in acts {
            let _ = act.done_by(&mut guest, &mut all);
        }
        for path in memory.paths() {
            prop_assert!(memory.bytes(&path).unwrap_or_default().len() as u64 <= QUOTA);
        }
    }

    /// Whatever the numbers, a read gives at most a mebibyte, and only bytes of the file.
    #[test]
    fn numbers_are_clamped(length in number(), offset in number(), seconds in number()) {
        let memory = limited(true);
        let (mut guest, root) = Guest::of(&memory);
        let file = guest.open(root, "a.txt", none(), READ | WRITE).unwrap();
        if let Ok((bytes, _)) = told(guest.view().read(file.lent(), length, offset)) {
            prop_assert!(bytes.len() as u64 <= length.min(MAX_READ));
            prop_assert!(b"0123456789".windows(bytes.len().max(1)).any(|part| part == bytes) || bytes.is_empty());
        }
        prop_assert!(memory.asked() <= MAX_READ);
        let _ = told(guest.view().advise(file.lent(), offset, length, Advice::NoReuse));
        let time = NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 0 });
        let _ = told(guest.view().set_times(file.lent(), time, time));
    }
}

#[test]
fn handles_have_an_end() {
    let (mut guest, root) = Guest::of(&sample(true));
    guest.table.set_max_capacity(16);
    let mut opened = 0;
    let end = loop {
        match guest.view().open_at(root.lent(), none(), "a.txt".to_owned(), none(), READ) {
            Ok(_) => opened += 1,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(end, Fault::Trap(_)), "{end:?}");
    assert!(opened <= 16);
    assert!(guest.view().get_directories().is_err());
}

#[test]
fn handles_of_nothing_end_the_guest() {
    let (mut guest, root) = Guest::of(&sample(true));
    let stream = Held(told(guest.view().read_directory(root.lent())).unwrap().rep());
    // One that was never given, and one of something else.
    for held in [Held(12_345), stream] {
        assert!(matches!(guest.view().stat(held.lent()), Err(Fault::Trap(_))));
        assert!(guest.view().is_same_object(root.lent(), held.lent()).is_err());
        let renamed = guest.view().rename_at(root.lent(), "a.txt".to_owned(), held.lent(), "b".to_owned());
        assert!(matches!(renamed, Err(Fault::Trap(_))));
    }
}
