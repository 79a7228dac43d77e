//! A disk that is really full, and a process that may open few files.

use crate::approve;
use crate::tree::{leftovers, tree};
use std::path::PathBuf;
use std::process::Command;
use vox_tests::needs::scale;
use vox_tests::program::{Place, Ran};
use vox_tests::{need, places};

/// Whether a file system of our own can be mounted without asking anybody.
fn mounts() -> Result<(), String> {
    let tried = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let tried = tried.map_err(|error| error.to_string())?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
    }
}

/// Runs a script in which `small` is a file system of so many KiB with VOX_HOME on it, and `fill N` leaves N KiB of it.
fn on_small_disk(place: &Place, size: usize, script: &str) -> Ran {
    place.put(
        "script",
        format!(
            "mkdir -p small && mount -t tmpfs -o size={size}k none small || exit 99
            export VOX_HOME=$PWD/small/home
            fill() {{
                dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
                truncate -s $(( $(stat -c %s small/filler) - $1 * 1024 )) small/filler
            }}
            {script}"
        ),
    );
    let ran = place.shell("unshare -Urm sh -u script");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

fn with_guest(name: &str) -> Result<Place, String> {
    let place = Place::new()?;
    std::fs::copy(places::guest(name)?, place.work().join(format!("{name}.wasm")))
        .map_err(|error| error.to_string())?;
    Ok(place)
}

/// The lines that begin with a word, in fields.
fn told<'r>(ran: &'r Ran, word: &str) -> Vec<Vec<&'r str>> {
    let lines = ran.stdout.lines().filter(|line| line.starts_with(word));
    lines.map(|line| line.split_whitespace().skip(1).collect()).collect()
}

#[test]
fn an_approval_on_a_full_disk_is_all_or_nothing() {
    need!("a file system of its own", mounts());
    let place = need!("the guest `files`", with_guest("files"));
    let script = "
        mkdir small/docs; echo kept >small/docs/kept
        vox call files.wasm fill small/docs/big 2 --allow-write small/docs >/dev/null 2>&1 || exit 98
        state() { find small/docs | sort | cksum | cut -d' ' -f1; }
        echo old $(state)
        for free in 0 4 8 12 16 24 32 64 128 256 512 1024 1536 2000 2044 2048 2052 2056 2060; do
            fill $free
            vox approve --yes >out 2>err; code=$?
            echo tried $free $code $(state) $(grep -c 'No space left' err)
            rm small/filler
            vox changes >out 2>err; echo after $? $(state)
            [ $code = 0 ] && break
        done
        vox approve --yes >out 2>err; echo last $? $(state)
        stat -c 'size %s' small/docs/big
        find small | grep -e '/.vox-' -e '/.new-' -e filler";
    let ran = on_small_disk(&place, 16 << 10, script);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let old = told(&ran, "old")[0][0];
    let tried = told(&ran, "tried");
    let after = told(&ran, "after");
    assert!(tried.len() > 4 && tried.len() == after.len(), "{all}");
    let refused = tried.iter().filter(|fields| fields[1] == "8").count();
    assert!(refused > 3, "{all}");
    for (fields, after) in tried.iter().zip(&after) {
        assert_eq!(after[0], "0", "{all}");
        match fields[1] {
            "8" => assert!(after[1] == old && fields[3] == "1", "{fields:?} {after:?}\n{all}"),
            "0" => assert!(fields[2] != old, "{all}"),
            _ => panic!("{fields:?}: another code\n{all}"),
        }
    }
    assert!(tried.iter().any(|fields| fields[1] == "0") || told(&ran, "last")[0][0] == "0", "{all}");
    assert_eq!(told(&ran, "size"), [["2097152"]], "{all}");
    assert!(!ran.stdout.contains("small/"), "something temporary was left: {all}");
}

