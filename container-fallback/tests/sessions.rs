//! Sessions on real engines: commands, their ends, folders, and what is left afterwards.
mod common;

use common::{Staged, containers, eventually, proven, proven_with, says, session, session_with, sh, shell, state};
use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use vox_container::{
    Access, Cancel, ChangeKind, Command, Enforcement, EngineKind, Folder, Pool, Profile, RunError, Status, Stream,
    changes,
};
use vox_model::Limit;

on_both_engines!(
    commands_run_and_end,
    input_output_and_streams,
    time_cpu_and_cancellation_end_a_command_and_not_the_session,
    nothing_of_a_command_outlives_it,
    processes_with_pipes,
    folders_are_seen_and_writes_are_staged,
    links_and_odd_names_of_the_host,
    nothing_is_left_after_the_end,
    a_pool_serves_warm_sessions,
    a_warm_command_is_twenty_times_faster_than_a_container,
);

fn commands_run_and_end(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    assert_eq!(says(&session, "echo hi; id -u"), "hi\n65534");
    assert_eq!(
        says(&session, "git --version | cut -c1-11; python3 -c 'print(1+1)'; node -p 2+2; echo '[3]' | jq .[0]"),
        "git version\n2\n4\n3"
    );
    let finished = sh(&session, "exit 7").unwrap();
    assert_eq!((finished.status, finished.enforcement), (Status::Exited(7), Enforcement::Cgroups));
    assert_eq!(sh(&session, "kill -TERM $$").unwrap().status, Status::Signalled(15));
    let run = |command: &Command| session.run(command, &Cancel::new().unwrap());
    assert!(matches!(run(&Command::new("no-such-program", ["x"])), Err(RunError::NotFound(_))));
    assert!(matches!(run(&Command::new("/no/such", ["x"])), Err(RunError::NotFound(_))));
    assert!(matches!(run(&Command::new("/etc/passwd", ["x"])), Err(RunError::NotRunnable { .. })));
    let mut elsewhere = Command::new("pwd", [""; 0]);
    elsewhere.folder = "/usr/lib".to_owned();
    assert_eq!(run(&elsewhere).unwrap().stdout, b"/usr/lib\n");
    elsewhere.folder = "/no".to_owned();
    assert!(matches!(run(&elsewhere), Err(RunError::WorkingFolder { .. })));
    let mut bare = Command::new("env", [""; 0]);
    bare.environment = vec![("ONLY".to_owned(), "this=1".to_owned())];
    assert_eq!(String::from_utf8(run(&bare).unwrap().stdout).unwrap(), "ONLY=this=1\n");
}

fn input_output_and_streams(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    let cancel = Cancel::new().unwrap();
    let mut cat = Command::new("cat", [""; 0]);
    cat.input = (0..3_000_000_u32).map(|n| n as u8).collect();
    cat.output = 4 << 20;
    let finished = session.run(&cat, &cancel).unwrap();
    assert!(finished.stdout == cat.input && finished.stdout_lost == 0, "3 MB go through and come back");
    cat.output = 1000;
    let finished = session.run(&cat, &cancel).unwrap();
    assert_eq!((finished.stdout.len(), finished.stdout_lost), (1000, 2_999_000));
    let mut seen = (Vec::new(), Vec::new());
    let finished = session.run_streamed(&shell("echo out; echo err >&2"), &cancel, &mut |which, piece| match which {
        Stream::Output => seen.0.extend_from_slice(piece),
        Stream::Error => seen.1.extend_from_slice(piece),
    });
    assert_eq!((finished.unwrap().stdout.len(), &seen.0[..], &seen.1[..]), (0, &b"out\n"[..], &b"err\n"[..]));
    // A program that does not read its input, and one that closes its output, end as usual.
    let mut deaf = Command::new("true", [""; 0]);
    deaf.input = vec![0; 1 << 20];
    assert_eq!(session.run(&deaf, &cancel).unwrap().status, Status::Exited(0));
    assert_eq!(sh(&session, "exec >&- 2>&-; sleep 0.1; exit 3").unwrap().status, Status::Exited(3));
}

