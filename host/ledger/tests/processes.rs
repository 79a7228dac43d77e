//! What several processes do to one ledger, and what is left when they are killed.
//!
//! The children are this program itself: the test `child` does what `VOX_LEDGER_CHILD` says, and says each step on its
//! standard output in a line that begins with `@`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "the children report so, and a skip has to be seen")]

#[allow(dead_code, reason = "the unit tests use the rest of it")]
mod toy;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use toy::{Toy, allow, http, skill};
use vox_ledger::{
    Audit, Bounds, CallAbout, EntryId, Event, Filter, Grants, NewGrant, Revoke, Secrets, Standing, Terms, Use, Watch,
};
use vox_model::{Capability, Digest, Effect, Lease as _, Recorder as _, Tier, Verdict};

const ROLE: &str = "VOX_LEDGER_CHILD";

/// The bounds of the tests with eight writers: large enough for all of it, small enough to rotate.
const BOUNDS: Bounds = Bounds { files: 8, bytes: 256 << 10 };

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("@{text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "the children of the other tests"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let root = Path::new(words[1]);
    let grants: Grants<Toy> = Grants::new(root);
    match words[0] {
        "churn" => churn(&grants, words[2]),
        "add" => (0..25).for_each(|n| add(&grants, &format!("{}-{n}", words[2]))),
        "step" => {
            add(&grants, "new");
            say("added");
            grants.revoke(&Revoke::Skill("old".to_owned())).unwrap();
            say("revoked");
        }
        "count" => count(&grants),
        "revoke" => {
            std::thread::sleep(Duration::from_millis(60));
            grants.revoke(&Revoke::Id(words[2].parse().unwrap())).unwrap();
            say("revoked");
        }
        "audit" => audit(&Audit::new(root, BOUNDS), words[2], 500),
        "audit-small" => audit(&Audit::new(root, Bounds { files: 2, bytes: 32 << 10 }), words[2], 500),
        // One call after the other: a single one stops adding.
        "audit-endless" => loop {
            audit(&Audit::new(root, Bounds { files: 2, bytes: 32 << 10 }), words[2], 500);
        },
        "secret" => loop {
            for text in ["a", "b"] {
                Secrets::new(root).set("s", text.repeat(4000).as_bytes()).unwrap();
            }
        },
        other => panic!("no role {other}"),
    }
}

fn add(grants: &Grants<Toy>, package: &str) {
    grants.add(allow(&skill(package, 1, 1), http(&["x"]))).unwrap();
}

/// Adds and takes back for ever, telling before and after each step.
fn churn(grants: &Grants<Toy>, round: &str) {
    for n in 0.. {
        let package = format!("r{round}-{n}");
        say(&format!("adding {package}"));
        add(grants, &package);
        say(&format!("added {package}"));
        if n % 4 > 0 {
            let package = format!("r{round}-{}", n - 1);
            say(&format!("revoking {package}"));
            grants.revoke(&Revoke::Skill(package.clone())).unwrap();
            say(&format!("revoked {package}"));
        }
    }
}

fn count(grants: &Grants<Toy>) {
    let mut counted = 0;
    loop {
        let answer = grants.look_up(&skill("a", 1, 1)).unwrap();
        match answer.standing {
            Standing::Granted(_) => {}
            Standing::Nothing | Standing::Widened { .. } => break say(&counted.to_string()),
        }
        match grants.note_use(&answer).unwrap() {
            Use::Counted => counted += 1,
            Use::Gone(_) => {}
        }
    }
}

fn audit(audit: &Audit, name: &str, effects: usize) {
    let call = audit.call(CallAbout {
        call: format!("call-{name}"),
        skill: format!("skill-{name}"),
        digest: Digest([1; 32]),
        function: "run".to_owned(),
        tier: Tier::Wasm,
        caller: "test".to_owned(),
    });
    for n in 0..effects {
        call.record(Effect {
            capability: Capability::Kv,
            action: "get".to_owned(),
            target: format!("{n}"),
            // Of one kind only 256 are taken down singly.
            verdict: [Verdict::Allowed, Verdict::Denied, Verdict::Failed][n % 3],
            rule: "kv".to_owned(),
            received: n as u64,
            sent: 0,
        });
    }
    call.end(Verdict::Allowed, "ok");
    assert!(audit.trouble().is_none());
}

