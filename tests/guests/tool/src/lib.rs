//! A program as a component: what it does stands in its arguments. `tests/tests/parity/tool.sh` does the same in a shell.
//!
//! It is a library and not a `main`: one that is built with Debian's C library for WASI finds no granted folder by its path,
//! here and in other engines.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "tool", generate_all });
}

use bindings::exports::wasi::cli::run::Guest;
use std::fs;
use std::io::{self, Read as _, Write as _};

struct Tool;

impl Guest for Tool {
    fn run() -> Result<(), ()> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words[..] {
            ["echo", ref rest @ ..] => say(&format!("{}\n", rest.join(" "))),
            ["cat"] => return copy().map_err(drop),
            // `exit` of wasi:cli 0.2 knows success and failure alone.
            ["exit", "0"] => {}
            ["both"] => {
                say("to standard output\n");
                eprintln!("to standard error");
            }
            ["print", count] => say(&"x".repeat(count.parse().map_err(drop)?)),
            ["linger"] => {
                say("begun\n");
                std::thread::sleep(std::time::Duration::from_secs(3600));
            }
            ["grow"] => grow(),
            ["files", ref steps @ ..] => return files(steps),
            _ => return Err(()),
        }
        Ok(())
    }
}

fn say(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn copy() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let mut out = io::stdout();
    out.write_all(&input).and_then(|()| out.flush())
}

/// Takes memory until there is no more.
fn grow() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
    }
}

/// One step after the other, up to the first that fails.
fn files(steps: &[&str]) -> Result<(), ()> {
    for step in steps {
        if let Err(error) = file(&step.split(' ').collect::<Vec<_>>()) {
            eprintln!("{step}: {error}");
            return Err(());
        }
        say(&format!("{step}: done\n"));
    }
    Ok(())
}

fn file(step: &[&str]) -> io::Result<()> {
    match *step {
        ["write", path, text] => fs::write(path, text),
        ["append", path, text] => {
            fs::OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()))
        }
        ["read", path] => fs::read_to_string(path).map(|text| say(&text)),
        ["list", path] => list(path).map(|names| names.iter().for_each(|name| say(&format!("{name}\n")))),
        ["remove", path] => fs::remove_file(path),
        ["move", from, to] => fs::rename(from, to),
        ["mkdir", path] => fs::create_dir(path),
        ["rmdir", path] => fs::remove_dir(path),
        _ => Err(io::Error::other("there is no such step")),
    }
}

fn list(path: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

bindings::export!(Tool with_types_in bindings);
