//! Accelerators: which there are, and how an engine is told to attach them.
//!
//! NVIDIA devices go in by CDI, the container device interface: the specification of the machine says which files and
//! hooks belong to a device, and no image has a word in it. AMD devices are two kinds of device files.

use crate::engine::{Engine, EngineKind};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What to ask for it by: `nvidia.com/gpu=0`, `amd.com/gpu=renderD128`.
    pub id: String,
    /// The maker.
    pub vendor: &'static str,
    /// The model, as the driver reports it; the id where it does not.
    pub model: String,
    /// Its memory in bytes, 0 where the driver does not say.
    pub memory: u64,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// By the name in a specification.
    Cdi,
    /// By Docker's own switch, for daemons older than 28.2 and machines without a specification.
    Gpus(String),
    /// By the render node.
    Amd(String),
}

/// A device cannot be attached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is none.
    #[error("no accelerator is present: /dev has neither nvidia0 nor kfd, and no CDI specification names one")]
    None,
    /// There is one, and engines are not told how to attach it.
    #[error(
        "an NVIDIA device is present, but no CDI specification: run \
         `sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
    )]
    NoSpecification,
    /// The name belongs to none that is present.
    #[error("no accelerator {asked:?} is present; there are: {there}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The ids of what is there.
        there: String,
    },
}

/// The most bytes of a specification that are read: those of eight devices have 100 KB.
const LONGEST: u64 = 4 << 20;

/// Looks for devices below `root`, which is `/` but for tests.
pub fn devices(engine: &Engine, root: &Path) -> Result<Vec<Device>, GpuError> {
    let reported = reported(engine, root);
    let mut found: Vec<Device> = specified(root).into_iter().map(|index| nvidia(&index, Way::Cdi, &reported)).collect();
    let present = root.join("dev/nvidia0").exists();
    if found.is_empty() && present {
        // Docker before 28.2 knows no CDI by default, but has a switch that its toolkit serves.
        if engine.kind() != EngineKind::Docker || reported.is_empty() {
            return Err(GpuError::NoSpecification);
        }
        let all = reported.iter().map(|(index, ..)| nvidia(index, Way::Gpus(index.clone()), &reported));
        found.extend(all);
    }
    if root.join("dev/kfd").exists() {
        found.extend(amd(root));
    }
    if found.is_empty() { Err(GpuError::None) } else { Ok(found) }
}

/// The devices of these ids, or all for an empty list.
pub fn choose(devices: Vec<Device>, ids: &[String]) -> Result<Vec<Device>, GpuError> {
    let there = || devices.iter().map(|device| device.id.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(asked) = ids.iter().find(|id| !devices.iter().any(|device| device.id == **id)) {
        return Err(GpuError::Unknown { asked: asked.clone(), there: there() });
    }
    Ok(devices.into_iter().filter(|device| ids.is_empty() || ids.contains(&device.id)).collect())
}

/// What attaches the devices, as arguments of `run`.
pub(crate) fn arguments(kind: EngineKind, devices: &[Device]) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut indices = Vec::new();
    for device in devices {
        match &device.way {
            Way::Cdi => arguments.push(format!("--device={}", device.id)),
            Way::Gpus(index) => indices.push(index.as_str()),
            Way::Amd(node) => arguments.push(format!("--device=/dev/dri/{node}")),
        }
    }
    if !indices.is_empty() {
        // The switch reads its value as a line of CSV; the quotes keep the list of devices one field.
        arguments.push(format!("--gpus=\"device={}\"", indices.join(",")));
    }
    if devices.iter().any(|device| matches!(device.way, Way::Amd(_))) {
        arguments.push("--device=/dev/kfd".to_owned());
        // The files belong to the groups `video` and `render`; Podman keeps those of the person who runs it.
        let groups: &[&str] = if kind == EngineKind::Podman { &["keep-groups"] } else { &["video"] };
        arguments.extend(groups.iter().map(|group| format!("--group-add={group}")));
    }
    arguments
}

