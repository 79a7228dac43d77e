//! What a shell script seems to want, found by reading its words (POSIX.1-2024, Shell Command Language).
//!
//! Quotes, comments and here-documents are told apart; expansion, functions from other files and `eval` are not followed.

use crate::wants::Wants;
use std::collections::BTreeSet;

/// Words of the language, after which a command may stand.
#[rustfmt::skip]
const GO_ON: [&str; 13] =
    ["then", "do", "else", "elif", "if", "while", "until", "!", "{", "time", "exec", "command", "builtin"];

/// Words that are no program: of the language, built in, or part of every system (coreutils, findutils, grep, sed, awk).
#[rustfmt::skip]
const BASE: [&str; 113] = [
    ".", ":", "[", "[[", "]]", "alias", "awk", "basename", "bg", "break", "case", "cat", "cd", "chmod", "chown", "cmp",
    "comm", "continue", "cp", "cut", "date", "dd", "declare", "diff", "dirname", "do", "done", "echo", "elif", "else",
    "env", "esac", "eval", "exit", "export", "expr", "false", "fg", "fi", "find", "fold", "for", "function", "getopts",
    "grep", "hash", "head", "hostname", "id", "if", "in", "install", "jobs", "join", "kill", "let", "ln", "local", "ls",
    "mapfile", "mkdir", "mktemp", "mv", "nl", "od", "paste", "popd", "printf", "pushd", "pwd", "read", "readarray",
    "readlink", "readonly", "realpath", "return", "rm", "rmdir", "sed", "select", "seq", "set", "sh", "shift", "shopt",
    "sleep", "sort", "source", "split", "stat", "tail", "tee", "test", "then", "touch", "tr", "trap", "true", "tsort",
    "type", "typeset", "ulimit", "umask", "unalias", "uname", "uniq", "unset", "until", "wait", "wc", "while", "xargs", "yes",
];

/// Programs that write files.
const WRITES: [&str; 11] = ["cp", "dd", "install", "ln", "mkdir", "mv", "rm", "rmdir", "split", "tee", "touch"];

/// Programs that read files whatever they are given. Filters such as `wc` read what is piped to them as often as not.
const READS: [&str; 3] = ["diff", "find", "ls"];

/// Variables that shells set themselves.
#[rustfmt::skip]
const SHELL: [&str; 18] = [
    "BASH", "BASH_SOURCE", "BASH_VERSION", "EUID", "FUNCNAME", "HOSTNAME", "IFS", "LINENO", "OPTARG", "OPTIND", "PIPESTATUS",
    "PPID", "PS1", "RANDOM", "REPLY", "SECONDS", "SHELL", "UID",
];

/// Reads a script.
pub(crate) fn read(text: &str) -> Wants {
    let text = match text.strip_prefix("#!") {
        Some(rest) => &rest[rest.find('\n').unwrap_or(rest.len())..],
        None => text,
    };
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, state: State::default() };
    while reader.word() {}
    let State { mut wants, seen, assigned, functions, .. } = reader.state;
    for (name, line) in seen {
        if !assigned.contains(&name) && !SHELL.contains(&name.as_str()) && name.len() > 1 {
            wants.variable(&name, line);
        }
    }
    wants.programs.retain(|found| !functions.contains(&found.what));
    wants
}

