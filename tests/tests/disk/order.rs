//! What a power cut would leave is decided by the order in which things are made durable: read from the system calls.

use crate::approve::{Approve, live};
use crate::campaign::Subject;
use crate::subjects::{Compile, Grant};
use crate::tree::tree;
use regex::Regex;
use std::path::{Path, PathBuf};
use vox_tests::program::Place;
use vox_tests::strace::{self, Call, Strike};
use vox_tests::{need, places};

/// A file or directory that got another name.
#[derive(Debug)]
struct Renamed {
    at: usize,
    from: PathBuf,
    to: PathBuf,
}

/// Renames that happened, with the paths that their descriptors stand for.
fn renames(calls: &[Call]) -> Vec<Renamed> {
    let side = r#"(?:AT_FDCWD|\d+<([^>]*)>), "([^"]*)""#;
    let two = Regex::new(&format!(r"^renameat2?\({side}, {side}")).unwrap_or_else(|error| panic!("{error}"));
    let one = Regex::new(r#"^rename\("([^"]*)", "([^"]*)""#).unwrap_or_else(|error| panic!("{error}"));
    let mut found = Vec::new();
    for (at, call) in calls.iter().enumerate().filter(|(_, call)| call.name.starts_with("rename")) {
        if call.text.contains(" = -1 ") {
            continue;
        }
        let whole = |folder: Option<regex::Match<'_>>, name: &str| {
            Path::new(folder.map_or("", |folder| folder.as_str())).join(name)
        };
        let renamed = match (two.captures(&call.text), one.captures(&call.text)) {
            (Some(parts), _) => {
                Renamed { at, from: whole(parts.get(1), &parts[2]), to: whole(parts.get(3), &parts[4]) }
            }
            (None, Some(parts)) => Renamed { at, from: parts[1].into(), to: parts[2].into() },
            (None, None) => panic!("a rename in a form of its own: {}", call.text),
        };
        found.push(renamed);
    }
    found
}

/// Where a path was made durable.
fn synced(calls: &[Call], path: &Path) -> Vec<usize> {
    // Without what follows: another thread may have come into the middle of the call.
    let wanted = format!("<{}>", path.display());
    let sync = |call: &Call| matches!(call.name.as_str(), "fsync" | "fdatasync") && call.text.contains(&wanted);
    calls.iter().enumerate().filter(|(_, call)| sync(call)).map(|(at, _)| at).collect()
}

/// The last call that made or wrote a path as a file; none where that did not happen.
fn written(calls: &[Call], path: &Path, before: usize) -> Option<usize> {
    let of = format!("<{}>", path.display());
    calls[..before].iter().rposition(|call| {
        let made = call.name.starts_with("open") && call.text.contains("O_CREAT") && call.text.ends_with(&of);
        let wrote = matches!(call.name.as_str(), "write" | "pwrite64" | "ftruncate" | "fchmod" | "ioctl");
        made || (wrote && call.text.contains(&of))
    })
}

/// Each rename of a file that this command wrote has an earlier sync of it, after the last write; and each rename has a
/// later sync of the directory that the name is in. Gives how many renames of written files there were.
fn in_order(subject: &impl Subject) -> Option<(usize, Vec<Call>, PathBuf)> {
    let strace = need("strace", strace::strace())?;
    let place = subject.ready();
    let (ran, calls) = strace::traced(&strace, &place, subject.words());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let mut files = 0;
    for renamed in renames(&calls) {
        if let Some(written) = written(&calls, &renamed.from, renamed.at) {
            files += 1;
            let before = synced(&calls, &renamed.from);
            assert!(before.iter().any(|at| (written..renamed.at).contains(at)), "not durable before: {renamed:?}");
        }
        let folder = renamed.to.parent().unwrap_or(Path::new("/"));
        let after = synced(&calls, folder);
        // A directory that was itself emptied and moved away holds no names any more.
        let gone = renames(&calls).iter().any(|other| other.at > renamed.at && other.from == *folder);
        assert!(gone || after.iter().any(|at| *at > renamed.at), "its directory is not durable after: {renamed:?}");
    }
    Some((files, calls, live(&place)))
}

