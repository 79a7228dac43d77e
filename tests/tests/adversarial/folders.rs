//! Section 4.5 of the threat model through the command: what a guest tries in a granted folder, and what happens
//! around it meanwhile. `docs/attacks.md` says which row is tested where.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use vox_tests::need;
use vox_tests::program::{Place, Ran};

/// What lies outside of every granted folder.
const OUTSIDE: &str = "nobody may see this";

/// The ways in which the folder is granted.
const GRANTS: [&str; 3] = ["--allow-read", "--allow-write", "--allow-write-through"];

fn done<T>(result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// A place with a folder `docs` that has a few files, and things beside it that nobody may touch.
fn place() -> Result<Place, String> {
    let place = Place::with_guests(&["files"])?;
    for folder in ["docs/sub", "etc"] {
        fs::create_dir_all(place.work().join(folder)).map_err(|error| error.to_string())?;
    }
    for name in ["docs/a.txt", "docs/sub/b.txt"] {
        place.put(name, "inside");
    }
    for name in ["secret", "etc/passwd"] {
        place.put(name, OUTSIDE);
    }
    Ok(place)
}

fn call(place: &Place, words: &[&str], grants: &[&str]) -> Ran {
    place.run(&[&["call", "files.wasm"], words, grants].concat())
}

fn hostile(place: &Place, kind: &str, grant: &str) -> String {
    let ran = call(place, &["hostile", kind, "docs"], &[grant, "docs", "--limit-time", "30s", "--limit-cpu", "30s"]);
    assert_eq!(ran.code, Some(0), "{kind} under {grant}: {ran:?}");
    assert!(!ran.stdout.contains(OUTSIDE), "{kind} under {grant}: {}", ran.stdout);
    ran.stdout
}

/// Throws away all that waits for a decision.
fn discard_all(place: &Place) {
    let sets = place.home().join("state/changes/sets");
    for set in fs::read_dir(&sets).into_iter().flatten().flatten() {
        place.expect(0, &["discard", &set.file_name().to_string_lossy(), "--yes"]);
    }
}

/// Names, contents, modes and times of everything below a folder.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u32, Option<SystemTime>)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in done(fs::read_dir(&folder)).flatten() {
            let about = done(fs::symlink_metadata(entry.path()));
            if about.is_dir() {
                open.push(entry.path());
            }
            let content = if about.is_file() { done(fs::read(entry.path())) } else { Vec::new() };
            found.push((entry.path(), content, about.mode(), about.modified().ok()));
        }
    }
    found.sort();
    found
}

/// F1: names that lead out, through every operation, on every kind of grant.
#[test]
fn names_that_lead_out_are_refused() {
    let place = need!("the guest `files`", place());
    let outside = tree(&place.work().join("etc"));
    for grant in GRANTS {
        let names = hostile(&place, "names", grant);
        assert!(names.starts_with("refused: ") && names.lines().count() == 1, "{grant}: {names}");
        let paths = hostile(&place, "paths", grant);
        assert!(paths.lines().count() > 15 && !paths.contains("read "), "{grant}: {paths}");
        let long = hostile(&place, "long", grant);
        assert!(!long.contains("down: ok") && !long.contains("name: ok"), "{grant}: {long}");
    }
    assert_eq!(tree(&place.work().join("etc")), outside);
    assert_eq!(done(fs::read_to_string(place.work().join("secret"))), OUTSIDE);
}

/// F2: links that lead out are neither made nor followed, whoever put them there.
#[test]
fn links_that_lead_out_lead_nowhere() {
    let place = need!("the guest `files`", place());
    for grant in GRANTS {
        let links = hostile(&place, "links", grant);
        assert!(links.lines().count() > 8 && !links.contains("read "), "{grant}: {links}");
    }
    let docs = place.work().join("docs");
    let passwd = place.work().join("etc/passwd");
    for (name, target) in [
        ("out", passwd.as_path()),
        ("up", Path::new("../etc/passwd")),
        ("etc", Path::new("../etc")),
        ("proc", Path::new("/proc/self/environ")),
        ("root", Path::new("/proc/self/root")),
        ("loop", Path::new("loop")),
    ] {
        done(symlink(target, docs.join(name)));
        for grant in GRANTS {
            for words in [&["read", &format!("docs/{name}")][..], &["read", &format!("docs/{name}/passwd")]] {
                let ran = call(&place, words, &[grant, "docs"]);
                assert!(matches!(ran.code, Some(1 | 3)), "{words:?} under {grant}: {ran:?}");
                assert!(!ran.stdout.contains(OUTSIDE) && !ran.stderr.contains(OUTSIDE), "{ran:?}");
            }
            for path in [format!("docs/{name}"), format!("docs/{name}/passwd")] {
                call(&place, &["append", &path, "by the skill"], &[grant, "docs"]);
            }
        }
    }
    assert_eq!(done(fs::read_to_string(&passwd)), OUTSIDE);
}

