//! Requests to the proxy as such.

use crate::common::*;
use crate::door::{Door, ask};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt as _;
use vox_model::Verdict;

/// A server that keeps what it was sent.
async fn capture() -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    let server = Server::raw(move |mut stream| {
        let kept = kept.clone();
        async move {
            let head = String::from_utf8(heard(&mut stream).await).unwrap();
            kept.lock().unwrap().push(head);
            let _ = stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x-hop\r\nx-hop: 1\r\nx-end: 1\r\n\r\nok",
                )
                .await;
        }
    })
    .await;
    (server, heads)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_request_is_rebuilt_and_sent() {
    let (server, heads) = capture().await;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let at = server.address;
    let request = format!(
        "GET http://{at}/v1?x=y HTTP/1.1\r\nHost: {at}\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nX-End: 2\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\nX-Forwarded-For: 8.8.8.8\r\n\
         X-HTTP-Method-Override: DELETE\r\nKeep-Alive: 1\r\n\r\n"
    );
    let answer = door.ask(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{answer:?}");
    assert!(answer.head.contains("x-end: 1") && !answer.head.contains("x-hop"), "{}", answer.head);
    let heads = heads.lock().unwrap().clone();
    let expected = format!("GET /v1?x=y HTTP/1.1\r\nx-end: 2\r\naccept-encoding: identity\r\nhost: {at}\r\n\r\n");
    assert_eq!(heads, [expected]);
    assert_eq!(call.one(), (Verdict::Allowed, server.grant().allow[0].to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_goes_out_with_framing_of_ours() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = bodies.clone();
    let server = Server::raw(move |mut stream| {
        let kept = kept.clone();
        async move {
            let mut all = Vec::new();
            let mut buffer = [0; 4096];
            // The end of a body in chunks may come after the rest of it.
            let whole = |all: &[u8]| match String::from_utf8_lossy(all).to_lowercase().contains("chunked") {
                true => all.ends_with(b"0\r\n\r\n"),
                false => all.ends_with(b"hello"),
            };
            while !whole(&all) {
                match tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await {
                    Ok(got) if got > 0 => all.extend_from_slice(&buffer[..got]),
                    _ => break,
                }
            }
            kept.lock().unwrap().push(String::from_utf8(all).unwrap());
            // It serves one request: a POST on a connection that is being closed is not sent again.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let at = server.address;
    let hidden = format!("GET http://{at}/hidden HTTP/1.1\r\nHost: {at}\r\n\r\n");
    for (framing, body) in [
        ("Content-Length: 5".to_owned(), "hello".to_owned()),
        ("Transfer-Encoding: chunked".to_owned(), "5\r\nhello\r\n0\r\n\r\n".to_owned()),
        // One of both lengths would leave a second request behind the first.
        (
            format!("Content-Length: {}\r\nTransfer-Encoding: chunked", 15 + hidden.len()),
            "5\r\nhello\r\n0\r\n\r\n".to_owned(),
        ),
    ] {
        let answer = door.ask(format!("POST http://{at}/ HTTP/1.1\r\nHost: {at}\r\n{framing}\r\n\r\n{body}")).await;
        assert_eq!(answer.status, 200, "{framing}: {answer:?}");
        let sent = bodies.lock().unwrap().pop().unwrap();
        let lengths = sent.to_lowercase().matches("content-length").count();
        let chunked = sent.to_lowercase().matches("transfer-encoding").count();
        assert!(sent.contains("hello") && lengths + chunked == 1, "{framing}: {sent}");
    }
}

/// What is refused before anything is dialled: the bytes, the status, and what the one line says.
fn refused(at: &str) -> Vec<(String, u16, &'static str)> {
    let plain = |url: &str, status, says| {
        let host = url.split('/').nth(2).unwrap_or_default();
        (format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n"), status, says)
    };
    let line = |line: &str, fields: &str, status, says| (format!("{line} HTTP/1.1\r\n{fields}\r\n"), status, says);
    let (own, other) = (format!("Host: {at}\r\n"), "Host: 127.0.0.9\r\n");
    vec![
        plain("http://127.0.0.1:1/", 403, "vox grant SKILL --allow-http http://127.0.0.1:1"),
        plain("http://10.0.0.1/", 403, "private"),
        plain("http://169.254.169.254/latest/meta-data/", 403, "credentials"),
        plain("http://[::1]/", 403, "this machine"),
        plain("http://[::ffff:7f00:1]/", 403, "not in canonical form"),
        plain("http://[64:ff9b::a9fe:a9fe]/", 403, "special"),
        plain("http://[fe80::1]/", 403, "special"),
        plain("http://2130706433/", 403, "not in canonical form"),
        plain("http://0x7f.1/", 403, "not in canonical form"),
        plain("http://127.1/", 403, "not in canonical form"),
        plain("http://0177.0.0.1/", 403, "not in canonical form"),
        plain("http://localhost/", 403, "`localhost`"),
        plain("http://a.example./", 403, "canonical form"),
        plain("http://A.example/", 403, "canonical form"),
        plain(&format!("http://{at}//x"), 403, "`//`"),
        plain(&format!("http://{at}/v1/../x"), 403, "do not agree"),
        plain(&format!("ftp://{at}/"), 403, "`https://` or `http://`"),
        // A name that is granted and leads inside; one bad address of two is enough.
        plain("http://inside.example/", 403, "leads to 10.0.0.5"),
        plain("http://mixed.example/", 403, "leads to 169.254.169.254"),
        (format!("GET http://user:pw@{at}/ HTTP/1.1\r\nHost: user:pw@{at}\r\n\r\n"), 403, "user name"),
        line(&format!("TRACE http://{at}/"), &own, 403, "only GET"),
        line(&format!("BREW http://{at}/"), &own, 403, "only GET"),
        line(&format!("DELETE http://{at}/"), &own, 403, "the method DELETE is not"),
        line(&format!("POST http://{at}/x"), &own, 403, "the method POST is not"),
        line(&format!("GET http://{at}/"), other, 421, "another host"),
        line(&format!("GET http://{at}/"), &format!("Host: {at}/x\r\n"), 421, "another host"),
        line(&format!("CONNECT {at}"), &format!("Host: {at}?x\r\n"), 421, "another host"),
        line(&format!("GET http://{at}/"), &format!("{own}{other}"), 400, "one field `Host`"),
        line(&format!("GET http://{at}/"), "", 400, "one field `Host`"),
        line("GET /v1", &own, 400, "this is a proxy"),
        line("OPTIONS *", &own, 400, "this is a proxy"),
        line(
            &format!("GET http://{at}/"),
            &format!("{own}Upgrade: websocket\r\nConnection: upgrade\r\n"),
            501,
            "upgrades",
        ),
        line("CONNECT 127.0.0.1", "Host: 127.0.0.1\r\n", 400, "a host and a port"),
        line("CONNECT 127.0.0.1:22", "Host: 127.0.0.1:22\r\n", 403, "another scheme or port"),
        line("CONNECT 169.254.169.254:80", "Host: 169.254.169.254:80\r\n", 403, "credentials"),
        line("CONNECT localhost:443", "Host: localhost:443\r\n", 403, "`localhost`"),
        line(&format!("CONNECT {at}"), other, 421, "another host"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_refused_with_a_reason_and_taken_down() {
    let (server, heads) = capture().await;
    let at = server.address.to_string();
    let names = Names::default();
    names.set("inside.example", &[&["10.0.0.5"]]);
    names.set("mixed.example", &[&["1.1.1.1", "169.254.169.254"]]);
    let limits = vox_cap_http::HttpLimits { requests: 1000, ..Default::default() };
    let world = World { names: Arc::new(names), limits, ..World::default() };
    let lines = [&format!("GET,HEAD {}", server.url("")), "http://inside.example", "http://mixed.example"];
    let call = world.call(grant(&lines));
    let door = Door::of(&call).await;
    let cases = refused(&at);
    for (index, (bytes, status, says)) in cases.iter().enumerate() {
        let answer = door.ask(bytes).await;
        assert_eq!(answer.status, *status, "{bytes}: {answer:?}");
        assert!(answer.body.starts_with("vox: ") && answer.body.contains(says), "{bytes}: {answer:?}");
        assert_eq!(answer.body.lines().count(), 1, "{bytes}: {answer:?}");
        let effects = call.effects();
        assert_eq!(effects.len(), index + 1, "{bytes}: one effect each");
        assert_eq!(effects[index].verdict, Verdict::Denied, "{bytes}: {:?}", effects[index]);
    }
    assert_eq!((server.count(), heads.lock().unwrap().len()), (0, 0), "nobody was let through");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_reaches_nobody() {
    let (server, _) = capture().await;
    let at = server.address;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let long = "x".repeat(200 << 10);
    let many = "a: b\r\n".repeat(200);
    let head = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n");
    for bytes in [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "SSH-2.0-client\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        format!("{head}Content-Length: +5\r\n\r\nhello"),
        format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n"),
        format!("{head}x: a\r\n b\0\r\n\r\n"),
        format!("{head}x\0: a\r\n\r\n"),
        format!("{head} : a\r\n\r\n"),
        format!("GET http://{at}/\0 HTTP/1.1\r\nHost: {at}\r\n\r\n"),
        format!("GET http://{at}/ x HTTP/1.1\r\nHost: {at}\r\n\r\n"),
        format!("{head}long: {long}\r\n\r\n"),
        format!("{head}{many}\r\n"),
    ] {
        let answer = door.ask(&bytes).await;
        let shown = &bytes[..bytes.len().min(120)];
        assert!(answer.status == 0 || (400..600).contains(&answer.status), "{shown:?}: {answer:?}");
        assert_eq!(server.count(), 0, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_requests_one_after_the_other() {
    let server = Server::http1(|_| text("again")).await;
    let at = server.address;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let mut stream = door.enter().await;
    for path in ["/a", "/b"] {
        let answer = ask(&mut stream, format!("GET http://{at}{path} HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "again"));
    }
    let head = ask(&mut stream, format!("HEAD http://{at}/ HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"));
    assert_eq!(head.await.status, 200);
    // Nothing else decided about this one: the way of the proxy is that of the component.
    assert_eq!(call.effects().len(), 3);
}
