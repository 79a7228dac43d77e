//! Servers and skills that do too much, or nothing: each ends within its limit. N11, N15, N17 of the threat model.

mod common;

use common::*;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use vox_cap_http::*;
use vox_model::Verdict;

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

/// Limits small enough to wait for.
fn quick() -> HttpLimits {
    HttpLimits {
        connect: Duration::from_millis(300),
        first_byte: Duration::from_millis(400),
        exchange: Duration::from_millis(900),
        response_body: 64 << 10,
        request_body: 64 << 10,
        ..HttpLimits::default()
    }
}

/// Sends to a server and says how it ended; it has to end soon.
async fn ends(server: &Server, limits: HttpLimits, what: &str) -> (Result<Answer, Error>, String) {
    let world = World { limits, ..World::default() };
    let call = world.call(server.grant());
    let started = Instant::now();
    let answer = call.get(&server.url("/")).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{what} took {:?}", started.elapsed());
    let (verdict, rule) = call.one();
    assert_eq!(verdict == Verdict::Allowed, answer.is_ok(), "{what}: {rule}");
    (answer, rule)
}

#[tokio::test]
async fn servers_that_never_end() {
    let none = Duration::ZERO;
    let drip = Duration::from_millis(50);
    let fields: &'static [u8] = b"x-flood: 0123456789012345678901234567890123456789\r\n";
    let informational: &'static [u8] = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    let long: &'static [u8] = &[b'a'; 4096];
    let chunk: &'static [u8] = b"5\r\nhello\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (what, head, again, pause, expected) in [
        ("an endless body", OK, long, none, "the answer is larger"),
        ("an endless chunked body", chunked, chunk, none, "the answer is larger"),
        ("a chunk size without end", chunked, b"0".as_slice(), none, "not valid HTTP|took too long"),
        (
            "a chunk extension without end",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;",
            b"x",
            none,
            "not valid HTTP|broke",
        ),
        (
            "endless trailers",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            fields,
            none,
            "header|not valid HTTP|broke",
        ),
        ("endless headers", "HTTP/1.1 200 OK\r\n", fields, none, "header"),
        ("one endless header", "HTTP/1.1 200 OK\r\nx: ", long, none, "header"),
        ("endless 1xx answers", informational_head(), informational, none, "took too long"),
        ("a dripping header", "HTTP/1.1 200 OK\r\nx: ", b"a", drip, "took too long to answer"),
        ("a dripping body", OK, b"a", drip, "the exchange took too long"),
        ("silence", "", b"", none, "took too long to answer"),
        ("a body that stops", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", b"", none, "took too long to answer"),
        (
            "a body announced too large",
            "HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n",
            long,
            none,
            "the answer is larger",
        ),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            b"",
            none,
            "not valid HTTP",
        ),
        ("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", b"", none, "not valid HTTP"),
        (
            "a switch of protocols",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
            b"",
            none,
            "not valid HTTP",
        ),
    ] {
        let server = Server::says(head, again, pause).await;
        let (answer, rule) = ends(&server, quick(), what).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
        assert!(expected.split('|').any(|text| rule.contains(text)), "{what}: {rule}");
    }
}

fn informational_head() -> &'static str {
    "HTTP/1.1 103 Early Hints\r\n\r\n"
}

