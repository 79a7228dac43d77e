//! What goes over the wire, and what does not: captured by real servers.

mod common;

use common::*;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use vox_cap_http::*;
use vox_model::Verdict;

/// A server that keeps the bytes of every request and says hello.
async fn capture() -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    let server = Server::raw(move |mut stream| {
        let kept = kept.clone();
        async move {
            let head = String::from_utf8(heard(&mut stream).await).unwrap();
            kept.lock().unwrap().push(head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        }
    })
    .await;
    (server, heads)
}

#[tokio::test]
async fn a_granted_request_is_sent_and_taken_down() {
    let (server, heads) = capture().await;
    let call = World::default().call(server.grant());
    let answer = call.get(&server.url("/a?b=c")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    let head = heads.lock().unwrap()[0].clone();
    assert_eq!(head, format!("GET /a?b=c HTTP/1.1\r\naccept-encoding: identity\r\nhost: {}\r\n\r\n", server.address));
    let effects = call.effects();
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].verdict, effects[0].rule.as_str()), (Verdict::Allowed, server.url("").as_str()));
    assert_eq!(effects[0].target, format!("GET http://{}/a?…", server.address));
    assert!(effects[0].received >= 5 && effects[0].sent > 6, "{:?}", effects[0]);
}

#[tokio::test]
async fn what_is_not_granted_is_refused_with_the_flag_and_without_a_connection() {
    let (server, _) = capture().await;
    let call = World::default().call(Grant::default());
    let error = call.get(&server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
    let (verdict, rule) = call.one();
    assert_eq!(verdict, Verdict::Denied);
    assert!(rule.contains(&format!("--allow-http http://{}", server.address)), "{rule}");
    assert_eq!(server.count(), 0);
}

/// N13, N14: forged fields do not reach the wire.
#[tokio::test]
async fn forged_fields_stay_here() {
    let (server, heads) = capture().await;
    let call = World::default().call(server.grant());
    let forged = [
        ("Host", "evil.example"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Transfer-Encoding", "gzip"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Content-Length", "4"),
        ("Proxy-Authorization", "x"),
        ("Via", "x"),
        ("Forwarded", "for=1"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-For", "1"),
        ("X-Real-IP", "1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/admin"),
        ("Expect", "100-continue"),
        ("Keep-Alive", "1"),
        ("HTTP2-Settings", "x"),
        ("X-Ok", "stays"),
    ];
    call.send(request("POST", &server.url("/x"), &forged, b"body")).await.unwrap();
    let head = heads.lock().unwrap()[0].to_lowercase();
    let (head, _) = head.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<_> = head.lines().skip(1).map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "content-length", "host", "x-ok"], "{head}");
    assert!(head.contains(&format!("host: {}", server.address)) && head.contains("content-length: 4"), "{head}");
}

