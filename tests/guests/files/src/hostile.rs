//! What a program tries that wants out of its folder, through the standard library.

use crate::said;
use std::fs::{self, File};
use std::io::Read as _;

/// Bytes that are read of what should not have opened: enough to show that it did.
const TASTE: u64 = 16;

/// What came of reading a path: `read 16 bytes`, or the error.
fn tasted(path: &str) -> String {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(TASTE).read_to_end(&mut bytes)) {
        Ok(read) => format!("read {read} bytes"),
        Err(error) => said(&error),
    }
}

/// Paths of the host, and ways out of the folder, one line each.
pub fn paths(folder: &str) -> String {
    let outward = ["/etc/passwd", "/proc/self/environ", "/proc/self/fd/0", "/dev/zero", "/", "..", "../etc/passwd"];
    let below = [
        "../etc/passwd",
        "../../../../../../etc/passwd",
        "./../../etc/passwd",
        "nothing/../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "a\0b",
        "",
    ];
    let mut lines: Vec<String> = outward.iter().map(|path| format!("{path:?}: {}", tasted(path))).collect();
    lines.extend(below.iter().map(|path| {
        let path = format!("{folder}/{path}");
        format!("{path:?}: {}", tasted(&path))
    }));
    let long = format!("{folder}/{}", "a/".repeat(5_000));
    lines.push(format!("5,000 directories: {}", tasted(&long)));
    let name = format!("{folder}/{}", "a".repeat(5_000));
    lines.push(format!("a name of 5,000 letters: {}", tasted(&name)));
    lines.join("\n")
}

/// Names under which a test puts what no folder shows.
const HIDDEN: [&str; 3] = ["fifo", "socket", "device"];

/// Opens everything that the folder shows, and what it hides, and reads a little of it: whatever the host put there, one
/// line each.
pub fn look(folder: &str) -> String {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return said(&error),
    };
    let shown = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let shown = shown.map(|name| (name, "")).collect::<Vec<_>>();
    let hidden = HIDDEN.map(|name| (name.to_owned(), "not shown, "));
    let hidden = hidden.into_iter().filter(|(name, _)| !shown.iter().any(|(other, _)| other == name));
    let mut lines: Vec<String> = hidden
        .chain(shown.iter().cloned())
        .map(|(name, how)| format!("{name}: {how}{}", tasted(&format!("{folder}/{name}"))))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Makes links that lead out, and reads through those that were made, one line each.
pub fn links(folder: &str) -> String {
    let targets = [
        "/etc/passwd",
        "../etc/passwd",
        "../../../../etc/passwd",
        "..",
        "/",
        "/proc/self/environ",
        "./../..",
        "made-0",
    ];
    let mut lines = Vec::new();
    for (number, target) in targets.into_iter().enumerate() {
        let path = format!("{folder}/made-{number}");
        let came = match crate::raw::symlink(target, &path) {
            Ok(()) => format!("made, {}", tasted(&path)),
            Err(error) => error,
        };
        lines.push(format!("{target}: {came}"));
    }
    // Step by step: a link that is harmless where it is made, and not where it is moved to.
    let inner = format!("{folder}/inner");
    let moved = fs::create_dir(&inner)
        .map_err(|error| said(&error))
        .and_then(|()| crate::raw::symlink("../a.txt", &format!("{inner}/up")))
        .and_then(|()| fs::rename(format!("{inner}/up"), format!("{folder}/up")).map_err(|error| said(&error)));
    lines.push(match moved {
        Ok(()) => format!("moved up: {}", tasted(&format!("{folder}/up"))),
        Err(error) => format!("moved up: {error}"),
    });
    lines.join("\n")
}
