//! Sessions as the rest of vox uses them: programs, folders, limits, ends. As root and as an ordinary user.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use common::{Bench, command, everybody, run, said, sh, somebody};
use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use vox_model::Limit;
use vox_model::programs::{MountAccess, ProgramError, Programs as _, SessionSetup, Status, Stop};
use vox_process::Trusted;

#[test]
fn the_tier_is_offered_after_it_was_measured() {
    for who in everybody() {
        let bench = Bench::new(who);
        let offered = bench.tier.offer().unwrap_or_else(|lack| panic!("{who:?}: {}; {}", lack.what, lack.fix));
        assert!(offered.by.contains("Landlock"), "{}", offered.by);
        assert!(offered.weaker.is_some_and(|text| text.contains("the process tier, because this skill is trusted")));
    }
}

#[test]
fn a_launcher_that_is_none_is_not_offered() {
    for program in ["/bin/true", "/bin/cat", "/no/such/program"] {
        let tier = Trusted::new(program.into(), Vec::new());
        let lack = tier.offer().unwrap_err();
        assert!(!lack.what.is_empty() && !lack.fix.is_empty(), "{program}: {lack:?}");
        assert!(tier.told().is_err());
        assert!(matches!(tier.start(&SessionSetup::default()), Err(ProgramError::Unavailable(_))), "{program}");
    }
}

#[test]
fn programs_get_their_input_and_their_output_is_kept() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let input = vec![b'x'; 3 << 20];
        let counted = run(&*session, &vox_model::programs::Command { input, ..command("wc", &["-c"]) });
        assert_eq!(said(&counted).trim(), (3 << 20).to_string(), "{who:?}");
        assert_eq!(said(&run(&*session, &command("cat", &[]))), "", "{who:?}: no input is an empty one");
        assert_eq!(sh(&*session, "exit 3").status, Status::Exited(3));
        assert_eq!(sh(&*session, "kill -TERM $$").status, Status::Signalled(15));
        let flood = vox_model::programs::Command { output: 1000, ..command("head", &["-c", "5000000", "/dev/zero"]) };
        let flood = run(&*session, &flood);
        assert_eq!((flood.stdout.len(), flood.stdout_lost, flood.stderr_lost), (1000, 4_999_000, 0), "{who:?}");
        let environment = vec![("A".to_owned(), "b c".to_owned()), ("LANG".to_owned(), "C".to_owned())];
        let env = run(&*session, &vox_model::programs::Command { environment, ..command("env", &[]) });
        let mut lines: Vec<String> = said(&env).lines().map(str::to_owned).collect();
        lines.sort();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        assert_eq!(lines, ["A=b c", "HOME=/home", "LANG=C", path, "TMPDIR=/tmp"], "{who:?}");
    }
}

#[test]
fn what_cannot_run_says_why() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let tried = |one| session.run(&one, &Stop::default());
        assert!(matches!(tried(command("no-such-program", &[])), Err(ProgramError::NotFound(_))));
        assert!(matches!(tried(command("/etc/passwd", &[])), Err(ProgramError::Invalid(_))));
        let nowhere = vox_model::programs::Command { folder: "/work".to_owned(), ..command("true", &[]) };
        assert!(matches!(tried(nowhere), Err(ProgramError::Invalid(text)) if text.contains("working folder")));
        assert_eq!(said(&sh(&*session, "echo on")), "on\n", "the session goes on");
    }
}

#[test]
fn time_processor_time_and_a_stop_end_programs() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let sleep = vox_model::programs::Command { time: Duration::from_millis(200), ..command("sleep", &["600"]) };
        let late = session.run(&sleep, &Stop::default());
        assert!(matches!(late, Err(ProgramError::Limit { limit: Limit::Time, .. })), "{who:?}: {late:?}");
        let busy = command("sh", &["-c", "while :; do :; done"]);
        let busy = session.run(&vox_model::programs::Command { cpu: Duration::from_secs(1), ..busy }, &Stop::default());
        assert!(matches!(busy, Err(ProgramError::Limit { limit: Limit::Cpu, .. })), "{who:?}: {busy:?}");
        let stop = Stop::default();
        let later = stop.clone();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            later.stop();
        });
        let started = Instant::now();
        let stopped = session.run(&command("sleep", &["600"]), &stop);
        assert_eq!(stopped, Err(ProgramError::Stopped), "{who:?}");
        assert!(started.elapsed() < Duration::from_secs(30));
        stopper.join().unwrap();
        assert_eq!(session.run(&command("true", &[]), &stop), Err(ProgramError::Stopped), "stopped for good");
        assert_eq!(said(&sh(&*session, "echo on")), "on\n", "{who:?}: the session goes on");
    }
}

