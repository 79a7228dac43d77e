//! Tunnels: TLS that ends here, and everything in them held against the grant.

use crate::common::*;
use crate::door::{Door, ask};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vox_cap_http::{Grant, HttpLimits};
use vox_model::Verdict;

const SECRET: &str = "canary-4hN/q8+w~tunnel";

/// A name that leads to this machine, which the grant names as well.
const NAME: &str = "api.example";

/// A server with TLS for a name, and a call that may speak to it.
async fn place(echo: bool, secrets: &[&str]) -> (Server, Sending, Arc<AtomicUsize>) {
    let authorised = Arc::new(AtomicUsize::new(0));
    let seen = authorised.clone();
    let server = Server::tls(&[NAME, "127.0.0.1"], true, move |request| {
        let field = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        seen.fetch_add(usize::from(field.ends_with(SECRET)), Ordering::SeqCst);
        let about = format!("{} {}", request.method(), request.uri().path());
        text(&if echo { format!("{about} {field}") } else { about })
    })
    .await;
    let world = World {
        names: Names::one(NAME, "127.0.0.1"),
        secrets: [("token".to_owned(), SECRET.to_owned())].into(),
        roots: server.roots.clone(),
        limits: HttpLimits { requests: 100, ..HttpLimits::default() },
    };
    let lines = [format!("https://{NAME}:{}", server.port()), format!("https://{}", server.address)];
    let secrets: Vec<String> =
        secrets.iter().map(|how| format!("token=https://{NAME}:{}/v1;{how}", server.port())).collect();
    let grant: Grant = with_secrets(
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        &secrets.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let call = world.call(grant);
    (server, call, authorised)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_tunnel_go_the_way_of_all_requests() {
    let (server, call, authorised) = place(false, &["header=Authorization:Bearer {}"]).await;
    let door = Door::of(&call).await;
    let to = format!("{NAME}:{}", server.port());
    let mut stream = door.secure(&to, NAME).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for (path, with_secret) in [("/v1/x", 1), ("/v2", 1)] {
        let answer = ask(&mut stream, format!("GET {path} HTTP/1.1\r\nHost: {to}\r\n\r\n")).await;
        assert_eq!((answer.status, answer.body), (200, format!("GET {path}")));
        assert_eq!(authorised.load(Ordering::SeqCst), with_secret, "{path}: the binding is for /v1");
    }
    // By address, and with a field of the program's that the secret replaces.
    let at = server.address.to_string();
    let mut stream = door.secure(&at, "127.0.0.1").await.unwrap();
    let answer = ask(&mut stream, format!("GET / HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let effects = call.effects();
    let lines: Vec<String> =
        effects.iter().filter(|effect| effect.action == "request").map(|effect| effect.target.clone()).collect();
    assert_eq!(lines, [format!("GET https://{to}/v1/x"), format!("GET https://{to}/v2"), format!("GET https://{at}/")]);
    assert!(!format!("{effects:?}").contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_echoes_the_secret_is_cut() {
    let (server, call, authorised) = place(true, &["header=Authorization:Bearer {}"]).await;
    let door = Door::of(&call).await;
    let to = format!("{NAME}:{}", server.port());
    let mut stream = door.secure(&to, NAME).await.unwrap();
    let request = format!("GET /v1 HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer mine\r\n\r\n");
    let answer = ask(&mut stream, request).await;
    assert_eq!(authorised.load(Ordering::SeqCst), 1, "{answer:?}");
    assert!(!answer.whole && !answer.body.contains(&SECRET[..8]), "{answer:?}");
    let effects = call.effects();
    assert!(
        effects.iter().any(|effect| effect.verdict == Verdict::Denied && effect.rule.contains("was cut")),
        "{effects:?}"
    );
    assert!(effects.iter().any(|effect| effect.rule.contains("the host's value replaced it")), "{effects:?}");
    assert!(!format!("{effects:?}").contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_tunnel_to_one_host_there_is_no_other() {
    let (server, call, _) = place(false, &[]).await;
    let door = Door::of(&call).await;
    let to = format!("{NAME}:{}", server.port());
    for (line, host, status, says) in [
        ("GET / HTTP/1.1", "evil.example", 421, "another host"),
        ("GET / HTTP/1.1", NAME, 421, "another host"),
        ("GET https://api.example/ HTTP/1.1", to.as_str(), 400, "holds a path"),
        ("GET http://169.254.169.254/ HTTP/1.1", to.as_str(), 400, "holds a path"),
        ("OPTIONS * HTTP/1.1", to.as_str(), 400, "holds a path"),
        ("CONNECT api.example:443 HTTP/1.1", to.as_str(), 400, "within a tunnel"),
        ("TRACE / HTTP/1.1", to.as_str(), 403, "only GET"),
        ("GET //evil.example/ HTTP/1.1", to.as_str(), 403, "`//`"),
    ] {
        let mut stream = door.secure(&to, NAME).await.unwrap();
        let answer = ask(&mut stream, format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(answer.status, status, "{line} {host}: {answer:?}");
        assert!(answer.body.contains(says), "{line} {host}: {answer:?}");
    }
    // The certificate is for the host of the CONNECT, so that a program that checks it does not come so far.
    assert!(door.secure(&to, "evil.example").await.is_err());
    let denied = call.effects().into_iter().filter(|effect| effect.verdict == Verdict::Denied).count();
    assert_eq!((denied, server.count()), (8, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_in_a_tunnel_needs_a_grant_of_its_own() {
    let plain = Server::http1(|_| text("plain")).await;
    let at = plain.address.to_string();
    let call = World::default().call(grant(&[&format!("https://{at}")]));
    let door = Door::of(&call).await;
    let mut stream = door.tunnel(&at).await;
    let answer = ask(&mut stream, format!("GET / HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
    assert!(answer.status == 403 && answer.body.contains("another scheme"), "{answer:?}");
    let mut stream = door.tunnel(&at).await;
    let answer = ask(&mut stream, "SSH-2.0-client\r\n\r\n").await;
    assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    assert_eq!(plain.count(), 0);
    // Some programs ask for a tunnel for every scheme.
    let call = World::default().call(plain.grant());
    let door = Door::of(&call).await;
    let mut stream = door.tunnel(&at).await;
    let answer = ask(&mut stream, format!("GET / HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "plain"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_this_host_does_not_trust_is_not_spoken_to() {
    let server = Server::tls(&["127.0.0.1"], false, |_| text("untrusted")).await;
    let at = server.address.to_string();
    let call = World::default().call(grant(&[&format!("https://{at}")]));
    let door = Door::of(&call).await;
    let mut stream = door.secure(&at, "127.0.0.1").await.unwrap();
    let answer = ask(&mut stream, format!("GET / HTTP/1.1\r\nHost: {at}\r\n\r\n")).await;
    assert!(answer.status == 502 && answer.body.contains("nobody who is trusted signed"), "{answer:?}");
    assert_eq!(call.one().0, Verdict::Failed);
}
