//! Section 4.3 of the threat model through the command: what a guest tries on its way out, and what servers try on
//! the way back. `docs/attacks.md` says which row is tested where.

use crate::sending::{call, client, get, grant};
use crate::servers::{Server, answer, heard};
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vox_capabilities::http::StubResolver;
use vox_tests::program::{Place, Ran, ran};
use vox_tests::{fixtures, need};

/// Variables that send other programs through a proxy, or make them trust another authority.
const SURROUNDINGS: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
];

type Heads = Arc<Mutex<Vec<String>>>;

pub(crate) fn place() -> Result<Place, String> {
    Place::with_guests(&["http_guest"])
}

/// A server that keeps the header of every request and says `good`.
pub(crate) fn capture() -> (Server, Heads) {
    let heads = Heads::default();
    let kept = heads.clone();
    let server = Server::start(move |mut stream| {
        let head = heard(&mut stream);
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        answer(stream, "good");
    });
    (server, heads)
}

pub(crate) fn all(heads: &Heads) -> Vec<String> {
    heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Calls a function of the guest with arguments by name.
pub(crate) fn told(place: &Place, function: &str, arguments: &serde_json::Value, more: &[&str]) -> Ran {
    place.put("arguments.json", arguments.to_string());
    let words = ["call", "http_guest.wasm", function, "--json", "@arguments.json", "--format", "json"];
    place.run(&[&words[..], more].concat())
}

/// What became of a `GET` to each of these.
pub(crate) fn each(place: &Place, urls: &[String], more: &[&str]) -> Vec<String> {
    let ran = told(place, "each", &serde_json::json!({ "urls": urls }), more);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Sends one request with fields of its own.
pub(crate) fn send(place: &Place, method: &str, url: &str, fields: &[(&str, &str)], more: &[&str]) -> Ran {
    let arguments = serde_json::json!({ "method": method, "url": url, "headers": fields, "body": "body" });
    told(place, "send", &arguments, more)
}

/// N5: a grant is one name in one spelling, and what it reads like is shown beside it.
#[test]
fn look_alike_names_are_refused_and_both_forms_are_shown() {
    let place = need!("the guest `http_guest`", place());
    for name in ["exаmple.org", "münchen.de", "xn--a.example", "xn--0000h.example", "ｅxample.org", "EXAMPLE.org"] {
        let ran = place.expect(2, &["grant", "http_guest.wasm", "--allow-http", &format!("https://{name}")]);
        assert!(ran.stderr.contains("cannot be granted") && ran.stderr.contains("xn--"), "{name}: {}", ran.stderr);
    }
    place.expect(0, &["grant", "http_guest.wasm", "--allow-http", "https://xn--mnchen-3ya.de"]);
    let shown = place.expect(0, &["grants"]).stdout;
    assert!(shown.contains("xn--mnchen-3ya.de (münchen.de)"), "{shown}");
}

/// N6: a redirect is an answer, whatever it looks like, and also where the guest may go there.
#[test]
fn redirects_are_answers_to_a_guest() {
    let place = need!("the guest `http_guest`", place());
    let (inside, _) = capture();
    let to = inside.address;
    let shapes = [format!("http://{to}/in"), format!("//{to}/in"), "file:///etc/passwd".to_owned()];
    let locations = shapes.clone();
    let server = Server::start(move |mut stream| {
        let head = heard(&mut stream);
        let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let (status, shape) = path.split_once('/').unwrap_or_default();
        let location = locations.get(shape.parse::<usize>().unwrap_or_default()).cloned().unwrap_or_default();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} x\r\nlocation: {location}\r\nrefresh: 0;url={location}\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        );
    });
    let statuses = [300, 301, 302, 303, 305, 307, 308];
    let paths = statuses.iter().flat_map(|status| (0..shapes.len()).map(move |shape| format!("{status}/{shape}")));
    let urls: Vec<String> = paths.map(|path| format!("{}/{path}", server.url())).collect();
    let grants = ["--allow-http", &server.url(), "--allow-http", &inside.url()];
    for (url, told) in urls.iter().zip(each(&place, &urls, &grants)) {
        assert!(told.starts_with('3') && told.contains("location: "), "{url}: {told}");
    }
    assert_eq!((server.accepted(), inside.accepted()), (urls.len(), 0));
}

