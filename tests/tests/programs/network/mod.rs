//! The way of programs to the network: the grants of the skill by the proxy of vox, and no other way.

mod attacks;
mod ends;
mod programs;
mod secrets;

use crate::authority::{Authority, NOW};
use crate::servers::{Server, answer, heard};
use crate::work::Bench;
use std::fs;
use std::path::{Path, PathBuf};
use vox_tests::program::Ran;

/// What a program printed.
struct Printed {
    out: String,
    err: String,
}

/// Runs a program of the container; whether it went well is for its output to say.
fn run(bench: &Bench, words: &[&str], grants: &[&str]) -> Printed {
    let arguments = serde_json::json!(words[1..]).to_string();
    let ran: Ran = bench.call(0, &["run", words[0], &arguments, "none", "none"], grants);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Printed { out: text("stdout"), err: text("stderr") }
}

/// A server in plain text and one with TLS, on addresses of this machine, which answer with what was asked of them.
struct Servers {
    plain: Server,
    secure: Server,
}

impl Servers {
    /// Both; the bench gets the file `own.pem`, to be named with `--http-ca`.
    fn start(bench: &Bench) -> Self {
        let authority = Authority::new();
        bench.place.put("own.pem", authority.pem());
        let line = |head: &str| head.lines().next().unwrap_or_default().to_owned();
        let plain = Server::start(move |mut stream| {
            let head = heard(&mut stream);
            answer(stream, &format!("plain {}\n", line(&head)));
        });
        let secure = authority.serving("127.0.0.1", NOW, move |head, stream| {
            if !head.is_empty() {
                answer(stream, &format!("secure {}\n", line(head)));
            }
        });
        Self { plain, secure }
    }

    fn secure_url(&self) -> String {
        format!("https://{}", self.secure.address)
    }

    /// The flags that give programs both of them.
    fn grants(&self) -> Vec<String> {
        let both = ["--allow-http".to_owned(), self.plain.url(), "--allow-http".to_owned(), self.secure_url()];
        both.into_iter().chain(["--http-ca", "own.pem", "--allow-subprocess"].map(str::to_owned)).collect()
    }
}

fn borrowed(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

/// What a server of files answers to the header of a request.
fn file(root: &Path, head: &str) -> Option<Vec<u8>> {
    let path = head.split(' ').nth(1)?.split('?').next()?.trim_start_matches('/');
    let path: PathBuf = root.join(path);
    let inside = !path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    fs::read(path).ok().filter(|_| inside)
}
