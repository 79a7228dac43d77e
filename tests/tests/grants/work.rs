//! A place to work in, with guests in it.

use std::fs;
use std::path::PathBuf;
use vox_tests::program::{Place, Ran};

/// A place with these guests of the tests in its working folder.
pub fn place(guests: &[&str]) -> Result<Place, String> {
    Place::with_guests(guests)
}

/// Runs and expects this exit code.
pub fn run(place: &Place, code: i32, words: &[&str]) -> Ran {
    place.expect(code, words)
}

/// A folder with a few files in it, below the working folder.
pub fn folder(place: &Place, name: &str) -> PathBuf {
    let folder = place.work().join(name);
    fs::create_dir_all(folder.join("sub")).unwrap_or_else(|error| panic!("{error}"));
    place.put(&format!("{name}/a.md"), "# a\n");
    place.put(&format!("{name}/sub/b.md"), "# b\n");
    folder
}

/// Names, contents and times of everything in a folder.
pub fn snapshot(folder: &std::path::Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{error}")).flatten() {
            let about = entry.metadata().unwrap_or_else(|error| panic!("{error}"));
            let modified = about.modified().unwrap_or_else(|error| panic!("{error}"));
            if about.is_dir() {
                open.push(entry.path());
            }
            found.push((entry.path(), fs::read(entry.path()).unwrap_or_default(), modified));
        }
    }
    found.sort();
    found
}
