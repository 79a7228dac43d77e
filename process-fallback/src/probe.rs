//! Whether what a session promises holds on this machine. Nothing is offered that was not seen.

use crate::launch::{FILE, MEASURE, Report};
use crate::limits::{OPEN_FILES, PROCESSES};
use crate::session::Session;
use crate::wire::Setup;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use vox_model::programs::{Command, Finished, Lack, ProgramError, ProgramSession as _, Status, Stop};

/// Megabytes of private memory that a measuring process may have.
const MEMORY: u64 = 64;

/// Processor seconds of a measuring process, told apart from what it would inherit.
const CPU: Duration = Duration::from_secs(17);

/// `SIGXFSZ` of Linux on x86-64: a file grew beyond its limit.
const FILE_TOO_LARGE: u8 = 25;

/// What may be the matter where something is not held.
const FIX: &str = "run without `--trust`, in a container; `vox doctor` measures both";

/// Starts a session and measures in it. Gives what holds programs, for people.
///
/// # Errors
/// The first thing that is missing, or all that do not hold.
pub(crate) fn probe(program: &Path, words: &[OsString]) -> Result<String, Lack> {
    let setup = Setup { memory: MEMORY << 20, folders: Vec::new(), measures: true };
    let session = Session::start(program, words, &setup)?;
    let words: Option<Vec<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
    let words = words.unwrap_or_default();
    let run = |word: &[&str]| session.run(&measuring(&words, word), &Stop::default());
    let failed = |error: ProgramError| lack(&format!("the measurement did not run: {error}"));
    let Finished { status, stdout, .. } = run(&[MEASURE]).map_err(failed)?;
    let report: Report = serde_json::from_slice(&stdout)
        .map_err(|error| lack(&format!("the measurement came to no end ({status}): {error}")))?;
    let large = run(&[MEASURE, FILE]).map_err(failed)?;
    session.end().map_err(failed)?;
    let mut missing = missing(&report);
    if large.status != Status::Signalled(FILE_TOO_LARGE) {
        missing.push("a file could grow beyond its limit".to_owned());
    }
    match missing.is_empty() {
        true => Ok("a process of this machine with Landlock, seccomp and name spaces of its own".to_owned()),
        false => Err(lack(&missing.join("; "))),
    }
}

fn lack(what: &str) -> Lack {
    Lack { what: format!("the process tier does not hold here: {what}"), fix: FIX.to_owned() }
}

/// This program, in a session, as the one that measures. Its init may execute it by this name and by no other.
fn measuring(words: &[String], more: &[&str]) -> Command {
    Command {
        program: "/proc/self/exe".to_owned(),
        arguments: words.iter().cloned().chain(more.iter().map(|word| (*word).to_owned())).collect(),
        environment: Vec::new(),
        folder: "/".to_owned(),
        input: Vec::new(),
        time: Duration::from_secs(30),
        cpu: CPU,
        output: 64 << 10,
    }
}

/// What does not hold, in words.
fn missing(report: &Report) -> Vec<String> {
    let mut missing = Vec::new();
    let mut hold = |holds: bool, what: &str| {
        if !holds {
            missing.push(what.to_owned());
        }
    };
    hold(report.tried.len() >= 13, "not everything was tried");
    for (what, number) in &report.tried {
        hold(*number != 0, &format!("a program gets {what}"));
    }
    // EACCES: a mount that is read-only would say something else.
    hold(report.tried.get("a file that Landlock alone forbids") == Some(&13), "Landlock does not forbid writing");
    let status = |name: &str| report.status.get(name).map(String::as_str);
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        hold(status(name) == Some("0000000000000000"), &format!("capabilities are left in {name}"));
    }
    hold(status("NoNewPrivs") == Some("1"), "programs can get new privileges");
    hold(status("Seccomp") == Some("2"), "system calls are not filtered");
    hold(report.interfaces.iter().all(|name| name == "lo"), "there is a network interface");
    hold(report.processes == 2, "processes of the machine are seen");
    hold(report.descriptors == 0, "descriptors are inherited");
    hold(report.variables == crate::command::environment().len(), "variables are inherited");
    hold(report.leads, "a program has no session of its own");
    hold(report.staged, "a staged folder cannot be written to");
    let most = usize::try_from(PROCESSES).unwrap_or(usize::MAX);
    hold(report.threads.is_some_and(|count| (1..=most).contains(&count)), "the number of processes is not limited");
    let most = usize::try_from(MEMORY).unwrap_or(usize::MAX);
    hold(report.megabytes.is_some_and(|count| (1..=most).contains(&count)), "memory is not limited");
    let limits = [CPU.as_secs(), 0, u64::from(OPEN_FILES)].map(Some);
    hold(report.limits == limits, "limits of processor time, core files or open files are not set");
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let tried = (0..12).map(|number| (format!("{number}"), 1));
        let landlock = ("a file that Landlock alone forbids".to_owned(), 13);
        let none = "0000000000000000";
        let status = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|name| (name, none));
        let status = status.into_iter().chain([("NoNewPrivs", "1"), ("Seccomp", "2")]);
        Report {
            tried: tried.chain([landlock]).collect(),
            status: status.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            interfaces: vec!["lo".to_owned()],
            processes: 2,
            descriptors: 0,
            variables: 4,
            leads: true,
            staged: true,
            threads: Some(100),
            megabytes: Some(60),
            limits: [Some(17), Some(0), Some(1024)],
        }
    }

    /// What goes wrong in a report.
    type Change = fn(&mut Report);

    #[test]
    fn each_thing_that_does_not_hold_is_named_alone() {
        assert_eq!(missing(&good()), Vec::<String>::new());
        let changes: [(&str, Change); 14] = [
            ("tried", |r| drop(r.tried.pop_first())),
            ("gets 3", |r| _ = r.tried.insert("3".to_owned(), 0)),
            ("Landlock", |r| _ = r.tried.insert("a file that Landlock alone forbids".to_owned(), 30)),
            ("CapEff", |r| drop(r.status.insert("CapEff".to_owned(), "0000000000000400".to_owned()))),
            ("privileges", |r| drop(r.status.remove("NoNewPrivs"))),
            ("filtered", |r| drop(r.status.insert("Seccomp".to_owned(), "0".to_owned()))),
            ("interface", |r| r.interfaces.push("eth0".to_owned())),
            ("seen", |r| r.processes = 200),
            ("descriptors", |r| r.descriptors = 1),
            ("variables", |r| r.variables = 30),
            ("session", |r| r.leads = false),
            ("number of processes", |r| r.threads = None),
            ("memory", |r| r.megabytes = Some(65)),
            ("limits", |r| r.limits[1] = None),
        ];
        for (word, change) in changes {
            let mut report = good();
            change(&mut report);
            let missing = missing(&report);
            assert!(missing.len() == 1 && missing[0].contains(word), "{word}: {missing:?}");
        }
    }

    #[test]
    fn an_empty_report_holds_nothing() {
        assert!(missing(&Report::default()).len() > 12);
    }
}