#[derive(Default)]
struct State {
    wants: Wants,
    /// Variables in capitals that are expanded.
    seen: Vec<(String, u32)>,
    assigned: BTreeSet<String>,
    functions: BTreeSet<String>,
    /// Whether the next word is no command.
    argument: bool,
    /// The command that the words belong to.
    command: String,
    /// How many `case` are open.
    cases: u32,
    /// Here-documents that begin with the next line: their last lines, and whether tabs before them go.
    documents: Vec<(String, bool)>,
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: u32,
    state: State,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.rest.peek() == Some(&c);
        if there {
            self.next();
        }
        there
    }

    /// Reads a word, an operator or a line's end; none is left where it says no.
    fn word(&mut self) -> bool {
        let Some(&c) = self.rest.peek() else { return false };
        match c {
            '\n' => {
                self.next();
                self.state.argument = false;
                for (end, tabs) in std::mem::take(&mut self.state.documents) {
                    self.document(&end, tabs);
                }
            }
            '(' if !self.state.argument && self.arithmetic() => self.state.argument = true,
            ';' | '&' | '|' | '(' | ')' | '`' => {
                self.next();
                self.state.argument = false;
                if c == ';' && (self.take(';') | self.take('&')) && self.state.cases > 0 {
                    self.take('&');
                    self.pattern();
                }
                // A file descriptor after `>&` is an argument of nothing.
                if c == '(' && self.take(')') {
                    let name = self.state.command.clone();
                    self.state.functions.insert(name);
                }
            }
            '<' | '>' => self.redirection(c),
            '#' => {
                while self.rest.peek().is_some_and(|c| *c != '\n') {
                    self.next();
                }
            }
            c if c.is_whitespace() => drop(self.next()),
            _ => {
                let line = self.line;
                let (word, plain) = self.text();
                self.command(&word, plain, line);
            }
        }
        true
    }

    /// Passes over a pattern of a `case` with its bracket; `esac` stays.
    fn pattern(&mut self) {
        while let Some(&c) = self.rest.peek().filter(|c| c.is_whitespace() || **c == '#') {
            match c {
                '#' => while self.next().is_some_and(|c| c != '\n') {},
                _ => drop(self.next()),
            }
        }
        let ahead: String = self.rest.clone().take(5).collect();
        if ahead.strip_prefix("esac").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == ')')) {
            return;
        }
        self.take('(');
        while self.rest.peek().is_some_and(|c| *c != ')') {
            if self.text().0.is_empty() {
                self.next();
            }
        }
        self.take(')');
    }

    fn redirection(&mut self, c: char) {
        let line = self.line;
        self.next();
        if c == '<' && self.take('<') {
            if self.take('<') {
                return;
            }
            let tabs = self.take('-');
            self.blanks();
            let (end, _) = self.text();
            return self.state.documents.push((end, tabs));
        }
        self.take('>');
        self.take('|');
        if self.take('&') {
            return drop(self.text());
        }
        // `<(` and `>(` hold commands.
        if self.rest.peek() == Some(&'(') {
            return;
        }
        self.blanks();
        let (target, _) = self.text();
        match (c, target.as_str()) {
            (_, "" | "/dev/null" | "/dev/stderr" | "/dev/stdout" | "/dev/stdin") => {}
            ('>', _) => self.state.wants.write(line),
            _ => self.state.wants.read(line),
        }
    }

    fn blanks(&mut self) {
        while self.rest.peek().is_some_and(|c| matches!(c, ' ' | '\t')) {
            self.next();
        }
    }

    fn document(&mut self, end: &str, tabs: bool) {
        loop {
            let mut line = String::new();
            let mut over = true;
            while let Some(c) = self.next() {
                if c == '\n' {
                    over = false;
                    break;
                }
                line.push(c);
            }
            let shown = if tabs { line.trim_start_matches('\t') } else { &line };
            if over || shown == end {
                return;
            }
        }
    }

    /// A word with its quotes taken off, and whether nothing in it was quoted or expanded.
    fn text(&mut self) -> (String, bool) {
        let mut word = String::new();
        let mut plain = true;
        while let Some(&c) = self.rest.peek() {
            match c {
                c if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '<' | '>') => break,
                '`' if word.is_empty() => break,
                '`' => break,
                '\'' => {
                    self.next();
                    plain = false;
                    while let Some(c) = self.next().filter(|c| *c != '\'') {
                        word.push(c);
                    }
                }
                '"' => {
                    self.next();
                    plain = false;
                    self.quoted(&mut word);
                }
                '\\' => {
                    self.next();
                    word.extend(self.next().filter(|c| *c != '\n'));
                }
                '$' => {
                    plain = false;
                    self.next();
                    if self.rest.peek() == Some(&'(') {
                        // A command in it is read as commands are: what follows `$(` is the next word.
                        if !self.arithmetic() {
                            break;
                        }
                        word.push('$');
                        continue;
                    }
                    // A mark in the place of what nobody knows.
                    word.push('$');
                    self.expansion();
                }
                c => {
                    self.next();
                    word.push(c);
                }
            }
        }
        (word, plain)
    }

    /// The rest of a text in double quotes. Commands in it are read by a reader of their own.
    fn quoted(&mut self, word: &mut String) {
        while let Some(c) = self.next().filter(|c| *c != '"') {
            match c {
                '\\' => word.extend(self.next()),
                '$' if self.rest.peek() == Some(&'(') => {
                    let line = self.line;
                    let inner = self.brackets();
                    // Numbers are reckoned within two brackets, and nothing is started.
                    if !inner.starts_with("((") {
                        self.inner(&inner, line);
                    }
                    word.push('$');
                }
                '$' => {
                    word.push('$');
                    self.expansion();
                }
                c => word.push(c),
            }
        }
    }

    /// Passes over `((…))`, in which numbers are reckoned; says no, and passes over nothing, where it is none.
    fn arithmetic(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        let two = ahead.next() == Some('(') && ahead.next() == Some('(');
        if two {
            self.brackets();
        }
        two
    }

    /// What stands in a pair of brackets, quotes and further brackets counted.
    fn brackets(&mut self) -> String {
        let mut inner = String::new();
        let mut depth = 0_u32;
        let mut quote = None;
        while let Some(c) = self.next() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, '(') => depth += 1,
                (None, ')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
            inner.push(c);
        }
        inner
    }

    /// Reads commands within a text. What is nested deeper than their own quotes is left.
    fn inner(&mut self, text: &str, line: u32) {
        let text: String = text.chars().skip(1).filter(|c| *c != '"').collect();
        let chars = text.chars().peekable();
        let state = State { wants: std::mem::take(&mut self.state.wants), ..State::default() };
        let mut reader = Reader { rest: chars, line, state };
        while reader.word() {}
        let State { wants, seen, .. } = reader.state;
        self.state.wants = wants;
        self.state.seen.extend(seen);
    }

    /// The name after a `$`.
    fn expansion(&mut self) {
        let line = self.line;
        let braced = self.take('{');
        if braced {
            self.take('#');
            self.take('!');
        }
        let mut name = String::new();
        while let Some(c) = self.rest.peek().filter(|c| c.is_ascii_alphanumeric() || **c == '_') {
            name.push(*c);
            self.next();
        }
        if braced {
            while self.rest.peek().is_some_and(|c| !matches!(c, '}' | '\n' | '"')) {
                self.next();
            }
            self.take('}');
        }
        let capitals = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if capitals && name.starts_with(|c: char| c.is_ascii_uppercase()) {
            self.state.seen.push((name, line));
        }
    }

    fn command(&mut self, word: &str, plain: bool, line: u32) {
        self.state.wants.addresses(word, line);
        if let Some((name, _)) = word.split_once('=')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && (!self.state.argument
                || matches!(self.state.command.as_str(), "export" | "local" | "readonly" | "declare" | "typeset"))
        {
            self.state.assigned.insert(name.to_owned());
            return;
        }
        if self.state.argument {
            match (self.state.command.as_str(), word) {
                ("for" | "read" | "select" | "local" | "declare" | "mapfile" | "getopts", name) => {
                    self.state.assigned.insert(name.to_owned());
                }
                ("case", "in") => {
                    self.state.cases += 1;
                    self.state.argument = false;
                    self.pattern();
                }
                ("cat", name) if !name.starts_with('-') => self.state.wants.read(line),
                // The language of `sed` writes its files with this flag.
                ("sed", flag) if flag.starts_with("-i") || flag == "--in-place" => self.state.wants.write(line),
                ("xargs", name) if plain && !name.starts_with('-') && !BASE.contains(&name) => {
                    self.state.wants.program(name, line);
                    self.state.command.clear();
                }
                _ => {}
            }
            return;
        }
        word.clone_into(&mut self.state.command);
        if word == "esac" {
            self.state.cases = self.state.cases.saturating_sub(1);
        }
        if !plain || word.is_empty() || GO_ON.contains(&word) {
            self.state.argument = !plain;
            return;
        }
        self.state.argument = true;
        if WRITES.contains(&word) {
            self.state.wants.write(line);
        }
        if READS.contains(&word) {
            self.state.wants.read(line);
        }
        // What lies in the skill itself is no program of the system.
        if !BASE.contains(&word) && !word.contains('/') && !word.ends_with(['}', ')']) {
            self.state.wants.program(word, line);
        }
    }
}

#[cfg(test)]
#[path = "tests/shell.rs"]
mod tests;
