//! From imports and manifest to needs, and from needs to worlds.

use crate::manifest::{self, Manifest};
use crate::table::{self, Class};
use vox_model::{Capability, Facts, Function, ImportItem, InterfaceId, Library, Need, Requirements};

/// What a component asks for by its imports and by its manifest.
///
/// A manifest adds what imports cannot say, such as folders, because every language runtime imports the file system;
/// it takes nothing away. What it forbids and the component imports all the same is listed as such. Interfaces that `library` serves are composed in and ask for nothing. An interface imported for its types
/// alone asks for nothing either. A contract has commands alone to serve it.
pub fn requirements(facts: &Facts, manifest: Option<&Manifest>, library: Option<&dyn Library>) -> Requirements {
    let mut found = Requirements::default();
    for import in &facts.imports {
        let interface = import.name.parse::<InterfaceId>().ok();
        // A contract is served by commands alone, whatever its interfaces are called.
        let class = interface.as_ref().filter(|_| !facts.contract).and_then(table::class);
        let library = library.filter(|_| !facts.contract);
        let types_only = match &import.item {
            ImportItem::Interface(functions) => functions.is_empty(),
            ImportItem::Type => true,
            ImportItem::Function => false,
        };
        match class {
            Some(Class::Inert) => found.inert.push(import.name.clone()),
            Some(Class::Blocked) => found.blocked.push(import.name.clone()),
            Some(Class::Needs(capability)) => {
                found.needs.push(Need { capability, because: import.name.clone() });
            }
            None if library.is_some_and(|l| l.serving(&import.name).is_some()) => {
                found.bundled.push(import.name.clone());
            }
            None if types_only => {}
            None if manifest.is_some_and(|manifest| manifest.served.commands.contains_key(&import.name)) => {
                match unservable(facts, &import.name) {
                    None => {
                        let (capability, because) = (Capability::Subprocess, import.name.clone());
                        found.needs.push(Need { capability, because });
                    }
                    Some(reason) => found.unservable.push((import.name.clone(), reason)),
                }
            }
            None => found.unknown.push(import.name.clone()),
        }
    }
    // The types of requests come with the sending: they are linked then, and their functions work.
    if found.needs.iter().any(|need| need.capability == Capability::HttpOut) {
        found.blocked.retain(|import| !import.starts_with("wasi:http/types@"));
    }
    if let Some(manifest) = manifest {
        let mut forbidden = found.needs.clone();
        forbidden.retain(|need| manifest.forbidden.contains(&need.capability));
        found.forbidden = forbidden;
        for capability in &manifest.required {
            if !found.needs.iter().any(|need| need.capability == *capability) {
                found.needs.push(Need { capability: *capability, because: manifest::NAME.to_owned() });
            }
        }
    }
    found
}

/// Why a command cannot serve an imported interface; none where it can. Values alone go through a pipe.
fn unservable(facts: &Facts, interface: &str) -> Option<String> {
    let of = |function: &&Function| function.id.interface.as_deref() == Some(interface);
    facts.imported.iter().filter(of).find_map(|function| {
        let why = function.uncallable.as_ref()?;
        let name = &function.id.name;
        Some(format!("a command serves values alone, and `{name}` has something else: {why}"))
    })
}

/// The `vox:skill` worlds that a component fits: one for each need, `pure` when there is none, and those whose
/// exports it has.
pub fn worlds(facts: &Facts, requirements: &Requirements) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for need in &requirements.needs {
        names.push(match need.capability {
            Capability::HttpOut => "http",
            Capability::Kv => "kv",
            Capability::Config => "config",
            Capability::Log => "log",
            // A command of the skill's own brings an interface of its own.
            Capability::Subprocess if manifest::is_own(&need.because) => continue,
            Capability::Subprocess => "subprocess",
            Capability::Gpu => "gpu",
            Capability::FilesystemRo | Capability::FilesystemRw => "files",
            Capability::Clock | Capability::Random => continue,
        });
    }
    names.dedup();
    let by_command = requirements.needs.iter().any(|need| need.capability == Capability::Subprocess);
    if names.is_empty() && requirements.unknown.is_empty() && !by_command {
        names.push("pure");
    }
    for (export, world) in [
        ("wasi:cli/run@0.2.", "command"),
        ("wasi:http/incoming-handler@0.2.", "service"),
        ("vox:skill/transform@0.1.", "stage"),
    ] {
        if facts.exports.iter().any(|name| name.starts_with(export)) {
            names.push(world);
        }
    }
    names.into_iter().map(|name| format!("vox:skill/{name}")).collect()
}

/// Whether a capability is served by what runs programs, and not by the sandbox itself.
pub fn by_programs(capability: Capability) -> bool {
    matches!(capability, Capability::Subprocess | Capability::Gpu)
}

/// Whether a capability is for everybody: log lines are bounded and escaped, and randomness tells nothing.
pub fn free(capability: Capability) -> bool {
    matches!(capability, Capability::Log | Capability::Random)
}

/// The flag that grants a capability; none where no flag does. With a word in capitals where a person has to say what.
pub fn flag(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::FilesystemRo => Some("--allow-read DIR"),
        Capability::FilesystemRw => Some("--allow-write DIR"),
        Capability::HttpOut => Some("--allow-http URL"),
        Capability::Kv => Some("--allow-kv"),
        Capability::Config => Some("--config NAME=VALUE"),
        Capability::Clock => Some("--allow-clock"),
        Capability::Subprocess => Some("--allow-subprocess"),
        Capability::Gpu => Some("--allow-gpu"),
        Capability::Log | Capability::Random => None,
    }
}