/// N13: what the skill says about the length of its body is held to.
#[tokio::test]
async fn a_false_length_breaks_the_request() {
    for (said, sent) in [("3", "body"), ("5", "body"), ("99999999999", "body")] {
        let (server, _) = capture().await;
        let call = World::default().call(server.grant());
        let error = call.send(request("POST", &server.url("/"), &[("content-length", said)], sent.as_bytes())).await;
        assert!(matches!(error, Err(Error::HttpRequestBodySize(_))), "{said}: {error:?}");
        assert_eq!(call.one().0, Verdict::Failed);
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_streamed() {
    let server = Server::http1(|request| {
        let body = request.into_body().map_err(|_| Error::HttpProtocolError).boxed_unsync();
        Response::new(body)
    })
    .await;
    let call = World::default().call(server.grant());
    let pieces = ["one ", "two ", "three"].map(|piece| Ok::<_, Error>(http_body::Frame::data(piece.into())));
    let mut request = request("POST", &server.url("/"), &[], b"");
    *request.body_mut() = StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync();
    assert_eq!(call.send(request).await.unwrap().body, b"one two three");
}

/// N6: no redirect is followed, whatever it looks like.
#[tokio::test]
async fn redirects_are_answers() {
    let (inside, _) = capture().await;
    let target = inside.url("/inside");
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let to = target.clone();
        let server = Server::http1(move |_| {
            let builder = Response::builder().status(status).header("location", &to).header("refresh", "0");
            builder.body(body(b"")).unwrap()
        })
        .await;
        let call = World::default().call(grant(&[&server.url(""), &inside.url("")]));
        let answer = call.get(&server.url("/")).await.unwrap();
        assert_eq!((answer.status, answer.fields["location"].to_str().unwrap()), (status, target.as_str()));
    }
    assert_eq!(inside.count(), 0);
}

#[tokio::test]
async fn deny_beats_allow_before_anything_is_dialled() {
    let (server, _) = capture().await;
    let mut given = server.grant();
    given.deny.push(server.url("/admin").parse().unwrap());
    let call = World::default().call(given);
    for path in ["/admin", "/admin/x", "/%61dmin", "//admin"] {
        assert!(call.get(&server.url(path)).await.is_err(), "{path}");
    }
    assert_eq!(server.count(), 0);
    assert!(call.get(&server.url("/other")).await.is_ok());
}

#[tokio::test]
async fn tls_checks_the_name_and_the_authority() {
    for h2 in [false, true] {
        let server = Server::tls(&["api.example.org"], h2, |request| {
            let version = format!("{:?} {}", request.version(), request.uri());
            text(&version)
        })
        .await;
        let names = Names::one("api.example.org", "127.0.0.1");
        names.set("other.example.org", &[&["127.0.0.1"]]);
        let port = server.port();
        let given = grant(&[
            &format!("https://api.example.org:{port}"),
            &format!("https://other.example.org:{port}"),
            &format!("https://127.0.0.1:{port}"),
        ]);
        let world = World { names, roots: server.roots.clone(), ..World::default() };
        let call = world.call(given.clone());
        let url = format!("https://api.example.org:{port}/x");
        let answer = String::from_utf8(call.get(&url).await.unwrap().body).unwrap();
        // HTTP/2 gets the granted authority as `:authority`, HTTP/1.1 the bare path.
        let expected = if h2 { format!("HTTP/2.0 {url}") } else { "HTTP/1.1 /x".to_owned() };
        assert_eq!(answer, expected);
        for wrong in ["other.example.org", "127.0.0.1"] {
            let error = call.get(&format!("https://{wrong}:{port}/")).await.unwrap_err();
            assert!(matches!(error, Error::TlsCertificateError), "{wrong}: {error:?}");
        }
        let stranger = World { roots: Vec::new(), names: world.names.clone(), ..World::default() }.call(given);
        assert!(matches!(stranger.get(&url).await, Err(Error::TlsCertificateError)));
        // A server without TLS behind an https grant.
        let plain = Server::http1(|_| text("plain")).await;
        let given = grant(&[&format!("https://127.0.0.1:{}", plain.port())]);
        let error =
            World::default().call(given).get(&format!("https://127.0.0.1:{}/", plain.port())).await.unwrap_err();
        assert!(matches!(error, Error::TlsProtocolError), "{error:?}");
    }
}

/// N7: the name is looked up once, every answer is checked, and what was checked is dialled.
#[tokio::test]
async fn a_resolver_that_changes_its_mind_reaches_nothing() {
    let (server, _) = capture().await;
    let names = Arc::new(Names::default());
    let world = World {
        names: names.clone(),
        limits: HttpLimits { requests: 1000, connect: Duration::from_millis(50), ..HttpLimits::default() },
        ..World::default()
    };
    let port = server.port();
    // Stands for a public address: the grant names it, and nothing listens there.
    let public = "127.0.0.2";
    let given = grant(&[&format!("http://rebind.example:{port}"), &format!("http://{public}:{port}")]);
    for answers in [
        &[&["127.0.0.1"][..], &[public]][..],
        &[&[public], &["127.0.0.1"]],
        &[&[public, "127.0.0.1"]],
        &[&["127.0.0.1", public]],
        &[&["::ffff:127.0.0.1"]],
        &[&["::1"]],
        &[&["169.254.169.254", public]],
        &[&["0.0.0.0"]],
        &[&[]],
    ] {
        names.set("rebind.example", answers);
        let call = world.call(given.clone());
        for _ in 0..4 {
            let before = names.asked.load(Ordering::SeqCst);
            assert!(call.get(&format!("http://rebind.example:{port}/")).await.is_err(), "{answers:?}");
            assert_eq!(names.asked.load(Ordering::SeqCst) - before, 1, "asked once");
        }
    }
    assert_eq!(server.count(), 0);
    names.set("rebind.example", &[&["127.0.0.1"]]);
    let call = world.call(grant(&[&format!("http://rebind.example:{port}")]));
    let _ = call.get(&format!("http://rebind.example:{port}/")).await;
    let (verdict, rule) = call.one();
    assert_eq!(verdict, Verdict::Denied);
    assert!(rule.contains(&format!("--allow-http http://127.0.0.1:{port}")), "{rule}");
    let both = grant(&[&format!("http://rebind.example:{port}"), &server.url("")]);
    assert!(world.call(both).get(&format!("http://rebind.example:{port}/")).await.is_ok());
}

/// N8: names under a wildcard run out.
#[tokio::test]
async fn wildcards_are_throttled_over_calls() {
    let world =
        World { limits: HttpLimits { wildcard_names: 5, requests: 100, ..HttpLimits::default() }, ..World::default() };
    let client = world.client();
    for part in 0..4 {
        let call = Sending::new(&client, grant(&["https://*.example.org"]), "tenant", None);
        for label in 0..5 {
            let _ = call.get(&format!("https://{part}-{label}.example.org/")).await;
        }
    }
    assert_eq!(world.names.asked.load(Ordering::SeqCst), 5);
}

#[test]
fn the_interfaces_link_once() {
    struct Store(Http, wasmtime::component::ResourceTable);
    impl HttpView for Store {
        fn http(&mut self) -> HttpCtxView<'_> {
            HttpCtxView { http: &mut self.0, table: &mut self.1 }
        }
    }
    let mut linker = wasmtime::component::Linker::<Store>::new(&wasmtime::Engine::default());
    link(&mut linker).unwrap();
    assert!(link(&mut linker).is_err());
}
