//! Running other programs, with errors that say which one failed and where.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;

/// A cargo of the given toolchain, or of the default one, working in `folder`.
///
/// What the surrounding `cargo xtask` set for itself is taken away, otherwise it would choose the toolchain
/// and the target folder of this one.
pub fn cargo(folder: &Path, toolchain: Option<&str>) -> Command {
    let mut command = Command::new("cargo");
    if let Some(name) = toolchain {
        command.arg(format!("+{name}"));
        command.env_remove("RUSTUP_TOOLCHAIN");
    }
    for (name, _) in env::vars_os() {
        if set_by_cargo(&name) {
            command.env_remove(name);
        }
    }
    command.current_dir(folder);
    command
}

fn set_by_cargo(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name == "CARGO"
        || name == "CARGO_CRATE_NAME"
        || name == "CARGO_BIN_NAME"
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
}

/// Runs a command whose output the person sees.
///
/// # Errors
///
/// When it cannot be started or ends with a failure.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("`{}` could not be started", shown(command)))?;
    if !status.success() {
        bail!("`{}`{} failed: {status}", shown(command), place(command));
    }
    Ok(())
}

/// Runs a command without a word, except that its output is part of the error when it fails.
///
/// # Errors
///
/// When it cannot be started, ends with a failure or prints something else than text.
pub fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{}` could not be started", shown(command)))?;
    if !output.status.success() {
        bail!(
            "`{}`{} failed: {}\n{}{}",
            shown(command),
            place(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something else than text", shown(command)))
}

/// Builds a program of the workspace and says where it stands.
///
/// It is built as part of the whole workspace: alone it would get other features of shared dependencies, and
/// the engine would be compiled once more.
///
/// # Errors
///
/// When it does not build.
pub fn built_program(repo: &Repo, name: &str) -> Result<PathBuf> {
    let mut build = cargo(&repo.root, None);
    build
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let output = build.output().with_context(|| format!("`{}` could not be started", shown(&build)))?;
    if !output.status.success() {
        bail!("`cargo build --workspace --bin {name}` failed: {}", output.status);
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo does not say where it put the program {name}"))
}

/// Whether a command runs and succeeds, silently.
pub fn succeeds(command: &mut Command) -> bool {
    silent(command).status().is_ok_and(|status| status.success())
}

/// Whether a command succeeds within a time; it is ended when it takes longer.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> bool {
    let Ok(mut child) = silent(command).spawn() else {
        return false;
    };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < limit => thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                // It may have ended in between; either way there is nothing left to wait for.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Where a program of this name stands on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// PATH with some folders put first.
///
/// # Errors
///
/// When a folder has a name that cannot stand in PATH.
pub fn path_with(folders: &[PathBuf]) -> Result<OsString> {
    let old = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&old));
    env::join_paths(all).context("a folder of the tools cannot stand in PATH: it contains `:`")
}

/// A command as a person would type it.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain =
            !argument.is_empty() && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_=+./:,@".contains(c));
        words.push(if plain { argument.into_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) });
    }
    words.join(" ")
}

fn place(command: &Command) -> String {
    match command.get_current_dir() {
        Some(folder) => format!(" in {}", folder.display()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "-E", "test(a b)"]);
        assert_eq!(shown(&command), "cargo test -E 'test(a b)'");
    }

    #[test]
    fn a_slow_command_is_ended() {
        let start = Instant::now();
        let limit = Duration::from_millis(100);
        assert!(!succeeds_within(Command::new("sleep").arg("60"), limit));
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-of-vox")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-of-vox"));
    }
}