#[test]
fn folders_are_staged_read_or_written_at_once() {
    for who in everybody() {
        let bench = Bench::new(who);
        let [staged, read, direct] = ["staged", "read:,\\ ", "direct"].map(|name| bench.folder(name));
        for folder in [&staged, &read, &direct] {
            bench.file(&folder.join("a"), "before");
            fs::create_dir(folder.join("sub")).unwrap();
            bench.give(&folder.join("sub"));
            bench.file(&folder.join("sub/b"), "b");
        }
        let (mount, upper) = bench.staged(&staged, "/work/staged");
        bench.file(&upper.join("early"), "there before the session");
        let read_only = bench.mount(&read, "/srv/read", MountAccess::Read);
        let session = bench.start(vec![mount, read_only, bench.mount(&direct, "/direct", MountAccess::Direct)]);
        let script = "cat /work/staged/early; cd /work/staged && echo after > a && rm -r sub && mkdir sub && echo c > sub/c \
                      && mv a moved && cat moved && ls";
        assert_eq!(said(&sh(&*session, script)), "there before the sessionafter\nearly\nmoved\nsub\n", "{who:?}");
        let script = "cd /srv/read; cat a sub/b; echo x > a || rm a || mkdir new || touch sub/new || echo held";
        assert!(said(&sh(&*session, script)).ends_with("beforebheld\n"), "{who:?}");
        said(&sh(&*session, "echo at once > /direct/a"));
        session.end().unwrap();
        assert_eq!(fs::read_to_string(staged.join("a")).unwrap(), "before", "{who:?}: nothing reaches the folder");
        assert!(staged.join("sub/b").exists() && !staged.join("moved").exists(), "{who:?}");
        assert_eq!(fs::read_to_string(upper.join("moved")).unwrap(), "after\n", "{who:?}: it is in the layer");
        assert_eq!(fs::read_to_string(read.join("a")).unwrap(), "before", "{who:?}");
        assert_eq!(fs::read_to_string(direct.join("a")).unwrap(), "at once\n", "{who:?}");
    }
}

#[test]
fn places_of_the_system_and_detours_are_refused() {
    let Some(who) = somebody() else { return };
    let bench = Bench::new(who);
    let folder = bench.folder("docs");
    for guest in ["/usr/local", "/etc", "/proc/1", "/", "work", "/work/../etc", "/.vox"] {
        let refused = bench.try_start(vec![bench.mount(&folder, guest, MountAccess::Read)]).err();
        assert!(
            matches!(&refused, Some(ProgramError::Unavailable(text)) if text.contains("grant")),
            "{guest}: {refused:?}"
        );
    }
    let gone = bench.root.path().join("gone");
    assert!(bench.try_start(vec![bench.mount(&gone, "/work", MountAccess::Read)]).is_err());
    // A folder in a folder, by a link that somebody put there: not followed.
    std::os::unix::fs::symlink("/", folder.join("link")).unwrap();
    let inner = bench.folder("inner");
    let nested = |name: &str| {
        let outer = bench.mount(&folder, "/work", MountAccess::Direct);
        bench.try_start(vec![bench.mount(&inner, name, MountAccess::Direct), outer])
    };
    assert!(nested("/work/link/usr").is_err());
    assert!(nested("/work/none").is_err() && !folder.join("none").exists(), "nothing is made in a granted folder");
    fs::create_dir(folder.join("there")).unwrap();
    let session = nested("/work/there").unwrap_or_else(|error| panic!("{error}"));
    said(&sh(&*session, "echo x > /work/there/file"));
    assert!(inner.join("file").exists());
}

