//! The hint for a skill that failed and may have lacked a folder.
//!
//! A skill without a manifest asks for no folder in advance, and finds out by an error of its own. That it asked for its
//! folders says little: language runtimes do so when they start. So something else has to point to files as well.

use std::path::Path;
use vox_model::Effects;

/// Bytes of the longest path there is (`PATH_MAX` of Linux). Longer arguments are data.
const MAX_PATH: usize = 4096;

/// What wasi-libc, Rust and Python say where no folder leads to a path.
const PHRASES: [&str; 7] = [
    "pre-opened file descriptor",
    "Capabilities insufficient",
    "No such file or directory",
    "os error 44",
    "os error 76",
    "Errno 44",
    "Errno 76",
];

/// What is said in an error.
pub const NOTE: &str = "it asked for folders, and none is granted";

/// An argument that could be a path.
pub fn could_be_path(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PATH && !text.contains(['\n', '\0'])
}

/// How to grant a folder, where a skill that failed may have lacked one: an argument names something that exists, or
/// its error speaks of files. `skill` is the skill as it was named, `said` the error.
pub fn hint(effects: &Effects, skill: &str, arguments: &[String], said: &str) -> Option<String> {
    if !effects.no_folder {
        return None;
    }
    let named = arguments.iter().find(|text| could_be_path(text) && Path::new(text.as_str()).exists());
    let folder = match named {
        Some(text) => folder_of(Path::new(text)),
        None if PHRASES.iter().any(|phrase| said.contains(phrase)) => "DIR".to_owned(),
        None => return None,
    };
    Some(format!(
        "if it should see files, add --allow-read {folder} or --allow-write {folder} to this command\n      or grant it for good: vox grant {skill} --allow-read {folder}"
    ))
}

/// The folder that shows a path to a skill: itself, or the one that it lies in.
fn folder_of(path: &Path) -> String {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let text = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    match text.as_str() {
        "" => ".".to_owned(),
        // What a shell would take apart is left to the person.
        text if !text.chars().all(plain) => "DIR".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(arguments: &[&str], said: &str) -> Option<String> {
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        hint(&Effects { no_folder: true, ..Effects::default() }, "x.wasm", &arguments, said)
    }

    /// Tests run in the folder of their crate.
    #[test]
    fn something_has_to_point_to_files() {
        assert_eq!(ask(&["1", "no such file"], "division by zero"), None);
        assert_eq!(hint(&Effects::default(), "x.wasm", &["src/main.rs".to_owned()], "os error 44"), None);
        for (argument, folder) in
            [("src/main.rs", "src"), ("Cargo.toml", "."), ("src", "src"), ("src/commands/", "src/commands/")]
        {
            let hint = ask(&[argument], "failed").unwrap_or_else(|| panic!("{argument}"));
            assert!(hint.contains(&format!("vox grant x.wasm --allow-read {folder}")), "{hint}");
        }
        for said in PHRASES {
            assert!(ask(&[], said).is_some_and(|hint| hint.contains("--allow-read DIR")), "{said}");
        }
    }
}
