//! Packages of Debian and its descendants.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Whether packages can be installed here without asking anyone: apt is there, and we are root or may become it.
pub fn usable() -> bool {
    process::on_path("apt-get").is_some() && privilege().is_some()
}

/// Installs packages, with fresh package lists when the ones at hand do not do.
///
/// # Errors
///
/// When apt is not usable or does not know or cannot fetch the packages; the message has the command for a
/// person to run.
pub fn install(packages: &[&str]) -> Result<()> {
    let by_hand = format!("sudo apt-get install {}", packages.join(" "));
    let Some(prefix) = privilege().filter(|_| usable()) else {
        bail!(
            "this needs packages that set-up cannot install here (no apt-get, or neither root nor sudo without \
             a password).\nOn Debian or Ubuntu run: {by_hand}\nElsewhere install what these packages hold with \
             the system's package manager."
        );
    };
    if process::capture(&mut install_command(prefix, packages)).is_ok() {
        return Ok(());
    }
    process::capture(apt(prefix).arg("update"))?;
    process::capture(&mut install_command(prefix, packages))?;
    Ok(())
}

/// Whether every package is installed.
pub fn installed(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${db:Status-Status}", package]);
        process::capture(&mut query).is_ok_and(|status| status == "installed")
    })
}

/// The package with the highest number in its name, such as `lld-22` for the prefix `lld-`.
pub fn newest(prefix: &str) -> Option<String> {
    let mut search = Command::new("apt-cache");
    search.args(["search", "--names-only", &format!("^{prefix}[0-9]+$")]);
    let found = process::capture(&mut search).ok()?;
    let number = highest(found.lines().filter_map(|line| line.split_whitespace().next()), prefix)?;
    Some(format!("{prefix}{number}"))
}

/// The highest number that follows `prefix` in one of the names.
pub fn highest<'a>(names: impl Iterator<Item = &'a str>, prefix: &str) -> Option<u32> {
    names.filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).max()
}

/// A program that is run as root.
///
/// # Errors
///
/// When we are not root and may not become it without being asked.
pub fn as_root(program: &str) -> Result<Command> {
    let Some(prefix) = privilege() else {
        bail!("`{program}` has to be run as root, and neither root nor sudo without a password is there");
    };
    let words: Vec<&str> = prefix.iter().copied().chain([program]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    Ok(command)
}

/// How to become root: nothing to add, or sudo that asks for no password.
fn privilege() -> Option<&'static [&'static str]> {
    let id = process::capture(Command::new("id").arg("-u")).ok()?;
    if id.trim() == "0" {
        return Some(&[]);
    }
    process::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str]) -> Command {
    let words: Vec<&str> =
        prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

fn install_command(prefix: &[&str], packages: &[&str]) -> Command {
    let mut command = apt(prefix);
    command.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_counts_not_the_last_text() {
        let names = ["lld-9", "lld-22", "lld-14", "lld-x", "other-99"];
        assert_eq!(highest(names.into_iter(), "lld-"), Some(22));
        assert_eq!(highest(["lld"].into_iter(), "lld-"), None);
    }
}
