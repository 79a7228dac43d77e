//! Runs programs in the ways that the tests need.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "programs", generate_all });
}

use bindings::exports::test::programs::api::{Guest, Ran};
use bindings::vox::skill::processes::{self, Command, Error, Limits, Output, Status, Variable};
use bindings::wasi::io::streams::StreamError;
use std::io::Write as _;

struct Programs;

const UNLIMITED: Limits = Limits { time_ms: None, output_bytes: None, memory_bytes: None };

fn command(program: &str, arguments: &[&str]) -> Command {
    Command {
        program: program.to_owned(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        environment: Vec::new(),
        working_folder: None,
        input: None,
        limits: UNLIMITED,
    }
}

fn owned(program: String, arguments: Vec<String>) -> Command {
    Command { program, arguments, ..command("", &[]) }
}

fn text(error: Error) -> String {
    match error {
        Error::Denied(text) => format!("denied: {text}"),
        Error::NotFound(text) => format!("not-found: {text}"),
        Error::Invalid(text) => format!("invalid: {text}"),
        Error::Limit(text) => format!("limit: {text}"),
        Error::Unavailable(text) => format!("unavailable: {text}"),
    }
}

fn word(status: Status) -> String {
    match status {
        Status::Exited(code) => format!("exit {code}"),
        Status::Signalled(number) => format!("signal {number}"),
    }
}

fn run(command: &Command) -> Result<Ran, String> {
    let Output { status, stdout, stderr, stdout_lost, stderr_lost } = processes::run(command).map_err(text)?;
    let string = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ran { status: word(status), stdout: string(stdout), stderr: string(stderr), lost: stdout_lost + stderr_lost })
}

/// Runs a program that has to go well.
fn well(command: &Command) -> Result<String, String> {
    let ran = run(command)?;
    match ran.status.as_str() {
        "exit 0" => Ok(ran.stdout),
        status => Err(format!("{} {:?}: {status}: {}", command.program, command.arguments, ran.stderr)),
    }
}

fn io(error: std::io::Error) -> String {
    error.to_string()
}

impl Guest for Programs {
    fn run(
        program: String,
        arguments: Vec<String>,
        folder: Option<String>,
        input: Option<String>,
    ) -> Result<Ran, String> {
        let input = input.map(String::into_bytes);
        run(&Command { working_folder: folder, input, ..owned(program, arguments) })
    }

    fn run_with(name: String, value: String, program: String, arguments: Vec<String>) -> Result<Ran, String> {
        run(&Command { environment: vec![Variable { name, value }], ..owned(program, arguments) })
    }

    fn limited(
        program: String,
        arguments: Vec<String>,
        time_ms: Option<u64>,
        output: Option<u64>,
        memory: Option<u64>,
    ) -> Result<Ran, String> {
        let limits = Limits { time_ms, output_bytes: output, memory_bytes: memory };
        run(&Command { limits, ..owned(program, arguments) })
    }

    fn commit(folder: String, file: String, content: String) -> Result<String, String> {
        let git = |arguments: &[&str]| {
            let who = ["-c", "user.name=Skill", "-c", "user.email=skill@example.org"];
            let arguments = [&who[..], arguments].concat();
            well(&Command { working_folder: Some(folder.clone()), ..command("git", &arguments) })
        };
        git(&["init", "--quiet", "--initial-branch=main"])?;
        std::fs::write(format!("{folder}/{file}"), content).map_err(io)?;
        git(&["add", &file])?;
        git(&["commit", "--quiet", "--message", "first"])?;
        // What git wrote is there for the component as well.
        let head = std::fs::read_to_string(format!("{folder}/.git/HEAD")).map_err(io)?;
        Ok(format!("{}{head}", git(&["log", "--format=%s", "--name-only"])?))
    }

    fn take_turns(folder: String) -> Result<String, String> {
        let path = format!("{folder}/turns");
        std::fs::write(&path, "skill\n").map_err(io)?;
        let append = Command { working_folder: Some(folder), ..command("sh", &["-c", "echo program >> turns"]) };
        well(&append)?;
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).map_err(io)?;
        file.write_all(b"skill again\n").map_err(io)?;
        drop(file);
        well(&Command { arguments: vec!["turns".to_owned()], program: "cat".to_owned(), ..append })
    }

    fn converse(content: String) -> Result<String, String> {
        let process = processes::spawn(&command("cat", &[])).map_err(text)?;
        let stdin = process.stdin().map_err(text)?;
        let again = process.stdin().map(|_| "twice").map_err(text);
        stdin.blocking_write_and_flush(content.as_bytes()).map_err(|error| error.to_string())?;
        drop(stdin);
        let stdout = process.stdout().map_err(text)?;
        let mut back = Vec::new();
        loop {
            match stdout.blocking_read(4096) {
                Ok(bytes) => back.extend(bytes),
                Err(StreamError::Closed) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        process.subscribe().block();
        let status = process.status().map_err(text)?.map(word);
        Ok(format!("{}; {status:?}; {again:?}", String::from_utf8_lossy(&back)))
    }

    fn kill() -> Result<String, String> {
        let process = processes::spawn(&command("sleep", &["600"])).map_err(text)?;
        let before = process.status().map_err(text)?.map(word);
        process.kill().map_err(text)?;
        process.subscribe().block();
        process.kill().map_err(text)?;
        Ok(format!("{before:?}; {:?}", process.status().map_err(text)?.map(word)))
    }

    fn drop() -> Result<(), String> {
        drop(processes::spawn(&command("sleep", &["600"])).map_err(text)?);
        Ok(())
    }
}

bindings::export!(Programs with_types_in bindings);
