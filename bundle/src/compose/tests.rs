//! Composition of components that were made from WIT alone.

use insta::assert_snapshot;
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, WitPrinter, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::*;

/// A component of the one world in this WIT text whose functions trap.
fn component(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("it")).unwrap();
    let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = wit_component::dummy_module(&resolve, world, abi);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

const JSON: &str = "
    package vox:bundle@0.1.0;
    interface json {
        record position { line: u32 }
        query: func(document: string, filter: string) -> result<string, position>;
        format: func(document: string) -> string;
    }
    world it { export json; }
";

const REGEX: &str = "
    package vox:bundle@0.1.0;
    interface regex { is-match: func(text: string, pattern: string) -> bool; }
    world it { export regex; }
";

/// A skill that imports part of an interface of `vox:bundle` in a version, and a clock.
fn skill(version: &str, interface: &str) -> Vec<u8> {
    component(&format!(
        "
        package acme:skill@1.0.0;
        interface clock {{ now: func() -> u64; }}
        world it {{
            import vox:bundle/{interface}@{version};
            import clock;
            export run: func(input: string) -> string;
        }}
        package vox:bundle@{version} {{
            interface json {{
                record position {{ line: u32 }}
                query: func(document: string, filter: string) -> result<string, position>;
            }}
            interface yaml {{ parse: func(document: string) -> string; }}
        }}
        "
    ))
}

/// What a component looks like to other tools.
fn wit(component: &[u8]) -> String {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("not a component");
    };
    let package = resolve.worlds[world].package.unwrap();
    let all = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = all.filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, package, &others).unwrap();
    printer.output.to_string()
}

fn with_section(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut all = component.to_vec();
    let section = CustomSection { name: name.into(), data: data.into() };
    ComponentSection::append_to_component(&section, &mut all);
    all
}

#[test]
fn merging_exports_everything_in_a_fixed_order() {
    let (json, regex) = (component(JSON), component(REGEX));
    let one = merge(&[("json", &json), ("regex", &regex)]).unwrap();
    let other = merge(&[("regex", &regex), ("json", &json)]).unwrap();
    assert_eq!(one, other);
    assert_snapshot!("merged", wit(&one));
}

#[test]
fn merging_refuses_the_same_export_twice() {
    let json = component(JSON);
    let error = merge(&[("mine", &json), ("yours", &json)]).unwrap_err();
    assert_snapshot!(error.to_string(), @"mine and yours both export vox:bundle/json@0.1.0; leave one of them out");
    assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
    let error = merge(&[("mine", b"\0asm\x01\0\0\0")]).unwrap_err();
    assert!(error.to_string().starts_with("mine is not a valid component"), "{error}");
}

#[test]
fn linking_serves_the_import_and_keeps_the_others() {
    let (json, regex) = (component(JSON), component(REGEX));
    let skill = skill("0.1.0", "json");
    let one = link(("/home/me/skill", &skill), &[("json", &json), ("regex", &regex)]).unwrap();
    let other = link(("/home/me/skill", &skill), &[("regex", &regex), ("json", &json)]).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.imports, ["acme:skill/clock@1.0.0"]);
    assert_eq!(one.unused, ["regex"]);
    let [connection] = &one.connections[..] else {
        panic!("one connection, not {:?}", one.connections);
    };
    assert_eq!(connection.import, "vox:bundle/json@0.1.0");
    assert_eq!(connection.part, "json");
    assert_snapshot!("linked", wit(&one.component));
    let text = String::from_utf8_lossy(&one.component);
    assert!(!text.contains("/home/me"), "names are for messages only");
}

#[test]
fn a_compatible_version_serves() {
    let json = component(JSON);
    let linked = link(("skill", &skill("0.1.7", "json")), &[("json", &json)]).unwrap();
    assert_eq!(linked.connections[0].import, "vox:bundle/json@0.1.7");
    assert_eq!(linked.connections[0].export, "vox:bundle/json@0.1.0");
}

