//! The cache: hits, misses, and entries that somebody touched.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use vox_model::{Limits, SkillRef, Value};
use vox_runtime::cache::Cache;
use vox_runtime::{Compiler, Granted, Host, Observer, OpenError};
use vox_tests::{fixtures, need, skills};

/// Counts compilations.
#[derive(Default)]
struct Compilations(AtomicU32);

impl Observer for Compilations {
    fn compiling(&self, _: &str, _: u64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn compiled(&self) {}
}

/// Opens and calls a skill with a cache in this folder; gives the number of compilations and the cache's notes.
fn used(root: &Path, skill: &SkillRef) -> (u32, Vec<String>) {
    let seen = Arc::new(Compilations::default());
    let cache = Cache::open(root).unwrap_or_else(|error| panic!("{error}"));
    let host = skills::built(Host::builder().cache(cache).observer(seen.clone()));
    let program = host.open(skill, &Granted::default(), Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let outcome = skills::call(&program, "answer", vec![]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::U32(42))), "the call has to be right whatever the cache holds");
    (seen.0.load(Ordering::SeqCst), host.cache().map(Cache::notes).unwrap_or_default())
}

/// A cache that holds the code of one skill.
struct Filled {
    folder: tempfile::TempDir,
    skill: SkillRef,
    _place: tempfile::TempDir,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let (place, skill) = skills::placed(&fixtures::assembled(fixtures::ANSWER));
        let root = folder.path().join("cache");
        assert_eq!(used(&root, &skill).0, 1, "the first use compiles");
        Self { folder, skill, _place: place }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn entry(&self, kind: &str) -> PathBuf {
        let entries = std::fs::read_dir(self.root().join("v1")).unwrap_or_else(|error| panic!("{error}"));
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind));
        entries.flatten().map(|entry| entry.path()).find(named).unwrap_or_else(|| panic!("the cache has no {kind}"))
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mode(path: &Path, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// What somebody does to an entry; `Filled` offers a second one to take things from.
type Tamper = fn(&Path, &Filled);

const TAMPERS: [(&str, Tamper); 16] = [
    ("a bit of the header is flipped", |entry, _| flip(entry, 1)),
    ("a bit of the key is flipped", |entry, _| flip(entry, 20)),
    ("a bit of the length is flipped", |entry, _| flip(entry, 46)),
    ("a bit of the content is flipped", |entry, _| flip(entry, 500)),
    ("the last bit is flipped", |entry, _| flip(entry, read(entry).len() - 1)),
    ("it is cut short by one byte", |entry, _| write(entry, &read(entry)[..read(entry).len() - 1])),
    ("it is cut to half", |entry, _| write(entry, &read(entry)[..read(entry).len() / 2])),
    ("it is longer by one byte", |entry, _| write(entry, &[&read(entry)[..], b"x"].concat())),
    ("it is empty", |entry, _| write(entry, b"")),
    ("it is of another version", |entry, _| {
        let mut bytes = read(entry);
        bytes[8] = 9;
        write(entry, &bytes);
    }),
    ("it is the entry of another installation", |entry, other| write(entry, &read(&other.entry("code")))),
    ("it is another entry of this cache", |entry, _| {
        let facts = entry.parent().unwrap_or(entry).read_dir().ok().into_iter().flatten().flatten();
        let facts = facts.map(|e| e.path()).find(|p| p.to_string_lossy().contains("facts-"));
        write(entry, &read(&facts.unwrap_or_else(|| panic!("no facts"))));
    }),
    ("it is a link", |entry, _| {
        let moved = entry.with_extension("moved");
        std::fs::rename(entry, &moved).and_then(|()| symlink(&moved, entry)).unwrap_or_else(|error| panic!("{error}"));
    }),
    ("it has a second name", |entry, _| {
        std::fs::hard_link(entry, entry.with_extension("second")).unwrap_or_else(|error| panic!("{error}"));
    }),
    ("others may read it", |entry, _| mode(entry, 0o644)),
    ("others may write it", |entry, _| mode(entry, 0o602)),
];

fn flip(path: &Path, at: usize) {
    let mut bytes = read(path);
    bytes[at] ^= 1;
    write(path, &bytes);
}

#[test]
fn the_second_use_does_not_compile() {
    let filled = Filled::new();
    assert_eq!(used(&filled.root(), &filled.skill), (0, vec![]));
    let usage = Cache::open(&filled.root()).ok().and_then(|cache| cache.usage().ok());
    assert_eq!(usage.map(|usage| (usage.code, usage.facts, usage.quarantined)), Some((1, 1, 0)));
}

#[test]
fn a_host_without_a_compiler_runs_what_the_cache_holds() {
    let filled = Filled::new();
    let open = || {
        let cache = Cache::open(&filled.root()).unwrap_or_else(|error| panic!("{error}"));
        let host = Host::builder().cache(cache).compiler(Compiler::None).build();
        let host = host.unwrap_or_else(|error| panic!("{error}"));
        host.open(&filled.skill, &Granted::default(), Limits::default()).map(drop)
    };
    assert!(open().is_ok());
    std::fs::remove_file(filled.entry("code")).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(open(), Err(OpenError::Compile { .. })));
}

