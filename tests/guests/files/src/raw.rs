//! `wasi:filesystem` without a library in between: paths arrive as they are written here.

use crate::bindings::wasi::clocks::wall_clock::Datetime;
use crate::bindings::wasi::filesystem::preopens::get_directories;
use crate::bindings::wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;
const NO_FOLLOW: PathFlags = PathFlags::empty();

type Done = Result<(), ErrorCode>;

/// What came of something.
fn came<T>(result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(code) => code.name().to_owned(),
    }
}

/// The granted folder that a path begins with, and the rest of the path.
fn split(path: &str) -> Result<(Descriptor, String), String> {
    for (folder, name) in get_directories() {
        if let Some(rest) = path.strip_prefix(&name) {
            let rest = rest.trim_start_matches('/');
            return Ok((folder, if rest.is_empty() { ".".to_owned() } else { rest.to_owned() }));
        }
    }
    Err(format!("{path} is in no granted folder"))
}

fn folder(path: &str) -> Result<Descriptor, String> {
    split(path).map(|(folder, _)| folder)
}

/// The folders that were granted.
pub fn folders() -> Vec<String> {
    let rights = |folder: &Descriptor| match folder.get_flags() {
        Ok(flags) if flags.contains(MUTATE) => "write",
        Ok(_) => "read",
        Err(_) => "nothing",
    };
    get_directories().iter().map(|(folder, name)| format!("{name} {}", rights(folder))).collect()
}

/// Makes a symbolic link. The standard library has no stable function for it.
pub fn symlink(target: &str, path: &str) -> Result<(), String> {
    let (folder, path) = split(path)?;
    folder.symlink_at(target, &path).map_err(|code| code.name().to_owned())
}

/// The number of a file.
pub fn identity(path: &str) -> Result<String, String> {
    let (folder, path) = split(path)?;
    let hash = folder.metadata_hash_at(NO_FOLLOW, &path).map_err(|code| code.name().to_owned())?;
    Ok(format!("{:016x}{:016x}", hash.upper, hash.lower))
}

/// What can be done with a path.
const OPERATIONS: &[(&str, fn(&Descriptor, &str) -> Done)] = &[
    ("open", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::empty(), READ).map(drop)),
    ("open-follow", |at, path| at.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), READ).map(drop)),
    ("open-directory", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::DIRECTORY, READ).map(drop)),
    ("open-write", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::empty(), WRITE).map(drop)),
    ("create", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::CREATE, WRITE).map(drop)),
    ("create-new", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, WRITE).map(drop)),
    ("truncate", |at, path| at.open_at(NO_FOLLOW, path, OpenFlags::TRUNCATE, WRITE).map(drop)),
    ("stat", |at, path| at.stat_at(NO_FOLLOW, path).map(drop)),
    ("stat-follow", |at, path| at.stat_at(PathFlags::SYMLINK_FOLLOW, path).map(drop)),
    ("hash", |at, path| at.metadata_hash_at(NO_FOLLOW, path).map(drop)),
    ("readlink", |at, path| at.readlink_at(path).map(drop)),
    ("set-times", |at, path| at.set_times_at(NO_FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now)),
    ("mkdir", |at, path| at.create_directory_at(path)),
    ("symlink", |at, path| at.symlink_at("target", path)),
    ("rename-to", |at, path| {
        drop(at.open_at(NO_FOLLOW, "moving", OpenFlags::CREATE, WRITE)?);
        at.rename_at("moving", at, path)
    }),
    ("rename-from", |at, path| at.rename_at(path, at, "moved")),
    ("link", |at, path| at.link_at(NO_FOLLOW, path, at, "linked")),
    ("unlink", |at, path| at.unlink_file_at(path)),
    ("rmdir", |at, path| at.remove_directory_at(path)),
];

/// Every operation on names that lead out, or nowhere. A line for each that went well, and a count of the others.
pub fn names(path: &str) -> String {
    let names = [
        "",
        "/",
        "//",
        "..",
        "../",
        "../..",
        "../etc",
        "../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "./..",
        "./../..",
        "./../etc/passwd",
        "x/../..",
        "x/../../etc/passwd",
        "..\0",
        "a\0b",
        "\0",
        "../../../../../../../../../../etc/passwd",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd",
        "/dev/fd/0",
        ".vox-x/y",
        "..//",
        ".././..",
    ];
    let at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let (mut lines, mut refused) = (Vec::new(), 0);
    for name in
        names.iter().map(|name| (*name).to_owned()).chain(["a".repeat(256), "a/".repeat(3_000), "ä".repeat(3_000)])
    {
        for (operation, act) in OPERATIONS {
            match act(&at, &name) {
                Ok(()) => lines.push(format!("{operation} {name:?}: ok")),
                Err(_) => refused += 1,
            }
        }
    }
    lines.push(format!("refused: {refused}"));
    lines.join("\n")
}