fn time_cpu_and_cancellation_end_a_command_and_not_the_session(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    let mut slow = shell("sleep 100");
    slow.time = Duration::from_millis(100);
    let start = Instant::now();
    let ended = session.run(&slow, &Cancel::new().unwrap());
    assert!(matches!(ended, Err(RunError::Limit { limit: Limit::Time, .. })), "{ended:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let mut busy = shell("while :; do :; done");
    busy.cpu = Some(Duration::from_millis(500));
    let ended = session.run(&busy, &Cancel::new().unwrap());
    assert!(matches!(ended, Err(RunError::Limit { limit: Limit::Cpu, .. })), "{ended:?}");
    let cancel = Cancel::new().unwrap();
    let other = cancel.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        other.cancel();
    });
    let ended = session.run(&shell("sleep 100"), &cancel);
    assert!(matches!(ended, Err(RunError::Cancelled)), "{ended:?}");
    thread.join().unwrap();
    assert_eq!(says(&session, "echo still here"), "still here");
}

/// Counts programs called `sleep`.
const SLEEPERS: &str = "cat /proc/[0-9]*/comm 2>/dev/null | grep -c sleep || true";

fn nothing_of_a_command_outlives_it(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    let start = Instant::now();
    // The background process holds the output and has left the process group.
    assert_eq!(says(&session, "setsid sleep 100 & sleep 100 & echo started"), "started");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(says(&session, SLEEPERS), "0");
}

fn processes_with_pipes(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    let mut one = session.spawn(&Command::new("cat", [""; 0])).unwrap();
    let mut two = session.spawn(&shell("sleep 100")).unwrap();
    let mut input = fs::File::from(one.stdin.take().unwrap());
    let mut output = fs::File::from(one.stdout.take().unwrap());
    input.write_all(b"ping").unwrap();
    let mut piece = [0; 4];
    output.read_exact(&mut piece).unwrap();
    assert_eq!((&piece, one.wait(Duration::ZERO).unwrap()), (b"ping", None));
    assert_eq!(says(&session, "echo beside"), "beside");
    drop(input);
    assert_eq!(one.wait(Duration::from_secs(10)).unwrap(), Some(Status::Exited(0)));
    two.kill();
    assert_eq!(two.wait(Duration::from_secs(10)).unwrap(), Some(Status::Signalled(9)));
    assert_eq!(says(&session, SLEEPERS), "0");
    drop(session.spawn(&shell("sleep 100")).unwrap());
    eventually("the end of what was dropped", || says(&session, SLEEPERS) == "0");
}

fn folders_are_seen_and_writes_are_staged(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let (staged, read) = (Staged::new(), Staged::new());
    let live = staged.live();
    fs::create_dir_all(live.join("dir/deep")).unwrap();
    for (name, text) in [("keep", "k"), ("gone", "g"), ("edit", "e"), ("dir/a", "a"), ("dir/deep/b", "b")] {
        fs::write(live.join(name), text).unwrap();
    }
    fs::write(read.live().join("seen"), "seen").unwrap();
    let folders =
        vec![staged.folder(), Folder { host: read.live(), guest: "/home/me/docs".to_owned(), access: Access::Read }];
    let session = session_with(&proven, folders);
    assert_eq!(says(&session, "cat /home/me/docs/seen; cat /work/keep"), "seenk");
    assert_ne!(sh(&session, "echo x > /home/me/docs/seen || rm /home/me/docs/seen").unwrap().status, Status::Exited(0));
    says(
        &session,
        "cd /work; rm gone; echo more >> edit; mkdir new; echo n > new/file; chmod 755 keep; ln -s /etc/passwd link
         rm -r dir; mkdir dir; echo fresh > dir/fresh",
    );
    session.end().unwrap();
    let all = changes(&staged.upper()).unwrap();
    let found: Vec<String> =
        all.iter().map(|change| format!("{} {}", change.path.display(), kind_of(&change.kind))).collect();
    assert_eq!(
        found,
        [
            "dir opaque",
            "dir/fresh file",
            "edit file",
            "gone deleted",
            "keep file",
            "link link /etc/passwd",
            "new directory",
            "new/file file"
        ]
    );
    assert_eq!(all.iter().find(|change| change.path.ends_with("keep")).unwrap().mode, 0o755);
    assert_eq!(fs::read_to_string(live.join("edit")).unwrap(), "e", "the live folder is as it was");
    assert!(live.join("gone").exists() && live.join("dir/deep/b").exists() && !live.join("link").exists());
    assert_eq!(fs::read_to_string(staged.upper().join("edit")).unwrap(), "emore\n");
}