fn command(program: &Path, role: &str) -> Command {
    let mut command = Command::new(program);
    command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

const ARGUMENTS: [&str; 5] = ["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"];

fn start(role: &str) -> Child {
    command(&std::env::current_exe().unwrap(), role).args(ARGUMENTS).spawn().unwrap()
}

/// What a child says until it ends. The test harness writes its own words before the first.
fn said(child: &mut Child) -> Vec<String> {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    text.lines().filter_map(|line| Some(line.split_once('@')?.1.to_owned())).collect()
}

fn finish(mut child: Child) -> Vec<String> {
    let said = said(&mut child);
    assert!(child.wait().unwrap().success());
    said
}

/// Kills a child after up to 60 ms, which is at some moment of its work.
fn kill_soon(child: &mut Child, dice: &mut u64) {
    // Knuth's generator: repeatable from the seed, which is all that is asked here.
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    std::thread::sleep(Duration::from_micros((*dice >> 33) % 60_000));
    child.kill().unwrap();
}

fn root() -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("state").to_str().unwrap().to_owned();
    (home, root)
}

fn drafts(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".new")).collect()
}

#[test]
fn the_grants_survive_being_killed_at_random_moments() {
    let kills: u32 = std::env::var("VOX_LEDGER_KILLS").map_or(100, |kills| kills.parse().unwrap());
    let (_home, root) = root();
    let grants: Grants<Toy> = Grants::new(Path::new(&root));
    let mut dice = 42;
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..kills {
        let mut child = start(&format!("churn {root} {round}"));
        kill_soon(&mut child, &mut dice);
        for line in said(&mut child) {
            let (step, package) = line.split_once(' ').unwrap();
            last.insert(package.to_owned(), step.to_owned());
        }
        child.wait().unwrap();
        let there: Vec<String> = grants.list().unwrap().into_iter().map(|entry| entry.package).collect();
        for (package, step) in &last {
            match step.as_str() {
                "added" => assert!(there.contains(package), "round {round}: {package} was added and is gone"),
                "revoked" => assert!(!there.contains(package), "round {round}: {package} was revoked and is back"),
                _ => {}
            }
        }
        assert!(there.iter().all(|package| last.contains_key(package)));
        // What was under way when the child died is settled now, one way or the other, for good.
        for (package, step) in last.iter_mut().filter(|(_, step)| step.ends_with("ing")) {
            *step = if there.contains(package) { "added" } else { "revoked" }.to_owned();
        }
    }
    let steps = |wanted| last.values().filter(|step| *step == wanted).count();
    println!("{kills} kills, {} there, {} taken back", steps("added"), steps("revoked"));
    assert!(steps("added") > 5 && steps("revoked") > 20, "the children were killed before they did anything");
    assert!(grants.damaged().unwrap().is_empty());
    add(&grants, "one-more");
    assert_eq!(drafts(Path::new(&root)), [""; 0]);
}

/// Kills the child as it enters each of the system calls that matter, one after another.
#[test]
fn the_grants_survive_being_killed_at_every_system_call() {
    if !Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no strace here");
        return;
    }
    let mut killed = 0;
    for call in ["openat", "flock", "write", "fsync", "renameat", "unlinkat", "mkdir"] {
        for nth in 1..60 {
            let (_home, root) = root();
            let grants: Grants<Toy> = Grants::new(Path::new(&root));
            if call != "mkdir" {
                add(&grants, "old");
            }
            let mut strace = command(Path::new("strace"), &format!("step {root}"));
            strace.args(["-f", "-qq", "-o", "/dev/null"]);
            strace.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:signal=KILL:when={nth}")]);
            let mut child = strace.arg(std::env::current_exe().unwrap()).args(ARGUMENTS).spawn().unwrap();
            let said = said(&mut child);
            let whole = child.wait().unwrap().success();
            let there: Vec<String> = grants.list().unwrap().into_iter().map(|entry| entry.package).collect();
            let has = |package: &str| there.iter().any(|name| name == package);
            let acknowledged = |step: &str| said.iter().any(|line| line == step);
            assert!(!acknowledged("added") || has("new"), "{call} {nth}: {said:?} {there:?}");
            assert!(!acknowledged("revoked") || !has("old"), "{call} {nth}: {said:?} {there:?}");
            assert!(call == "mkdir" || acknowledged("added") || has("old"), "{call} {nth}: {said:?} {there:?}");
            add(&grants, "one-more");
            assert_eq!(drafts(Path::new(&root)), [""; 0]);
            if whole {
                assert!(acknowledged("revoked"));
                break;
            }
            killed += 1;
        }
    }
    println!("{killed} kills");
    assert!(killed > 20);
}

#[test]
fn no_process_loses_what_another_adds() {
    let (_home, root) = root();
    let children: Vec<Child> = (0..4).map(|n| start(&format!("add {root} p{n}"))).collect();
    children.into_iter().for_each(|child| drop(finish(child)));
    let grants: Grants<Toy> = Grants::new(Path::new(&root));
    assert_eq!(grants.list().unwrap().len(), 100);
}

