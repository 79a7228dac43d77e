//! `fetch-json`: only what was granted is asked, and whatever comes back is data or an error with a name.

use super::{error, place, told, value};
use crate::work::run;
use serde_json::json;
use vox_tests::need;
use vox_tests::program::Place;
use vox_tests::server::{Answer, Server, closed_port};

const FETCH: &str = "components/fetch-json";

/// Bytes of an answer that the skill reads at most.
const MOST: usize = 2 << 20;

/// What the server has.
fn answer(path: &str) -> Answer {
    let of_size = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    match path {
        "/feed?page=2" => Answer::ok("{\"items\":[{\"n\":1},{\"n\":2}]}\n"),
        "/text" => Answer::ok("\"é\u{1f980}\""),
        "/lines" => Answer::ok("1\n2\n"),
        "/cut" => Answer::ok("{\"items\":"),
        "/latin" => Answer::ok(b"\"caf\xe9\"".to_vec()),
        "/empty" => Answer::ok(""),
        "/no-content" => Answer::status("204 No Content"),
        "/most" => Answer::ok(of_size(MOST)),
        "/too-large" => Answer::ok(of_size(MOST + 1)),
        // Without a length the end of the connection ends it.
        "/endless" => Answer { fields: Vec::new(), ..Answer::ok(of_size(MOST + 1)) },
        "/broken" => Answer { fields: vec!["content-length: 1000".to_owned()], ..Answer::ok("[1,") },
        "/moved" => {
            let mut moved = Answer::status("302 Found");
            moved.fields.push("location: https://elsewhere.example/".to_owned());
            moved
        }
        "/500" => Answer::status("500 Internal Server Error"),
        _ => Answer::status("404 Not Found"),
    }
}

/// The words of a call, with the grant.
fn get<'w>(url: &'w str, filter: &'w str, grant: &'w str) -> Vec<&'w str> {
    vec![FETCH, "get", url, filter, "--allow-http", grant]
}

fn fetched(place: &Place, server: &Server, path: &str, filter: &str) -> serde_json::Value {
    value(place, &get(&server.url(path), filter, &server.url("")))
}

fn failed(place: &Place, server: &Server, path: &str, filter: &str) -> serde_json::Value {
    error(place, &get(&server.url(path), filter, &server.url("")))
}

#[test]
fn what_is_not_granted_is_not_asked() {
    let place = need!("the example skills", place());
    let server = Server::start(answer);
    let url = server.url("/lines");
    let ran = run(&place, 3, &["call", FETCH, "get", &url, "."]);
    assert!(ran.stderr.contains("vox grant components/fetch-json --allow-http URL\n"), "{}", ran.stderr);
    let other = format!("http://127.0.0.1:{}", closed_port());
    let ran = run(&place, 3, &[&["call"], &get(&url, ".", &other)[..]].concat());
    assert!(ran.stderr.contains(&format!("--allow-http {} would allow it", server.url(""))), "{}", ran.stderr);
    let ran = run(&place, 3, &[&["call"], &get(&url, ".", &other)[..], &["--format", "json"]].concat());
    assert_eq!(told(&ran), json!({"tag": "denied", "val": server.url("")}));
    // The host judges the place, however the skill was given it.
    let port = server.address().port();
    for url in [
        format!("http://2130706433:{port}/v1"),
        format!("http://127.1:{port}/v1"),
        format!("http://localhost:{port}/v1"),
        format!("http://127.0.0.1.:{port}/v1"),
        format!("http://127.0.0.1:{port}/v1/../lines"),
    ] {
        let ran = place.run(&[&["call"], &get(&url, ".", &server.url("/v1"))[..]].concat());
        assert!(matches!(ran.code, Some(1 | 3)) && ran.stdout.is_empty(), "{url}: {ran:?}");
    }
    assert_eq!(server.asked(), [""; 0]);
}

/// One test, because each place compiles the skill with the bundle's part in it, which takes seconds.
#[test]
fn what_is_granted_is_asked() {
    let place = need!("the example skills", place());
    let server = Server::start(answer);
    documents_are_filtered(&place, &server);
    a_grant_for_good_is_enough(&place, &server);
    answers_that_are_no_documents_have_names(&place, &server);
    filters_that_fail_have_names(&place, &server);
    places_that_do_not_answer_are_named(&place);
}

fn documents_are_filtered(place: &Place, server: &Server) {
    assert_eq!(fetched(place, server, "/feed?page=2", ".items[].n"), "1\n2\n");
    assert_eq!(fetched(place, server, "/text#part", "."), "\"é\u{1f980}\"\n");
    assert_eq!(fetched(place, server, "/lines", ". + 1"), "2\n3\n");
    assert_eq!(fetched(place, server, "/most", "length"), format!("{}\n", MOST - 2));
    let asked = server.asked();
    let first = asked.first().map(|text| text.to_lowercase()).unwrap_or_default();
    assert!(
        first.starts_with("get /feed?page=2 http/1.1\n") && first.contains("\naccept: application/json"),
        "{first}"
    );
    assert!(asked.iter().any(|request| request.starts_with("GET /text HTTP")), "{asked:?}");
}

fn a_grant_for_good_is_enough(place: &Place, server: &Server) {
    run(place, 0, &["grant", FETCH, "--allow-http", &format!("GET {}", server.url(""))]);
    assert_eq!(value(place, &[FETCH, "get", &server.url("/lines"), "."]), "1\n2\n");
    run(place, 0, &["revoke", "example:fetch-json"]);
    run(place, 3, &["call", FETCH, "get", &server.url("/lines"), "."]);
}

fn answers_that_are_no_documents_have_names(place: &Place, server: &Server) {
    for (path, status, location) in
        [("/none", 404, json!(null)), ("/500", 500, json!(null)), ("/moved", 302, json!("https://elsewhere.example/"))]
    {
        let told = failed(place, server, path, ".");
        assert_eq!(told, json!({"tag": "bad-status", "val": {"status": status, "location": location}}), "{path}");
    }
    for path in ["/too-large", "/endless"] {
        assert_eq!(failed(place, server, path, "."), json!({"tag": "too-large", "val": MOST}), "{path}");
    }
    for (path, why) in [("/cut", "line 1"), ("/latin", "UTF-8"), ("/empty", "empty"), ("/no-content", "empty")] {
        let told = failed(place, server, path, ".");
        let text = told["val"].as_str().unwrap_or_default();
        assert!(told["tag"] == "invalid-document" && text.contains(why), "{path}: {told}");
    }
    let told = failed(place, server, "/broken", ".");
    assert_eq!(told["tag"], "unreachable", "{told}");
}

fn filters_that_fail_have_names(place: &Place, server: &Server) {
    for (filter, tag) in
        [(".[", "invalid-filter"), ("nothing(1)", "invalid-filter"), (".a", "failed"), ("error(\"x\")", "failed")]
    {
        let told = failed(place, server, "/lines", filter);
        assert_eq!(told["tag"], tag, "{filter}: {told}");
    }
}

fn places_that_do_not_answer_are_named(place: &Place) {
    let closed = format!("http://127.0.0.1:{}", closed_port());
    let told = error(place, &get(&format!("{closed}/x"), ".", &closed));
    assert_eq!(told, json!({"tag": "unreachable", "val": format!("{closed}: it did not take the connection")}));
    for url in ["", "nowhere", "ftp://127.0.0.1/x", "http://", "http://a b/", "http://user:hunter2@127.0.0.1/"] {
        let told = error(place, &get(url, ".", &closed));
        assert!(told["tag"] == "invalid-url" && !told.to_string().contains("hunter2"), "{url:?}: {told}");
    }
}
