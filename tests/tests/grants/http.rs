//! Requests: only to places that were granted, with secrets that no skill sees.

use crate::work::{place, run};
use std::net::SocketAddr;
use vox_tests::need;
use vox_tests::server::{Answer, Server};

/// A server that always answers the same, and what it was asked.
fn server(answer: &'static str) -> (SocketAddr, Server) {
    let server = Server::start(move |_| Answer::ok(answer));
    (server.address(), server)
}

fn all(server: &Server) -> String {
    server.asked().join("\n")
}

#[test]
fn a_place_has_to_be_granted() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    let (address, asked) = server("hello");
    let url = format!("http://{address}/v1/x");
    let ran = run(&place, 3, &["call", "http_guest.wasm", "get", &url]);
    assert!(ran.stderr.contains("vox grant http_guest.wasm --allow-http URL"), "{}", ran.stderr);
    let other = run(&place, 3, &["call", "http_guest.wasm", "get", &url, "--allow-http", "https://api.example.org"]);
    assert!(other.stderr.contains(&format!("--allow-http http://{address} would allow it")), "{}", other.stderr);
    run(&place, 3, &["call", "http_guest.wasm", "get", &url, "--allow-http", &format!("http://{address}/v2")]);
    assert_eq!(all(&asked), "", "nothing may have been sent");
    let granted =
        run(&place, 0, &["call", "http_guest.wasm", "get", &url, "--allow-http", &format!("http://{address}/v1")]);
    assert_eq!(granted.stdout, "hello\n");
}

#[test]
fn deny_beats_allow() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    let (address, asked) = server("hello");
    let (url, allow) = (format!("http://{address}/v1"), format!("http://{address}"));
    let words = ["call", "http_guest.wasm", "get", &url, "--allow-http", &allow, "--deny-http", &url];
    run(&place, 3, &words);
    assert_eq!(all(&asked), "");
}

/// Names that lead inside are refused however widely was granted.
#[test]
fn loopback_by_name_is_refused() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    let (address, asked) = server("hello");
    let url = format!("http://localhost:{}", address.port());
    let ran = place.run(&["call", "http_guest.wasm", "get", &url, "--allow-http", &url]);
    assert!(ran.code != Some(0), "{}", ran.stdout);
    assert_eq!(all(&asked), "");
}

#[test]
fn a_secret_is_added_on_the_way_and_seen_nowhere() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    let (address, asked) = server("hello");
    let secret = "canary-Zx81-secret-value";
    assert_eq!(place.feed(&["secret", "set", "token"], secret.as_bytes()).code, Some(0));
    assert!(!run(&place, 0, &["secret", "list"]).stdout.contains(secret));
    let (url, binding) =
        (format!("http://{address}/x"), format!("token=http://{address};header=Authorization:Bearer {{}}"));
    let words =
        ["call", "http_guest.wasm", "get", &url, "--allow-http", &format!("http://{address}"), "--secret", &binding];
    let ran = run(&place, 0, &words);
    assert!(
        all(&asked).to_lowercase().contains(&format!("authorization: bearer {secret}").to_lowercase()),
        "{}",
        all(&asked)
    );
    let audit = run(&place, 0, &["audit", "--format", "json"]);
    for text in [&ran.stdout, &ran.stderr, &audit.stdout, &audit.stderr] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(audit.stdout.contains("token"), "{}", audit.stdout);
}

#[test]
fn an_answer_that_repeats_the_secret_is_cut() {
    let place = need!("the guest `http_guest`", place(&["http_guest"]));
    let secret = "canary-Zx81-secret-value";
    let (address, _) = server("you sent canary-Zx81-secret-value to me");
    assert_eq!(place.feed(&["secret", "set", "token"], secret.as_bytes()).code, Some(0));
    let (url, binding) = (format!("http://{address}/x"), format!("token=http://{address};header=X-Key:{{}}"));
    let words =
        ["call", "http_guest.wasm", "get", &url, "--allow-http", &format!("http://{address}"), "--secret", &binding];
    let ran = place.run(&words);
    assert!(ran.code != Some(0) && !ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran:?}");
}

/// What could never be sent is refused when it is set, not when a request needs it.
#[test]
fn what_can_be_no_secret_is_not_kept() {
    let place = need!("a place", place(&[]));
    for (value, why) in [
        ("7 bytes", "shorter than 8 bytes"),
        ("canary-\n-secret-value", "line ends"),
        ("canary-secret-välue", "outside ASCII"),
        (&"canary".repeat(1000), "longer than 4096 bytes"),
    ] {
        let ran = place.feed(&["secret", "set", "token"], value.as_bytes());
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("`token`") && ran.stderr.contains(why), "{ran:?}");
        assert!(!format!("{ran:?}").contains("canary"), "{ran:?}");
    }
    assert_eq!(run(&place, 0, &["secret", "list"]).stdout, "");
}
