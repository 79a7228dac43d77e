//! Functions by name.

use vox_model::{CoreShape, Facts, Function, FunctionId, LookupError, Param, Type};

fn facts(ids: &[(Option<&str>, &str)]) -> Facts {
    let function = |(interface, name): &(Option<&str>, &str)| Function {
        id: FunctionId { interface: interface.map(str::to_owned), name: (*name).to_owned() },
        docs: String::new(),
        params: vec![],
        result: None,
        uncallable: None,
    };
    Facts {
        size: 0,
        imports: vec![],
        exports: vec![],
        imported: vec![],
        functions: ids.iter().map(function).collect(),
        producers: vec![],
        core: CoreShape::default(),
        contract: false,
    }
}

const TWO: [(Option<&str>, &str); 5] = [
    (Some("acme:a/json@0.1.0"), "query"),
    (Some("acme:a/json@0.1.0"), "format"),
    (Some("acme:a/yaml@0.1.0"), "query"),
    (Some("acme:b/json@2.0.0"), "query"),
    (None, "greet"),
];

#[test]
fn unique_names_are_found() {
    let facts = facts(&TWO);
    for (name, id) in [
        ("format", "acme:a/json@0.1.0#format"),
        ("json.format", "acme:a/json@0.1.0#format"),
        ("yaml.query", "acme:a/yaml@0.1.0#query"),
        ("acme:a/json@0.1.0#query", "acme:a/json@0.1.0#query"),
        ("acme:b/json@2.0.0#query", "acme:b/json@2.0.0#query"),
        ("greet", "greet"),
    ] {
        assert_eq!(facts.function(name).map(|f| f.id.to_string()), Ok(id.to_owned()), "{name}");
    }
}

#[test]
fn ambiguous_names_list_names_that_work() {
    let facts = facts(&TWO);
    for name in ["query", "json.query"] {
        let Err(LookupError::Ambiguous { candidates, .. }) = facts.function(name) else { panic!("{name}") };
        assert!(candidates.len() >= 2, "{candidates:?}");
        for candidate in candidates {
            assert!(facts.function(&candidate).is_ok(), "{name}: the candidate {candidate} does not work");
        }
    }
}

/// Every function can be named: its display name leads to it.
#[test]
fn the_display_name_leads_back() {
    let inline = [(Some("inline"), "run"), (None, "run"), (Some("a:b/inline"), "run"), (None, "x")];
    for ids in [&TWO[..], &inline[..]] {
        let facts = facts(ids);
        for function in &facts.functions {
            let name = facts.display_name(function);
            let found = facts.function(&name).map(|f| f.id.to_string());
            assert_eq!(found, Ok(function.id.to_string()), "{name}");
        }
    }
}

/// A function of the world itself wins over those of interfaces.
#[test]
fn the_worlds_own_functions_come_first() {
    let facts = facts(&[(Some("a:b/c@1.0.0"), "run"), (None, "run")]);
    assert_eq!(facts.function("run").map(|f| f.id.interface.is_none()), Ok(true));
    assert_eq!(facts.function("c.run").map(|f| f.id.interface.is_some()), Ok(true));
}

#[test]
fn near_names_come_first() {
    let facts = facts(&[(None, "find-all"), (None, "is-match"), (None, "replace"), (None, "split"), (None, "escape")]);
    for (name, near) in [("findall", "find-all"), ("isMatch", "is-match"), ("repalce", "replace"), ("splitt", "split")]
    {
        let Err(LookupError::Unknown { nearest, known, .. }) = facts.function(name) else { panic!("{name}") };
        assert_eq!(nearest.first().map(String::as_str), Some(near), "{name}: {nearest:?}");
        assert_eq!(known.len(), 5);
    }
    let Err(LookupError::Unknown { nearest, .. }) = facts.function("zzzzzzzzzz") else { panic!() };
    assert_eq!(nearest, Vec::<String>::new());
}

/// Names that mean harm cost no more than names that do not.
#[test]
fn hostile_names_have_an_answer() {
    let facts = facts(&TWO);
    for name in ["", ".", "#", "..", "json.", ".query", "\u{1b}[31m", "é.ü", "a.b.c.d", "acme:a/json@0.1.0#"] {
        assert!(facts.function(name).is_err(), "{name:?}");
    }
    let started = std::time::Instant::now();
    assert!(facts.function(&"x".repeat(100_000)).is_err());
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn options_at_the_end_are_not_required() {
    let option = Type::Option(std::sync::Arc::new(Type::U8));
    for (types, required) in [
        (vec![], 0),
        (vec![Type::U8], 1),
        (vec![Type::U8, option.clone()], 1),
        (vec![option.clone(), Type::U8], 2),
        (vec![option.clone(), option.clone()], 0),
        (vec![Type::U8, option.clone(), option], 1),
    ] {
        let mut function = facts(&[(None, "f")]).functions.remove(0);
        function.params = types.into_iter().map(|ty| Param { name: "p".to_owned(), ty }).collect();
        assert_eq!(function.required(), required, "{function}");
    }
}
