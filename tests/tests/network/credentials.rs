//! Section 4.4 of the threat model through the command: what a guest tries in order to get at a secret, or to have it
//! sent elsewhere. `docs/attacks.md` says which row is tested where.

use crate::attacks::{all, capture, each, place, send};
use vox_tests::need;
use vox_tests::program::Place;

/// A secret that is nobody's.
const CANARY: &str = "canary-Kq9zZs-3cr3t-b1nd";

/// A place whose store has the secret `token`.
fn with_secret() -> Result<Place, String> {
    let place = place()?;
    let set = place.feed(&["secret", "set", "token"], CANARY.as_bytes());
    if set.code == Some(0) { Ok(place) } else { Err(set.stderr) }
}

/// K3, K4: the secret goes with the requests that it is bound to, by host, port, path and method, and with no other.
#[test]
fn a_secret_goes_where_it_is_bound_and_nowhere_else() {
    let place = need!("the guest `http_guest`", with_secret());
    let ((server, heads), (other, others)) = (capture(), capture());
    let (origin, port) = (server.url(), server.address.port());
    let binding = format!("token=GET {origin}/v1;header=x-key:{{}}");
    let grants = ["--allow-http", &origin, "--allow-http", &other.url(), "--secret", &binding];
    let urls: Vec<String> = ["/v1", "/v1/x", "/v2", "/v10", "/", "/V1", "/v1;x", "/v1/..%2fv2", "/v1//x", "/x?/v1"]
        .map(|path| format!("{origin}{path}"))
        .into_iter()
        .chain([
            format!("{}/v1", other.url()),
            format!("http://localhost:{port}/v1"),
            format!("http://127.1:{port}/v1"),
        ])
        .collect();
    let told = each(&place, &urls, &grants);
    let posted = send(&place, "POST", &format!("{origin}/v1"), &[], &grants);
    assert_eq!(posted.code, Some(0), "{posted:?}");
    let with_it: Vec<String> = all(&heads)
        .iter()
        .filter(|head| head.contains(CANARY))
        .map(|head| head.lines().next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(with_it, ["GET /v1 HTTP/1.1", "GET /v1/x HTTP/1.1"], "{told:?}");
    assert!(all(&heads).iter().any(|head| head.starts_with("POST /v1 ")), "{:?}", all(&heads));
    assert!(others.lock().is_ok_and(|heads| heads.len() == 1 && !heads[0].contains(CANARY)), "{others:?}");
}

/// K4: a binding that anybody could listen to, or that could mean two places, is a mistake before anything is sent.
#[test]
fn a_secret_is_bound_to_one_private_place() {
    let place = need!("the guest `http_guest`", with_secret());
    let (server, _) = capture();
    for (to, said) in [
        ("http://api.example.org", "https only"),
        ("http://10.0.0.1", "https only"),
        ("http://192.168.0.1:8080", "https only"),
        ("https://*.example.org", "wildcard"),
        ("http://localhost:8080", "`localhost` is not looked up"),
        ("https://user@example.org", "user name"),
        ("https://example.org@127.0.0.1", "user name"),
        ("https://example.org.", "canonical"),
        ("https://EXAMPLE.org", "canonical"),
        ("https://münchen.de", "A-labels"),
        ("https://127.1", "canonical"),
        ("https://0x7f000001", "canonical"),
        ("https://[::ffff:127.0.0.1]", "do not agree"),
        ("https://example.org:0443", "port"),
        ("https://example.org/a/../b", "do not agree"),
        ("https://example.org/a%2fb", "separators"),
        ("https://example.org/?a=b", "leave out `?`"),
        ("ftp://example.org", "https://"),
        ("TRACE https://example.org", "no method"),
        ("https://*", "wildcard"),
    ] {
        let binding = format!("token={to};header=x-key:{{}}");
        let words = ["call", "http_guest.wasm", "get", &server.url(), "--secret", &binding];
        let ran = place.expect(2, &words);
        assert!(ran.stderr.contains(said), "{to}: {}", ran.stderr);
        assert!(!ran.stderr.contains(CANARY), "{}", ran.stderr);
    }
    assert_eq!(server.accepted(), 0);
}

/// K5: the field that holds the secret is the host's, whatever a guest has put there.
#[test]
fn what_a_guest_puts_in_the_place_of_a_secret_is_replaced() {
    let place = need!("the guest `http_guest`", with_secret());
    let (server, heads) = capture();
    let origin = server.url();
    let binding = format!("token={origin};header=x-key:Key {{}}");
    let grants = ["--allow-http", &origin, "--secret", &binding];
    for forged in [
        &[("x-key", "mine")][..],
        &[("X-KEY", "mine"), ("x-key", "mine too")],
        &[("x-key", "Key {}")],
        &[("x-key", "")],
    ] {
        let ran = send(&place, "POST", &format!("{origin}/x"), forged, &grants);
        assert_eq!(ran.code, Some(0), "{forged:?}: {ran:?}");
    }
    for head in all(&heads) {
        let fields: Vec<&str> = head.lines().filter(|line| line.to_lowercase().starts_with("x-key")).collect();
        assert_eq!(fields, [format!("x-key: Key {CANARY}")], "{head}");
    }
    assert_eq!(server.accepted(), 4);
    let audit = place.expect(0, &["audit", "--format", "json"]).stdout;
    assert!(audit.contains("replaced") && !audit.contains(CANARY), "{audit}");
}

/// K6: nothing that a guest sends is filled in: there are no placeholders.
#[test]
fn nothing_of_a_guest_is_a_placeholder() {
    let place = need!("the guest `http_guest`", with_secret());
    let (server, heads) = capture();
    let origin = server.url();
    let binding = format!("token={origin}/bound;header=x-key:{{}}");
    let grants = ["--allow-http", &origin, "--secret", &binding];
    let fields =
        ["{}", "{token}", "{{token}}", "${token}", "$token", "%7Btoken%7D", "token", "e3t0b2tlbn19", "{to", "ken}"];
    let fields: Vec<(String, &str)> = fields.iter().enumerate().map(|(at, text)| (format!("x-{at}"), *text)).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let ran = send(&place, "POST", &format!("{origin}/%7Btoken%7D?a=%7B%7D&$token"), &fields, &grants);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let head = all(&heads).remove(0);
    for (name, text) in fields {
        assert!(head.contains(&format!("{name}: {text}\r\n")), "{name}: {head}");
    }
    assert!(head.starts_with("POST /%7Btoken%7D?a=%7B%7D&$token HTTP/1.1"), "{head}");
    assert!(!head.contains(CANARY), "{head}");
}

/// K8: in a pipeline each skill has what was granted to it, and nothing of its neighbour's.
#[test]
fn a_grant_of_one_skill_is_none_of_its_neighbour() {
    let place = need!("the guests", Place::with_guests(&["store", "hello"]));
    let mut other = std::fs::read(place.work().join("store.wasm")).unwrap_or_else(|error| panic!("{error}"));
    // An empty custom section named `x`: the same component with another digest.
    other.extend([0, 2, 1, b'x']);
    place.put("other.wasm", &other);
    place.expect(0, &["grant", "store.wasm", "--allow-kv", "--config", "unit=km"]);
    place.expect(0, &["pipe", "./hello.wasm.greet(\"a\") | ./store.wasm.get"]);
    for text in [
        "./hello.wasm.greet(\"a\") | ./other.wasm.get",
        "./store.wasm.random() | ./other.wasm.busy",
        "./other.wasm.random()",
    ] {
        let ran = place.run(&["pipe", text]);
        assert!(ran.code == Some(3) && ran.stderr.contains("is not granted"), "{text}: {ran:?}");
    }
}

/// K10: every verb that runs a skill asks the same decision and the same rules.
#[test]
fn every_verb_asks_the_same_rules() {
    let place = need!("the guest `http_guest`", place());
    let (server, _) = capture();
    let (url, origin) = (format!("{}/v1", server.url()), server.url());
    let pipe = format!("./http_guest.wasm.get(\"{url}\")");
    let ways = [&["call", "http_guest.wasm", "get", &url][..], &["pipe", &pipe]];
    for way in ways {
        for grants in [
            &[][..],
            &["--allow-http", "https://api.example.org"],
            &["--allow-http", &format!("{origin}/v2")],
            &["--allow-http", &format!("POST {origin}")],
            &["--allow-http", &origin, "--deny-http", &url],
        ] {
            let ran = place.run(&[way, grants].concat());
            assert_eq!(ran.code, Some(3), "{way:?} {grants:?}: {ran:?}");
        }
    }
    place.expect(0, &["grant", "http_guest.wasm", "--deny", "--allow-http", &url]);
    for way in ways {
        let ran = place.run(&[way, &["--allow-http", &origin]].concat());
        assert_eq!(ran.code, Some(3), "{way:?}: {ran:?}");
    }
    assert_eq!(server.accepted(), 0, "nothing may have been sent");
    place.expect(0, &["revoke", "g1"]);
    for way in ways {
        place.expect(0, &[way, &["--allow-http", &origin]].concat());
    }
    assert_eq!(server.accepted(), 2);
}
