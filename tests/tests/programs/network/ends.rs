//! Grants that are taken back, too many connections, and ends in the middle.

use super::run;
use crate::limits::gone;
use crate::servers::{Server, answer, heard};
use crate::work::{Bench, ENGINES};
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vox_tests::need;
use vox_tests::wait::settles;

#[test]
fn a_grant_that_is_taken_back_ends_the_way_out() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let server = Server::start(|mut stream| {
            heard(&mut stream);
            answer(stream, "still here\n");
        });
        let url = server.url();
        bench.run(0, &["grant", "programs.wasm", "--allow-subprocess", "--allow-http", &url, "--yes"]);
        let script = format!("for i in $(seq 25); do curl -sS {url}/; sleep 0.5; done");
        let arguments = serde_json::json!(["-c", script]).to_string();
        let words = ["call", "programs.wasm", "run", "sh", &arguments, "none", "none", "--limit-time", "120s"];
        let mut command = bench.vox(&words);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{error}"));
        settles("nobody came", || server.accepted() > 0);
        bench.run(0, &["revoke", "--all"]);
        let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        let text = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert!(text.contains("still here\\n"), "{engine}: {text}");
        assert!(text.contains("vox: the grant was taken back\\n"), "{engine}: {text}");
        let came = server.accepted();
        assert!((1..25).contains(&came), "{engine}: {came}");
    }
}

/// Holds as many connections as it is told, each with the beginning of a request, and prints how many of them were kept
/// waiting and how many were turned away.
const MANY: &str = r#"
import select, socket, sys, time
held = []
for _ in range(int(sys.argv[1])):
    s = socket.create_connection(('127.0.0.1', 3128)); held.append(s)
    try: s.sendall(b'GET http')
    except OSError: pass
time.sleep(2)
told = select.select(held, [], [], 0)[0]
full = sum(b' 503 ' in s.recv(4096) for s in told)
print(len(held) - len(told), full)
"#;

#[test]
fn connections_have_a_number() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let grants = ["--allow-subprocess", "--allow-http", "http://127.0.0.1:1"];
        let printed = run(&bench, &["python3", "-c", MANY, "70"], &grants);
        assert_eq!(printed.out, "64 6\n", "{engine}: {}", printed.err);
    }
}

#[test]
fn a_vox_that_is_killed_leaves_no_connection() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        // The measurement comes first, so that the kill hits what it is meant to.
        bench.call(0, &["run", "true", "[]", "none", "none"], &["--allow-subprocess"]);
        let held = Arc::new(AtomicUsize::new(0));
        let holding = held.clone();
        let server = Server::start(move |mut stream| {
            heard(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx");
            let _ = stream.set_read_timeout(None);
            holding.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1]);
            holding.fetch_sub(1, Ordering::SeqCst);
        });
        let arguments = serde_json::json!(["-sS", server.url()]).to_string();
        let words = ["call", "programs.wasm", "run", "curl", &arguments, "none", "none", "--limit-time", "120s"];
        let mut command = bench.vox(&[&words[..], &["--allow-subprocess", "--allow-http", &server.url()]].concat());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{error}"));
        settles("nobody came", || held.load(Ordering::SeqCst) == 1);
        child.kill().and_then(|()| child.wait()).unwrap_or_else(|error| panic!("{error}"));
        settles("the connection stayed", || held.load(Ordering::SeqCst) == 0);
        gone(&bench, engine, child.id());
    }
}