/// N9: the environment decides nothing about the way.
#[test]
fn proxies_of_the_environment_are_not_used() {
    let place = need!("the guest `http_guest`", place());
    let ((server, _), (proxy, _)) = (capture(), capture());
    let (url, origin) = (format!("{}/x", server.url()), server.url());
    let mut command = place.vox(&["call", "http_guest.wasm", "get", &url, "--allow-http", &origin]);
    command.envs(SURROUNDINGS.map(|name| (name, proxy.url())));
    let told = ran(&mut command);
    assert_eq!((told.code, told.stdout.as_str()), (Some(0), "good\n"), "{told:?}");
    assert_eq!((server.accepted(), proxy.accepted()), (1, 0));
}

/// Set in the child of the next test: where it sends to.
const TARGET: &str = "VOX_TEST_TARGET";

/// N9 through the library, in a process with such an environment: this program again, asked for this test.
#[test]
fn a_client_takes_nothing_from_the_environment() {
    if let Ok(url) = std::env::var(TARGET) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let resolver = StubResolver::new(&[]).unwrap_or_else(|error| panic!("{error}"));
        let http = call(&client(Arc::new(resolver)), grant(std::slice::from_ref(&url)));
        let uri = url.parse().unwrap_or_else(|error| panic!("{error}"));
        let answer = runtime.unwrap_or_else(|error| panic!("{error}")).block_on(get(&http, uri));
        return assert_eq!(answer.ok(), Some((200, b"good".to_vec())));
    }
    let ((server, _), (proxy, _)) = (capture(), capture());
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let mut child = Command::new(own);
    child.args(["attacks::a_client_takes_nothing_from_the_environment", "--exact"]).env(TARGET, server.url());
    let told = ran(child.envs(SURROUNDINGS.map(|name| (name, proxy.url()))));
    assert!(told.code == Some(0) && told.stdout.contains("1 passed"), "{told:?}");
    assert_eq!((server.accepted(), proxy.accepted()), (1, 0));
}

/// N9: methods that open tunnels or give headers back.
#[test]
fn methods_that_open_tunnels_are_refused() {
    let place = need!("the guest `http_guest`", place());
    let (server, _) = capture();
    for method in ["CONNECT", "TRACE", "PROPFIND", "get", "GET / HTTP/1.1\r\nx: y"] {
        let ran = send(&place, method, &server.url(), &[], &["--allow-http", &server.url()]);
        assert!(matches!(ran.code, Some(1 | 3)), "{method}: {ran:?}");
    }
    assert_eq!(server.accepted(), 0);
}

/// N10: sockets are linked, and every use of them ends the call.
#[test]
fn sockets_are_inert() {
    let place = need!("vox", Place::new());
    place.put("sockets.wasm", fixtures::assembled(fixtures::SOCKETS));
    assert_eq!(place.expect(0, &["call", "sockets.wasm", "answer"]).stdout, "42\n");
    let ran = place.expect(5, &["call", "sockets.wasm", "connect"]);
    assert!(ran.stderr.contains("wasi:sockets"), "{}", ran.stderr);
}

/// Writes the same again and again until nobody takes it any more.
fn forever(stream: &mut TcpStream, first: &str, more: &str) {
    let mut going = stream.write_all(first.as_bytes()).is_ok();
    while going {
        going = stream.write_all(more.as_bytes()).is_ok();
    }
}

/// A byte every tenth of a second.
fn drip(stream: &mut TcpStream, first: &str) {
    let mut going = stream.write_all(first.as_bytes()).is_ok();
    while going {
        std::thread::sleep(Duration::from_millis(100));
        going = stream.write_all(b"x").is_ok();
    }
}

