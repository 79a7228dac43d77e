//! What a script seems to want, found by reading it.

use serde::Serialize;

/// Things of one kind that are kept of one script: enough for a person to see what it is about.
const MAX: usize = 32;

/// Bytes of a name that is kept.
const MAX_NAME: usize = 128;

/// Something that was found in a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What: a host, a program, a variable.
    pub what: String,
    /// The line it was first seen in, from 1.
    pub line: u32,
}

/// What a script seems to want. A hint, found by reading: a script can want more, and less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wants {
    /// The first line that seems to read files.
    pub reads: Option<u32>,
    /// The first line that seems to write files.
    pub writes: Option<u32>,
    /// Hosts in addresses.
    pub hosts: Vec<Found>,
    /// Programs that it starts, by name.
    pub programs: Vec<Found>,
    /// Environment variables that it reads.
    pub variables: Vec<Found>,
}

impl Wants {
    pub(crate) fn read(&mut self, line: u32) {
        self.reads.get_or_insert(line);
    }

    pub(crate) fn write(&mut self, line: u32) {
        self.writes.get_or_insert(line);
    }

    /// A program by the word that starts it: a plain name, without the folders before it.
    pub(crate) fn program(&mut self, word: &str, line: u32) {
        let name = word.rsplit('/').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) {
            keep(&mut self.programs, name, line);
        }
    }

    /// A variable, where the text can be the name of one.
    pub(crate) fn variable(&mut self, name: &str, line: u32) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) && !BASE.contains(&name) {
            keep(&mut self.variables, name, line);
        }
    }

    /// The hosts of all addresses in a text.
    pub(crate) fn addresses(&mut self, text: &str, line: u32) {
        for scheme in ["https://", "http://"] {
            for (at, _) in text.match_indices(scheme) {
                let rest = &text[at + scheme.len()..];
                let host: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')).collect();
                let host = host.trim_end_matches(['.', ':', '-']);
                let shape = host.contains('.') || host.starts_with("localhost");
                if shape && !host.starts_with('.') {
                    keep(&mut self.hosts, &host.to_ascii_lowercase(), line);
                }
            }
        }
    }
}

/// Variables that every program has, see `vox_container`.
const BASE: [&str; 6] = ["PATH", "HOME", "TMPDIR", "LANG", "PWD", "OLDPWD"];

pub(crate) fn keep(list: &mut Vec<Found>, what: &str, line: u32) {
    if !what.is_empty() && what.len() <= MAX_NAME && list.len() < MAX && !list.iter().any(|known| known.what == what) {
        list.push(Found { what: what.to_owned(), line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_few() {
        let mut wants = Wants::default();
        for (line, word) in ["/usr/bin/git", "git", "$x", "-n", "", "a b", "jq"].into_iter().enumerate() {
            wants.program(word, line as u32 + 1);
        }
        let found: Vec<_> = wants.programs.iter().map(|found| (found.what.as_str(), found.line)).collect();
        assert_eq!(found, [("git", 1), ("jq", 7)]);
        (0..100).for_each(|n| wants.variable(&format!("V{n}"), n));
        assert_eq!(wants.variables.len(), MAX);
        wants.variable("HOME", 1);
        assert!(!wants.variables.iter().any(|found| found.what == "HOME"));
    }

    #[test]
    fn hosts_stand_in_addresses() {
        let mut wants = Wants::default();
        wants.addresses("see https://API.example.org/v1, http://localhost:8000/ and http://x and https://", 4);
        let found: Vec<_> = wants.hosts.iter().map(|found| found.what.as_str()).collect();
        assert_eq!(found, ["api.example.org", "localhost:8000"]);
    }
}
