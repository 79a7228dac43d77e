//! The packages under `wit/`: every tool that reads WIT has to take them, and the host has to agree with them.

use std::path::PathBuf;
use vox_capabilities::table::{Class, class};
use vox_model::{Capability, InterfaceId};
use vox_tests::fixtures::PACKAGES;
use vox_tests::places;

/// The package of the worlds: its own `deps` leads to the packages above.
const SKILL: &str = "skill";

fn wit(package: &str) -> PathBuf {
    places::repository().join("wit").join(package)
}

/// What is listed above is what is there.
#[test]
fn no_package_is_forgotten() {
    let folders = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(wit(folder)).unwrap_or_else(|error| panic!("{error}"));
        let names = entries.flatten().filter(|entry| entry.path().is_dir());
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let own = folders("").into_iter().filter(|name| name != "deps");
    let mut found: Vec<String> = own.chain(folders("deps").into_iter().map(|name| format!("deps/{name}"))).collect();
    found.sort();
    let mut listed: Vec<&str> = PACKAGES.into_iter().chain([SKILL]).collect();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// The packages listed above, each by itself and in order.
fn vendored() -> Result<wit_parser::Resolve, String> {
    let mut resolve = wit_parser::Resolve::default();
    for package in PACKAGES {
        resolve.push_dir(wit(package)).map_err(|error| format!("{package}: {error:#}"))?;
    }
    Ok(resolve)
}

/// The worlds, with what they depend on.
fn worlds() -> Result<(wit_parser::Resolve, wit_parser::PackageId), String> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(wit(SKILL)).map_err(|error| format!("{SKILL}: {error:#}"))?;
    Ok((resolve, package))
}

#[test]
fn every_package_parses_with_the_parser_of_the_engine() {
    assert_eq!(vendored().map(drop), Ok(()));
    assert_eq!(worlds().map(drop), Ok(()));
}

/// Authors who build with cargo-component read these packages with an older parser.
#[test]
fn every_package_parses_with_the_parser_of_cargo_component() {
    let mut resolve = wit_parser_old::Resolve::default();
    for package in PACKAGES {
        let pushed = resolve.push_dir(wit(package)).map(drop).map_err(|error| format!("{error:#}"));
        assert_eq!(pushed, Ok(()), "{package}");
    }
    let pushed = wit_parser_old::Resolve::default().push_dir(wit(SKILL));
    assert_eq!(pushed.map(drop).map_err(|error| format!("{error:#}")), Ok(()));
}

/// A package that was encoded and read again is the same package.
#[test]
fn every_package_survives_the_binary_form() {
    let vendored = vendored().unwrap_or_else(|error| panic!("{error}"));
    let (worlds, _) = worlds().unwrap_or_else(|error| panic!("{error}"));
    survives(&vendored);
    survives(&worlds);
}

fn survives(resolve: &wit_parser::Resolve) {
    for (id, package) in resolve.packages.iter() {
        let encoded = wit_component::encode(resolve, id).unwrap_or_else(|error| panic!("{}: {error:#}", package.name));
        let decoded =
            wit_parser::decoding::decode(&encoded).unwrap_or_else(|error| panic!("{}: {error:#}", package.name));
        let wit_parser::decoding::DecodedWasm::WitPackage(again, again_id) = decoded else {
            panic!("{} became a component", package.name)
        };
        let names = |resolve: &wit_parser::Resolve, id: wit_parser::PackageId| {
            let package = &resolve.packages[id];
            let mut names: Vec<String> = package.interfaces.keys().chain(package.worlds.keys()).cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(resolve, id), names(&again, again_id), "{}", package.name);
    }
}

/// What the worlds of `vox:skill` are documented to need.
const WORLDS: [(&str, &[Capability]); 11] = [
    ("pure", &[]),
    ("log", &[Capability::Log]),
    ("files", &[]),
    ("http", &[Capability::HttpOut]),
    ("kv", &[Capability::Kv]),
    ("config", &[Capability::Config]),
    ("service", &[]),
    ("command", &[]),
    ("stage", &[]),
    ("subprocess", &[Capability::Subprocess]),
    ("gpu", &[Capability::Gpu]),
];

/// The table that the decision reads and the worlds that authors read say the same.
#[test]
fn the_table_of_capabilities_agrees_with_the_worlds() {
    let (resolve, skill) = worlds().unwrap_or_else(|error| panic!("{error}"));
    let skill = &resolve.packages[skill];
    assert_eq!(skill.name.to_string(), "vox:skill@0.1.0");
    let mut names: Vec<&str> = skill.worlds.keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut listed: Vec<&str> = WORLDS.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(names, listed);
    for (name, expected) in WORLDS {
        let mut needs = Vec::new();
        for (key, _) in &resolve.worlds[skill.worlds[name]].imports {
            let import = resolve.name_world_key(key);
            let id: InterfaceId = import.parse().unwrap_or_else(|error| panic!("{error}"));
            match class(&id) {
                Some(Class::Needs(capability)) if !needs.contains(&capability) => needs.push(capability),
                Some(_) => {}
                None => panic!("the world {name} imports {import}, which the table does not have"),
            }
        }
        assert!(expected.iter().all(|capability| needs.contains(capability)), "{name} needs {needs:?}");
        // `gpu` uses the types of `subprocess`: it may need that too, and nothing else.
        let allowed = |c: &Capability| expected.contains(c) || (name == "gpu" && *c == Capability::Subprocess);
        assert!(needs.iter().all(allowed), "{name} needs {needs:?}");
    }
}

/// Every interface of WASI that is vendored is in the table in the version that is vendored.
#[test]
fn the_table_knows_every_vendored_interface() {
    let resolve = vendored().unwrap_or_else(|error| panic!("{error}"));
    for (id, _) in resolve.interfaces.iter() {
        let Some(name) = resolve.id_of(id).filter(|name| name.starts_with("wasi:")) else { continue };
        let id: InterfaceId = name.parse().unwrap_or_else(|error| panic!("{error}"));
        assert!(class(&id).is_some(), "{name} is not in the table of capabilities");
    }
}

/// The example without a component: what vox reads is what its WIT says. With `VOX_BLESS=1` it is written anew, as
/// `wasm-tools component wit wit --wasm --output contract.wasm` does.
#[test]
fn the_contract_of_the_example_is_its_wit() {
    let folder = places::repository().join("examples/sql");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(folder.join("wit")).unwrap_or_else(|error| panic!("{error:#}"));
    let contract = wit_component::encode(&resolve, package).unwrap_or_else(|error| panic!("{error:#}"));
    let file = folder.join("contract.wasm");
    if std::env::var_os("VOX_BLESS").is_some() {
        std::fs::write(&file, &contract).unwrap_or_else(|error| panic!("{error}"));
    }
    let found = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(found == contract, "{} is not its WIT; with VOX_BLESS=1 it is rewritten", file.display());
}
