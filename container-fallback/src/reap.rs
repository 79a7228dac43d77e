//! What owners left that did not get to clean up: containers, volumes, folders.

use crate::engine::{Engine, EngineError, EngineKind};
use crate::owner::{self, Owner};
use crate::session::{self, BOOT, OWNER};
use serde_json::Value;
use std::path::Path;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Containers whose owner does not live any more.
    pub containers: usize,
    /// Volumes of such containers.
    pub volumes: usize,
    /// Folders of sessions, below the state folder.
    pub folders: usize,
}

/// Removes what belongs to owners that are gone. Called at a start; sessions of living processes are not touched, nor
/// those of another view of the system's processes, where the number of an owner means someone else.
///
/// # Errors
/// The engine did not answer, or something could not be removed. What was removed before that stays removed.
pub fn reap(engine: &Engine, state: &Path) -> Result<Reaped, EngineError> {
    let boot =
        owner::boot().map_err(|error| EngineError::Odd(format!("this run of the machine has no name: {error}")))?;
    let mut reaped = Reaped::default();
    for (id, labels) in containers(engine)? {
        if left(&labels, &boot) {
            engine.remove(&id)?;
            reaped.containers += 1;
        }
    }
    if engine.kind() == EngineKind::Docker {
        reaped.volumes = volumes(engine, &boot)?;
    }
    let folders = session::sweep(state);
    reaped.folders = folders.map_err(|error| {
        EngineError::Odd(format!("the sessions below {} cannot be swept: {error}", state.display()))
    })?;
    Ok(reaped)
}

/// The labels of a container or volume that are ours.
#[derive(Debug, Default)]
struct Labels {
    owner: Option<Owner>,
    boot: Option<String>,
}

impl Labels {
    fn add(&mut self, name: &str, value: &str) {
        match name {
            OWNER => self.owner = Owner::parse(value),
            BOOT => self.boot = Some(value.to_owned()),
            _ => {}
        }
    }
}

fn left(labels: &Labels, boot: &str) -> bool {
    labels.boot.as_deref() == Some(boot) && labels.owner.is_some_and(|owner| !owner.lives())
}

/// All containers with the label, by id.
fn containers(engine: &Engine) -> Result<Vec<(String, Labels)>, EngineError> {
    let filter = format!("label={OWNER}");
    let format = match engine.kind() {
        EngineKind::Podman => "json",
        EngineKind::Docker => "{{json .}}",
    };
    let format = format!("--format={format}");
    let output = engine.run(["ps", "--all", "--no-trunc", "--filter", &filter, &format])?.succeeded()?;
    let odd = |error: serde_json::Error| EngineError::Odd(format!("`ps` printed something else than JSON: {error}"));
    let rows: Vec<Value> = match engine.kind() {
        EngineKind::Podman => serde_json::from_str::<Option<_>>(&output).map_err(odd)?.unwrap_or_default(),
        EngineKind::Docker => output.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(odd)?,
    };
    Ok(rows.iter().filter_map(row).collect())
}

fn row(row: &Value) -> Option<(String, Labels)> {
    // The key is `Id` for Podman and `ID` for Docker.
    let id = row["Id"].as_str().or_else(|| row["ID"].as_str()).filter(|id| crate::check::word(id).is_ok())?;
    let mut labels = Labels::default();
    match &row["Labels"] {
        Value::Object(map) => map.iter().for_each(|(name, value)| labels.add(name, value.as_str().unwrap_or_default())),
        // Docker joins them with commas; none of our values has one.
        Value::String(joined) => {
            joined.split(',').filter_map(|pair| pair.split_once('=')).for_each(|(name, value)| labels.add(name, value));
        }
        _ => {}
    }
    Some((id.to_owned(), labels))
}

/// Removes volumes that a container without an end left. One that is in use stays.
fn volumes(engine: &Engine, boot: &str) -> Result<usize, EngineError> {
    let filter = format!("label={OWNER}");
    let output = engine.run(["volume", "ls", "--filter", &filter, "--format={{json .}}"])?.succeeded()?;
    let mut removed = 0;
    for line in output.lines() {
        let Ok(volume) = serde_json::from_str::<Value>(line) else { continue };
        let name = volume["Name"].as_str().filter(|name| crate::check::word(name).is_ok());
        let labels = row(&serde_json::json!({ "Id": "volume", "Labels": volume["Labels"] }));
        if let (Some(name), Some((_, labels))) = (name, labels)
            && left(&labels, boot)
            && engine.run(["volume", "rm", "--", name])?.success
        {
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_both_engines_are_read() {
        let podman = serde_json::json!({ "Id": "abc", "Labels": { "org.vox.owner": "12:34", "org.vox.boot": "b" } });
        let docker = serde_json::json!({ "ID": "abc", "Labels": "org.vox.boot=b,org.vox.call=x,org.vox.owner=12:34" });
        for one in [podman, docker] {
            let (id, labels) = row(&one).unwrap();
            assert_eq!(
                (id.as_str(), labels.owner, labels.boot.as_deref()),
                ("abc", Some(Owner { pid: 12, started: 34 }), Some("b"))
            );
        }
    }

    #[test]
    fn only_what_belongs_to_the_dead_of_this_run_goes() {
        let this = Owner::this().unwrap();
        let of = |owner, boot: &str| Labels { owner, boot: Some(boot.to_owned()) };
        let gone = Owner { started: this.started + 1, ..this };
        assert!(left(&of(Some(gone), "b"), "b"));
        assert!(!left(&of(Some(this), "b"), "b"), "the owner lives");
        assert!(!left(&of(Some(gone), "other"), "b"), "numbers of another run mean others");
        assert!(!left(&of(None, "b"), "b"), "a label that we did not write");
    }
}
