//! A command that was checked, and what its end means.

use crate::limits::{ARGUMENTS, COMMAND, VARIABLES};
use crate::wire::{Ended, Run, Step};
use std::io;
use vox_model::Limit;
use vox_model::programs::{Command, ProgramError, Status};

/// `SIGXCPU` of Linux on x86-64: the soft limit of processor time.
const OUT_OF_CPU: u8 = 24;

/// The variables that programs get besides their own, the same as in a container; nothing of the host's is in it.
pub(crate) fn environment() -> Vec<(String, String)> {
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/home"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Checks a command and writes it down for the init.
///
/// # Errors
/// It cannot be passed on to a program.
pub(crate) fn prepare(asked: &Command) -> Result<Run, ProgramError> {
    let invalid = |text: String| Err(ProgramError::Invalid(text));
    let mut environment = environment();
    for (name, value) in &asked.environment {
        if name.is_empty() || name.contains('=') {
            return invalid(format!("{name:?} is no name of a variable: it is empty, or contains `=`"));
        }
        environment.retain(|(known, _)| known != name);
        environment.push((name.clone(), value.clone()));
    }
    if asked.program.is_empty() {
        return invalid("no program is named".to_owned());
    }
    if !asked.folder.starts_with('/') {
        return invalid(format!("the working folder {:?} does not begin with `/`", asked.folder));
    }
    if asked.arguments.len() > ARGUMENTS || environment.len() > VARIABLES {
        let (arguments, variables) = (asked.arguments.len(), environment.len());
        return invalid(format!(
            "there are {arguments} arguments and {variables} variables, and may be {ARGUMENTS} and {VARIABLES}"
        ));
    }
    let variables = environment.iter().flat_map(|(name, value)| [name, value]);
    let texts: Vec<&String> =
        [&asked.program, &asked.folder].into_iter().chain(&asked.arguments).chain(variables).collect();
    if let Some(text) = texts.iter().find(|text| text.contains('\0')) {
        return invalid(format!("{text:?} contains a NUL character, which no program can be given"));
    }
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    if bytes > COMMAND {
        return invalid(format!("arguments and variables have {bytes} bytes together, and may have {COMMAND}"));
    }
    Ok(Run {
        id: 0,
        program: asked.program.clone(),
        arguments: asked.arguments.clone(),
        environment,
        folder: asked.folder.clone(),
        cpu_seconds: (asked.cpu.as_secs() + u64::from(asked.cpu.subsec_nanos() > 0)).max(1),
    })
}

/// What an end means to whoever asked for the command.
///
/// # Errors
/// It did not start, or a limit ended it.
pub(crate) fn judge(run: &Run, ended: Ended) -> Result<Status, ProgramError> {
    let Run { program, folder, .. } = run;
    match ended {
        Ended::Exited(code) => Ok(Status::Exited(code)),
        Ended::Signalled(OUT_OF_CPU) => {
            let text = format!("the cpu limit ended {program:?}: it may compute for {} s", run.cpu_seconds);
            Err(ProgramError::Limit { limit: Limit::Cpu, text })
        }
        Ended::Signalled(number) => Ok(Status::Signalled(number)),
        Ended::NotStarted(step, number) => {
            let error = io::Error::from_raw_os_error(number);
            Err(match step {
                Step::Folder => {
                    ProgramError::Invalid(format!("the working folder {folder:?} cannot be entered: {error}"))
                }
                Step::Fork => {
                    let text = format!("{program:?} could not be started: no process is left; end others first");
                    ProgramError::Limit { limit: Limit::Handles, text }
                }
                Step::Exec if error.kind() == io::ErrorKind::NotFound => ProgramError::NotFound(format!(
                    "the process tier has no program {program:?}: only what is below /usr, /bin and /sbin is there"
                )),
                Step::Exec => ProgramError::Invalid(format!("{program:?} cannot be run: {error}")),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn command() -> Command {
        Command {
            program: "git".to_owned(),
            arguments: vec!["log".to_owned(), "-rf".to_owned()],
            environment: vec![("LANG".to_owned(), "de".to_owned()), ("A".to_owned(), "b=c".to_owned())],
            folder: "/work".to_owned(),
            input: Vec::new(),
            time: Duration::from_secs(1),
            cpu: Duration::from_millis(1500),
            output: 1,
        }
    }

    #[test]
    fn a_command_gets_the_base_and_its_own_variables() {
        let run = prepare(&command()).unwrap();
        assert_eq!((run.program.as_str(), run.arguments.len(), run.cpu_seconds), ("git", 2, 2));
        let value = |name: &str| run.environment.iter().filter(|(n, _)| n == name).map(|(_, v)| &**v).collect();
        let values: [Vec<&str>; 3] = ["LANG", "A", "HOME"].map(value);
        assert_eq!(values, [vec!["de"], vec!["b=c"], vec!["/home"]]);
        assert_eq!(run.environment.len(), 5);
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        let refused = |change: &dyn Fn(&mut Command)| {
            let mut command = command();
            change(&mut command);
            matches!(prepare(&command), Err(ProgramError::Invalid(_)))
        };
        assert!(!refused(&|_| ()));
        assert!(refused(&|command| command.program.clear()));
        assert!(refused(&|command| command.program.push('\0')));
        assert!(refused(&|command| command.folder = "work".to_owned()));
        assert!(refused(&|command| command.folder = "/a\0b".to_owned()));
        assert!(refused(&|command| command.arguments = vec![String::new(); ARGUMENTS + 1]));
        assert!(!refused(&|command| command.arguments = vec![String::new(); ARGUMENTS]));
        assert!(refused(&|command| command.arguments = vec!["x".repeat(COMMAND)]));
        assert!(refused(&|command| command.environment = vec![("A=".to_owned(), String::new())]));
        assert!(refused(&|command| command.environment = vec![("A".to_owned(), "\0".to_owned())]));
    }

    #[test]
    fn ends_are_told_apart() {
        let run = prepare(&command()).unwrap();
        assert_eq!(judge(&run, Ended::Exited(3)), Ok(Status::Exited(3)));
        assert_eq!(judge(&run, Ended::Signalled(9)), Ok(Status::Signalled(9)));
        assert!(matches!(judge(&run, Ended::Signalled(24)), Err(ProgramError::Limit { limit: Limit::Cpu, .. })));
        let not = |step, number| judge(&run, Ended::NotStarted(step, number));
        assert!(matches!(not(Step::Exec, 2), Err(ProgramError::NotFound(_))));
        assert!(matches!(not(Step::Exec, 13), Err(ProgramError::Invalid(_))));
        assert!(matches!(not(Step::Folder, 2), Err(ProgramError::Invalid(_))));
        assert!(matches!(not(Step::Fork, 11), Err(ProgramError::Limit { limit: Limit::Handles, .. })));
    }
}
