//! What is too deep, too long or too large ends in an error, not in a trap.

use super::*;

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn documents_nest_512_levels() {
    for call in [
        Json::format(nested(512), None),
        Json::merge(nested(512), nested(512)),
        query(&nested(512), "[.]|tojson|fromjson?, [[..]|length]"),
    ] {
        assert!(call.is_ok());
    }
    for document in [nested(513), "[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        for call in
            [Json::format(document.clone(), None), query(&document, "."), Json::patch(document.clone(), "[]".into())]
        {
            let Err(Error::InvalidDocument(complaint)) = call else { panic!("it is read") };
            assert!(complaint.message.contains("512"), "{}", complaint.message);
        }
    }
    assert!(matches!(query("null", "[\"[\"*600]|.[0]|fromjson"), Err(Error::Failed(_))));
}

#[test]
fn results_nest_1024_levels() {
    assert!(query("null", "reduce range(1000) as $i (1; [.]) | tojson | length").is_ok());
    assert!(matches!(query("null", "reduce range(1100) as $i (1; [.])"), Err(Error::Failed(_))));
}

#[test]
fn filters_nest_100_levels() {
    let deep = |levels: usize| "(".repeat(levels) + "1" + &")".repeat(levels);
    assert_eq!(outputs("null", &deep(99)), ["1"]);
    for filter in [
        deep(101),
        "[".repeat(100_000),
        "\"\\(".repeat(5_000),
        "-".repeat(100_000),
        "1+".repeat(501) + "1",
        "try ".repeat(600) + "1",
    ] {
        assert!(matches!(query("null", &filter), Err(Error::InvalidFilter(_))));
    }
    assert_eq!(outputs("null", &("1+".repeat(490) + "1")), ["491"]);
    assert_eq!(outputs("null", &format!("\"{}\"|length", "(".repeat(5_000))), ["5000"]);
    // Long filters are fine as long as no single chain is.
    let functions: String = (0..500).map(|n| format!("def f{n}: . + {n}; ")).collect();
    assert_eq!(outputs("1", &(functions + "f499")), ["500"]);
    let fields: Vec<_> = (0..500).map(|n| format!("f{n}: .a.b")).collect();
    assert_eq!(outputs("{}", &format!("{{{}}}|length", fields.join(", "))), ["500"]);
    assert_eq!(outputs("1", &("# ((((\n".repeat(500) + ".")), ["1"]);
}

#[test]
fn long_numbers_take_no_long_time() {
    let digits = "7".repeat(1_000_000);
    assert_eq!(query(&digits, ".").expect("runs").trim_end(), digits);
}