fn nvidia(index: &str, way: Way, reported: &[(String, String, u64)]) -> Device {
    let id = format!("nvidia.com/gpu={index}");
    let said = reported.iter().find(|(known, ..)| known == index);
    let (model, memory) = said.map_or((id.clone(), 0), |(_, model, memory)| (model.clone(), *memory));
    Device { id, vendor: "nvidia", model, memory, way }
}

/// A name in a specification that may stand in an argument.
fn plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// The names of single devices in the specifications of this machine; `all` stands for several and is left out.
fn specified(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for folder in ["etc/cdi", "var/run/cdi"] {
        let Ok(files) = fs::read_dir(root.join(folder)) else { continue };
        for file in files.flatten().map(|entry| entry.path()) {
            if let Some(text) = specification(&file) {
                names.extend(names_in(&file, &text));
            }
        }
    }
    names.retain(|name| name != "all" && plain(name));
    names.sort();
    names.dedup();
    names
}

fn specification(file: &PathBuf) -> Option<String> {
    let known = file.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml");
    let meta = fs::metadata(file).ok()?;
    (known && meta.is_file() && meta.len() <= LONGEST).then(|| fs::read_to_string(file).ok()).flatten()
}

/// Device names of one specification for `nvidia.com/gpu`. Of YAML only the lines that `nvidia-ctk` writes are understood; a
/// name that is missed means a device that is not offered, never one too many.
fn names_in(file: &Path, text: &str) -> Vec<String> {
    if file.extension().is_some_and(|end| end == "json") {
        let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
        if document["kind"] != "nvidia.com/gpu" {
            return Vec::new();
        }
        let devices = document["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
        return devices.iter().filter_map(|device| Some(device["name"].as_str()?.to_owned())).collect();
    }
    let bare = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
    if !text.lines().any(|line| line.strip_prefix("kind:").is_some_and(|kind| bare(kind) == "nvidia.com/gpu")) {
        return Vec::new();
    }
    let section = text.lines().skip_while(|line| line.trim_end() != "devices:").skip(1);
    let within = section.take_while(|line| line.starts_with([' ', '-']));
    // The name stands at the top level of a device: `- name: "0"`, or `  name: "0"` after its other keys. Names of files and
    // hooks stand deeper.
    within
        .filter_map(|line| {
            let rest = line.strip_prefix("- ").or_else(|| line.strip_prefix("  "))?;
            Some(bare(rest.strip_prefix("name:").or_else(|| rest.strip_prefix("- name:"))?))
        })
        .collect()
}

/// Index, model and memory of each device, as the driver reports them.
fn reported(engine: &Engine, root: &Path) -> Vec<(String, String, u64)> {
    let program = match engine.helper("nvidia-smi") {
        Some(program) if root == Path::new("/") || program.starts_with(root) => program,
        _ => return Vec::new(),
    };
    let arguments = ["--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"].map(Into::into);
    let Ok(answer) = engine.run_helper(&program, &arguments, Duration::from_secs(20)) else { return Vec::new() };
    if !answer.success {
        return Vec::new();
    }
    let row = |line: &str| {
        let mut cells = line.split(',').map(str::trim);
        let (index, model) = (cells.next()?, cells.next()?);
        // The unit is MiB (nvidia-smi --help-query-gpu).
        let memory = cells.next().and_then(|cell| cell.parse::<u64>().ok()).unwrap_or(0) << 20;
        (!index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
            .then(|| (index.to_owned(), model.to_owned(), memory))
    };
    answer.output.lines().filter_map(row).collect()
}

fn amd(root: &Path) -> Vec<Device> {
    let Ok(nodes) = fs::read_dir(root.join("dev/dri")) else { return Vec::new() };
    let mut names: Vec<String> = nodes
        .flatten()
        .filter_map(|node| node.file_name().into_string().ok())
        .filter(|name| render_node(name))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|node| {
            let id = format!("amd.com/gpu={node}");
            Device { model: id.clone(), id, vendor: "amd", memory: 0, way: Way::Amd(node) }
        })
        .collect()
}

fn render_node(name: &str) -> bool {
    name.strip_prefix("renderD").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