/// F3, F6: no second names, no moves between grants, and a handle for reading writes nothing.
#[test]
fn rights_do_not_widen() {
    let place = need!("the guest `files`", place());
    done(fs::create_dir(place.work().join("more")));
    let before = tree(&place.work().join("docs"));
    for grant in GRANTS {
        assert_ne!(hostile(&place, "hard-link", grant).trim(), "ok", "{grant}");
    }
    // What handles were opened for. Directories inherit the right to write, as the libraries of Rust and C rely on.
    let reads = hostile(&place, "rights", "--allow-read");
    assert!(reads.lines().count() > 10 && !reads.contains(": ok"), "{reads}");
    let writes = hostile(&place, "rights", "--allow-write");
    let of_files = writes.lines().filter(|line| line.starts_with("file ") || line.starts_with("truncate "));
    assert_eq!(of_files.clone().count(), 6, "{writes}");
    assert!(of_files.clone().all(|line| !line.ends_with(": ok")), "{writes}");
    for (from, to) in [("docs/a.txt", "more/a.txt"), ("docs/sub", "more/sub")] {
        let both = ["--allow-write-through", "docs", "--allow-write-through", "more"];
        assert_eq!(call(&place, &["rename", from, to], &both).code, Some(1), "{from} to {to}");
        let reads = ["--allow-read", "docs", "--allow-write-through", "more"];
        assert_eq!(call(&place, &["rename", from, to], &reads).code, Some(3), "{from} to {to}");
    }
    assert_eq!(tree(&place.work().join("docs")), before);
}

/// F4: a folder that turns into a link and back while a guest reads and while a change is applied.
#[test]
fn a_folder_that_becomes_a_link_lets_nothing_out() {
    let place = need!("the guest `files`", place());
    let work = place.work();
    done(fs::create_dir(work.join("away")));
    for name in ["away/b.txt", "away/new.txt"] {
        place.put(name, OUTSIDE);
    }
    let before = tree(&work.join("away"));
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, docs) = (stop.clone(), work.join("docs"));
    let swapping = std::thread::spawn(move || {
        let mut swaps = 0_u32;
        while !stopped.load(Ordering::Relaxed) {
            let _ = fs::rename(docs.join("sub"), docs.join("kept"));
            let _ = symlink("../away", docs.join("sub"));
            std::thread::sleep(Duration::from_micros(200));
            let _ = fs::remove_file(docs.join("sub"));
            let _ = fs::rename(docs.join("kept"), docs.join("sub"));
            std::thread::sleep(Duration::from_micros(200));
            swaps += 1;
        }
        swaps
    });
    for _ in 0..5 {
        for grant in GRANTS {
            let read = call(&place, &["read", "docs/sub/b.txt"], &[grant, "docs"]);
            assert!(!read.stdout.contains(OUTSIDE) && !read.stderr.contains(OUTSIDE), "{read:?}");
            call(&place, &["write", "docs/sub/new.txt", "by the skill"], &[grant, "docs"]);
        }
        place.run(&["approve", "--yes"]);
        discard_all(&place);
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = swapping.join().unwrap_or_default();
    assert!(swaps > 10, "{swaps}");
    assert_eq!(tree(&work.join("away")), before, "a byte outside was touched");
}

/// F5: what is no file is not opened, and holds nobody up.
#[test]
fn pipes_sockets_and_devices_are_not_opened() {
    let place = need!("the guest `files`", place());
    let docs = place.work().join("docs");
    let make = |name: &str, kind, device| {
        rustix::fs::mknodat(rustix::fs::CWD, docs.join(name), kind, rustix::fs::Mode::from_raw_mode(0o666), device)
    };
    need!("FIFOs", make("fifo", rustix::fs::FileType::Fifo, 0).map_err(|error| error.to_string()));
    let _socket = done(std::os::unix::net::UnixListener::bind(docs.join("socket")));
    // Only root makes devices; without one the name leads to nothing, which is refused as well.
    let _ = make("device", rustix::fs::FileType::CharacterDevice, rustix::fs::makedev(1, 5));
    for grant in GRANTS {
        let since = Instant::now();
        let seen = hostile(&place, "look", grant);
        for name in ["fifo", "socket", "device"] {
            let line = seen.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap_or_default();
            assert!(!line.is_empty() && !line.contains("read "), "{grant}: {seen}");
        }
        assert!(seen.contains("a.txt: read 6 bytes"), "{seen}");
        assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    }
}

/// F7: whatever is tried, the folder is the same to the byte and the time until somebody approves.
#[test]
fn nothing_shows_in_the_folder_before_it_is_approved() {
    let place = need!("the guest `files`", place());
    let before = tree(&place.work().join("docs"));
    for kind in ["paths", "names", "look", "deep", "long", "links", "handles", "rights", "numbers", "hard-link"] {
        hostile(&place, kind, "--allow-write");
        assert_eq!(tree(&place.work().join("docs")), before, "{kind}");
    }
    let changes = place.expect(0, &["changes"]).stdout;
    assert!(!changes.is_empty(), "some of it was staged");
    discard_all(&place);
    assert_eq!(tree(&place.work().join("docs")), before);
}

