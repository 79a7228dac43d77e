//! What imports lead to: inert, bundled, denied.

use vox_model::{Capability, Limits};
use vox_runtime::{Granted, OpenError, decide};
use vox_tests::{fixtures, need, skills};

/// The denials of a component, by what it asks for.
fn denials(component: &[u8], grants: &Grants) -> Vec<(String, Option<Capability>)> {
    let host = skills::host();
    let (_folder, reference) = skills::placed(component);
    let skill = host.inspect(&reference).unwrap_or_else(|error| panic!("{error}"));
    match decide(&skill, grants, Limits::default()) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.denials.into_iter().map(|denial| (denial.asked, denial.capability)).collect(),
    }
}

fn all_granted() -> Grants {
    Grants { capabilities: Capability::ALL.into_iter().collect() }
}

#[test]
fn what_imports_nothing_runs() {
    assert_eq!(denials(&fixtures::assembled(fixtures::ANSWER), &Granted::default()), []);
}

#[test]
fn base_wasi_runs_without_a_grant() {
    assert_eq!(denials(&fixtures::assembled(fixtures::SLEEP), &Granted::default()), []);
    assert_eq!(denials(&fixtures::assembled(fixtures::SOCKETS), &Granted::default()), []);
}

/// A capability that no tier serves is refused even when it is granted.
#[test]
fn http_is_denied_with_and_without_a_grant() {
    let text = "package t:t; world w { import wasi:http/outgoing-handler@0.2.12; export go: func(); }";
    let component = need!("the WIT packages", fixtures::dummy(text));
    for grants in [Granted::default(), all_granted()] {
        let found = denials(&component, &grants);
        let asked = ("wasi:http/outgoing-handler@0.2.12".to_owned(), Some(Capability::HttpOut));
        assert!(found.contains(&asked), "{found:?}");
    }
}

#[test]
fn every_world_of_the_skill_package_is_read_from_the_imports() {
    for (interface, capability) in
        [("wasi:keyvalue/store@0.2.0-draft", Capability::Kv), ("wasi:config/store@0.2.0-rc.1", Capability::Config)]
    {
        let text = format!("package t:t; world w {{ import {interface}; export go: func(); }}");
        let component = need!("the WIT packages", fixtures::dummy(&text));
        let found = denials(&component, &all_granted());
        assert!(found.contains(&(interface.to_owned(), Some(capability))), "{found:?}");
    }
}

#[test]
fn the_worlds_of_vox_skill_are_denied_where_no_tier_serves_them() {
    for (world, capability) in
        [("subprocess", Capability::Subprocess), ("gpu", Capability::Gpu), ("log", Capability::Log)]
    {
        let text = format!("package t:t; world w {{ include vox:skill/{world}@0.1.0; export go: func(); }}");
        let component = fixtures::dummy(&text).unwrap_or_else(|error| panic!("vox:skill/{world}: {error}"));
        let found = denials(&component, &all_granted());
        assert!(found.iter().any(|(_, needs)| *needs == Some(capability)), "{world}: {found:?}");
    }
}

#[test]
fn imports_that_nothing_serves_are_denied_by_name() {
    let found = denials(&fixtures::assembled(fixtures::UNKNOWN_IMPORT), &all_granted());
    assert_eq!(found, [("launch-missiles".to_owned(), None)]);
    for interface in ["acme:weird/thing@1.0.0", "acme:weird/thing", "wasi:io/poll@0.3.0", "vox:bundle/json@9.0.0"] {
        let (package, name) = interface.split_once('/').unwrap_or_default();
        let (name, version) = name.split_once('@').map_or((name, String::new()), |(n, v)| (n, format!("@{v}")));
        let text = format!(
            "(component (import \"{package}/{name}{version}\" (instance (export \"f\" (func)))) {})",
            "(core module $m)"
        );
        let found = denials(&fixtures::assembled(&text), &all_granted());
        assert_eq!(found, [(interface.to_owned(), None)]);
    }
}

/// An interface that is imported for its types alone asks for nothing.
#[test]
fn types_alone_ask_for_nothing() {
    let text = r#"(component (import "acme:weird/types@1.0.0" (instance
        (type $r (record (field "a" u8)))
        (export "r" (type (eq $r))))))"#;
    assert_eq!(denials(&fixtures::assembled(text), &Granted::default()), []);
}

/// Sockets are linked as traps: a program that has them and does not use them runs.
#[test]
fn sockets_are_there_until_they_are_used() {
    let host = skills::host();
    let program = skills::opened(&host, &fixtures::assembled(fixtures::SOCKETS), Limits::default());
    assert!(skills::call(&program, "answer", vec![]).result.is_ok());
    let outcome = skills::call(&program, "connect", vec![]);
    assert!(matches!(outcome.result, Err(vox_model::Failure::Trap(_))), "{outcome:?}");
}

/// Opening goes through the decision: there is no way around it.
#[test]
fn opening_refuses_what_the_decision_refuses() {
    let host = skills::host();
    let opened = skills::open(&host, &fixtures::assembled(fixtures::UNKNOWN_IMPORT), Limits::default());
    assert!(matches!(opened, Err(OpenError::Refused(_))));
}
