//! Which programs a skill may run.

use crate::names::{Names, join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;
use vox_model::Capability;

/// Which programs a skill may start, and which variables it may set for them. The default is none.
///
/// A program that is granted may start others: the list says what the skill asks for, the container holds all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Any program or some by name, as the skill names them.
    pub programs: Names,
    /// Names of variables.
    pub environment: BTreeSet<String>,
    /// Whether programs run in the process tier of this machine instead of a container. A person gives it with `--trust`;
    /// no manifest can ask for it. It lets no program run by itself: what may run is said by `programs`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trust: bool,
}

/// A name that no program or variable can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadName(pub String);

impl FromStr for Grant {
    type Err = BadName;
    /// Reads what stands after `--allow-subprocess=`: names with commas between them, or nothing, which is any program.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let programs = Names::read(text, |name| match name.contains('\0') || name.chars().any(char::is_control) {
            true => Err(BadName(format!("{name:?} is no name of a program"))),
            false => Ok(()),
        })?;
        Ok(Self { programs, ..Self::default() })
    }
}

/// Checks the name of a variable, as after `--allow-env`.
///
/// # Errors
/// It is empty, or has a `=` or a control character in it.
pub fn variable(name: &str) -> Result<(), BadName> {
    match name.is_empty() || name.contains('=') || name.chars().any(char::is_control) {
        true => Err(BadName(format!("{name:?} is no name of a variable; write one name, without a value"))),
        false => Ok(()),
    }
}

impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::Subprocess];

    /// Whether no program may run.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Adds what another grant gives.
    pub fn merge(&mut self, other: &Self) {
        self.programs.merge(&other.programs);
        self.environment.extend(other.environment.iter().cloned());
        self.trust |= other.trust;
    }

    /// Takes away what the other gives, and rather more than less.
    pub fn subtract(&mut self, denied: &Self) {
        self.programs.subtract(&denied.programs);
        self.environment.retain(|name| !denied.environment.contains(name));
        self.trust &= !denied.trust;
    }

    /// What this gives and the other does not. A program in a process of this machine is not covered by the same program in
    /// a container: with the trust go the programs.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let trust = self.trust && !other.trust;
        Self {
            programs: if trust { self.programs.clone() } else { self.programs.without(&other.programs) },
            environment: self.environment.difference(&other.environment).cloned().collect(),
            trust,
        }
    }

    /// What it gives, in sentences for a person.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let place = if self.trust { "in a process of this machine" } else { "in a container" };
        match &self.programs {
            Names::Any => lines.push(format!("run any program {place}, on the folders it was granted")),
            Names::Some(names) if names.is_empty() => {}
            Names::Some(names) => {
                lines.push(format!("run {} {place}, and what these start", join(names)));
            }
        }
        if self.trust {
            lines.push(
                "be trusted: the programs that it may run run in a process of this machine, not in a container"
                    .to_owned(),
            );
        }
        if !self.environment.is_empty() {
            lines.push(format!("set {} for its programs", join(&self.environment)));
        }
        lines
    }

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        if self.is_empty() { Vec::new() } else { Self::SERVES.to_vec() }
    }

    /// The flags that would give what is asked for and not granted. A skill that names no program may do with any.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let lacking: Vec<&str> =
            request.programs.iter().filter(|name| !self.programs.has(name)).map(|n| &**n).collect();
        let mut flags = Vec::new();
        if !lacking.is_empty() {
            flags.push(format!("--allow-subprocess={}", lacking.join(",")));
        }
        let lacking = request.environment.iter().filter(|name| !self.environment.contains(*name));
        flags.extend(lacking.map(|name| format!("--allow-env {name}")));
        flags
    }

    /// The flags that give the programs of this grant, and the trust where there is one.
    pub fn flag(&self) -> String {
        let programs = self.programs.flag("--allow-subprocess");
        if self.trust { format!("{programs} --trust") } else { programs }
    }
}