/// N11: what never ends has an end here: the sizes of an answer, or the time of the call. Announcements before the answer
/// are read and dropped, so time alone ends them.
#[test]
fn servers_that_never_end_are_left() {
    let place = need!("the guest `http_guest`", place());
    let long = "x".repeat(4096);
    for (mode, code, said) in [
        ("body", 1, "the answer is larger than 8388608 bytes"),
        ("field", 1, "failed: http-out request GET"),
        ("fields", 1, "failed: http-out request GET"),
        ("early", 6, "time"),
        ("drip", 6, "time"),
        ("silence", 6, "time"),
    ] {
        let long = long.clone();
        let server = Server::start(move |mut stream| {
            heard(&mut stream);
            let ok = "HTTP/1.1 200 OK\r\n";
            match mode {
                "body" => forever(&mut stream, &format!("{ok}\r\n"), &long),
                "field" => forever(&mut stream, &format!("{ok}x: "), &long),
                "fields" => forever(&mut stream, ok, "x: y\r\n"),
                "early" => forever(&mut stream, "", "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
                "drip" => drip(&mut stream, &format!("{ok}content-length: 999\r\n\r\n")),
                _ => std::thread::sleep(Duration::from_secs(15)),
            }
        });
        let time = if code == 6 { "1s" } else { "30s" };
        let origin = server.url();
        let words = ["call", "http_guest.wasm", "get", &origin, "--allow-http", &origin, "--limit-time", time];
        let since = Instant::now();
        let ran = place.run(&words);
        assert_eq!(ran.code, Some(code), "{mode}: {ran:?}");
        assert!(ran.stderr.contains(said), "{mode}: {}", ran.stderr);
        assert!(since.elapsed() < Duration::from_secs(25), "{mode}: {:?}", since.elapsed());
    }
}

/// N11: a handshake of TLS that nobody answers is under the time of the call too.
#[test]
fn a_handshake_that_never_ends_is_left() {
    let place = need!("the guest `http_guest`", place());
    let server = Server::start(|_stream| std::thread::sleep(Duration::from_secs(10)));
    let origin = format!("https://{}", server.address);
    let words = ["call", "http_guest.wasm", "get", &origin, "--allow-http", &origin, "--limit-time", "1s"];
    place.expect(6, &words);
    assert_eq!(server.accepted(), 1);
}

/// N12: whatever a guest writes as its path, the request line is made here, from parts that were checked.
#[test]
fn request_lines_are_made_by_the_host() {
    let place = need!("the guest `http_guest`", place());
    let (server, heads) = capture();
    let tails = [
        "/a?b=c",
        "//evil.example/x",
        "/http://evil.example/",
        "?http://evil.example/",
        "/*",
        "/a\r\nx-injected: 1",
        "/a HTTP/1.1\r\nx-injected: 1\r\n\r\n",
        "/a\nx-injected: 1",
        "/a\0b",
        "/a b",
        "/a\tb",
        "/é",
        "/a#b",
        "/a\\b",
    ];
    let urls: Vec<String> = tails.iter().map(|tail| format!("{}{tail}", server.url())).collect();
    let told = each(&place, &urls, &["--allow-http", &server.url()]);
    assert!(told[0].starts_with("200"), "{}", told[0]);
    let sent = all(&heads);
    assert_eq!(told.iter().filter(|told| told.starts_with("200")).count(), sent.len(), "{told:?}");
    for head in &sent {
        let line = head.lines().next().unwrap_or_default();
        let target = line.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).unwrap_or_default();
        assert!(target.starts_with('/') && !target.starts_with("//"), "{head}");
        assert!(target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\'), "{head}");
        assert!(!head.to_lowercase().contains("\nx-injected"), "{head}");
    }
    // Control characters and spaces are refused and not cut out; a fragment is cut off, as of every URL.
    for (tail, told) in tails.iter().zip(&told).filter(|(tail, _)| tail.contains([' ', '\t', '\r', '\n', '\0'])) {
        assert!(!told.starts_with("200"), "{tail:?}: {told}");
    }
}

/// N13, N14: framing, hop-by-hop fields, the host's own name and what proxies say belong to the host.
#[test]
fn fields_that_belong_to_the_host_do_not_travel() {
    let place = need!("the guest `http_guest`", place());
    let (server, heads) = capture();
    for (name, value) in [
        ("Host", "evil.example"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "authorization"),
        ("Proxy-Authorization", "x"),
        ("Via", "x"),
        ("Forwarded", "host=evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/admin"),
        (":authority", "evil.example"),
        ("x-a\r\nx-injected", "1"),
        ("x-a", "1\r\nx-injected: 1"),
        ("x-ok", "stays"),
    ] {
        let ran = send(&place, "POST", &server.url(), &[(name, value)], &["--allow-http", &server.url()]);
        assert_eq!(ran.code, Some(if name == "x-ok" { 0 } else { 1 }), "{name}: {ran:?}");
    }
    // Lengths that lie: nothing beyond what was said, and never two of them.
    for lengths in [&["3"][..], &["5"], &["+4"], &["-1"], &["4", "5"], &["0x4"], &["99999999999999999999"]] {
        let fields: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        let ran = send(&place, "POST", &server.url(), &fields, &["--allow-http", &server.url()]);
        assert_eq!(ran.code, Some(1), "{lengths:?}: {ran:?}");
    }
    let sent = all(&heads);
    assert!(sent.iter().any(|head| head.contains("x-ok: stays")), "{sent:?}");
    // A request whose length is a lie may end before its head is sent.
    for head in sent.iter().filter(|head| !head.is_empty()) {
        let mut names: Vec<_> = head.lines().skip(1).filter_map(|line| line.split_once(':')).collect();
        names.retain(|(name, _)| !matches!(*name, "accept-encoding" | "content-length" | "x-ok" | "transfer-encoding"));
        assert_eq!(names, [("host", format!(" {}", server.address).as_str())], "{head}");
        assert!(head.matches("content-length").count() <= 1, "{head}");
    }
}

/// N15: the host asks for no compression and undoes none: what comes is what was sent.
#[test]
fn compressed_answers_stay_as_they_are() {
    let place = need!("the guest `http_guest`", place());
    let heads = Heads::default();
    let kept = heads.clone();
    let server = Server::start(move |mut stream| {
        let head = heard(&mut stream);
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 7\r\nconnection: close\r\n\r\nno zstd",
        );
    });
    let told = each(&place, &[server.url()], &["--allow-http", &server.url()]);
    assert!(told[0].contains("content-encoding: zstd") && told[0].ends_with("no zstd"), "{told:?}");
    assert!(all(&heads)[0].contains("accept-encoding: identity"), "{heads:?}");
}

