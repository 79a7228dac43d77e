//! A9: one canary for each way in which a secret is added. After everything that a hostile skill and a hostile server
//! do together, the canary is nowhere but where it was put.

use crate::echoes::{self, PLACES, forms};
use crate::servers::{Server, answer, heard};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use vox_tests::program::{Place, Ran};
use vox_tests::{need, needs};

/// Each with the way it is added, and what the server has to have seen.
struct Kind {
    name: &'static str,
    value: &'static str,
    how: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind { name: "bearer", value: "canary/b9+Qz~7Kk0w\"Yx5-tail", how: "header=Authorization:Bearer {}" },
    Kind { name: "login", value: "canary/l4+Wv~2Jj8e\"Zu1-tail", how: "basic=robot" },
    Kind { name: "key", value: "canary/k6+Rt~3Hh9a\"Vo2-tail", how: "query=key" },
];

/// Requests of one call: the limit is 32, and refused ones count.
const AT_ONCE: usize = 30;

/// An account that is nobody's.
const NOBODY: u32 = 65534;

impl Kind {
    /// What stands on the wire, as the server has to see it.
    fn wire(&self) -> String {
        match self.name {
            "login" => echoes::base64(format!("robot:{}", self.value).as_bytes()),
            "key" => "key=canary%2Fk6%2BRt%7E3Hh9a%22Vo2-tail".to_owned(),
            _ => self.value.to_owned(),
        }
    }

    /// Every form in which it must not turn up: of the secret, of the most of it, and of what stands on the wire.
    fn forms(&self) -> Vec<(String, String)> {
        let most = self.value.split_at(self.value.len() - 8).0;
        let all = [self.value, most, self.wire().trim_start_matches("key=")].map(forms);
        all.into_iter().flatten().collect()
    }

    fn check(&self, bytes: &[u8], what: &str) {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        for (form, needle) in self.forms() {
            assert!(!text.contains(&needle.to_lowercase()), "{what} holds {} as {form}: {text}", self.name);
        }
    }
}

/// Places with the secrets in their store.
fn place() -> Result<Place, String> {
    let place = Place::with_guests(&["http_guest"])?;
    fs::create_dir(place.work().join("out")).map_err(|error| error.to_string())?;
    for kind in &KINDS {
        let set = place.feed(&["secret", "set", kind.name], kind.value.as_bytes());
        assert_eq!(set.code, Some(0), "{set:?}");
        kind.check(format!("{set:?}").as_bytes(), "`secret set`");
    }
    Ok(place)
}

/// All files below a folder, but for the secrets themselves.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let path = entry.path();
        match path.is_dir() {
            true if path.ends_with("state/secrets") => {}
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Nothing that was written anywhere holds a canary.
fn check_files(place: &Place) {
    let mut found = Vec::new();
    files(&place.home(), &mut found);
    files(&place.work(), &mut found);
    let names: String = found.iter().map(|path| path.display().to_string() + "\n").collect();
    for part in ["state/audit/", "state/changes/", "cache/"] {
        assert!(names.contains(part), "nothing was kept below {part}: {names}");
    }
    for path in found {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        KINDS.iter().for_each(|kind| kind.check(&bytes, &path.display().to_string()));
    }
}

/// Every place of an answer with every form, what came over the wire among them.
fn urls(origin: &str) -> Vec<String> {
    let names = forms("x").into_iter().map(|(name, _)| name).chain(["head".to_owned(), "head64".to_owned()]);
    let names: Vec<_> = names.collect();
    PLACES.iter().flat_map(|place| names.iter().map(move |form| format!("{origin}/{place}/{form}"))).collect()
}

fn shout(place: &Place, urls: &[String], panics: bool, more: &[&str]) -> Ran {
    place.put("arguments.json", serde_json::json!({ "urls": urls, "panics": panics }).to_string());
    let words = ["call", "http_guest.wasm", "shout", "--json", "@arguments.json", "--allow-write", "out"];
    place.run(&[&words[..], more].concat())
}

#[test]
fn no_canary_is_anywhere_after_a_server_echoed_it() {
    let place = need!("the guest `http_guest`", place());
    for kind in &KINDS {
        let (server, heads) = echoes::server(kind.value);
        let origin = server.url();
        let binding = format!("{}={origin};{}", kind.name, kind.how);
        let grants = ["--allow-http", &origin, "--secret", &binding];
        for (round, some) in urls(&origin).chunks(AT_ONCE).enumerate() {
            let (panics, format) = (round % 2 == 0, ["text", "json", "wave"][round % 3]);
            let ran = shout(&place, some, panics, &[&grants[..], &["--format", format]].concat());
            assert!(matches!(ran.code, Some(1 | 3 | 5)), "{ran:?}");
            kind.check(ran.stdout.as_bytes(), "standard output");
            kind.check(ran.stderr.as_bytes(), "standard error");
            // The answers that hold nothing arrive.
            assert!(ran.stdout.contains("200") || ran.stderr.contains("200"), "{ran:?}");
        }
        let seen = heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(seen.matches(&kind.wire()).count() >= urls(&origin).len(), "it was not sent: {seen}");
    }
    told(&place);
    check_files(&place);
}

/// Nothing that vox tells about all this holds one.
fn told(place: &Place) {
    for words in [
        &["audit", "--format", "json"][..],
        &["audit"],
        &["secret", "list", "--format", "json"],
        &["changes"],
        &["diff"],
        &["grants"],
    ] {
        let ran = place.run(words);
        KINDS.iter().for_each(|kind| kind.check(format!("{ran:?}").as_bytes(), &format!("{words:?}")));
    }
    let audit = place.expect(0, &["audit", "--verdict", "denied"]).stdout;
    for kind in &KINDS {
        assert!(audit.contains(&format!("the answer held the secret `{}` and was cut", kind.name)), "{audit}");
    }
}

/// Hosts that cannot be reached, that speak no TLS, that say nothing.
#[test]
fn no_canary_is_anywhere_after_requests_failed() {
    let place = need!("the guest `http_guest`", place());
    // The port is held here, so that nobody listens on it at another address of this machine.
    let held = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
    let gone = held.local_addr().map(|address| format!("127.0.0.77:{}", address.port()));
    let gone = gone.unwrap_or_else(|error| panic!("{error}"));
    // Whatever comes is read once: the greeting of TLS has no end that a server of HTTP would wait for.
    let once = |reply: &'static str| {
        Server::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(reply.as_bytes());
        })
    };
    let silent = once("");
    for kind in &KINDS {
        let nonsense = once(kind.value);
        let origins = [
            format!("http://{gone}"),
            format!("https://{gone}"),
            format!("https://{}", nonsense.address),
            silent.url(),
            format!("https://{}", silent.address),
        ];
        let mut grants = Vec::new();
        for origin in &origins {
            grants.extend(["--allow-http".to_owned(), origin.clone()]);
            grants.extend(["--secret".to_owned(), format!("{}={origin};{}", kind.name, kind.how)]);
        }
        let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
        let urls: Vec<_> = origins.iter().map(|origin| format!("{origin}/body/raw")).collect();
        for panics in [false, true] {
            let ran = shout(&place, &urls, panics, &grants);
            assert!(matches!(ran.code, Some(1 | 3 | 5)), "{ran:?}");
            kind.check(format!("{ran:?}").as_bytes(), "a failure");
            assert!(ran.stderr.contains("the host did not take the connection"), "{}", ran.stderr);
        }
    }
    check_files(&place);
}

