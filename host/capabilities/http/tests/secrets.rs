//! Credentials go where they are bound, replace what a skill sets, and never come back. Section 4.4 of the threat model.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use common::*;
use http::Response;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use vox_cap_http::*;
use vox_model::Verdict;

const CANARY: &str = "canary-7f3a/Kq9+zZ~s3cr3t";

/// A server that keeps the header of every request and answers without it.
async fn capture() -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    let server = Server::raw(move |mut stream| {
        let kept = kept.clone();
        async move {
            let head = String::from_utf8(heard(&mut stream).await).unwrap();
            kept.lock().unwrap().push(head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        }
    })
    .await;
    (server, heads)
}

fn world() -> World {
    World { secrets: [("token".to_owned(), CANARY.to_owned())].into(), ..World::default() }
}

fn bound(server: &Server, how: &str) -> Grant {
    let url = server.url("");
    with_secrets(&[&url], &[&format!("token={url}/v1;{how}")])
}

/// No form of the secret stands in a text.
fn clean(text: &str, what: &str) {
    for form in [
        CANARY.to_owned(),
        STANDARD.encode(CANARY),
        URL_SAFE.encode(CANARY),
        STANDARD.encode(format!("robot:{CANARY}")),
        CANARY.replace('/', "%2F").replace('+', "%2B"),
        "canary-7f3a".to_owned(),
        "s3cr3t".to_owned(),
    ] {
        assert!(!text.contains(&form), "{what} holds {form}: {text}");
    }
}

fn check_effects(call: &Sending) {
    clean(&format!("{:?}", call.effects()), "the record");
    clean(&serde_json::to_string(&call.effects()).unwrap(), "the record");
    clean(&format!("{:?}", call.http), "the state");
}

#[tokio::test]
async fn secrets_are_put_where_they_are_bound() {
    let (server, heads) = capture().await;
    let basic = STANDARD.encode(format!("robot:{CANARY}"));
    for (how, expected) in [
        ("header=Authorization:Bearer {}", format!("authorization: Bearer {CANARY}\r\n")),
        ("header=X-Api-Key:{}", format!("x-api-key: {CANARY}\r\n")),
        ("basic=robot", format!("authorization: Basic {basic}\r\n")),
        ("query=key", "GET /v1/x?a=b&key=canary-7f3a%2FKq9%2BzZ%7Es3cr3t HTTP/1.1\r\n".to_owned()),
    ] {
        let call = world().call(bound(&server, how));
        call.get(&server.url("/v1/x?a=b")).await.unwrap();
        let head = heads.lock().unwrap().pop().unwrap();
        assert!(head.contains(&expected), "{how}: {head}");
        check_effects(&call);
        let effects = call.effects();
        assert_eq!((effects[0].action.as_str(), effects[0].verdict), ("secret", Verdict::Allowed), "{effects:?}");
        // Elsewhere on the same host it does not go.
        call.get(&server.url("/v2?a=b")).await.unwrap();
        clean(&heads.lock().unwrap().pop().unwrap(), "a request to another path");
    }
}

/// K5: first, twice, in other case: one value goes out, and it is the host's.
#[tokio::test]
async fn what_the_skill_sets_is_replaced_and_noted() {
    let (server, heads) = capture().await;
    let forged = [("AUTHORIZATION", "Bearer mine"), ("authorization", "Bearer mine too")];
    let call = world().call(bound(&server, "header=Authorization:Bearer {}"));
    call.send(request("GET", &server.url("/v1"), &forged, b"")).await.unwrap();
    let head = heads.lock().unwrap().pop().unwrap();
    assert_eq!(head.to_lowercase().matches("authorization:").count(), 1, "{head}");
    assert!(head.contains(&format!("authorization: Bearer {CANARY}")), "{head}");
    assert!(
        call.effects().iter().any(|e| e.verdict == Verdict::Denied && e.rule.contains("itself")),
        "{:?}",
        call.effects()
    );
    let call = world().call(bound(&server, "query=key"));
    call.get(&server.url("/v1?%6bey=mine&x=1&key=mine")).await.unwrap();
    let head = heads.lock().unwrap().pop().unwrap();
    assert!(head.starts_with("GET /v1?x=1&key=canary") && !head.contains("mine"), "{head}");
    assert!(call.effects().iter().any(|e| e.verdict == Verdict::Denied && e.rule.contains("itself")));
    check_effects(&call);
    // Without a binding the skill's own header goes out.
    let call = world().call(server.grant());
    call.send(request("GET", &server.url("/v1"), &forged[..1], b"")).await.unwrap();
    assert!(heads.lock().unwrap().pop().unwrap().contains("authorization: Bearer mine"));
}

