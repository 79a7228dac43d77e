//! A program for `vox run`: what it does stands in its first argument.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["echo", ref rest @ ..] => println!("{}", rest.join(" ")),
        ["cat"] => return copy(),
        ["exit", status] => std::process::exit(status.parse().unwrap_or(99)),
        ["fail"] => return ExitCode::FAILURE,
        ["surroundings"] => surroundings(),
        ["both"] => {
            println!("to standard output");
            eprintln!("to standard error");
        }
        ["panic"] => panic!("as it was told"),
        ["spin"] => loop {
            std::hint::spin_loop();
        },
        ["sleep"] => std::thread::sleep(std::time::Duration::from_secs(3600)),
        _ => {
            eprintln!("there are: echo, cat, exit, fail, surroundings, both, panic, spin, sleep");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Standard input to standard output.
fn copy() -> ExitCode {
    let mut input = Vec::new();
    let copied = std::io::stdin().read_to_end(&mut input).and_then(|_| std::io::stdout().write_all(&input));
    ExitCode::from(u8::from(copied.is_err()))
}

/// Everything that a program could find out about where it runs.
fn surroundings() {
    println!("arguments: {}", std::env::args().count());
    println!("environment: {}", std::env::vars().count());
    for path in ["/", ".", "/etc/passwd", "/tmp"] {
        match std::fs::metadata(path) {
            Ok(_) => println!("{path}: there"),
            Err(_) => println!("{path}: not there"),
        }
    }
    match std::fs::read_dir("/") {
        Ok(entries) => println!("entries of /: {}", entries.count()),
        Err(_) => println!("entries of /: cannot be listed"),
    }
    match std::fs::write("/made", b"x") {
        Ok(()) => println!("writing: works"),
        Err(_) => println!("writing: does not work"),
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    println!("seconds since 1970: {}", since.map_or(0, |since| since.as_secs()));
}
