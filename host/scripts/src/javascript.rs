//! What a JavaScript or TypeScript script imports and seems to want, found by reading its tokens.

mod tokens;

use crate::route::Modules;
use crate::wants::{Wants, keep};
use tokens::{Kind, Token};

/// The modules that are built into Node.js 18, in order (`require("module").builtinModules`).
#[rustfmt::skip]
const BUILTIN: [&str; 42] = [
    "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
    "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net", "os",
    "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream", "string_decoder", "sys",
    "test", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "worker_threads", "zlib",
];

/// Names that are there without an import, and in Node.js alone.
const GLOBALS: [&str; 4] = ["process", "Buffer", "__dirname", "__filename"];

/// Calls that start programs, of `child_process`.
const STARTS: [&str; 6] = ["exec", "execSync", "execFile", "execFileSync", "spawn", "spawnSync"];

/// Calls that write files, of `fs`.
#[rustfmt::skip]
const WRITES: [&str; 14] = [
    "writeFile", "writeFileSync", "appendFile", "appendFileSync", "mkdir", "mkdirSync", "rm", "rmSync", "unlink",
    "unlinkSync", "rename", "renameSync", "copyFileSync", "createWriteStream",
];

/// Calls that read files, of `fs`.
const READS: [&str; 5] = ["readFile", "readFileSync", "readdir", "readdirSync", "createReadStream"];

/// Reads a script.
pub(crate) fn read(text: &str) -> (Modules, Wants) {
    let tokens = tokens::tokens(text);
    let mut reading = Reading { tokens: &tokens, modules: Modules::default(), wants: Wants::default() };
    for (at, token) in tokens.iter().enumerate() {
        match &token.kind {
            Kind::Name(name) => reading.name(at, name),
            Kind::Text(text) => reading.wants.addresses(text, token.line),
            Kind::Mark(_) => {}
        }
    }
    (reading.modules, reading.wants)
}

struct Reading<'t> {
    tokens: &'t [Token],
    modules: Modules,
    wants: Wants,
}

impl Reading<'_> {
    fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    fn named(&self, at: usize, name: &str) -> bool {
        matches!(self.tokens.get(at).map(|token| &token.kind), Some(Kind::Name(found)) if found == name)
    }

    fn text_at(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at).map(|token| &token.kind) {
            Some(Kind::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn name(&mut self, at: usize, name: &str) {
        let line = self.tokens[at].line;
        let calls = self.mark(at + 1, '(');
        let after_dot = at > 0 && self.mark(at - 1, '.');
        match name {
            "import" if !after_dot && calls => self.module(at + 2),
            "import" if !after_dot && !self.mark(at + 1, '.') => self.import(at + 1),
            "export" if self.mark(at + 1, '{') || self.mark(at + 1, '*') => self.import(at + 1),
            "require" if !after_dot && calls => self.module(at + 2),
            "env" if after_dot && at >= 2 && self.named(at - 2, "process") => self.variable(at + 1, line),
            word if calls && STARTS.contains(&word) => {
                if let Some(program) = self.text_at(at + 2).and_then(|text| text.split_whitespace().next()) {
                    let program = program.to_owned();
                    self.wants.program(&program, line);
                }
            }
            word if calls && WRITES.contains(&word) => self.wants.write(line),
            word if calls && READS.contains(&word) => self.wants.read(line),
            _ => {}
        }
        if GLOBALS.contains(&name) && !after_dot && !self.mark(at + 1, ':') {
            keep(&mut self.modules.standard, name, line);
        }
    }

    /// After `import` or `export`: a text at once, or the one behind `from` in the same statement.
    fn import(&mut self, at: usize) {
        if self.text_at(at).is_some() {
            return self.module(at);
        }
        for here in at..self.tokens.len() {
            if self.named(here, "from") && self.text_at(here + 1).is_some() {
                return self.module(here + 1);
            }
            let over = matches!(self.tokens[here].kind, Kind::Mark(';' | '(' | ')' | '='));
            if over || self.named(here, "import") {
                return;
            }
        }
    }

    fn module(&mut self, at: usize) {
        let tokens = self.tokens;
        let Some(Token { kind: Kind::Text(name), line }) = tokens.get(at) else { return };
        let line = *line;
        let (name, node) = match name.strip_prefix("node:") {
            Some(rest) => (rest, true),
            None => (name.as_str(), false),
        };
        if name.starts_with('.') || name.starts_with('/') {
            return keep(&mut self.modules.local, name, line);
        }
        let mut parts = name.split('/');
        let top = parts.next().unwrap_or_default();
        // A package of a scope has two parts: `@scope/name`.
        let top = match top.starts_with('@') {
            true => parts.next().map_or(top.to_owned(), |second| format!("{top}/{second}")),
            false => top.to_owned(),
        };
        match node || BUILTIN.binary_search(&top.as_str()).is_ok() {
            true => keep(&mut self.modules.standard, &format!("node:{top}"), line),
            false => keep(&mut self.modules.foreign, &top, line),
        }
    }

    /// `.NAME` or `["NAME"]` after `process.env`.
    fn variable(&mut self, at: usize, line: u32) {
        let name = match self.tokens.get(at + 1).map(|token| &token.kind) {
            Some(Kind::Name(name)) if self.mark(at, '.') => name.clone(),
            Some(Kind::Text(name)) if self.mark(at, '[') => name.clone(),
            _ => return,
        };
        self.wants.variable(&name, line);
    }
}

#[cfg(test)]
#[path = "tests/javascript.rs"]
mod tests;