#[test]
fn an_approval_makes_files_durable_before_their_names_and_names_before_originals_go() {
    let Some((files, calls, live)) = in_order(&Approve::default()) else { return };
    // Forty files, and the journal three times.
    assert!(files >= 43, "{files}");
    let places: Vec<Renamed> = renames(&calls).into_iter().filter(|one| one.from.starts_with(&live)).collect();
    let last = places.last().map_or(0, |renamed| renamed.at);
    let removed = calls.iter().position(|call| call.name == "unlinkat" && call.text.contains("/.vox-"));
    let removed = removed.unwrap_or_else(|| panic!("no original was removed"));
    for folder in ["", "old", "made", "made/sub"] {
        let folder = live.join(folder);
        let folder = PathBuf::from(folder.display().to_string().trim_end_matches('/'));
        let names = places.iter().rfind(|one| one.to.parent() == Some(&*folder)).map(|one| one.at);
        let names = names.unwrap_or_else(|| panic!("nothing came to {}", folder.display()));
        assert!(synced(&calls, &folder).iter().any(|at| (names..removed).contains(at)), "{}", folder.display());
    }
    // The commit is written down, durably, between the last name and the first removal.
    let journal = renames(&calls).into_iter().rfind(|one| one.to.ends_with("journal.json"));
    let journal = journal.unwrap_or_else(|| panic!("there is no journal"));
    let home = journal.to.parent().unwrap_or(Path::new("/"));
    assert!(last < journal.at && journal.at < removed);
    assert!(synced(&calls, home).iter().any(|at| (journal.at..removed).contains(at)));
}

#[test]
fn a_grant_and_an_entry_of_the_cache_are_durable_before_they_have_their_names() {
    need!("the guest `store`", places::guest("store"));
    let Some((files, ..)) = in_order(&Grant::default()) else { return };
    assert_eq!(files, 1);
    let Some((files, ..)) = in_order(&Compile::default()) else { return };
    // The key of the cache, the facts and the code.
    assert_eq!(files, 3);
}

/// A place with the guest `files` and a folder `docs` with a file, and the call that writes there and syncs.
fn with_docs(flag: &'static str) -> Result<(Place, Vec<&'static str>), String> {
    let place = Place::in_memory()?;
    std::fs::copy(places::guest("files")?, place.work().join("files.wasm")).map_err(|error| error.to_string())?;
    std::fs::create_dir(place.work().join("docs")).map_err(|error| error.to_string())?;
    place.put("docs/a", "old content");
    // Compiled beforehand: what the cache does is not looked at here.
    place.run(&["call", "files.wasm", "folders"]);
    Ok((place, vec!["call", "files.wasm", "write-part", "docs/a", "0", "new", flag, "docs"]))
}

#[test]
fn a_guest_that_asks_for_it_has_its_writes_on_the_disk() {
    let strace = need!("strace", strace::strace());
    let (place, words) = need!("the guest `files`", with_docs("--allow-write-through"));
    let (ran, calls) = strace::traced(&strace, &place, &words);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let file = live(&place).join("a");
    let of = format!("<{}>", file.display());
    let wrote = calls.iter().rposition(|call| call.name.starts_with("pwrite") && call.text.contains(&of));
    let wrote = wrote.unwrap_or_else(|| panic!("nothing was written"));
    let synced = synced(&calls, &file);
    assert!(synced.iter().any(|at| *at > wrote), "{synced:?} against {wrote}");

    // Where the disk says no, the guest hears it.
    let (place, words) = need!("the guest `files`", with_docs("--allow-write-through"));
    let sync = calls.iter().find(|call| call.name == "fsync" && call.text.contains(&of)).cloned();
    let sync = sync.unwrap_or_else(|| panic!("no fsync"));
    let Some(ran) = strace::struck(&strace, &place, &words, &sync, Strike::Error("EIO")) else {
        panic!("the second run made no such call: {sync:?}")
    };
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn staged_writes_wait_for_the_approval_to_be_durable() {
    let strace = need!("strace", strace::strace());
    let (place, words) = need!("the guest `files`", with_docs("--allow-write"));
    let docs = live(&place);
    let before = tree(&docs);
    let (ran, calls) = strace::traced(&strace, &place, &words);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(tree(&docs), before);
    // Nothing below the folder was even opened for writing.
    let touched = calls.iter().find(|call| call.concerns(&docs) && (call.changes() || call.text.contains("O_RDWR")));
    assert!(touched.is_none(), "{touched:?}");
}
