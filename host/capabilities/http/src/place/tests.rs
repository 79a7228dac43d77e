//! One spelling for one place.

use super::*;
use proptest::prelude::*;

#[test]
fn canonical_urls_are_taken_apart() {
    for (text, host, port, path) in [
        ("https://api.example.org", "api.example.org", 443, "/"),
        ("https://api.example.org/v1/x?q='a'", "api.example.org", 443, "/v1/x"),
        ("https://api.example.org:443/", "api.example.org", 443, "/"),
        ("http://127.0.0.1:8080/a%20b", "127.0.0.1", 8080, "/a%20b"),
        ("http://[::1]:8080/", "[::1]", 8080, "/"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", 443, "/"),
        ("https://a--b.example/", "a--b.example", 443, "/"),
    ] {
        let located = locate(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((located.origin.host.to_string().as_str(), located.origin.port), (host, port), "{text}");
        assert_eq!(located.path, path, "{text}");
    }
}

/// N3, N4, N5, N12 of the threat model.
#[test]
fn every_other_spelling_is_refused() {
    for text in [
        "",
        "x",
        "/",
        "//example.org/",
        "ftp://example.org/",
        "HTTPS://example.org/",
        "https:example.org",
        "https://",
        "https:///",
        "https://:443/",
        "https:/example.org",
        "file:///etc/passwd",
        // Addresses.
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://256.0.0.1/",
        "http://1.2.3.4.5/",
        "http://0x/",
        "http://[::1%25eth0]/",
        "http://[::1%eth0]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::01]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[FE80::1]/",
        "http://::1/",
        "http://[::1",
        "http://[127.0.0.1]/",
        "http://[v1.a]/",
        "http://[::1]x/",
        "http://[::1]:/",
        // Names.
        "https://EXAMPLE.org/",
        "https://example.org./",
        "https://example..org/",
        "https://.example.org/",
        "https://-a.example/",
        "https://a-.example/",
        "https://a_b.example/",
        "https://ex%61mple.org/",
        "https://münchen.de/",
        "https://exаmple.org/",
        "https://xn--/",
        "https://xn--abc-.example/",
        "https://xn--a.example/",
        "https://xn--0000h.example/",
        "https://localhost/",
        "https://a.localhost:1/",
        "https://ｅxample.org/",
        "https://exam\u{ad}ple.org/",
        // Authority tricks.
        "https://user@example.org/",
        "https://user:pw@example.org/",
        "https://example.org@evil.example/",
        "https://@example.org/",
        "https://example.org\\@evil.example/",
        "https://example.org:/",
        "https://example.org:0/",
        "https://example.org:0443/",
        "https://example.org:+443/",
        "https://example.org:65536/",
        "https://example.org:44 3/",
        "https://example.org:443:443/",
        "https://example.org#@evil.example/",
        "https://example.org/#x",
        "https://example.org/\t",
        "https://exam\nple.org/",
        "https://example.org/a b",
        "https://example.org\r\nHost: x/",
        "https://a\0.org/",
        // Paths.
        "https://example.org//evil.example/",
        "https://example.org/a/../b",
        "https://example.org/./b",
        "https://example.org/%2e%2e/b",
        "https://example.org/a/%2E",
        "https://example.org/a\\b",
        "https://example.org/{x}",
        "https://example.org/\"",
        "https://example.org/é",
    ] {
        assert!(locate(text).is_err(), "{text}: {:?}", locate(text));
    }
    assert!(locate(&format!("https://{}.example/", "a".repeat(64))).is_err());
    assert!(locate(&format!("https://{}.org/", ["a"; 126].join("."))).is_err(), "255 bytes");
    assert!(locate(&format!("https://example.org/{}", "a".repeat(MAX_URL))).is_err());
}

#[test]
fn names_below_names() {
    let host = |text: &str| Host::parse(text).unwrap();
    assert!(host("a.example.org").is_below(&host("example.org")));
    assert!(host("a.b.example.org").is_below(&host("example.org")));
    assert!(!host("example.org").is_below(&host("example.org")));
    assert!(!host("badexample.org").is_below(&host("example.org")));
    let people = ["xn--mnchen-3ya.de", "example.org", "10.0.0.1", "[::1]"].map(|text| host(text).for_people());
    assert_eq!(people, ["xn--mnchen-3ya.de (münchen.de)", "example.org", "10.0.0.1", "[::1]"]);
    assert!(!host("10.0.0.1").is_below(&host("0.0.1.example")) && !host("10.0.0.1").is_below(&host("[::1]")));
}

/// Each check by itself, told by the error that it alone gives: one that is gone is not covered for by the next.
#[test]
fn each_mistake_has_its_own_error() {
    for (text, error) in [
        ("ftp://example.org/", UrlError::Scheme),
        ("example.org", UrlError::Scheme),
        ("https://example.org/#x", UrlError::Characters),
        ("https://example.org/a\\b", UrlError::Characters),
        ("https://example.org/a b", UrlError::Characters),
        ("https://example.org/é", UrlError::Characters),
        ("https://example.org/\u{7f}", UrlError::Characters),
        ("https://user@example.org/", UrlError::UserInfo),
        ("https://EXAMPLE.org/", UrlError::Name),
        ("https://a_b.example/", UrlError::Name),
        ("https://xn--a.example/", UrlError::Name),
        ("https://example.org./", UrlError::Name),
        ("https://localhost/", UrlError::Localhost),
        ("https://a.localhost/", UrlError::Localhost),
        ("http://127.1/", UrlError::Address),
        ("http://0x7f.1/", UrlError::Address),
        ("http://0x7f000001/", UrlError::Address),
        ("http://[::01]/", UrlError::Address),
        ("https://example.org:0/", UrlError::Port),
        ("https://example.org:0443/", UrlError::Port),
        ("https://example.org//x", UrlError::Slashes),
        ("https://example.org/a/../b", UrlError::Disagree),
        ("https://example.org/%2e%2e/b", UrlError::Disagree),
    ] {
        assert_eq!(locate(text), Err(error), "{text}");
    }
}

/// The longest name, label and URL are taken, and one byte more is not.
#[test]
fn lengths_have_two_sides() {
    let label = "a".repeat(MAX_LABEL);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(MAX_NAME - 3 * MAX_LABEL - 3));
    assert_eq!(longest.len(), MAX_NAME);
    assert!(Host::parse(&longest).is_ok());
    assert_eq!(Host::parse(&format!("{longest}a")), Err(UrlError::Name));
    assert_eq!(Host::parse(&format!("a{label}.example")), Err(UrlError::Name));
    let url = |length: usize| format!("https://example.org/{}", "a".repeat(length - "https://example.org/".len()));
    assert!(locate(&url(MAX_URL)).is_ok());
    assert_eq!(locate(&url(MAX_URL + 1)), Err(UrlError::Length));
}

proptest! {
    /// Whatever is taken is written back as it was, and means the same to the second parser.
    #[test]
    fn what_is_taken_has_one_spelling(text in "https?://[a-zA-Z0-9.:\\[\\]@%_-]{1,24}(/[a-z0-9./%;-]{0,12})?") {
        if let Ok(located) = locate(&text) {
            let again = format!("{}{}", located.origin, located.path);
            let spelled = text.replace(&format!(":{}", located.origin.scheme.default_port()), "");
            prop_assert!(again == spelled || again == format!("{spelled}/") || again == text, "{text} {again}");
            prop_assert_eq!(locate(&again).unwrap(), located);
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,40}") {
        let _ = locate(&text);
        let _ = Host::parse(&text);
    }
}