fn kind_of(kind: &ChangeKind) -> String {
    match kind {
        ChangeKind::File => "file".to_owned(),
        ChangeKind::Directory { opaque: true } => "opaque".to_owned(),
        ChangeKind::Directory { opaque: false } => "directory".to_owned(),
        ChangeKind::Link(target) => format!("link {}", target.to_string_lossy()),
        ChangeKind::Deleted => "deleted".to_owned(),
        ChangeKind::Special => "special".to_owned(),
    }
}

fn links_and_odd_names_of_the_host(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let base = Staged::new();
    let names = [
        "a:b",
        "a,b",
        "a,dst=b,ro=false",
        "with space",
        "quo\"te",
        "back\\slash",
        "new\nline",
        "--privileged",
        "ä",
        ":O,upperdir=x",
    ];
    let mut folders = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let host = base.live().join(name);
        fs::create_dir(&host).unwrap();
        fs::write(host.join("id"), at.to_string()).unwrap();
        folders.push(Folder { host, guest: format!("/in/{at}"), access: Access::Read });
    }
    let odd = base.live().join(names[2]);
    fs::write(odd.join("old"), "").unwrap();
    let access = Access::Write { upper: base.upper(), work: base.root.path().join("work") };
    folders.push(Folder { host: odd, guest: "/work".to_owned(), access });
    let session = session_with(&proven, folders);
    assert_eq!(says(&session, "for n in 0 1 2 3 4 5 6 7 8 9; do cat /in/$n/id; done"), "0123456789");
    says(&session, "rm /work/old");
    session.end().unwrap();
    let all = changes(&base.upper()).unwrap();
    assert_eq!((all.len(), &all[0].kind), (1, &ChangeKind::Deleted));
}

fn nothing_is_left_after_the_end(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let staged = Staged::new();
    let session = session_with(&proven, vec![staged.folder()]);
    let own = fs::read_dir(state().join("sessions")).unwrap().flatten();
    let own: Vec<_> = own
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("vox-{}-", std::process::id())))
        .collect();
    assert!(own.is_empty(), "the folder of a session goes as soon as it has started: {own:?}");
    assert_eq!(containers(kind, std::process::id()).len(), 1);
    let running = session.spawn(&shell("sleep 100")).unwrap();
    session.end().unwrap();
    assert!(matches!(running.wait_now(), Err(RunError::Over)), "what ran is gone");
    eventually("the end of the container", || containers(kind, std::process::id()).is_empty());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&staged.root.path().display().to_string()), "{mounts}");
}

/// Looks at a process without waiting.
trait Look {
    fn wait_now(self) -> Result<Option<Status>, RunError>;
}

impl Look for vox_container::Process {
    fn wait_now(mut self) -> Result<Option<Status>, RunError> {
        self.wait(Duration::from_secs(5))
    }
}

fn a_pool_serves_warm_sessions(kind: EngineKind) {
    let proven = want!("a container engine", proven_with(kind, Profile::default()));
    let pool = Pool::new(proven, state(), 1);
    pool.fill().unwrap();
    let start = Instant::now();
    let session = pool.take().unwrap();
    let waited = start.elapsed();
    assert_eq!(says(&session, "echo hi"), "hi");
    assert!(waited < Duration::from_millis(50), "{waited:?}");
    assert_eq!(pool.waiting(), 0);
}

/// Quickest of several: a busy machine makes everything slower, never faster.
fn quickest(times: usize, mut what: impl FnMut()) -> Duration {
    let one = |_| {
        let start = Instant::now();
        what();
        start.elapsed()
    };
    (0..times).map(one).min().unwrap()
}

#[allow(clippy::print_stderr, reason = "the figures are the point")]
fn a_warm_command_is_twenty_times_faster_than_a_container(kind: EngineKind) {
    let proven = want!("a container engine", proven(kind));
    let session = session(&proven);
    let command = Command::new("true", [""; 0]);
    let cancel = Cancel::new().unwrap();
    let warm = quickest(100, || assert_eq!(session.run(&command, &cancel).unwrap().status, Status::Exited(0)));
    let cold = quickest(3, || {
        let done = std::process::Command::new(kind.program())
            .args(["run", "--rm", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"])
            .args(["--runtime", proven.runtime(), proven.image().id(), "true"])
            .status();
        assert!(done.unwrap().success());
    });
    eprintln!("{kind}: a warm command takes {warm:?}, a container {cold:?}");
    assert!(warm * 20 < cold, "{kind}: a warm command takes {warm:?}, a container {cold:?}");
}
