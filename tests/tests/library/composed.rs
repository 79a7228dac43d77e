//! Skills that import parts of the bundle.

use std::sync::Arc;
use vox_model::{Failure, Limits, Value};
use vox_runtime::{Granted, Host, OpenError};
use vox_tests::{need, places, skills};

#[test]
fn a_skill_is_linked_with_the_part_that_it_imports() {
    let path = need!("the guest `uses-json`", places::guest("uses_json"));
    let bundle = need!("a bundle", skills::bundle());
    let host = skills::built(Host::builder().library(bundle));
    let program = skills::opened_file(&host, &path, Limits::default());
    assert_eq!(program.plan().requirements.bundled, ["vox:bundle/json@0.1.0"]);
    let feed = r#"{"items":[{"title":"one"},{"title":"two"}]}"#;
    let outcome = skills::call(&program, "titles", vec![feed.into()]);
    let titles = Value::List(vec!["one".into(), "two".into()]);
    assert_eq!(outcome.result.ok(), Some(Some(Value::Result(Ok(Some(Box::new(titles)))))));
    let outcome = skills::call(&program, "titles", vec!["{".into()]);
    assert!(outcome.skill_error().is_some(), "{outcome:?}");
}

/// All memories of a composed skill count against one limit.
#[test]
fn one_memory_limit_holds_for_all_parts_together() {
    let path = need!("the guest `uses-json`", places::guest("uses_json"));
    let bundle = need!("a bundle", skills::bundle());
    let host = skills::built(Host::builder().library(bundle));
    let small = Limits { memory: 1 << 20, ..Limits::default() };
    let large: String = format!("[{}]", vec!["1234567890"; 400_000].join(","));
    match host.open(&skills::file(&path), &Granted::default(), small) {
        Err(error) => panic!("{error}"),
        Ok(program) => {
            let outcome = skills::call(&program, "titles", vec![large.into()]);
            assert!(matches!(outcome.result, Err(Failure::Limit { .. })), "{outcome:?}");
            assert!(outcome.usage.memory <= 1 << 20, "{outcome:?}");
        }
    }
}

#[test]
fn without_a_library_the_import_is_denied() {
    let path = need!("the guest `uses-json`", places::guest("uses_json"));
    let opened = skills::host().open(&skills::file(&path), &Granted::default(), Limits::default());
    let Err(OpenError::Refused(refused)) = opened else { panic!("it opened, or failed otherwise") };
    assert!(refused.denials.iter().any(|denial| denial.asked == "vox:bundle/json@0.1.0"), "{refused}");
}

#[test]
fn every_part_of_the_bundle_opens_and_describes_itself() {
    let bundle = need!("a bundle", skills::bundle());
    let names: Vec<String> = vox_model::Library::parts(&*bundle).iter().map(|part| part.name.clone()).collect();
    assert!(names.len() >= 3, "{names:?}");
    let host = skills::built(Host::builder().library(Arc::clone(&bundle) as Arc<dyn vox_model::Library>));
    for name in names {
        let skill = host.inspect(&vox_model::SkillRef::Bundle(name.clone()));
        let skill = skill.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(skill.worlds(), ["vox:skill/pure"], "{name}");
        assert!(skill.facts().imports.is_empty(), "{name} imports {:?}", skill.facts().imports);
        let functions = &skill.facts().functions;
        assert!(!functions.is_empty(), "{name}");
        for function in functions {
            assert!(!function.docs.is_empty(), "{name}: {function} has no docs");
            assert_eq!(function.uncallable, None, "{name}: {function}");
        }
    }
}
