//! A14: calls that are cancelled while they wait for a server end at once, the next one is right, and neither a
//! connection nor a thread stays behind.

use crate::sending::grant;
use crate::servers::{Server, answer, heard};
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vox_capabilities::http::{Client, Options, StubResolver};
use vox_model::{Failure, Limits, Value};
use vox_runtime::{CallOptions, Cancel, Granted, Host, Program, Services};
use vox_tests::luck::Luck;
use vox_tests::witness::Witness;
use vox_tests::{child, need, needs, places, skills};

const SEED: u64 = 0xa14;

/// How late a cancel may take effect.
const SOON: Duration = Duration::from_millis(100);

/// Calls that are cancelled.
const CALLS: u64 = 50;

/// How long what was left behind may take to go away.
const GONE: Duration = Duration::from_secs(10);

/// Answers `/now` at once. Everything else waits for an answer, with or without its beginning, until the other side
/// goes away; they are counted while they wait.
fn slow(waiting: Arc<AtomicUsize>) -> Server {
    Server::start(move |mut stream| {
        let head = heard(&mut stream);
        if head.starts_with("GET /now ") {
            return answer(stream, "now");
        }
        if head.starts_with("GET /body ") {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab");
        }
        waiting.fetch_add(1, Ordering::SeqCst);
        let _ = stream.read(&mut [0; 64]);
        waiting.fetch_sub(1, Ordering::SeqCst);
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

/// Waits until something is so.
fn settles(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < GONE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Calls, cancels as soon as the server waits and some time is over, and gives how late the call ended and how long
/// the machine stalled.
fn cancelled(program: &Program, url: String, waiting: &Arc<AtomicUsize>, after: Duration) -> (Duration, Duration) {
    let cancel = Cancel::default();
    let options = CallOptions { cancel: Some(cancel.clone()), ..CallOptions::default() };
    let witness = Witness::start();
    let waiting = waiting.clone();
    let cancelling = std::thread::spawn(move || {
        settles("nobody came", || waiting.load(Ordering::SeqCst) == 1);
        std::thread::sleep(after);
        let asked = Instant::now();
        cancel.cancel();
        asked
    });
    let callable = program.function("get").unwrap_or_else(|error| panic!("{error}"));
    let outcome = callable.call_with(vec![Value::String(url)], options);
    let ended = Instant::now();
    assert!(matches!(outcome.result, Err(Failure::Cancelled)), "{outcome:?}");
    let asked = cancelling.join().unwrap_or_else(|_| panic!("the cancelling thread failed"));
    (ended.saturating_duration_since(asked), witness.stop())
}

#[test]
fn calls_that_wait_for_a_server_are_cancelled_and_leave_nothing() {
    let waiting = Arc::new(AtomicUsize::new(0));
    let server = slow(waiting.clone());
    let program = need!("the guest `http_guest`", opened(&server));
    let right = || skills::call(&program, "get", vec![Value::String(format!("{}/now", server.url()))]);
    let expected = Value::Result(Ok(Some(Box::new("now".into()))));
    // Threads and files that are there for good.
    assert_eq!(right().result.ok(), Some(Some(expected.clone())));
    settles("the first call stays", || waiting.load(Ordering::SeqCst) == 0);
    std::thread::sleep(Duration::from_millis(50));
    let before = (child::threads(), child::descriptors());
    let mut luck = Luck::of(SEED);
    for round in 0..CALLS * needs::scale() {
        let path = luck.pick::<&str>(&["/head", "/body"]);
        let after = Duration::from_millis(luck.below(8) as u64);
        let (late, stalled) = cancelled(&program, format!("{}{path}", server.url()), &waiting, after);
        assert!(
            late <= SOON + stalled,
            "seed {SEED:#x}, round {round}: {late:?} late; the machine stalled {stalled:?}"
        );
        settles("the connection of a cancelled call stays", || waiting.load(Ordering::SeqCst) == 0);
        assert_eq!(right().result.ok(), Some(Some(expected.clone())), "seed {SEED:#x}, round {round}");
    }
    settles("threads or files are left behind", || {
        let (threads, descriptors) = (child::threads(), child::descriptors());
        threads <= before.0 + 2 && descriptors <= before.1 + 2
    });
}
