//! A12: method, scheme, host, port, path and denial against an oracle that shares nothing with vox, and the laws of
//! grants: adding, taking away, comparing.

use crate::oracle::{Ask, Rules};
use std::collections::BTreeMap;
use vox_capabilities::http::{Grant, authorise};
use vox_tests::luck::Luck;
use vox_tests::needs;

const SEED: u64 = 0xa12;

/// Random grants, each against all cells.
const GRANTS: u64 = 12;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"];

const HOSTS: [(&str, bool); 9] = [
    ("a.example", true),
    ("x.a.example", true),
    ("y.x.a.example", true),
    ("ba.example", true),
    ("127.0.0.1", true),
    ("[::1]", true),
    ("A.example", false),
    ("a.example.", false),
    ("127.1", false),
];

const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Paths: whether all servers read them alike, and whether they are in their one spelling.
const PATHS: [(&str, bool, bool); 14] = [
    ("/", true, true),
    ("/v1", true, true),
    ("/v1/", true, true),
    ("/v1/x", true, true),
    ("/v10", true, true),
    ("/v2", true, true),
    ("/v1;a=b/x", true, true),
    ("/v1/a%20b", true, true),
    ("/v1//x", false, true),
    ("/v1%2fx", false, true),
    ("/%761/x", false, true),
    ("/v2/..;/v1", false, true),
    ("/v1/../v2", false, false),
    ("//v1", false, false),
];

/// What lines of grants are made of.
const PLACES: [&str; 14] = [
    "https://a.example",
    "http://a.example",
    "https://a.example:8443",
    "http://a.example:8080",
    "https://a.example/v1",
    "https://a.example/v1/",
    "https://a.example/v1/x",
    "https://x.a.example",
    "https://*.a.example",
    "https://*.a.example/v1",
    "http://127.0.0.1:8080",
    "http://127.0.0.1:8080/v1",
    "http://[::1]:8080",
    "https://ba.example:8443/v2",
];

const WORDS: [&str; 5] = ["", "GET ", "POST,PUT ", "GET,HEAD,OPTIONS ", "DELETE "];

/// Every request there is.
fn cells() -> Vec<Ask<'static>> {
    let mut all = Vec::new();
    for method in METHODS {
        for scheme in ["http", "https"] {
            for (host, known) in HOSTS {
                for port in PORTS {
                    all.extend(PATHS.map(|(path, plain, spelled)| Ask {
                        method,
                        scheme,
                        host,
                        port,
                        path,
                        plain,
                        canonical: known && spelled,
                    }));
                }
            }
        }
    }
    all
}

fn rules(luck: &mut Luck) -> Rules {
    let mut some = |most: usize, places: &[&str]| -> Vec<String> {
        (0..luck.below(most + 1)).map(|_| format!("{}{}", luck.pick(&WORDS), luck.pick(places))).collect()
    };
    let exact: Vec<&str> = PLACES
        .into_iter()
        .filter(|place| !place.contains('*') && (place.starts_with("https") || !place.contains("a.example")))
        .collect();
    Rules { allow: some(4, &PLACES), deny: some(2, &PLACES), secrets: some(2, &exact) }
}

fn grant(rules: &Rules) -> Grant {
    let lines = |texts: &[String]| texts.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}"))).collect();
    let bind = |text: &String| format!("key={text};header=x-key:{{}}").parse().unwrap_or_else(|e| panic!("{e}"));
    Grant { allow: lines(&rules.allow), deny: lines(&rules.deny), secrets: rules.secrets.iter().map(bind).collect() }
}

/// What vox says: none where it is refused, else whether the secret goes along.
fn ask(ask: &Ask, grant: &Grant) -> Option<bool> {
    let method = http::Method::from_bytes(ask.method.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let uri: http::Uri = ask.url().parse().unwrap_or_else(|error| panic!("{}: {error}", ask.url()));
    authorise(&method, &uri, grant).ok().map(|authorised| !authorised.bindings().is_empty())
}

/// Holds every cell against the oracle; gives how many were allowed.
fn compare(cells: &[Ask], rules: &Rules, what: &str) -> usize {
    let grant = grant(rules);
    let mut allowed = 0;
    for cell in cells {
        let expected = rules.allows(cell).then(|| rules.adds_secret(cell));
        assert_eq!(ask(cell, &grant), expected, "{what}: {} {} under {rules:?}", cell.method, cell.url());
        allowed += usize::from(expected.is_some());
    }
    allowed
}

#[test]
fn every_cell_is_as_the_oracle_says() {
    let cells = cells();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for place in PLACES {
        for words in WORDS {
            let alone = Rules { allow: vec![format!("{words}{place}")], ..Rules::default() };
            *counted.entry("alone").or_default() += compare(&cells, &alone, "one line");
        }
    }
    let mut luck = Luck::of(SEED);
    for round in 0..GRANTS * needs::scale() {
        let what = format!("seed {SEED:#x}, round {round}");
        *counted.entry("random").or_default() += compare(&cells, &rules(&mut luck), &what);
    }
    assert!(cells.len() >= 2000 && counted.values().all(|count| *count > 500), "{} cells, {counted:?}", cells.len());
}

/// What two grants allow together, and what is left when one is taken away, cell by cell.
#[test]
fn the_laws_of_grants_hold_for_every_cell() {
    let cells: Vec<_> = cells().into_iter().filter(|cell| cell.canonical && cell.method != "PROPFIND").collect();
    let mut luck = Luck::of(SEED + 1);
    for round in 0..GRANTS * needs::scale() {
        let (one, other) = (rules(&mut luck), rules(&mut luck));
        let (a, b) = (grant(&one), grant(&other));
        let what = |cell: &Ask| format!("seed {:#x}, round {round}: {cell:?}\n{one:?}\n{other:?}", SEED + 1);
        let both = Rules {
            allow: [&one.allow[..], &other.allow].concat(),
            deny: [&one.deny[..], &other.deny].concat(),
            secrets: [&one.secrets[..], &other.secrets].concat(),
        };
        let (mut merged, mut less, wider) = (a.clone(), a.clone(), a.without(&b));
        merged.merge(&b);
        less.subtract(&b);
        let mut covered = true;
        for cell in &cells {
            let (in_a, in_b) = (one.allows(cell), other.allows(cell));
            covered &= !in_a || in_b;
            assert_eq!(ask(cell, &merged).is_some(), both.allows(cell), "merged, {}", what(cell));
            if ask(cell, &less).is_some() {
                assert!(in_a && !in_b, "left after taking away, {}", what(cell));
            }
            // Denials of the one are not part of what widened, so more of it may be shown, and never less.
            assert!(!in_a || in_b || ask(cell, &wider).is_some(), "not seen to be wider, {}", what(cell));
        }
        assert!(wider.allow.is_empty() <= covered, "{wider:?} is not all of {one:?} beyond {other:?}");
        assert!(a.without(&a).allow.is_empty() && a.without(&a).secrets.is_empty(), "{one:?}");
        assert!(a.without(&merged).secrets.is_empty(), "{one:?}");
        assert!(less.secrets.iter().all(|binding| !b.secrets.contains(binding)), "{one:?} {other:?}");
    }
}