/// Makes a file, or a folder and what is in it, somebody's.
fn give(path: &Path, to: u32) {
    chown(path, Some(to), Some(to)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap_or_else(|error| panic!("{error}")).flatten() {
            give(&entry.path(), to);
        }
    }
}

/// While a secret is in use: not on the command line, not in the environment; the process can neither be looked into
/// nor dumped by anybody but root, and leaves no core behind when it is killed.
#[test]
fn a_process_that_holds_a_secret_gives_nothing_away() {
    let mut place = need!("the guest `http_guest`", place());
    let (came, here) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let (came, wait) = (Mutex::new(came), Mutex::new(wait));
    let server = Server::start(move |mut stream| {
        let head = heard(&mut stream);
        let _ = came.lock().unwrap_or_else(PoisonError::into_inner).send(head);
        let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(Duration::from_secs(60));
        answer(stream, "done");
    });
    let kind = &KINDS[0];
    let (origin, binding) = (server.url(), format!("{}={};{}", kind.name, server.url(), kind.how));
    let words = ["call", "http_guest.wasm", "get", &origin, "--allow-http", &origin, "--secret", &binding];
    let root = rustix::process::geteuid().is_root();
    if root {
        // Root sees everything of everybody: what another process of the same account sees has to be asked as one.
        place.bring_program().unwrap_or_else(|error| panic!("{error}"));
        give(place.home().parent().unwrap_or(Path::new("/nowhere")), NOBODY);
    }
    for kill in [false, true].repeat(needs::scale().min(3) as usize) {
        let mut command = place.vox(&[&words[..], &["--limit-time", "60s"]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let proc = PathBuf::from(format!("/proc/{}", child.id()));
        let head = here.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
        assert!(head.contains(kind.value), "{head}");
        for file in ["cmdline", "environ"] {
            kind.check(&fs::read(proc.join(file)).unwrap_or_default(), file);
        }
        let limits = fs::read_to_string(proc.join("limits")).unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{limits}");
        // The files of a process that may not be looked into belong to root (`man 5 proc`, `/proc/PID`).
        let owner = fs::metadata(proc.join("environ")).map(|about| about.uid());
        assert_eq!(owner.ok(), Some(0), "another process of the same user may look into it");
        if kill {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::ABORT)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        let _ = go.send(());
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(output.status.success(), !kill, "{output:?}");
        assert!(!output.status.core_dumped(), "{output:?}");
        kind.check(format!("{output:?}").as_bytes(), "the output");
    }
    let names: Vec<_> =
        fs::read_dir(place.work()).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("core")), "{names:?}");
}
