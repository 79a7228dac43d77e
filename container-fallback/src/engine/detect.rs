//! Finding out what there is: the program, the daemon behind it, and whether they answer sensibly.

use super::{Engine, EngineError, EngineKind, Surroundings, run};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vox_model::{Tier, TierOffer};

/// Podman says what it is in 0.1 s, on a machine with much else to do in 20 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found of one engine.
#[derive(Clone, Debug)]
pub enum Detection {
    /// It answers. Whether it enforces limits is for the probe to say.
    Working(Engine),
    /// There is no such program on the search path.
    Absent(EngineKind),
    /// The client is there, and no daemon answers it.
    NoDaemon {
        /// Which engine.
        kind: EngineKind,
        /// What the client said.
        said: String,
    },
    /// The daemon is there, and this user may not talk to it.
    NotAllowed {
        /// Which engine.
        kind: EngineKind,
        /// What the client said.
        said: String,
    },
    /// The program is there and does not work.
    Broken {
        /// Which engine.
        kind: EngineKind,
        /// What is wrong with it.
        said: String,
    },
}

impl Detection {
    /// What is wrong, in a sentence; none when it works.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Working(_) => None,
            Self::Absent(kind) => Some(format!("{kind} is not installed: there is no `{}` on PATH", kind.program())),
            Self::NoDaemon { kind, said } => Some(format!("{kind} is installed, but its daemon does not run: {said}")),
            Self::NotAllowed { kind, said } => Some(format!("{kind} runs, but this user may not use it: {said}")),
            Self::Broken { kind, said } => Some(format!("{kind} is installed, but does not work: {said}")),
        }
    }

    /// The command that mends it; none when it works.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Working(_) => None,
            Self::Absent(EngineKind::Podman) => Some("sudo apt-get install podman runc"),
            Self::Absent(EngineKind::Docker) => Some("sudo apt-get install docker.io"),
            Self::NoDaemon { .. } => Some("sudo systemctl start docker"),
            Self::NotAllowed { .. } => Some("sudo usermod -aG docker $USER && newgrp docker"),
            Self::Broken { kind: EngineKind::Podman, .. } => Some("podman info"),
            Self::Broken { kind: EngineKind::Docker, .. } => Some("docker info"),
        }
    }

    /// The engine, where it works.
    pub fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Working(engine) => Some(engine),
            _ => None,
        }
    }

    /// What the choice of tiers is told before a probe ran: the first engine that works, or what is wrong with all.
    pub fn offer(all: &[Self]) -> TierOffer {
        let lines: Vec<String> =
            all.iter().filter_map(|one| Some(format!("{}; run `{}`", one.problem()?, one.fix()?))).collect();
        let works = all.iter().find_map(Self::engine);
        let offered = works.map(|engine| format!("{} {}", engine.kind(), engine.version()));
        TierOffer { tier: Tier::Container, offered: offered.ok_or_else(|| lines.join("\n")) }
    }
}

impl Engine {
    /// Looks for one engine.
    pub fn detect(kind: EngineKind, surroundings: &Surroundings) -> Detection {
        let Some(program) = surroundings.find(kind.program()) else {
            return Detection::Absent(kind);
        };
        let format = match kind {
            EngineKind::Podman => "json",
            EngineKind::Docker => "{{json .}}",
        };
        let arguments = ["info", "--format", format].map(OsString::from);
        let ran = match run::run(&program, surroundings, &arguments, PATIENCE) {
            Ok(ran) => ran,
            Err(error @ (EngineError::Slow { .. } | EngineError::Start { .. })) => {
                return Detection::Broken { kind, said: error.to_string() };
            }
            Err(error) => return Detection::Broken { kind, said: error.to_string() },
        };
        // Docker's client answers with the errors of the daemon in the document, and may fail besides.
        let info: Option<Value> = serde_json::from_str(&ran.output).ok();
        let info = match (info, ran.success) {
            (Some(info), true) => info,
            (Some(info), false) if info["ServerErrors"].is_array() => info,
            (_, false) => return unreachable(kind, ran.said),
            (None, true) => {
                return Detection::Broken { kind, said: "`info` printed something else than JSON".to_owned() };
            }
        };
        match kind {
            EngineKind::Podman => podman(&info, program, surroundings),
            EngineKind::Docker => docker(&info, program, surroundings),
        }
    }

    /// Looks for all engines, in the order in which they are preferred.
    pub fn detect_all(surroundings: &Surroundings) -> Vec<Detection> {
        EngineKind::ALL.into_iter().map(|kind| Self::detect(kind, surroundings)).collect()
    }
}

/// Tells by the words of a client that got no answer what stands in the way.
fn unreachable(kind: EngineKind, said: String) -> Detection {
    let words = said.to_lowercase();
    let said = if said.is_empty() { "`info` failed without a word".to_owned() } else { said };
    match kind {
        EngineKind::Docker if words.contains("permission denied") => Detection::NotAllowed { kind, said },
        EngineKind::Docker
            if words.contains("connect to the docker daemon") || words.contains("docker daemon running") =>
        {
            Detection::NoDaemon { kind, said }
        }
        _ => Detection::Broken { kind, said },
    }
}

fn podman(info: &Value, program: PathBuf, surroundings: &Surroundings) -> Detection {
    let kind = EngineKind::Podman;
    let (Some(version), Some(rootless), Some(runtime)) = (
        info["version"]["Version"].as_str(),
        info["host"]["security"]["rootless"].as_bool(),
        info["host"]["ociRuntime"]["name"].as_str(),
    ) else {
        return Detection::Broken { kind, said: "`podman info` does not say version, rights and runtime".to_owned() };
    };
    // The configured runtime need not start here: crun refuses hybrid control groups, and runc is often there as well.
    let others = ["crun", "runc"].into_iter().filter(|name| surroundings.find(name).is_some());
    working(kind, program, surroundings, version, rootless, [runtime].into_iter().chain(others))
}

fn docker(info: &Value, program: PathBuf, surroundings: &Surroundings) -> Detection {
    let kind = EngineKind::Docker;
    if let Some(errors) = info["ServerErrors"].as_array().filter(|errors| !errors.is_empty()) {
        let said: Vec<&str> = errors.iter().filter_map(Value::as_str).collect();
        return unreachable(kind, said.join("; "));
    }
    let (Some(version), Some(runtime)) = (info["ServerVersion"].as_str(), info["DefaultRuntime"].as_str()) else {
        return Detection::Broken {
            kind,
            said: "`docker info` does not say version and runtime of the daemon".to_owned(),
        };
    };
    let options = info["SecurityOptions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rootless = options.iter().filter_map(Value::as_str).any(|option| option.contains("name=rootless"));
    working(kind, program, surroundings, version, rootless, [runtime].into_iter())
}

fn working<'n>(
    kind: EngineKind,
    program: PathBuf,
    surroundings: &Surroundings,
    version: &str,
    rootless: bool,
    names: impl Iterator<Item = &'n str>,
) -> Detection {
    let mut runtimes: Vec<String> = Vec::new();
    for name in names {
        // A runtime given by path is called by its name.
        let name = Path::new(name).file_name().map_or(name.into(), std::ffi::OsStr::to_string_lossy);
        if crate::check::word(&name).is_ok() && !runtimes.iter().any(|known| *known == name) {
            runtimes.push(name.into_owned());
        }
    }
    if runtimes.is_empty() || version.is_empty() {
        return Detection::Broken { kind, said: "`info` names no runtime or no version".to_owned() };
    }
    let surroundings = Arc::new(surroundings.clone());
    Detection::Working(Engine { kind, program, surroundings, version: version.to_owned(), rootless, runtimes })
}
