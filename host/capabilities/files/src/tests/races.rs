//! F4: directories and links change places while a guest works, and nothing outside is read or written.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Operations of the guest; 200,000 with VOX_TEST_SCALE=20.
const OPERATIONS_EACH: u32 = 10_000;

/// What lies outside, and is met nowhere else.
const SECRET: &str = "a secret that lies outside of the folder";

/// Numbers that look random: xorshift, with a seed that failures name.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

/// Directories, files and links, and links to all of these outside.
fn furnish(bench: &Bench, outside: &Path) {
    std::fs::create_dir_all(outside.join("sub")).unwrap();
    for path in ["inner", "sub/inner", "secret-name"] {
        std::fs::write(outside.join(path), SECRET).unwrap();
    }
    repair(bench, outside);
}

/// Puts back what the guest removed, so that there is always something to race for.
fn repair(bench: &Bench, outside: &Path) {
    // Never through a link that is just there: that would be our own write to the outside.
    let live = crate::sys::Root::open(&bench.live).unwrap();
    let place = |path: &str| Place::parse(path).unwrap();
    for folder in ["a", "a/sub", "b"] {
        let _ = live.create_directory(&place(folder), 0o700);
    }
    for file in ["a/inner", "a/sub/inner", "b/inner"] {
        let _ = live.create_file(&place(file), 0o600, crate::sys::Access::Write);
    }
    let everywhere = outside.display().to_string();
    for (target, link) in [
        ("../outside", "evil"),
        ("../../outside/inner", "b/evil"),
        ("../../outside/sub", "a/evil"),
        (everywhere.as_str(), "absolute"),
    ] {
        let _ = live.create_link(target, &place(link));
    }
}

/// Ends the swapping, also when an assertion fails.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets names change places until it is told to stop: two in the folder itself, or two in a directory of it. That
/// directory is opened without following a link, so that it is never one outside.
fn swap(live: &Path, pairs: &[(&str, &str, &str)], stop: &AtomicBool) {
    use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let live = openat(CWD, live, flags, Mode::empty()).unwrap();
    while !stop.load(Ordering::Relaxed) {
        for (directory, one, other) in pairs {
            if let Ok(at) = openat(&live, *directory, flags, Mode::empty()) {
                let _ = renameat_with(&at, *one, &at, *other, RenameFlags::EXCHANGE);
            }
        }
    }
}

const PATHS: [&str; 14] = [
    "a/inner",
    "a/sub/inner",
    "a/sub",
    "a/sub/made",
    "a/evil/inner",
    "a/evil/made",
    "b/inner",
    "b/evil",
    "b/made",
    "evil/inner",
    "evil/sub/inner",
    "evil/made",
    "evil/sub/made",
    "absolute/inner",
];

/// One operation of the guest. Says whether it went well.
fn attempt(tree: &dyn Tree, numbers: &mut Numbers) -> bool {
    let path = numbers.pick(&PATHS);
    match numbers.below(6) {
        0 => match get(tree, path) {
            Ok(text) => {
                assert!(!text.contains(SECRET), "{path} was read from outside");
                true
            }
            Err(_) => false,
        },
        1 => open(tree, path, REPLACE).and_then(|file| file.write_at(0, b"by the guest")).is_ok(),
        2 => match tree.stat(&root(), path, numbers.below(2) == 0) {
            Ok(stat) => {
                assert_ne!(stat.size, SECRET.len() as u64, "{path} was looked at outside");
                true
            }
            Err(_) => false,
        },
        3 => {
            let folder = numbers.pick(&["a", "a/sub", "a/evil", "b", "evil", "evil/sub", "absolute"]);
            let Ok(Opened::Directory(place)) = tree.open(&root(), folder, DIRECTORY) else { return false };
            let listed = tree.list(&place);
            let names = listed.iter().flatten().map(|(name, _)| name.as_str());
            assert!(!names.into_iter().any(|name| name == "secret-name"), "{folder} was listed outside");
            listed.is_ok()
        }
        4 => {
            let other = numbers.pick(&PATHS);
            tree.rename((&root(), path), (&root(), other)).is_ok()
        }
        _ => operate(tree, &root(), numbers.pick(&OPERATIONS), path).is_ok(),
    }
}

/// Lets a guest work while two threads swap, and approves what it staged while they do.
fn race(access: Access, seed: u64) {
    let bench = Bench::in_memory();
    let outside = std::fs::canonicalize(bench.temp.path()).unwrap().join("outside");
    furnish(&bench, &outside);
    let before = snapshot(&outside);
    let mut numbers = Numbers(seed | 1);
    let stop = AtomicBool::new(false);
    let (mut well, mut badly, mut sealed) = (0_u32, 0_u32, 0_u32);
    let live = bench.live.clone();
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| swap(&live, &[(".", "a", "evil"), ("b", "inner", "evil")], &stop));
        scope.spawn(|| swap(&live, &[("a", "sub", "evil"), (".", "a", "b")], &stop));
        while well + badly < OPERATIONS_EACH * scale() {
            // A change set at a time, and an approval while names move.
            let folder = bench.open_with(access, Quota::default(), CallScope::unwatched("test"));
            for _ in 0..500 {
                if attempt(&*folder.tree, &mut numbers) { well += 1 } else { badly += 1 }
            }
            drop(folder.tree);
            if let Some(Ok(Some(set))) = folder.staged.map(|staged| staged.seal(&bench.store)) {
                sealed += 1;
                let _ = bench.store.approve(&yes(&set));
                let _ = bench.store.recover();
                let _ = bench.store.discard(&set.id);
            }
            repair(&bench, &outside);
        }
    });
    assert_eq!(snapshot(&outside), before, "{access:?}: something was changed outside (seed {seed})");
    let all = OPERATIONS_EACH * scale();
    assert!(well > all / 100 && badly > all / 100, "{access:?}: {well} went well, {badly} did not: no race");
    assert_eq!(sealed > 0, access == Access::Write, "{sealed}");
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    std::env::var("VOX_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(now.as_nanos() as u64)
}

#[test]
fn a_race_for_a_folder_that_is_read_lets_nothing_out() {
    race(Access::Read, seed());
}

#[test]
fn a_race_for_staged_writes_and_their_approval_lets_nothing_out() {
    race(Access::Write, seed());
}

#[test]
fn a_race_for_a_folder_that_is_written_through_lets_nothing_out() {
    race(Access::WriteThrough, seed());
}