#[test]
fn accelerators_are_not_attached() {
    let Some(who) = somebody() else { return };
    let bench = Bench::new(who);
    let setup = SessionSetup { devices: vec!["nvidia.com/gpu=0".to_owned()], ..SessionSetup::default() };
    let refused = bench.tier.start(&setup).err();
    assert!(matches!(refused, Some(ProgramError::Unavailable(text)) if text.contains("--trust")));
    assert_eq!(bench.tier.devices(), Ok(Vec::new()));
}

#[test]
fn programs_run_beside_each_other_with_pipes() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let mut spawned = session.spawn(&command("cat", &[])).unwrap();
        let mut other = session.spawn(&command("sleep", &["600"])).unwrap();
        assert_eq!(spawned.running.wait(Duration::ZERO), Ok(None));
        fs::File::from(spawned.stdin).write_all(b"hello").unwrap();
        let mut text = String::new();
        fs::File::from(spawned.stdout).read_to_string(&mut text).unwrap();
        assert_eq!(
            (text.as_str(), spawned.running.wait(Duration::from_secs(30))),
            ("hello", Ok(Some(Status::Exited(0))))
        );
        assert_eq!(said(&sh(&*session, "echo beside")), "beside\n");
        other.running.kill();
        assert_eq!(other.running.wait(Duration::from_secs(30)), Ok(Some(Status::Signalled(9))), "{who:?}");
        let mut none = session.spawn(&command("no-such-program", &[])).unwrap();
        assert!(matches!(none.running.wait(Duration::from_secs(30)), Err(ProgramError::NotFound(_))));
        drop(session.spawn(&command("sleep", &["600"])).unwrap());
        let started = Instant::now();
        session.end().unwrap();
        assert!(started.elapsed() < Duration::from_secs(20), "{who:?}");
        assert!(matches!(session.run(&command("true", &[]), &Stop::default()), Err(ProgramError::Unavailable(_))));
    }
}

#[test]
fn the_end_of_a_session_ends_everything_and_leaves_no_mount() {
    for who in everybody() {
        let bench = Bench::new(who);
        let docs = bench.folder("docs");
        let (mount, _) = bench.staged(&docs, "/work");
        let session = bench.start(vec![mount]);
        let mut one = session.spawn(&command("sleep", &["600.75"])).unwrap();
        assert_eq!(one.running.wait(Duration::from_millis(50)), Ok(None));
        assert!(running("600.75"), "{who:?}: it is seen from outside");
        session.end().unwrap();
        assert!(!running("600.75"), "{who:?}");
        assert!(one.running.wait(Duration::from_secs(10)).is_err(), "{who:?}: nobody knows how it ended");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains("/proc/self/fd/"), "{mounts}");
    }
}

#[test]
fn a_launcher_that_is_killed_takes_everything_along() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let marker = format!("600.{}", std::process::id());
        let mut one = session.spawn(&command("sleep", &[&marker])).unwrap();
        assert_eq!(one.running.wait(Duration::from_millis(50)), Ok(None));
        let sleeping = numbers().into_iter().find(|pid| has(*pid, &marker)).unwrap();
        let launcher = parent(parent(sleeping));
        assert!(has(launcher, "outer"), "{who:?}");
        let pid = rustix::process::Pid::from_raw(launcher).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while running(&marker) {
            assert!(Instant::now() < until, "{who:?}: a program outlives its launcher");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(one.running.wait(Duration::from_secs(10)).is_err(), "{who:?}");
        assert!(session.run(&command("true", &[]), &Stop::default()).is_err(), "{who:?}: the session is over");
    }
}

/// The numbers of all processes.
fn numbers() -> Vec<i32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a process has a word among its arguments.
fn has(pid: i32, word: &str) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).split('\0').any(|one| one == word)
}

/// The parent of a process: the second field behind its name (proc_pid_stat(5)).
fn parent(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether a process of this machine has a text in its arguments.
fn running(text: &str) -> bool {
    numbers().into_iter().any(|pid| has(pid, text))
}