/// Every tampered entry is put aside, compiled anew, and said; the call is right all the same.
#[test]
fn tampered_code_is_never_loaded() {
    let other = Filled::new();
    for (what, tamper) in TAMPERS {
        let filled = Filled::new();
        let entry = filled.entry("code");
        tamper(&entry, &other);
        let (compiled, notes) = used(&filled.root(), &filled.skill);
        assert_eq!(compiled, 1, "{what}: the entry was used");
        assert!(notes.iter().any(|note| note.starts_with("code-")), "{what}: nothing was said: {notes:?}");
        let again = used(&filled.root(), &filled.skill);
        assert_eq!(again, (0, vec![]), "{what}: the next use");
    }
}

#[test]
fn tampered_facts_are_never_believed() {
    let other = Filled::new();
    for (what, tamper) in TAMPERS.into_iter().filter(|(what, _)| !what.contains("another")) {
        let filled = Filled::new();
        let entry = filled.entry("facts");
        // A small entry lacks the far bytes: the last one stands in for them.
        if !what.contains("content") || read(&entry).len() > 600 {
            tamper(&entry, &other);
        } else {
            flip(&entry, 60);
        }
        let (_, notes) = used(&filled.root(), &filled.skill);
        assert!(notes.iter().any(|note| note.starts_with("facts-")), "{what}: {notes:?}");
    }
}

/// A folder in the place of an entry can be neither read nor written over: the call goes on without.
#[test]
fn a_folder_in_the_place_of_an_entry_does_no_harm() {
    let filled = Filled::new();
    let entry = filled.entry("code");
    std::fs::remove_file(&entry).and_then(|()| std::fs::create_dir(&entry)).unwrap_or_else(|error| panic!("{error}"));
    let (compiled, notes) = used(&filled.root(), &filled.skill);
    assert_eq!(compiled, 1);
    assert!(!notes.is_empty());
}

#[test]
fn a_fifo_in_the_place_of_an_entry_does_not_hold_anybody_up() {
    let filled = Filled::new();
    let entry = filled.entry("code");
    std::fs::remove_file(&entry).unwrap_or_else(|error| panic!("{error}"));
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &entry,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    );
    need!("FIFOs", made.map_err(|error| error.to_string()));
    assert_eq!(used(&filled.root(), &filled.skill).0, 1);
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    for inner in [".", "v1"] {
        let filled = Filled::new();
        mode(&filled.root().join(inner), 0o777);
        let error = Cache::open(&filled.root()).err().unwrap_or_else(|| panic!("{inner}: the cache was opened"));
        assert!(error.to_string().contains("cannot be used"), "{error}");
        assert!(error.source.to_string().contains("chmod 700"), "{inner}: {}", error.source);
    }
}