#[test]
fn another_version_is_named() {
    let json = component(JSON);
    let error = link(("weather", &skill("0.2.0", "json")), &[("json", &json)]).unwrap_err();
    assert!(matches!(error, LinkError::Version { .. }));
    assert_snapshot!(error.to_string(), @"weather imports vox:bundle/json@0.2.0, but json exports vox:bundle/json@0.1.0, which is not a compatible version; build the skill against vox:bundle/json@0.1.0, or give a part that exports vox:bundle/json@0.2.0");
}

#[test]
fn a_missing_part_is_named() {
    let json = component(JSON);
    let error = link(("weather", &skill("0.1.0", "yaml")), &[("json", &json)]).unwrap_err();
    assert!(matches!(error, LinkError::NothingToLink { .. }));
    assert_snapshot!(error.to_string(), @r"
    weather imports nothing that the parts export
      it imports:       vox:bundle/yaml@0.1.0, acme:skill/clock@1.0.0
      the parts export: vox:bundle/json@0.1.0
    ");
}

#[test]
fn a_different_type_is_named() {
    let other = component(
        "
        package vox:bundle@0.1.0;
        interface json {
            record position { line: u32 }
            query: func(document: string, filter: string) -> result<string, string>;
        }
        world it { export json; }
        ",
    );
    let error = link(("weather", &skill("0.1.0", "json")), &[("json", &other)]).unwrap_err();
    assert!(matches!(error, LinkError::Type { .. }));
    assert_snapshot!(error.to_string(), @"weather imports vox:bundle/json@0.1.0, and vox:bundle/json@0.1.0 of json differs from it: mismatched type for export `query`: mismatched type for function result: mismatched type for result `err`: expected record, found string");
}

#[test]
fn two_parts_for_one_import_are_refused() {
    let json = component(JSON);
    let parts: [(&str, &[u8]); 2] = [("mine", &json), ("yours", &json)];
    let error = link(("weather", &skill("0.1.0", "json")), &parts).unwrap_err();
    assert_snapshot!(error.to_string(), @"mine and yours both export vox:bundle/json@0.1.0, which weather imports; give only one of them");
    let parts: [(&str, &[u8]); 2] = [("same", &json), ("same", &json)];
    let error = link(("weather", &skill("0.1.0", "json")), &parts).unwrap_err();
    assert!(matches!(error, LinkError::Component(ComponentError::SameName { .. })));
}

#[test]
fn types_of_a_linked_interface_may_appear_in_exports() {
    let json = component(JSON);
    let skill = component(
        "
        package acme:skill@1.0.0;
        interface api {
            use vox:bundle/json@0.1.0.{position};
            find: func() -> position;
        }
        world it { export api; }
        package vox:bundle@0.1.0 {
            interface json { record position { line: u32 } }
        }
        ",
    );
    let linked = link(("weather", &skill), &[("json", &json)]).unwrap();
    assert_snapshot!("types", wit(&linked.component));
}

#[test]
fn documentation_of_parts_does_not_break_decoding() {
    let docs = b"\x01{\"worlds\":{\"it\":{\"docs\":\"x\"}},\"interfaces\":{\"json\":{\"docs\":\"x\"}}}";
    let json = with_section(&component(JSON), "package-docs", docs);
    assert!(wit_component::decode(&json).is_err(), "the section is a trap by itself");
    let regex = with_section(&component(REGEX), vox_inspect::docs::SECTION, b"\x01{}");
    let merged = merge(&[("json", &json), ("regex", &regex)]).unwrap();
    assert_eq!(wit(&merged), wit(&merge(&[("json", &component(JSON)), ("regex", &component(REGEX))]).unwrap()));

    // What was merged is a part itself now, with the sections one level deeper.
    let skill = skill("0.1.0", "json");
    let linked = link(("skill", &skill), &[("all", &merged)]).unwrap();
    wit(&linked.component);
    let text = String::from_utf8_lossy(&linked.component);
    assert!(!text.contains("package-docs") && !text.contains(vox_inspect::docs::SECTION));
}