#[test]
fn a_skill_that_fills_the_disk_is_told_and_leaves_nothing() {
    need!("a file system of its own", mounts());
    let place = need!("the guest `files`", with_guest("files"));
    let script = "
        mkdir small/docs; echo kept >small/docs/kept
        vox call files.wasm list small/docs --allow-read small/docs >/dev/null 2>err || exit 98
        fill 3000
        vox call files.wasm fill small/docs/big 8 --allow-write small/docs >out 2>err; echo staged $? $(cat out)
        vox discard --yes >out 2>err; echo discarded $?
        vox call files.wasm write small/docs/kept x --allow-write-through small/docs >out 2>err; echo through $?
        rm small/filler
        vox call files.wasm read small/docs/kept --allow-read small/docs 2>err
        find small/home/state/changes -type f | grep -v /lock";
    let ran = on_small_disk(&place, 16 << 10, script);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let staged = told(&ran, "staged");
    // The guest got some of the eight, and was told about the rest.
    assert_eq!(staged[0][0], "0", "{all}");
    assert!(staged[0][1].parse::<u32>().is_ok_and(|got| (1..8).contains(&got)), "{all}");
    assert_eq!(told(&ran, "through"), [["0"]], "{all}");
    assert!(!ran.stdout.contains("small/"), "something was left: {all}");
}

#[test]
fn values_grants_and_the_cache_survive_a_full_disk() {
    need!("a file system of its own", mounts());
    let place = need!("the guest `store`", with_guest("store"));
    let script = "
        vox grant store.wasm --allow-kv --config unit=km --yes >/dev/null 2>err || exit 98
        vox call store.wasm set first 1 >/dev/null 2>err || exit 97
        for free in 0 4 8 16 32 64; do
            fill $free
            vox call store.wasm set second $(head -c 100000 /dev/zero | tr '\\0' x) >out 2>err; echo kv $free $?
            vox grant store.wasm --allow-kv=2MiB --config unit=$(head -c 4000 /dev/zero | tr '\\0' m) --yes >out 2>err
            echo grant $free $?
            rm small/filler
            vox grants >out 2>err || { echo lost the grants; cat err; }
            vox call store.wasm get first 2>err
        done
        fill 0
        echo cache $(VOX_HOME=$PWD/small/second vox call store.wasm now 2>err)
        rm small/filler
        vox call store.wasm set third 3 >/dev/null; echo last $?";
    let ran = on_small_disk(&place, 8 << 10, script);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let kept = ran.stdout.lines().filter(|line| *line == "\"1\"").count();
    assert_eq!(kept, 6, "{all}");
    for word in ["kv", "grant"] {
        let tried = told(&ran, word);
        assert_eq!(tried.len(), 6, "{all}");
        assert!(tried[0][1] != "0", "{word} needs no space: {all}");
        assert!(tried.iter().all(|fields| ["0", "1", "8", "10"].contains(&fields[1])), "{all}");
    }
    assert!(!ran.stdout.contains("lost"), "{all}");
    assert_eq!(told(&ran, "last"), [["0"]], "{all}");
}

#[test]
fn two_hundred_and_fifty_six_descriptors_are_enough() {
    let place = need!("the guest `files`", with_guest("files"));
    std::fs::create_dir(place.work().join("docs")).unwrap_or_else(|error| panic!("{error}"));
    let ran = place.shell(
        "ulimit -n 256
        vox call files.wasm make-many docs 2000 --allow-write docs && vox approve --yes && vox doctor >/dev/null",
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("2000\n"), "{}", ran.stdout);
    assert_eq!(std::fs::read_dir(place.work().join("docs")).map_or(0, Iterator::count), 2000);
}

/// With less and less descriptors an approval fails somewhere else each time, and nowhere in the middle.
#[test]
fn an_approval_without_descriptors_is_all_or_nothing() {
    let step = usize::try_from(8 / scale().clamp(1, 8)).unwrap_or(1);
    let mut done = 0;
    for limit in (3..28).step_by(step) {
        let place = approve::waiting();
        let live = approve::live(&place);
        let old = tree(&live);
        let ran = place.shell(&format!("ulimit -n {limit}; vox approve --yes"));
        let what = format!("{limit} descriptors: {:?} {}{}", ran.code, ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{what}");
        // 127: not even the libraries of the program could be opened.
        assert!(matches!(ran.code, Some(0 | 8 | 127)), "{what}");
        let next = place.run(&["changes"]);
        assert_eq!(next.code, Some(0), "{what}\n{}", next.stderr);
        assert_eq!(tree(&live) == old, ran.code != Some(0), "{what}");
        assert_eq!(leftovers(place.root()), [""; 0].map(PathBuf::from), "{what}");
        done += usize::from(ran.code == Some(0));
    }
    assert!(done > 0, "27 descriptors are not enough for an approval");
}
