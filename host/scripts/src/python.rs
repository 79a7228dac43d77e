//! What a Python script imports and seems to want: a reader of tokens, with strings and comments told apart.
//!
//! It does not run, evaluate or resolve anything. A name that is made at run time is not seen, and a line that never
//! runs is: what comes out is a hint.

mod stdlib;
mod tokens;

use crate::route::Modules;
use crate::wants::{Wants, keep};
use tokens::{Kind, Token};

/// Modules that reach out of an interpreter: a component without a system below it cannot serve them.
const OUTWARD: [&str; 6] = ["subprocess", "socket", "ctypes", "multiprocessing", "ssl", "pty"];

/// Words of calls that start programs, after `subprocess.` or `os.`.
const STARTS: [&str; 10] =
    ["run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput", "execvp", "execv"];

/// Words of calls that write files, on a path or after `os.`.
const WRITES: [&str; 9] =
    ["write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink", "rmdir", "rename", "symlink_to"];

/// Words of calls that write files, after `shutil.`.
const COPIES: [&str; 7] = ["copy", "copy2", "copyfile", "copytree", "move", "rmtree", "make_archive"];

/// Words of calls that read files or folders.
const READS: [&str; 7] = ["read_text", "read_bytes", "listdir", "scandir", "walk", "iterdir", "rglob"];

/// Reads a script. `local` says whether a module stands beside it.
pub(crate) fn read(text: &str, local: impl Fn(&str) -> bool) -> (Modules, Wants) {
    let tokens = tokens::tokens(text);
    let mut reading = Reading { tokens: &tokens, modules: Modules::default(), wants: Wants::default(), local: &local };
    for (at, token) in tokens.iter().enumerate() {
        match &token.kind {
            Kind::Name(name) => reading.name(at, name),
            Kind::Text(text) => reading.wants.addresses(text, token.line),
            Kind::Mark(_) | Kind::End => {}
        }
    }
    let Reading { mut modules, wants, .. } = reading;
    dependencies(text, &mut modules);
    (modules, wants)
}

struct Reading<'t> {
    tokens: &'t [Token],
    modules: Modules,
    wants: Wants,
    local: &'t dyn Fn(&str) -> bool,
}

