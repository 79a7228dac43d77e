//! Connections are kept for those who may share them, and for nobody else. N16 of the threat model.

mod common;

use common::*;
use http_body_util::{BodyExt as _, StreamBody};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use vox_cap_http::*;
use vox_model::{CallScope, Digest, Scope};

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::http1(|_| text("x")).await;
    let client = World::default().client();
    for _ in 0..3 {
        let call = Sending::new(&client, server.grant(), "tenant", None);
        for _ in 0..3 {
            assert_eq!(call.get(&server.url("/")).await.unwrap().body, b"x");
        }
        assert_eq!(call.send(request("HEAD", &server.url("/"), &[], b"")).await.unwrap().status, 200);
        assert_eq!(call.send(request("POST", &server.url("/"), &[], b"body")).await.unwrap().status, 200);
    }
    assert_eq!(server.count(), 1);
}

/// Toolkits open a body for every request, and `hyper` asks it for nothing where the method has none.
#[tokio::test]
async fn a_connection_is_used_again_after_a_get_with_an_open_body() {
    let server = Server::http1(|_| text("x")).await;
    let call = World::default().call(server.grant());
    for _ in 0..3 {
        let mut open = request("GET", &server.url("/"), &[], b"");
        let nothing = futures_util::stream::empty::<Result<http_body::Frame<bytes::Bytes>, Error>>();
        *open.body_mut() = StreamBody::new(nothing).boxed_unsync();
        assert_eq!(call.send(open).await.unwrap().body, b"x");
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn http2_shares_one_connection_at_the_same_time() {
    let server = Server::tls(&["a.example"], true, |_| text("x")).await;
    let url = format!("https://a.example:{}", server.port());
    let world = World { names: Names::one("a.example", "127.0.0.1"), roots: server.roots.clone(), ..World::default() };
    let call = world.call(grant(&[&url, &format!("https://127.0.0.1:{}", server.port())]));
    let target = format!("{url}/");
    call.get(&target).await.unwrap();
    let (a, b, c) = tokio::join!(call.get(&target), call.get(&target), call.get(&target));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn nobody_else_gets_it() {
    let server = Server::http1(|_| text("x")).await;
    let mut world = World::default();
    world.secrets.insert("a".to_owned(), "secret-of-a".to_owned());
    world.secrets.insert("b".to_owned(), "secret-of-b".to_owned());
    let client = world.client();
    let url = server.url("");
    let bound = |name: &str| with_secrets(&[&url], &[&format!("{name}={url};header=x-key:{{}}")]);
    let narrow = grant(&[&format!("GET {url}")]);
    let other = world.client();
    let cases = [
        ("the first", &client, server.grant(), "one"),
        ("another tenant", &client, server.grant(), "two"),
        ("another line of the grant", &client, narrow, "one"),
        ("a credential", &client, bound("a"), "one"),
        ("another credential", &client, bound("b"), "one"),
        ("another client", &other, server.grant(), "one"),
    ];
    for (count, (what, client, grant, tenant)) in cases.into_iter().enumerate() {
        let call = Sending::new(client, grant, tenant, None);
        call.get(&server.url("/")).await.unwrap();
        call.get(&server.url("/")).await.unwrap();
        assert_eq!(server.count(), count + 1, "{what}");
    }
    let before = server.count();
    let scope = CallScope::from(Scope { digest: Digest([9; 32]), ..Scope::unwatched("other") });
    let skill = Http::new(&client, Arc::new(server.grant()), scope, "one", None);
    read(skill.send(request("GET", &server.url("/"), &[], b""), RequestOptions::default()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(server.count(), before + 1, "another skill");
}

#[tokio::test]
async fn a_connection_with_an_unread_answer_is_not_used_again() {
    let server = Server::http1(|_| text(&"x".repeat(1 << 20))).await;
    let call = World::default().call(server.grant());
    drop(call.http.send(request("GET", &server.url("/"), &[], b""), RequestOptions::default()).await.unwrap());
    assert_eq!(call.get(&server.url("/")).await.unwrap().body.len(), 1 << 20);
    assert_eq!(server.count(), 2);
}

/// 64 are kept; the one that was not used for longest makes room for the next.
#[tokio::test]
async fn a_full_pool_keeps_those_that_are_used() {
    let server = Server::http1(|_| text("x")).await;
    let client = World::default().client();
    let get = async |tenant: usize| {
        let call = Sending::new(&client, server.grant(), &tenant.to_string(), None);
        call.get(&server.url("/")).await.unwrap();
        server.count()
    };
    for tenant in 0..70 {
        assert_eq!(get(tenant).await, tenant + 1);
    }
    for tenant in 6..70 {
        assert_eq!(get(tenant).await, 70, "the connection of tenant {tenant} was kept");
    }
    assert_eq!(get(0).await, 71);
    assert_eq!(get(7).await, 71);
    assert_eq!(get(6).await, 72, "its connection was the oldest");
}

/// A server that closes after each answer, without saying so.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = Server::raw(|mut stream| async move {
        heard(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await;
    })
    .await;
    let call = World::default().call(server.grant());
    for count in 1..4 {
        assert_eq!(call.get(&server.url("/")).await.unwrap().body, b"x");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(server.connections.load(Ordering::SeqCst), count);
    }
}

/// A connection belongs to the runtime that made it.
#[test]
fn another_runtime_makes_its_own() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = servers.block_on(Server::http1(|_| text("x")));
    let client = World::default().client();
    let (first, second) = (runtime(), runtime());
    for (runtime, count) in [(&first, 1), (&second, 2), (&first, 2), (&second, 2)] {
        let call = Sending::new(&client, server.grant(), "t", None);
        runtime.block_on(call.get(&server.url("/"))).unwrap();
        assert_eq!(server.count(), count);
    }
}
