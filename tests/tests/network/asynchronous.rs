//! Requests of calls that are awaited: connections live on the runtime of the program that embeds vox, and are kept.

use crate::sending::grant;
use crate::servers::{Server, heard};
use std::io::Write as _;
use std::sync::Arc;
use tokio::runtime::Builder;
use vox_capabilities::http::{Client, Options, StubResolver};
use vox_model::{Limits, Value};
use vox_runtime::{CallOptions, Granted, Host, Program, Services};
use vox_tests::{need, places, skills};

/// Calls at once, as many as a skill keeps connections to one place.
const AT_ONCE: usize = 8;

/// Answers as many requests as come on a connection.
fn patient() -> Server {
    Server::start(|mut stream| {
        while heard(&mut stream).starts_with("GET /") {
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnow").is_err() {
                return;
            }
        }
    })
}

fn opened(server: &Server) -> Result<Program, String> {
    let guest = places::guest("http_guest")?;
    let services = Services::default().with_http(|| {
        let resolver = StubResolver::new(&[]).map_err(|error| error.to_string())?;
        Client::new(Options::new(Arc::new(resolver))).map_err(|error| error.to_string())
    });
    let host = skills::built(Host::builder().services(services));
    let granted = Granted { http: grant(&[server.url()]), ..Granted::default() };
    host.open(&skills::file(&guest), &granted, Limits::default()).map_err(|error| error.to_string())
}

#[test]
fn tasks_of_one_runtime_share_connections_and_another_runtime_has_its_own() {
    let server = patient();
    let program = Arc::new(need!("the guest `http_guest`", opened(&server)));
    let url = format!("{}/x", server.url());
    let expected = Value::Result(Ok(Some(Box::new("now".into()))));
    let work = |program: Arc<Program>, url: String, expected: Value| async move {
        for _ in 0..25 {
            let callable = program.function("get").unwrap_or_else(|error| panic!("{error}"));
            let outcome = callable.call_async(vec![url.clone().into()], CallOptions::default()).await;
            assert_eq!(outcome.result.ok(), Some(Some(expected.clone())));
        }
    };
    let mut before = 0;
    for threads in [1, 2] {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        let tasks: Vec<_> =
            (0..AT_ONCE).map(|_| runtime.spawn(work(program.clone(), url.clone(), expected.clone()))).collect();
        for task in tasks {
            runtime.block_on(task).unwrap_or_else(|error| panic!("{error}"));
        }
        let made = server.accepted() - before;
        // A task may find the connection of another one still busy with its end.
        assert!((1..=2 * AT_ONCE).contains(&made), "{made} connections for {} requests", AT_ONCE * 25);
        before = server.accepted();
    }
    // A call that blocks has a reactor of its own, and so a connection of its own.
    assert_eq!(skills::call(&program, "get", vec![url.into()]).result.ok(), Some(Some(expected)));
    assert_eq!(server.accepted(), before + 1);
}
