//! A process that is killed while it writes.

use super::*;
use crate::bindings::wasi::keyvalue::batch::Host as _;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells the child where to write.
const FOLDER: &str = "VOX_TEST_KV_FOLDER";

/// The half that is killed: writes pairs of keys and says so once each pair is acknowledged.
#[test]
#[ignore = "the other test of this file runs it as a process of its own"]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let home = Home::new(PathBuf::from(folder));
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    let first = call.get(bucket, "last").unwrap().map_or(0, |last| number(&last) + 1);
    for n in first.. {
        let value = n.to_string().into_bytes();
        // One batch: both or neither. The filling makes pages split and merge.
        let filling = vec![b'f'; (n as usize * 37) % 3000];
        let entries =
            vec![("last".to_owned(), value.clone()), (format!("f{}", n % 50), filling), ("twin".to_owned(), value)];
        told(call.kv().set_many(borrowed(bucket), entries)).unwrap();
        // Straight to the descriptor and whole: the line must not wait in a buffer of ours, nor come in two pieces with
        // the kill between them.
        std::io::stderr().write_all(format!("acknowledged {n}\n").as_bytes()).unwrap();
    }
}

fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let (folder, home) = home();
    let mut written = 0;
    for round in 0..12u64 {
        let name = concat!(module_path!(), "::child_that_writes_until_it_is_killed");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", name.split_once("::").unwrap().1, "--nocapture"])
            .env(FOLDER, folder.path().join("kv"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        // Killed at another point of the loop each time.
        std::thread::sleep(Duration::from_micros(3000 + 7919 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = lines.map_while(Result::ok).last().unwrap_or(first);
        let acknowledged = number(acknowledged.strip_prefix("acknowledged ").unwrap().as_bytes());

        let (mut call, bucket) = Call::opened(&home, 1 << 20);
        let last = number(&call.get(bucket, "last").unwrap().unwrap());
        let twin = number(&call.get(bucket, "twin").unwrap().unwrap());
        assert_eq!(last, twin, "half of a batch was kept");
        // One more than was acknowledged may be there: the child died between the two.
        assert!(last == acknowledged || last == acknowledged + 1, "{last} against {acknowledged}");
        for n in last.saturating_sub(40)..=last {
            let filling = call.get(bucket, &format!("f{}", n % 50)).unwrap().unwrap();
            assert_eq!(filling.len(), (n as usize * 37) % 3000);
        }
        written = last;
    }
    assert!(written > 12, "{written}");
    assert_eq!(std::fs::read_dir(folder.path().join("kv")).unwrap().count(), 1);
}
