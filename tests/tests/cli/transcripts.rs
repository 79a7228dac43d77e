//! One test for each file in `tests/transcripts`.

use std::path::{Path, PathBuf};
use vox_tests::program::Place;
use vox_tests::{fixtures, need, transcript};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

/// The component `typed.wasm`: signatures to get wrong. Its functions trap, so only errors are shown with it.
pub const TYPED: &str = "package t:typed;
interface one {
    enum color { red, green }
    record point { x: s32, y: s32 }
    resource thing { constructor(); }
    same: func() -> u32;
    sum: func(left: u32, right: u8) -> u32;
    draw: func(at: point, color: color);
    say: func(text: string) -> string;
    shout: func(text: string, times: option<u8>) -> string;
    write: func(name: string, content: list<u8>);
    open: func(it: borrow<thing>);
}
interface two { same: func() -> u32; }
world typed { export one; export two; }";

/// Puts the files there that every transcript may use.
pub fn furnish(place: &Place) {
    for (name, text) in [
        ("answer", fixtures::ANSWER),
        ("spin", fixtures::SPIN),
        ("sleep", fixtures::SLEEP),
        ("sockets", fixtures::SOCKETS),
        ("recursion", fixtures::RECURSION),
        ("trap", fixtures::HOSTILE_NAMES),
        ("memory-bomb", fixtures::MEMORY_BOMB),
        ("table-bomb", fixtures::TABLE_BOMB),
        ("bad-results", fixtures::BAD_RESULTS),
        ("unknown-import", fixtures::UNKNOWN_IMPORT),
    ] {
        place.put(&format!("{name}.wasm"), fixtures::assembled(text));
    }
    let http = "package t:http; world w { import wasi:http/outgoing-handler@0.2.12; export go: func(); }";
    for (name, text) in [("typed", TYPED), ("http", http)] {
        place.put(&format!("{name}.wasm"), fixtures::dummy(text).unwrap_or_else(|error| panic!("{error}")));
    }
    for (name, bytes) in fixtures::other_files() {
        place.put(&format!("{name}.wasm"), bytes);
    }
    place.put("wit-package.wasm", fixtures::wit_package("package t:t; interface i { f: func(); }"));
    place.put("deep.wasm", fixtures::deep_components(50));
    place.put("number", "7\n");
    place.put("binary", [0, 159, 146, 150]);
    let examples = vox_tests::places::repository().join("examples");
    std::os::unix::fs::symlink(examples, place.work().join("examples")).unwrap_or_else(|error| panic!("{error}"));
    std::fs::create_dir(place.work().join("folder")).unwrap_or_else(|error| panic!("{error}"));
}

/// Replays one transcript.
fn replay(name: &str) {
    let file = folder().join(format!("{name}.console"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let place = need!("vox", Place::new());
    need!("what the transcript names", transcript::provide(&transcript::needs(&text), &place));
    furnish(&place);
    transcript::check(&file, &place);
}

macro_rules! transcripts {
    ($($test:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                replay($file);
            }
        )*

        /// A file that no test names would never be looked at.
        #[test]
        fn every_transcript_is_replayed() {
            let entries = std::fs::read_dir(folder()).unwrap_or_else(|error| panic!("{error}"));
            let mut found: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
            found.sort();
            let mut listed: Vec<String> = [$($file),*].iter().map(|name| format!("{name}.console")).collect();
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}

transcripts! {
    arguments: "arguments",
    basics: "basics",
    bundle: "bundle",
    cache: "cache",
    call: "call",
    data: "data",
    decisions: "decisions",
    failures: "failures",
    files: "files",
    help: "help",
    inspect: "inspect",
    json_arguments: "json-arguments",
    lookup: "lookup",
    pipelines: "pipelines",
    run: "run",
    scripts: "scripts",
    skills: "skills",
    surroundings: "surroundings",
}