/// The section `[subprocess]` of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The programs that the skill starts by itself, such as `git`. None named means that any of them would do.
    pub programs: Vec<String>,
    /// The variables that it sets for them.
    pub environment: Vec<String>,
    /// What for, shown to the person who is asked.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        text.parse().unwrap()
    }

    #[test]
    fn flags_name_programs() {
        assert_eq!(grant("").programs, Names::Any);
        assert_eq!(grant("").flag(), "--allow-subprocess");
        assert_eq!(grant("python3, git").flag(), "--allow-subprocess=git,python3");
        for bad in ["git,", ",", "a\0b", "a\nb"] {
            assert!(bad.parse::<Grant>().is_err(), "{bad:?}");
        }
        assert!(variable("HOME").is_ok());
        assert!(["", "A=B", "A\0"].iter().all(|bad| variable(bad).is_err()));
        let mut two = grant("git,jq");
        two.environment.insert("TZ".to_owned());
        assert_eq!(
            two.describe(),
            ["run `git`, `jq` in a container, and what these start", "set `TZ` for its programs"]
        );
        assert_eq!(grant("").describe(), ["run any program in a container, on the folders it was granted"]);
        assert!(Grant::default().describe().is_empty() && Grant::default().capabilities().is_empty());
        assert_eq!(two.capabilities(), [Capability::Subprocess]);
    }

    #[test]
    fn grants_add_up_and_are_taken_away() {
        let mut one = grant("git");
        one.merge(&grant("jq"));
        assert_eq!(one, grant("git,jq"));
        assert_eq!(one.without(&grant("git")), grant("jq"));
        assert_eq!(one.without(&grant("")), Grant::default());
        assert_eq!(grant("").without(&one), grant(""));
        one.subtract(&grant("git"));
        assert_eq!(one, grant("jq"));
        one.subtract(&grant(""));
        assert!(one.is_empty());
        let mut any = grant("");
        any.subtract(&grant("git"));
        assert!(any.is_empty(), "any but one cannot be said, so all goes");
        let mut variables = Grant { environment: ["A".to_owned(), "B".to_owned()].into(), ..grant("git") };
        variables.subtract(&Grant { environment: ["A".to_owned()].into(), ..Grant::default() });
        assert_eq!(variables, Grant { environment: ["B".to_owned()].into(), ..grant("git") });
        let mut joined = grant("git");
        joined.merge(&variables);
        assert_eq!(joined, variables);
        assert_eq!(variables.without(&grant("git")), Grant { programs: Names::default(), ..variables.clone() });
        assert_eq!(variables.without(&variables), Grant::default());
    }

    #[test]
    fn trust_is_a_word_of_its_own_that_lets_nothing_run() {
        let trust = Grant { trust: true, ..Grant::default() };
        assert!(trust.is_empty() && trust.capabilities().is_empty() && trust != Grant::default());
        assert!(trust.describe()[0].starts_with("be trusted: "), "{:?}", trust.describe());
        let mut both = grant("git");
        both.merge(&trust);
        assert_eq!(both, Grant { trust: true, ..grant("git") });
        assert_eq!(both.without(&grant("git")), both, "`git` in a process was not given");
        assert_eq!(grant("git").without(&both), Grant::default());
        assert_eq!(both.without(&both), Grant::default());
        assert_eq!(both.flag(), "--allow-subprocess=git --trust");
        assert_eq!(both.describe()[0], "run `git` in a process of this machine, and what these start");
        let mut denied = both.clone();
        denied.subtract(&trust);
        assert_eq!(denied, grant("git"), "what is denied is trust alone");
        both.subtract(&grant("git"));
        assert_eq!(both, trust);
        let stored = serde_json::to_string(&trust).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&stored).unwrap(), trust);
        assert!(!serde_json::to_string(&grant("git")).unwrap().contains("trust"));
        assert!(toml::from_str::<Request>("trust = true").is_err(), "no manifest asks for it");
    }

    #[test]
    fn what_is_missing_is_a_flag() {
        let request: Request = toml::from_str("programs = [\"git\", \"jq\"]\nenvironment = [\"TZ\"]").unwrap();
        assert_eq!(Grant::default().missing(&request), ["--allow-subprocess=git,jq", "--allow-env TZ"]);
        assert_eq!(grant("git").missing(&request), ["--allow-subprocess=jq", "--allow-env TZ"]);
        assert_eq!(grant("").missing(&request), ["--allow-env TZ"]);
        assert!(Grant::default().missing(&Request::default()).is_empty());
    }

    #[test]
    fn sections_and_stored_grants_are_closed() {
        assert!(toml::from_str::<Request>("program = [\"git\"]").is_err());
        assert!(serde_json::from_str::<Grant>(r#"{"programs":"any","forever":true}"#).is_err());
        for grant in [grant(""), grant("git"), Grant::default()] {
            let text = serde_json::to_string(&grant).unwrap();
            assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant, "{text}");
        }
        assert_eq!(serde_json::from_str::<Grant>("{}").unwrap(), Grant::default());
    }
}
