//! What the comments of a WIT package become, and what hostile sections do.

use super::*;

const WIT: &str = "
package acme:weather@1.2.0;

/// Types that others use.
interface shapes {
    /// A point on the ground.
    record place {
        /// Degrees north.
        north: f64,
        east: f64,
    }
}

/// Weather to come.
interface forecast {
    use shapes.{place};

    /// How sure.
    enum certainty {
        /// Hardly.
        low,
        high,
    }

    /// What the weather will be.
    ///
    /// - `at`: where,
    ///   as exactly as known
    /// - other: not a parameter
    ask: func(at: place) -> certainty;

    silent: func();
}

world skill {
    import shapes;
    export forecast;
    /// Says hello.
    export hello: func(name: string);
    export unsaid: interface { f: func(); }
}
";

fn docs(wit: &str) -> Docs {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    Docs::from_wit(&resolve, world)
}

#[test]
fn everything_that_is_exported_is_collected() {
    let docs = docs(WIT);
    assert_eq!(
        docs.interfaces.keys().collect::<Vec<_>>(),
        ["", "acme:weather/forecast@1.2.0"],
        "an import and an interface without a word have no entry"
    );
    assert_eq!(docs.interfaces[""].functions["hello"].docs, "Says hello.");

    let forecast = &docs.interfaces["acme:weather/forecast@1.2.0"];
    assert_eq!(forecast.docs, "Weather to come.");
    assert_eq!(forecast.functions.len(), 1);
    let ask = &forecast.functions["ask"];
    assert_eq!(
        ask.docs,
        "What the weather will be.\n\n- other: not a parameter"
    );
    assert_eq!(ask.params["at"], "where, as exactly as known");
    assert_eq!(forecast.types["certainty"].cases["low"], "Hardly.");
    let place = &forecast.types["place"];
    assert_eq!(place.docs, "A point on the ground.");
    assert_eq!(place.fields.len(), 1);
    assert_eq!(place.fields["north"], "Degrees north.");
}

#[test]
fn a_section_reads_back() {
    let docs = docs(WIT);
    assert_eq!(Docs::from_section(&docs.to_section()).unwrap(), docs);
}

#[test]
fn hostile_sections_are_refused() {
    let version = Docs::from_section(&[]).unwrap_err();
    assert!(matches!(version, DocsError::Version { found: None }));
    let version = Docs::from_section(b"\x02{}").unwrap_err();
    assert!(matches!(version, DocsError::Version { found: Some(2) }));
    let large = Docs::from_section(&vec![1; MAX_BYTES + 1]).unwrap_err();
    assert!(matches!(large, DocsError::TooLarge { .. }));
    let mut deep = vec![1];
    deep.extend("{\"a\":".repeat(10_000).bytes());
    assert!(matches!(
        Docs::from_section(&deep).unwrap_err(),
        DocsError::Malformed(_)
    ));
    assert!(Docs::from_section(b"\x01{\"a\":{\"docs\":7}}").is_err());
}

#[test]
fn texts_come_out_clean_and_short() {
    let mut docs = Docs::default();
    let docs_of = |text: &str| InterfaceDocs {
        docs: text.to_owned(),
        ..InterfaceDocs::default()
    };
    docs.interfaces
        .insert("a".to_owned(), docs_of("red\u{1b}[31m\nand \u{202e}back"));
    docs.interfaces
        .insert("b".to_owned(), docs_of(&"ä".repeat(MAX_TEXT)));
    let read = Docs::from_section(&docs.to_section()).unwrap();
    assert_eq!(read.interfaces["a"].docs, "red[31m\nand back");
    assert_eq!(read.interfaces["b"].docs.len(), MAX_TEXT);
}