/// F8: names and contents that deceive are shown as what they are.
#[test]
fn a_review_shows_what_deceives() {
    let place = need!("the guest `files`", place());
    let (name, text) = ("docs/a\u{1b}[2J\u{202e}txt.md", "one\u{1b}[31m\r\u{202e}two\n");
    let ran = call(&place, &["write", name, text], &["--allow-write", "docs"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for words in [&["diff"][..], &["changes"], &["diff", "--format", "json"], &["approve"], &["audit"]] {
        let ran = place.run(words);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(['\u{1b}', '\u{202e}', '\r']), "{words:?}: {all:?}");
    }
    let diff = place.expect(0, &["diff"]).stdout;
    assert!(diff.contains(r"\u{1b}[2J\u{202e}txt.md") && diff.contains(r"\u{1b}[31m"), "{diff}");
}

/// F9: what is applied is what was sealed: other bytes under the same name are refused, and a yes holds once.
#[test]
fn a_change_set_that_was_altered_is_not_applied() {
    let place = need!("the guest `files`", place());
    let before = tree(&place.work().join("docs"));
    for altered in [OUTSIDE, ""] {
        call(&place, &["write", "docs/new.txt", "reviewed"], &["--allow-write", "docs"]);
        let sets = place.home().join("state/changes/sets");
        let data: Vec<PathBuf> =
            tree(&sets).into_iter().filter(|(_, content, ..)| content == b"reviewed").map(|(path, ..)| path).collect();
        assert_eq!(data.len(), 1, "{data:?}");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        done(fs::set_permissions(&data[0], mode));
        done(fs::write(&data[0], altered));
        place.expect(8, &["approve", "--yes"]);
        assert_eq!(tree(&place.work().join("docs")), before);
        discard_all(&place);
    }
    call(&place, &["write", "docs/new.txt", "reviewed"], &["--allow-write", "docs"]);
    place.expect(0, &["approve", "--yes"]);
    done(fs::remove_file(place.work().join("docs/new.txt")));
    place.expect(4, &["approve", "--yes"]);
    assert!(!place.work().join("docs/new.txt").exists(), "a yes was used twice");
}

/// F10, F11, F14: what stands where something else is to go refuses the whole set: another kind of thing, and a link
/// in the place of a folder on the way.
#[test]
fn what_is_in_the_way_refuses_the_whole_set() {
    let place = need!("the guest `files`", place());
    let work = place.work();
    done(fs::create_dir(work.join("away")));
    type Block = fn(&Path);
    let blocks: [(&str, Block); 4] = [
        ("docs/new.txt", |work| done(fs::create_dir(work.join("docs/new.txt")))),
        ("docs/new.txt", |work| done(symlink("../away/new.txt", work.join("docs/new.txt")))),
        ("docs/a.txt", |work| {
            done(fs::remove_file(work.join("docs/a.txt")));
            done(symlink("../secret", work.join("docs/a.txt")));
        }),
        ("docs/sub/b.txt", |work| {
            done(fs::rename(work.join("docs/sub"), work.join("docs/old")));
            done(symlink("../away", work.join("docs/sub")));
        }),
    ];
    for (path, block) in blocks {
        let ran = call(&place, &["write", path, "by the skill"], &["--allow-write", "docs"]);
        assert_eq!(ran.code, Some(0), "{path}: {ran:?}");
        block(&work);
        let before = (tree(&work.join("docs")), tree(&work.join("away")));
        place.expect(8, &["approve", "--yes"]);
        assert_eq!((tree(&work.join("docs")), tree(&work.join("away"))), before, "{path}");
        discard_all(&place);
        done(fs::remove_dir_all(work.join("docs")));
        done(fs::create_dir_all(work.join("docs/sub")));
        place.put("docs/a.txt", "inside");
        place.put("docs/sub/b.txt", "inside");
    }
    assert_eq!(done(fs::read_to_string(work.join("secret"))), OUTSIDE);
}

/// F12: folders in folders have an end, and going away leaves nothing behind.
#[test]
fn depth_has_an_end() {
    let place = need!("the guest `files`", place());
    let deep = hostile(&place, "deep", "--allow-write");
    let depth: u32 = deep.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
    assert!((32..=64).contains(&depth) && deep.contains("then"), "{deep}");
    discard_all(&place);
    assert!(tree(&place.home().join("state/changes/sets")).is_empty());
}

/// F13: the number of a file is no inode, and another one in the next call.
#[test]
fn numbers_of_files_say_nothing_of_the_host() {
    use std::os::unix::fs::MetadataExt as _;
    let place = need!("the guest `files`", place());
    let number = || call(&place, &["identity", "docs/a.txt"], &["--allow-read", "docs"]).stdout;
    let (first, second) = (number(), number());
    assert!(first.trim().len() >= 32 && first != second, "{first} {second}");
    let about = done(fs::metadata(place.work().join("docs/a.txt")));
    for told in [about.ino(), about.dev(), about.ctime() as u64] {
        assert!(!first.contains(&format!("{told:016x}")), "{first}");
    }
}
