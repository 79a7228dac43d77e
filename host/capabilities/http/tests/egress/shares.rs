//! What programs share with the component that started them: counts, limits, the lease, and the end of the call.

use crate::common::*;
use crate::door::{Door, SOON, answer, ask};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use vox_cap_http::HttpLimits;
use vox_model::Verdict;

fn get(at: impl std::fmt::Display) -> String {
    format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_together() {
    let server = Server::http1(|_| text("x")).await;
    let world = World { limits: HttpLimits { requests: 3, ..HttpLimits::default() }, ..World::default() };
    let call = world.call(server.grant());
    let door = Door::of(&call).await;
    assert_eq!(call.get(&server.url("/")).await.unwrap().status, 200);
    assert_eq!(door.ask(get(server.address)).await.status, 200);
    assert_eq!(door.ask("GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n").await.status, 403);
    for bytes in [get(server.address), "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n".to_owned()] {
        let answer = door.ask(bytes).await;
        assert!(answer.status == 429 && answer.body.contains("a call can send 3 requests"), "{answer:?}");
    }
    assert!(call.get(&server.url("/")).await.is_err(), "the component has none left either");
    assert_eq!(call.effects().len(), 4, "a flood of requests is no flood of effects");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_refused_at_once() {
    let server = Server::http1(|_| text("x")).await;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let mut kept = door.enter().await;
    assert_eq!(ask(&mut kept, get(server.address)).await.status, 200);
    call.lease.0.store(false, Ordering::SeqCst);
    let at = server.address;
    for bytes in [get(at), format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n")] {
        let answer = door.ask(bytes).await;
        assert!(answer.status == 403 && answer.body.contains("taken back"), "{answer:?}");
    }
    let answer = ask(&mut kept, get(at)).await;
    assert!(answer.status == 403 && answer.body.contains("taken back"), "a connection that was there: {answer:?}");
    assert_eq!(server.count(), 1);
    let denied = call.effects().into_iter().filter(|effect| effect.verdict == Verdict::Denied).count();
    assert_eq!(denied, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_have_a_number_and_one_that_ends_makes_room() {
    let server = Server::http1(|_| text("x")).await;
    let call = World::default().call(server.grant());
    let door = Door::of(&call).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut stream = door.enter().await;
        // It is there once a part of it was read.
        stream.write_all(b"GET http").await.unwrap();
        open.push(stream);
    }
    let more = door.ask("").await;
    assert!(more.status == 503 && more.body.contains("64 connections at a time"), "{more:?}");
    open.truncate(32);
    let until = Instant::now() + SOON;
    while door.ask(get(server.address)).await.status != 200 {
        assert!(Instant::now() < until, "no room is made");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_a_call_have_an_end() {
    let call = World::default().call(grant(&["http://127.0.0.1:1"]));
    let door = Door::of(&call).await;
    let mut spent = None;
    for _ in 0..2000 {
        let answer = door.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        if answer.status == 503 {
            spent = Some(answer.body);
            break;
        }
    }
    assert_eq!(spent.as_deref(), Some("vox: the programs of a call can make 1024 connections\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_capped_and_waiting_has_an_end() {
    let limits = HttpLimits {
        first_byte: Duration::from_millis(300),
        request_body: 1000,
        response_body: 64 << 10,
        ..HttpLimits::default()
    };
    let world = World { limits, ..World::default() };
    let endless = Server::says("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096], Duration::ZERO).await;
    let call = world.call(endless.grant());
    let door = Door::of(&call).await;
    let cut = door.ask(get(endless.address)).await;
    assert!(cut.status == 200 && !cut.whole && cut.body.len() <= 80 << 10, "{} bytes", cut.body.len());
    assert!(call.one().1.contains("larger than 65536 bytes"), "{:?}", call.effects());
    let silent = Server::says("", b"", Duration::ZERO).await;
    let call = world.call(silent.grant());
    let door = Door::of(&call).await;
    let late = door.ask(get(silent.address)).await;
    assert!(late.status == 504 && late.body.contains("took too long"), "{late:?}");
    let at = silent.address;
    for (framing, body, status) in [
        ("Content-Length: 5000", "x".repeat(5000), 413),
        ("Transfer-Encoding: chunked", format!("1388\r\n{}\r\n0\r\n\r\n", "x".repeat(5000)), 413),
    ] {
        let large = format!("POST http://{at}/ HTTP/1.1\r\nHost: {at}\r\n{framing}\r\n\r\n{body}");
        let answer = door.ask(large).await;
        assert_eq!(answer.status, status, "{framing}: {answer:?}");
    }
    // A body that never comes to its end.
    let mut stream = door.enter().await;
    let slow = format!("POST http://{at}/ HTTP/1.1\r\nHost: {at}\r\nContent-Length: 10\r\n\r\nx");
    let answer = ask(&mut stream, slow).await;
    assert!(answer.status == 504, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_call_cuts_what_is_under_way_and_takes_it_down() {
    let slow = Server::says("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"x", Duration::from_millis(5)).await;
    let call = World::default().call(slow.grant());
    let door = Door::of(&call).await;
    let mut stream = door.enter().await;
    stream.write_all(get(slow.address).as_bytes()).await.unwrap();
    let mut some = [0; 64];
    assert!(timeout(SOON, stream.read(&mut some)).await.unwrap().unwrap() > 0);
    let mut idle = door.enter().await;
    idle.write_all(b"GET").await.unwrap();
    let outlet = door.outlet.clone();
    tokio::task::spawn_blocking(move || outlet.end()).await.unwrap();
    assert_eq!(call.one().0, Verdict::Allowed, "the answer had begun: {:?}", call.effects());
    let rest = timeout(SOON, answer(&mut stream)).await.unwrap();
    assert!(!rest.whole, "{rest:?}");
    assert_eq!(timeout(SOON, answer(&mut idle)).await.unwrap().status, 0);
    assert_eq!(door.ask(get(slow.address)).await.status, 0, "nobody is there any more");
    assert_eq!(slow.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_where_it_is_by_the_names_that_they_know() {
    let call = World::default().call(grant(&["http://127.0.0.1:1"]));
    let outlet = call.http.outlet();
    let variables = outlet.variables("127.0.0.1:3128".parse().unwrap(), "/run/vox/authority.pem");
    let of = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        assert_eq!(of(name), Some("http://127.0.0.1:3128"), "{name}");
    }
    for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        assert_eq!(of(name), Some("/run/vox/authority.pem"), "{name}");
    }
    assert_eq!((of("NO_PROXY"), of("NODE_USE_ENV_PROXY")), (Some(""), Some("1")));
    let names: std::collections::HashSet<_> = variables.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), variables.len(), "no name twice");
    // One authority for a call, another for the next.
    assert_eq!(outlet.trust(), outlet.trust());
    assert_ne!(outlet.trust(), Arc::clone(&call.http.outlet()).trust());
}
