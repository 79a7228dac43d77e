//! What imports lead to: inert, bundled, denied.

use vox_model::{Capability, Limits};
use vox_runtime::{Granted, OpenError, decide};
use vox_tests::{fixtures, need, skills};

/// The denials of a component, by what it asks for.
fn denials(component: &[u8], granted: &Granted) -> Vec<(String, Option<Capability>)> {
    let host = skills::host();
    let (_folder, reference) = skills::placed(component);
    let skill = host.inspect(&reference).unwrap_or_else(|error| panic!("{error}"));
    match decide(&skill, granted.clone(), Limits::default()) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.denials.into_iter().map(|denial| (denial.asked, denial.capability)).collect(),
    }
}

/// Something under every capability that can be granted.
fn all_granted() -> Granted {
    let mut granted = Granted::default();
    granted.http.allow.push("https://api.example.org".parse().unwrap_or_else(|error| panic!("{error}")));
    granted.kv = "1MiB".parse().unwrap_or_else(|error| panic!("{error}"));
    granted.config = "unit=km".parse().unwrap_or_else(|error| panic!("{error}"));
    granted.clock = "fine".parse().unwrap_or_else(|error| panic!("{error}"));
    granted
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

/// Every capability of the wasm tier: off refuses and names the flag, on runs.
#[test]
fn what_is_imported_has_to_be_granted() {
    for (interface, capability, flag) in [
        ("wasi:http/outgoing-handler@0.2.12", Capability::HttpOut, "--allow-http URL"),
        ("wasi:keyvalue/store@0.2.0-draft", Capability::Kv, "--allow-kv"),
        ("wasi:config/store@0.2.0-rc.1", Capability::Config, "--config NAME=VALUE"),
    ] {
        let text = format!("package t:t; world w {{ import {interface}; export go: func(); }}");
        let component = need!("the WIT packages", fixtures::dummy(&text));
        let denied = (interface.to_owned(), Some(capability));
        assert!(denials(&component, &Granted::default()).contains(&denied), "{interface}");
        assert!(!denials(&component, &all_granted()).contains(&denied), "{interface}");
        let host = skills::host();
        let (_folder, reference) = skills::placed(&component);
        let skill = host.inspect(&reference).unwrap_or_else(|error| panic!("{error}"));
        let refused = decide(&skill, Granted::default(), Limits::default()).expect_err("nothing is granted");
        assert!(refused.denials.iter().any(|denial| denial.flags == [flag]), "{refused:?}");
    }
}

/// Log lines are bounded and escaped: they need no grant.
#[test]
fn logging_is_free() {
    let text = "package t:t; world w { include vox:skill/log@0.1.0; export go: func(); }";
    let component = need!("the WIT packages", fixtures::dummy(text));
    assert_eq!(denials(&component, &Granted::default()), []);
}

/// A capability that no tier serves is refused whatever is granted.
#[test]
fn the_worlds_of_vox_skill_are_denied_where_no_tier_serves_them() {
    for (world, capability) in [("subprocess", Capability::Subprocess), ("gpu", Capability::Gpu)] {
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