#[test]
fn two_processes_use_up_a_grant_exactly() {
    let (_home, root) = root();
    let grants: Grants<Toy> = Grants::new(Path::new(&root));
    let new = allow(&skill("a", 1, 1), http(&["x"]));
    grants.add(NewGrant { terms: Terms { times: Some(200), lasting: None }, ..new }).unwrap();
    let children = [start(&format!("count {root}")), start(&format!("count {root}"))];
    let counted: Vec<u32> = children.map(|child| finish(child)[0].parse().unwrap()).into();
    assert_eq!(counted.iter().sum::<u32>(), 200, "{counted:?}");
    assert_eq!(grants.list().unwrap()[0].uses_left, Some(0));
}

#[test]
fn a_call_is_cut_within_100_ms_after_another_process_took_its_grant_back() {
    let (_home, root) = root();
    let grants: Grants<Toy> = Grants::new(Path::new(&root));
    let asking = skill("a", 1, 1);
    for _ in 0..5 {
        let id: EntryId = grants.add(allow(&asking, http(&["x"]))).unwrap().id;
        let watch = Watch::new(&grants, &grants.look_up(&asking).unwrap(), Toy::default());
        assert!(watch.holds(Capability::HttpOut));
        let mut child = start(&format!("revoke {root} {id}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let revoked = std::thread::spawn(move || {
            let mut line = String::new();
            while !line.contains("@revoked") {
                line.clear();
                assert!(lines.read_line(&mut line).unwrap() > 0, "the child did not revoke");
            }
            Instant::now()
        });
        let started = Instant::now();
        while watch.holds(Capability::HttpOut) {
            assert!(started.elapsed() < Duration::from_secs(20), "the call was never cut");
            std::thread::sleep(Duration::from_millis(1));
        }
        let cut = Instant::now();
        let late = cut.saturating_duration_since(revoked.join().unwrap());
        assert!(late <= Duration::from_millis(100), "cut {late:?} after the revocation");
        child.wait().unwrap();
    }
}

#[test]
fn eight_processes_write_one_audit_and_no_record_is_lost() {
    let (_home, root) = root();
    let children: Vec<Child> = (0..8).map(|n| start(&format!("audit {root} {n}"))).collect();
    children.into_iter().for_each(|child| drop(finish(child)));
    let audit = Audit::new(Path::new(&root), BOUNDS);
    let reading = audit.read(&Filter::default()).unwrap();
    assert_eq!(reading.notes, [""; 0]);
    for n in 0..8 {
        let skill = Some(format!("skill-{n}"));
        let records = audit.read(&Filter { skill, ..Filter::default() }).unwrap().records;
        let targets: Vec<u64> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Effect(effect) => Some(effect.received),
                _ => None,
            })
            .collect();
        // All of them, once each, in order.
        assert_eq!(targets, (0..500).collect::<Vec<u64>>());
        assert_eq!(records.len(), 502);
    }
    assert!(std::fs::metadata(audit.path().join("audit.2.jsonl")).is_ok(), "it never rotated");
}

#[test]
fn the_bounds_of_the_audit_hold_with_eight_processes() {
    let (_home, root) = root();
    let children: Vec<Child> = (0..8).map(|n| start(&format!("audit-small {root} {n}"))).collect();
    children.into_iter().for_each(|child| drop(finish(child)));
    let audit = Audit::new(Path::new(&root), Bounds { files: 2, bytes: 32 << 10 });
    assert_eq!(audit.read(&Filter::default()).unwrap().notes, [""; 0]);
    let sizes: Vec<u64> =
        std::fs::read_dir(audit.path()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).collect();
    assert_eq!(sizes.len(), 3, "two files and the lock");
    assert!(sizes.iter().all(|size| *size <= 32 << 10), "{sizes:?}");
}

#[test]
fn the_audit_and_the_secrets_survive_being_killed() {
    let (_home, root) = root();
    let mut dice = 7;
    let audit = Audit::new(Path::new(&root), Bounds { files: 2, bytes: 32 << 10 });
    let secrets = Secrets::new(Path::new(&root));
    secrets.set("s", "a".repeat(4000).as_bytes()).unwrap();
    for round in 0..25 {
        let mut children = [start(&format!("audit-endless {root} {round}")), start(&format!("secret {root}"))];
        children.iter_mut().for_each(|child| kill_soon(child, &mut dice));
        for mut child in children {
            child.wait().unwrap();
        }
        audit.read(&Filter::default()).unwrap();
        self::audit(&audit, &format!("after-{round}"), 1);
        let last = audit.read(&Filter { last: Some(3), ..Filter::default() }).unwrap().records;
        assert!(last.iter().all(|record| record.skill == format!("skill-after-{round}")));
        let value = secrecy_text(&secrets);
        assert!(value == "a".repeat(4000) || value == "b".repeat(4000));
    }
    secrets.set("s", &b"the last"[..]).unwrap();
    assert_eq!(drafts(&Path::new(&root).join("secrets")), [""; 0]);
}

fn secrecy_text(secrets: &Secrets) -> String {
    use secrecy::ExposeSecret as _;
    secrets.get("s").unwrap().expose_secret().to_owned()
}