#[test]
fn a_damaged_key_is_said_and_not_replaced() {
    let filled = Filled::new();
    let key = filled.root().join("mac.key");
    write(&key, b"short");
    let error = Cache::open(&filled.root()).err().unwrap_or_else(|| panic!("the cache was opened"));
    assert!(error.source.to_string().contains("damaged"), "{}", error.source);
    assert_eq!(read(&key), b"short");
    mode(&key, 0o644);
    assert!(Cache::open(&filled.root()).is_err(), "a key that others can read was used");
}

/// With another key no entry of before is believed.
#[test]
fn a_new_key_makes_every_entry_a_miss() {
    let filled = Filled::new();
    std::fs::remove_file(filled.root().join("mac.key")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(used(&filled.root(), &filled.skill).0, 1);
}

#[test]
fn clearing_removes_everything_but_the_key() {
    let filled = Filled::new();
    let key = read(&filled.root().join("mac.key"));
    let cache = Cache::open(&filled.root()).unwrap_or_else(|error| panic!("{error}"));
    let removed = cache.clear().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((removed.code, removed.facts), (1, 1));
    assert_eq!(cache.usage().ok().map(|usage| usage.code + usage.facts), Some(0));
    assert_eq!(read(&filled.root().join("mac.key")), key);
    assert_eq!(used(&filled.root(), &filled.skill).0, 1);
}

/// A file system that is full: calls go on, and the cache says that it keeps nothing.
#[test]
fn a_full_file_system_is_a_miss_and_no_error() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let root = folder.path().join("small");
    std::fs::create_dir(&root).unwrap_or_else(|error| panic!("{error}"));
    let _mounted = need!("a tiny file system (root only)", Mounted::tiny(&root));
    let (_place, skill) = skills::placed(&fixtures::assembled(fixtures::ANSWER));
    let cache = root.join("cache");
    let (compiled, _) = used(&cache, &skill);
    assert_eq!(compiled, 1);
    let (compiled, notes) = used(&cache, &skill);
    assert_eq!(compiled, 1, "16 KiB cannot hold the code");
    assert!(notes.iter().any(|note| note.contains("was not kept")), "{notes:?}");
}

/// A tmpfs of 16 KiB, unmounted when it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn tiny(at: &Path) -> Result<Self, String> {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs"]).arg(at);
        let output = mount.output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(Self(at.to_owned())),
            false => Err(format!("mount says: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

/// Two hosts that compile the same skill at once: both are right, one entry is kept.
#[test]
fn two_writers_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let (_place, skill) = skills::placed(&fixtures::assembled(fixtures::ANSWER));
    std::thread::scope(|scope| {
        let users: Vec<_> = (0..4).map(|_| scope.spawn(|| used(folder.path(), &skill))).collect();
        for user in users {
            let (_, notes) = user.join().unwrap_or_else(|_| panic!("one of four users failed"));
            assert_eq!(notes, Vec::<String>::new());
        }
    });
    let usage = Cache::open(folder.path()).ok().and_then(|cache| cache.usage().ok());
    assert_eq!(usage.map(|usage| (usage.code, usage.facts)), Some((1, 1)));
}

/// Code that does not fit into a pooled sandbox is whole: a call with a smaller limit is turned down, and the entry
/// stays for the call with the larger one.
#[test]
fn code_for_large_memories_is_not_taken_for_damaged() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let text = fixtures::MEMORY_BOMB.replace("65536", "1600");
    let (_place, skill) = skills::placed(&fixtures::assembled(&text));
    let open = |memory: u64| {
        let cache = Cache::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let host = skills::built(Host::builder().cache(cache));
        let answered = host
            .open(&skill, &Granted::default(), Limits { memory, ..Limits::default() })
            .is_ok_and(|program| skills::call(&program, "answer", vec![]).result.is_ok());
        (answered, host.cache().map(Cache::notes).unwrap_or_default())
    };
    assert_eq!(open(256 << 20), (true, vec![]));
    assert_eq!(open(64 << 20), (false, vec![]));
    assert_eq!(open(256 << 20), (true, vec![]));
}