/// N16: calls share no connection, also where the server would keep it open.
#[test]
fn calls_share_no_connection() {
    let place = need!("the guest `http_guest`", place());
    let heads = Heads::default();
    let kept = heads.clone();
    let server = Server::start(move |mut stream| {
        for _ in 0..3 {
            let head = heard(&mut stream);
            if head.is_empty() {
                break;
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood");
        }
    });
    let (url, origin) = (format!("{}/x", server.url()), server.url());
    for (name, value) in [("one", "canary-of-the-first"), ("two", "canary-of-the-second")] {
        assert_eq!(place.feed(&["secret", "set", name], value.as_bytes()).code, Some(0));
        let binding = format!("{name}={origin};header=x-key:{{}}");
        let told = each(&place, &[url.clone(), url.clone()], &["--allow-http", &origin, "--secret", &binding]);
        assert!(told.iter().all(|told| told.starts_with("200")), "{told:?}");
    }
    let sent = all(&heads);
    assert_eq!((server.accepted(), sent.len()), (2, 4), "one connection for each call, used twice");
    assert!(sent[..2].iter().all(|head| head.contains("x-key: canary-of-the-first")), "{sent:?}");
    assert!(sent[2..].iter().all(|head| head.contains("x-key: canary-of-the-second")), "{sent:?}");
}

/// N8, N17: requests of one call have a number, one after the other and side by side; so have the names under a
/// wildcard, because each is a request.
#[test]
fn requests_of_a_call_run_out() {
    let place = need!("the guest `http_guest`", place());
    let (server, _) = capture();
    let (url, origin) = (format!("{}/x", server.url()), server.url());
    let told = each(&place, &vec![url.clone(); 40], &["--allow-http", &origin]);
    assert!(told[..32].iter().all(|told| told.starts_with("200")), "{told:?}");
    assert!(told[32..].iter().all(|told| !told.starts_with("200")), "{told:?}");
    assert_eq!(server.accepted(), 32);
    let flood = told_by_flood(&place, &url, &origin);
    assert_eq!(flood.iter().filter(|told| *told == "200").count(), 8, "{flood:?}");
    assert_eq!(server.accepted(), 40);
}

fn told_by_flood(place: &Place, url: &str, origin: &str) -> Vec<String> {
    let ran = told(place, "flood", &serde_json::json!({ "url": url, "count": 12 }), &["--allow-http", origin]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}