#[tokio::test]
async fn a_handshake_that_never_ends() {
    let server = Server::raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    let url = format!("https://{}/", server.address);
    let call = World { limits: quick(), ..World::default() }.call(grant(&[&format!("https://{}", server.address)]));
    let started = Instant::now();
    assert!(matches!(call.get(&url).await, Err(Error::ConnectionTimeout)));
    assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_resolver_that_never_answers() {
    struct Never;
    impl Resolve for Never {
        fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let mut options = Options::new(std::sync::Arc::new(Never));
    options.limits = quick();
    let call = Sending::new(&Client::new(options).unwrap(), grant(&["https://api.example.org"]), "t", None);
    assert!(matches!(call.get("https://api.example.org/").await, Err(Error::ConnectionTimeout)));
}

#[tokio::test]
async fn limits_have_two_sides() {
    let large = |size: usize| move |_| text(&"a".repeat(size));
    for (size, fits) in [(64 << 10, true), ((64 << 10) + 1, false)] {
        let server = Server::http1(large(size)).await;
        assert_eq!(ends(&server, quick(), "a body").await.0.is_ok(), fits, "{size}");
    }
    for (count, fits) in [(50, true), (120, false)] {
        let server = Server::http1(move |_| {
            let mut builder = Response::builder();
            for index in 0..count {
                builder = builder.header(format!("x-{index}"), "y");
            }
            builder.body(body(b"")).unwrap()
        })
        .await;
        assert_eq!(ends(&server, quick(), "fields").await.0.is_ok(), fits, "{count}");
    }
    for (size, fits) in [(60 << 10, true), (65 << 10, false)] {
        let server =
            Server::http1(move |_| Response::builder().header("x", "y".repeat(size)).body(body(b"")).unwrap()).await;
        assert_eq!(ends(&server, quick(), "a header").await.0.is_ok(), fits, "{size}");
    }
    let server = Server::http1(|request| {
        Response::new(request.into_body().map_err(|_| Error::HttpProtocolError).boxed_unsync())
    })
    .await;
    for (size, fits) in [(64 << 10, true), ((64 << 10) + 1, false)] {
        for said in [true, false] {
            let call = World { limits: quick(), ..World::default() }.call(server.grant());
            let mut sent = request("POST", &server.url("/"), &[], &vec![b'a'; size]);
            if said {
                sent.headers_mut().insert("content-length", size.into());
            }
            let answer = call.send(sent).await;
            assert_eq!(answer.is_ok(), fits, "{size} {answer:?}");
            assert!(fits || matches!(answer, Err(Error::HttpRequestBodySize(Some(65536)))), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn http2_has_the_same_limits() {
    let large = |size: usize| move |_: http::Request<hyper::body::Incoming>| text(&"a".repeat(size));
    for (size, fits) in [(64 << 10, true), ((64 << 10) + 1, false)] {
        let server = Server::tls(&["a.example"], true, large(size)).await;
        let url = format!("https://a.example:{}", server.port());
        let names = Names::one("a.example", "127.0.0.1");
        let world = World { names, roots: server.roots.clone(), limits: quick(), ..World::default() };
        let call = world.call(grant(&[&url, &format!("https://127.0.0.1:{}", server.port())]));
        assert_eq!(call.get(&format!("{url}/")).await.is_ok(), fits, "{size}");
    }
    for (count, fits) in [(50, true), (120, false)] {
        let server = Server::tls(&["a.example"], true, move |_| {
            let mut builder = Response::builder();
            for index in 0..count {
                builder = builder.header(format!("x-{index}"), "y");
            }
            builder.body(body(b"")).unwrap()
        })
        .await;
        let url = format!("https://a.example:{}", server.port());
        let names = Names::one("a.example", "127.0.0.1");
        let world = World { names, roots: server.roots.clone(), limits: quick(), ..World::default() };
        let call = world.call(grant(&[&url, &format!("https://127.0.0.1:{}", server.port())]));
        assert_eq!(call.get(&format!("{url}/")).await.is_ok(), fits, "{count}");
    }
}

#[tokio::test]
async fn requests_are_counted() {
    let server = Server::http1(|_| text("x")).await;
    let world = World { limits: HttpLimits { requests: 3, in_flight: 2, ..quick() }, ..World::default() };
    let call = world.call(server.grant());
    let one = |call: &Sending| call.http.send(request("GET", &server.url("/"), &[], b""), RequestOptions::default());
    let (first, second) = (one(&call).await.unwrap(), one(&call).await.unwrap());
    assert!(matches!(one(&call).await, Err(Error::ConnectionLimitReached)), "two are under way");
    drop((first, second));
    for _ in 0..100 {
        assert!(matches!(one(&call).await, Err(Error::HttpRequestDenied)), "three were begun");
    }
    let effects = call.effects();
    assert_eq!(effects.len(), 4, "a flood of requests is not a flood of effects: {effects:?}");
    // A slot comes free when an answer is read.
    let call = world.call(server.grant());
    for _ in 0..3 {
        read(one(&call).await.unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_is_over_has_no_time_left() {
    let server = Server::says("", b"", Duration::ZERO).await;
    let client = World::default().client();
    let until = Instant::now() + Duration::from_millis(300);
    let call = Sending::new(&client, server.grant(), "t", Some(until));
    assert!(call.get(&server.url("/")).await.is_err());
    assert!(Instant::now() < until + Duration::from_millis(200));
}

#[tokio::test]
async fn wishes_shorten_and_never_lengthen() {
    let server = Server::says("", b"", Duration::ZERO).await;
    let call = World { limits: quick(), ..World::default() }.call(server.grant());
    for (wish, least, most) in [(0, 0, 200), (100, 100, 300), (3_600_000, 400, 800)] {
        let wish = Some(Duration::from_millis(wish));
        let options = RequestOptions { connect_timeout: None, first_byte_timeout: wish, between_bytes_timeout: wish };
        let started = Instant::now();
        assert!(call.http.send(request("GET", &server.url("/"), &[], b""), options).await.is_err());
        let took = started.elapsed().as_millis();
        assert!((least..most).contains(&took), "{wish:?} took {took} ms");
    }
}

#[tokio::test]
async fn a_grant_taken_back_cuts_what_runs() {
    // Before anything, while waiting for the answer, and while the body comes.
    let drip = Server::says(OK, b"a", Duration::from_millis(20)).await;
    let silent = Server::says("", b"", Duration::ZERO).await;
    for server in [&drip, &silent] {
        let call = World::default().call(server.grant());
        let lease = call.lease.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            lease.0.store(false, Ordering::SeqCst);
        });
        let started = Instant::now();
        assert!(matches!(call.get(&server.url("/")).await, Err(Error::HttpRequestDenied)));
        assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
        assert_eq!(call.one(), (Verdict::Denied, "the grant was taken back".to_owned()));
        assert!(call.get(&server.url("/")).await.is_err());
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_grant_taken_back_cuts_an_upload() {
    let server = Server::http1(|request| {
        Response::new(request.into_body().map_err(|_| Error::HttpProtocolError).boxed_unsync())
    })
    .await;
    let call = World::default().call(server.grant());
    let lease = call.lease.clone();
    let pieces = futures_util::stream::unfold(0, move |count| {
        let lease = lease.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if count == 5 {
                lease.0.store(false, Ordering::SeqCst);
            }
            Some((Ok::<_, Error>(http_body::Frame::data(bytes::Bytes::from_static(b"x"))), count + 1))
        }
    });
    let mut endless = request("POST", &server.url("/"), &[], b"");
    *endless.body_mut() = StreamBody::new(Box::pin(pieces)).boxed_unsync();
    assert!(matches!(call.send(endless).await, Err(Error::HttpRequestDenied)));
    assert_eq!(call.one().0, Verdict::Denied);
    assert!(call.effects()[0].sent < 1000);
}

/// N15: what is compressed stays compressed, and is capped as it travels.
#[tokio::test]
async fn nothing_is_decompressed() {
    let server = Server::http1(|request| {
        let wished = request.headers()["accept-encoding"].to_str().unwrap().to_owned();
        Response::builder()
            .header("content-encoding", "gzip")
            .header("x-wished", wished)
            .body(body(b"\x1f\x8bnonsense"))
            .unwrap()
    })
    .await;
    let call = World::default().call(server.grant());
    let answer = call.get(&server.url("/")).await.unwrap();
    assert_eq!(
        (answer.body.as_slice(), &answer.fields["x-wished"]),
        (b"\x1f\x8bnonsense".as_slice(), &"identity".parse().unwrap())
    );
    let answer = call.send(request("GET", &server.url("/"), &[("accept-encoding", "gzip")], b"")).await.unwrap();
    assert_eq!(answer.fields["x-wished"], "gzip");
}

#[tokio::test]
async fn a_call_that_ends_early_is_taken_down_as_such() {
    let server = Server::says("", b"", Duration::ZERO).await;
    let call = World::default().call(server.grant());
    let sending = call.http.send(request("GET", &server.url("/"), &[], b""), RequestOptions::default());
    assert!(tokio::time::timeout(Duration::from_millis(50), sending).await.is_err());
    let (verdict, rule) = call.one();
    assert!(verdict == Verdict::Failed && rule.contains("ended before"), "{rule}");
}

#[tokio::test]
async fn a_server_that_hangs_up() {
    let server = Server::raw(|mut stream| async move {
        heard(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    })
    .await;
    let (answer, rule) = ends(&server, quick(), "half a body").await;
    assert!(matches!(answer, Err(Error::ConnectionTerminated)), "{answer:?}");
    assert!(rule.contains("broke"), "{rule}");
    let closed = Server::raw(|stream| async move { drop(stream) }).await;
    assert!(ends(&closed, quick(), "nothing").await.0.is_err());
}