/// Directories in directories, 5,000 of them, by handles: no path is ever long.
pub fn deep(path: &str) -> String {
    let mut at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    for depth in 0..5_000 {
        let next =
            at.create_directory_at("d").and_then(|()| at.open_at(NO_FOLLOW, "d", OpenFlags::DIRECTORY, READ | MUTATE));
        match next {
            Ok(next) => at = next,
            Err(code) => return format!("{depth} deep, then {}", code.name()),
        }
    }
    "5000 deep".to_owned()
}

/// One path of 5,000 directories.
pub fn long(path: &str) -> String {
    let at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let made = came(at.create_directory_at("l"));
    let (same, down, name) = ("./".repeat(5_000), "l/".repeat(5_000), "l".repeat(100_000));
    let stat = |path: &str| came(at.stat_at(NO_FOLLOW, path));
    format!("made: {made}\nsame: {}\ndown: {}\nname: {}", stat(&same), stat(&down), stat(&name))
}

/// Opens one file without ever closing it.
pub fn handles(path: &str) -> String {
    let at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let mut kept = Vec::new();
    loop {
        match at.open_at(NO_FOLLOW, "a.txt", OpenFlags::empty(), READ) {
            Ok(file) => kept.push(file),
            Err(code) => return format!("{} open, then {}", kept.len(), code.name()),
        }
    }
}

/// Uses handles for more than they were opened for, one line each.
pub fn rights(path: &str) -> String {
    let at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let directory = at.open_at(NO_FOLLOW, ".", OpenFlags::DIRECTORY, READ);
    let file = at.open_at(NO_FOLLOW, "a.txt", OpenFlags::empty(), READ);
    let (directory, file) = match (directory, file) {
        (Ok(directory), Ok(file)) => (directory, file),
        (directory, file) => return format!("directory: {}, file: {}", came(directory), came(file)),
    };
    let now = NewTimestamp::Now;
    [
        ("file write", came(file.write(b"x", 0))),
        ("file write-via-stream", came(file.write_via_stream(0))),
        ("file append-via-stream", came(file.append_via_stream())),
        ("file set-size", came(file.set_size(0))),
        ("file set-times", came(file.set_times(now, now))),
        ("truncate for reading", came(at.open_at(NO_FOLLOW, "a.txt", OpenFlags::TRUNCATE, READ))),
        ("directory mkdir", came(directory.create_directory_at("x"))),
        ("directory unlink", came(directory.unlink_file_at("a.txt"))),
        ("directory open for writing", came(directory.open_at(NO_FOLLOW, "a.txt", OpenFlags::empty(), WRITE))),
        ("directory create", came(directory.open_at(NO_FOLLOW, "x", OpenFlags::CREATE, READ))),
        ("directory for more", came(directory.open_at(NO_FOLLOW, ".", OpenFlags::DIRECTORY, READ | MUTATE))),
        ("directory rename", came(directory.rename_at("a.txt", &at, "x"))),
        ("directory set-times", came(directory.set_times(now, now))),
        ("directory symlink", came(directory.symlink_at("a.txt", "x"))),
    ]
    .map(|(what, came)| format!("{what}: {came}"))
    .join("\n")
}

/// Numbers at the end of their range, on a file of a few bytes, one line each.
pub fn numbers(path: &str) -> String {
    let at = match folder(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let file = match at.open_at(NO_FOLLOW, "numbers", OpenFlags::CREATE, READ | WRITE) {
        Ok(file) => file,
        Err(code) => return code.name().to_owned(),
    };
    let odd = NewTimestamp::Timestamp(Datetime { seconds: u64::MAX, nanoseconds: u32::MAX });
    let late = NewTimestamp::Timestamp(Datetime { seconds: u64::MAX, nanoseconds: 0 });
    [
        ("write", came(file.write(b"few", 0))),
        (
            "read everything",
            file.read(u64::MAX, 0).map_or_else(|code| code.name().to_owned(), |(b, _)| b.len().to_string()),
        ),
        ("read behind", came(file.read(1, u64::MAX))),
        ("write behind", came(file.write(b"x", u64::MAX))),
        ("stream behind", came(file.read_via_stream(u64::MAX))),
        ("write stream behind", came(file.write_via_stream(u64::MAX))),
        ("lengthen without end", came(file.set_size(u64::MAX))),
        ("lengthen to the last", came(file.set_size(i64::MAX as u64))),
        ("odd time", came(file.set_times(odd, odd))),
        ("late time", came(file.set_times(late, late))),
        ("advise", came(file.advise(u64::MAX, u64::MAX, Advice::WillNeed))),
        ("size", file.stat().map_or_else(|code| code.name().to_owned(), |stat| stat.size.to_string())),
    ]
    .map(|(what, came)| format!("{what}: {came}"))
    .join("\n")
}

/// A second name for a file.
pub fn hard_link(path: &str) -> String {
    match folder(path) {
        Ok(folder) => came(folder.link_at(NO_FOLLOW, "a.txt", &folder, "second")),
        Err(error) => error,
    }
}