/// K6: there are no placeholders; what a skill sends goes out as it is.
#[tokio::test]
async fn nothing_of_the_skill_is_a_placeholder() {
    let (server, heads) = capture().await;
    let fields = [
        ("x-a", "{}"),
        ("x-b", "{token}"),
        ("x-c", "{{token}}"),
        ("x-d", "${token}"),
        ("x-e", "%7Btoken%7D"),
        ("x-f", "token"),
        ("x-g", "e3t0b2tlbn19"),
    ];
    let call = world().call(bound(&server, "header=x-key:Key {}"));
    for path in ["/v1/%7Btoken%7D?a=%7B%7D&$token", "/elsewhere/%7Btoken%7D"] {
        call.send(request("POST", &server.url(path), &fields, b"{token} {}")).await.unwrap();
        let head = heads.lock().unwrap().pop().unwrap();
        for (name, text) in fields {
            assert!(head.contains(&format!("{name}: {text}\r\n")), "{name}: {head}");
        }
        assert!(head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{head}");
        // Where the secret is bound it stands once, in its own field; elsewhere not at all.
        assert_eq!(head.matches(CANARY).count(), usize::from(path.starts_with("/v1/")), "{head}");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_or_no_good_stops_the_request() {
    let (server, _) = capture().await;
    for value in [None, Some("short"), Some("with\nline-end"), Some("")] {
        let secrets = value.map(|value| ("token".to_owned(), value.to_owned())).into_iter().collect();
        let call = World { secrets, ..World::default() }.call(bound(&server, "header=X-Key:{}"));
        assert!(matches!(call.get(&server.url("/v1")).await, Err(Error::ConfigurationError)));
        let (verdict, rule) = call.one();
        assert!(verdict == Verdict::Failed && rule.contains("token"), "{rule}");
    }
    assert_eq!(server.count(), 0);
}

/// Sends to a server that answers with these bytes in two pieces, and gives what reached the skill.
async fn echo(head: &str, first: &[u8], second: &[u8]) -> (Result<Answer, Error>, Sending) {
    let (head, first, second) = (head.to_owned(), first.to_vec(), second.to_vec());
    let server = Server::raw(move |mut stream| {
        let (head, first, second) = (head.clone(), first.clone(), second.clone());
        async move {
            heard(&mut stream).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}connection: close\r\n\r\n").as_bytes()).await;
            let _ = stream.write_all(&first).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let _ = stream.write_all(&second).await;
        }
    })
    .await;
    let call = world().call(bound(&server, "header=Authorization:Bearer {}"));
    (call.get(&server.url("/v1")).await, call)
}

/// K2: through the whole way; `scan` has every encoding at every split.
#[tokio::test]
async fn an_echo_is_cut() {
    let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
    for (what, text) in [
        ("raw", format!("you sent {CANARY}.")),
        ("base64", format!("[{}]", STANDARD.encode(format!("x{CANARY}")))),
        ("hex", hex),
        ("percent", CANARY.bytes().map(|b| format!("%{b:02X}")).collect()),
        ("JSON", CANARY.replace('/', "\\/")),
    ] {
        for split in [0, 10, text.len() / 2, text.len() - 1, text.len()] {
            let (answer, call) = echo("", &text.as_bytes()[..split], &text.as_bytes()[split..]).await;
            let error = answer.unwrap_err();
            assert!(matches!(error, Error::InternalError(_)), "{what} at {split}: {error:?}");
            clean(&format!("{error:?} {error}"), "the error");
            let effects = call.effects();
            assert!(effects.iter().any(|e| e.action == "secret" && e.verdict == Verdict::Denied), "{effects:?}");
            assert_eq!(call.one().0, Verdict::Denied);
            check_effects(&call);
        }
    }
    let (answer, _) = echo("", b"you sent canary-7f3a", b"/Kq9+zZ~s3cr3").await;
    assert_eq!(
        answer.unwrap().body,
        b"you sent canary-7f3a/Kq9+zZ~s3cr3",
        "not the whole secret, and all of it arrives"
    );
}

/// What has arrived before the secret is complete never holds the beginning of it.
#[tokio::test]
async fn half_a_secret_does_not_arrive_either() {
    let server = Server::raw(|mut stream| async move {
        heard(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nbefore ").await;
        for byte in CANARY.bytes() {
            let _ = stream.write_all(&[byte]).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let call = world().call(bound(&server, "header=Authorization:Bearer {}"));
    let sent = call.http.send(request("GET", &server.url("/v1"), &[], b""), RequestOptions::default());
    let mut body = sent.await.unwrap().into_body();
    let mut arrived = Vec::new();
    let mut failed = false;
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        match frame {
            Ok(frame) => arrived.extend_from_slice(&frame.into_data().unwrap()),
            Err(_) => failed = true,
        }
    }
    assert!(failed);
    assert_eq!(arrived, b"before ");
}

#[tokio::test]
async fn an_echo_in_the_header_is_cut() {
    for field in [
        format!("x-echo: Bearer {CANARY}\r\n"),
        format!("location: https://a.example/?key={}\r\n", CANARY.replace('/', "%2f")),
        format!("set-cookie: t={}\r\n", STANDARD.encode(CANARY)),
    ] {
        let (answer, call) = echo(&field, b"ok", b"").await;
        assert!(matches!(answer, Err(Error::InternalError(_))), "{field}: {answer:?}");
        check_effects(&call);
    }
    let trailers = format!("2\r\nok\r\n0\r\nx-echo: {CANARY}\r\n\r\n");
    let (answer, _) = echo("transfer-encoding: chunked\r\n", trailers.as_bytes(), b"").await;
    assert!(answer.is_err(), "{answer:?}");
}

/// What is compressed cannot be searched, so it is not asked for and not taken.
#[tokio::test]
async fn a_compressed_answer_to_a_secret_is_refused() {
    let server = Server::http1(|request| {
        let wished = request.headers()["accept-encoding"].to_str().unwrap().to_owned();
        let coding = if request.uri().path() == "/v1/forced" { "gzip" } else { &wished };
        Response::builder().header("content-encoding", coding).body(body(b"x")).unwrap()
    })
    .await;
    let call = world().call(bound(&server, "header=Authorization:Bearer {}"));
    let answer = call.send(request("GET", &server.url("/v1"), &[("accept-encoding", "gzip")], b"")).await.unwrap();
    assert_eq!(answer.fields["content-encoding"], "identity");
    assert!(matches!(call.get(&server.url("/v1/forced")).await, Err(Error::HttpResponseContentCoding(_))));
}

/// K4, K7: nothing that can be printed holds a secret, also when requests fail in every way.
#[tokio::test]
async fn failures_do_not_show_secrets() {
    let hang_up = Server::raw(|mut stream| async move {
        heard(&mut stream).await;
    })
    .await;
    let nonsense = Server::raw(|mut stream| async move {
        let head = heard(&mut stream).await;
        let _ = stream.write_all(&head).await;
    })
    .await;
    for server in [&hang_up, &nonsense] {
        for how in ["header=Authorization:Bearer {}", "query=key", "basic=robot"] {
            let call = world().call(bound(server, how));
            let error = call.get(&server.url("/v1")).await.unwrap_err();
            clean(&format!("{error:?} {error}"), "the error");
            check_effects(&call);
        }
    }
    let grant = bound(&hang_up, "header=Authorization:Bearer {}");
    clean(&format!("{grant:?} {:?}", grant.describe()), "the grant");
    clean(&format!("{:?}", world().client()), "the client");
}

#[tokio::test]
async fn secrets_go_over_tls_and_http2() {
    for h2 in [false, true] {
        let server = Server::tls(&["api.example.org"], h2, |request| {
            let sent = request.headers().get("x-key").is_some_and(|value| value == CANARY);
            text(if sent { "sent" } else { "not sent" })
        })
        .await;
        let url = format!("https://api.example.org:{}", server.port());
        let names = Names::one("api.example.org", "127.0.0.1");
        let given = with_secrets(
            &[&url, &format!("https://127.0.0.1:{}", server.port())],
            &[&format!("token={url}/v1;header=X-Key:{{}}")],
        );
        let call = World { names, roots: server.roots.clone(), ..world() }.call(given);
        assert_eq!(call.get(&format!("{url}/v1")).await.unwrap().body, b"sent");
        assert_eq!(call.get(&format!("{url}/")).await.unwrap().body, b"not sent");
    }
}