impl Reading<'_> {
    fn kind(&self, at: usize) -> &Kind {
        self.tokens.get(at).map_or(&Kind::End, |token| &token.kind)
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        *self.kind(at) == Kind::Mark(mark)
    }

    fn name_at(&self, at: usize) -> Option<&str> {
        match self.kind(at) {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    fn text_at(&self, at: usize) -> Option<&str> {
        match self.kind(at) {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name before the dot before `at`, as `os` in `os.walk`.
    fn owner(&self, at: usize) -> Option<&str> {
        let dot = at.checked_sub(1).filter(|dot| self.mark(*dot, '.'))?;
        self.name_at(dot.checked_sub(1)?)
    }

    fn name(&mut self, at: usize, name: &str) {
        let line = self.tokens[at].line;
        let calls = self.mark(at + 1, '(');
        let owner = self.owner(at).map(str::to_owned);
        let owner = owner.as_deref();
        let after_dot = at > 0 && self.mark(at - 1, '.');
        match name {
            "import" if self.begins(at) => self.import(at + 1),
            "from" if self.begins(at) => self.from(at + 1),
            "__import__" | "import_module" if calls => {
                if let Some(module) = self.text_at(at + 2).map(str::to_owned) {
                    self.module(&module, line);
                }
            }
            // A method of a path has no name of a file before the mode.
            "open" if calls => {
                self.open(at + 2, line, after_dot && !matches!(owner, Some("io" | "codecs" | "gzip" | "os")))
            }
            "environ" if self.mark(at + 1, '[') => self.variable(at + 2, line),
            "getenv" if calls => self.variable(at + 2, line),
            "get" | "pop" | "setdefault" if calls && owner == Some("environ") => self.variable(at + 2, line),
            word if calls && STARTS.contains(&word) && matches!(owner, Some("subprocess" | "os")) => {
                let first = at + 2 + usize::from(self.mark(at + 2, '[') || self.mark(at + 2, '('));
                if let Some(program) = self.text_at(first).and_then(|text| text.split_whitespace().next()) {
                    let program = program.to_owned();
                    self.wants.program(&program, line);
                }
            }
            word if calls && after_dot && WRITES.contains(&word) => self.wants.write(line),
            "remove" | "replace" if calls && owner == Some("os") => self.wants.write(line),
            word if calls && owner == Some("shutil") && COPIES.contains(&word) => self.wants.write(line),
            word if calls && after_dot && READS.contains(&word) => self.wants.read(line),
            "glob" if calls && after_dot => self.wants.read(line),
            _ => {}
        }
    }

    /// Whether a statement begins here.
    fn begins(&self, at: usize) -> bool {
        at == 0 || matches!(self.kind(at - 1), Kind::End | Kind::Mark(';' | ':'))
    }

    /// `a.b as c, d` after `import`.
    fn import(&mut self, mut at: usize) {
        loop {
            let Some(name) = self.name_at(at).map(str::to_owned) else { return };
            self.module(&name, self.tokens[at].line);
            // To the next comma of the statement; what stands in brackets or behind a `;` belongs to something else.
            while !matches!(self.kind(at), Kind::End | Kind::Mark(';' | ',' | '(' | ')')) {
                at += 1;
            }
            if !self.mark(at, ',') {
                return;
            }
            at += 1;
        }
    }

    /// `a.b` after `from`; with a dot first it is a module of the skill's own.
    fn from(&mut self, at: usize) {
        let Some(line) = self.tokens.get(at).map(|token| token.line) else { return };
        if self.mark(at, '.') {
            return keep(&mut self.modules.local, ".", line);
        }
        if let Some(name) = self.name_at(at).map(str::to_owned) {
            self.module(&name, line);
        }
    }

    fn module(&mut self, name: &str, line: u32) {
        let top = name.split('.').next().unwrap_or_default();
        if top.is_empty() {
            return;
        }
        let list = match () {
            // A module beside the script comes before the one of the library: the script's folder is first on the path.
            () if (self.local)(top) => &mut self.modules.local,
            () if stdlib::has(top) => &mut self.modules.standard,
            () => &mut self.modules.foreign,
        };
        keep(list, top, line);
        if OUTWARD.contains(&top) {
            keep(&mut self.modules.outward, top, line);
        }
    }

    fn variable(&mut self, at: usize, line: u32) {
        if let Some(name) = self.text_at(at).map(str::to_owned) {
            self.wants.variable(&name, line);
        }
    }

    /// The arguments of `open`: a text of mode letters with one that writes means writing.
    fn open(&mut self, mut at: usize, line: u32, method: bool) {
        let mut depth = 1;
        let mut writes = false;
        while depth > 0 && at < self.tokens.len() {
            match self.kind(at) {
                Kind::Mark('(' | '[' | '{') => depth += 1,
                Kind::Mark(')' | ']' | '}') => depth -= 1,
                Kind::Text(text) if depth == 1 && (method || !self.mark(at - 1, '(')) => {
                    let letters = !text.is_empty() && text.len() <= 4 && text.chars().all(|c| "rwxabt+U".contains(c));
                    writes |= letters && text.contains(['w', 'x', 'a', '+']);
                }
                Kind::End => break,
                _ => {}
            }
            at += 1;
        }
        if writes { self.wants.write(line) } else { self.wants.read(line) }
    }
}

/// The dependencies that a script names in a block of comments (PEP 723).
fn dependencies(text: &str, modules: &mut Modules) {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != "# /// script");
    let Some((first, _)) = lines.next() else { return };
    let mut block = String::new();
    for (_, line) in lines {
        match line.strip_prefix('#') {
            Some(rest) if rest.trim() == "///" => break,
            Some(rest) => {
                block.push_str(rest);
                block.push('\n');
            }
            None => return,
        }
    }
    // A block that is no TOML is no block: its reader refuses it, and it says nothing here.
    let Ok(table) = block.parse::<toml::Table>() else { return };
    let listed = table.get("dependencies").and_then(toml::Value::as_array);
    for name in listed.into_iter().flatten().filter_map(toml::Value::as_str) {
        let name: String =
            name.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        keep(&mut modules.foreign, &name, first as u32 + 1);
    }
}

#[cfg(test)]
#[path = "tests/python.rs"]
mod tests;
