//! The cases.

/// What is called, and what must come of it on every tier.
pub struct Case {
    pub name: &'static str,
    /// The words after the script; `@/` stands for the granted folder.
    pub words: &'static [&'static str],
    pub grants: &'static [&'static str],
    pub input: &'static [u8],
    /// Whether it is interrupted once it has said that it began.
    pub interrupt: bool,
    /// The exit code.
    pub code: i32,
    /// What standard error has to say.
    pub says: &'static str,
    /// Whether `new.md` is there in the end.
    pub makes: bool,
    /// Tiers with another exit code and other words, and why.
    pub differs: &'static [(&'static str, i32, &'static str, &'static str)],
}

const WRITE: &[&str] = &["--allow-write", "docs"];
const READ: &[&str] = &["--allow-read", "docs"];

const PLAIN: Case = Case {
    name: "",
    words: &[],
    grants: WRITE,
    input: b"",
    interrupt: false,
    code: 0,
    says: "",
    makes: false,
    differs: &[],
};

const ONE: &[(&str, i32, &str, &str)] = &[("wasm", 1, "", "`exit` of wasi:cli 0.2 knows success and failure alone")];

pub const CASES: &[Case] = &[
    Case { name: "arguments", words: &["echo", "two words", "--flag", "", "'\"$HOME`", "ünï"], ..PLAIN },
    Case { name: "standard input", words: &["cat"], input: &[b'x'; 300_000], ..PLAIN },
    Case { name: "an exit code", words: &["exit", "7"], code: 7, differs: ONE, ..PLAIN },
    Case { name: "the highest exit code", words: &["exit", "255"], code: 255, differs: ONE, ..PLAIN },
    Case { name: "both streams", words: &["both"], says: "to standard error\n", ..PLAIN },
    Case { name: "a new file", words: &["files", "write @/new.md x", "read @/new.md"], makes: true, ..PLAIN },
    Case { name: "a file that is replaced", words: &["files", "write @/a.md x", "append @/a.md y"], ..PLAIN },
    Case {
        name: "a file that goes and comes again",
        words: &["files", "remove @/a.md", "list @/.", "write @/a.md z"],
        ..PLAIN
    },
    Case {
        name: "directories",
        words: &["files", "mkdir @/d", "write @/d/f x", "move @/d/f @/new.md", "rmdir @/d", "list @/."],
        makes: true,
        ..PLAIN
    },
    Case {
        name: "files that move",
        words: &["files", "move @/sub/b.md @/new.md", "rmdir @/sub", "list @/."],
        makes: true,
        ..PLAIN
    },
    Case { name: "nothing in the end", words: &["files", "write @/f x", "remove @/f"], ..PLAIN },
    Case {
        name: "a step that fails",
        words: &["files", "write @/new.md x", "remove @/none"],
        code: 1,
        makes: true,
        ..PLAIN
    },
    Case { name: "a file outside", words: &["files", "read @/../secret.md"], code: 1, ..PLAIN },
    Case { name: "a link outside", words: &["files", "read @/out"], code: 1, ..PLAIN },
    Case { name: "reading alone", words: &["files", "read @/a.md", "list @/sub"], grants: READ, ..PLAIN },
    Case {
        name: "a folder that was not granted",
        words: &["files", "read @/a.md"],
        grants: &[],
        code: 3,
        says: "add --allow-read",
        ..PLAIN
    },
    Case {
        name: "output beyond its cap",
        words: &["print", "100000"],
        grants: &["--allow-write", "docs", "--limit-output", "1KiB"],
        says: "98976 bytes",
        ..PLAIN
    },
    Case {
        name: "time",
        words: &["linger"],
        grants: &["--allow-write", "docs", "--limit-time", "8s"],
        code: 6,
        says: "--limit-time",
        ..PLAIN
    },
    Case {
        name: "memory",
        words: &["grow"],
        grants: &["--allow-write", "docs", "--limit-memory", "64MiB"],
        code: 6,
        says: "memory limit",
        differs: &[(
            "process",
            1,
            "memory exhausted",
            "the kernel refuses memory to the process, which says so itself and ends as it likes",
        )],
        ..PLAIN
    },
    Case { name: "an interrupt", words: &["linger"], interrupt: true, code: 130, ..PLAIN },
];
