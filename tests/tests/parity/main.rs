//! One table of cases, run on every tier: a component in its sandbox, and its twin in a container of either engine and in a
//! process that is trusted. What a person sees of them is the same: exit codes, output, what waits for approval and what
//! it does, and how the audit tells of the end. Where tiers differ, the table says it.

mod table;

use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use table::{CASES, Case};
use vox_tests::tiers::{Bench, contents, put};
use vox_tests::{need, places};

/// The folder that is granted.
const DOCS: &str = "docs";

/// One way to run the tool.
struct Tier {
    name: &'static str,
    bench: Bench,
    script: &'static str,
    flags: &'static [&'static str],
    /// How the tool reaches the granted folder: programs start in it.
    base: &'static str,
}

impl Tier {
    fn component() -> Result<Self, String> {
        let tier = Self { name: "wasm", bench: Bench::without()?, script: "tool.wasm", flags: &[], base: "docs/" };
        tier.furnished()
    }

    fn container(engine: &'static str) -> Result<Self, String> {
        let flags = &["--allow-subprocess"];
        Self { name: engine, bench: Bench::with(engine)?, script: "tool.sh", flags, base: "" }.furnished()
    }

    fn process() -> Result<Self, String> {
        let flags = &["--allow-subprocess", "--trust"];
        let tier = Self { name: "process", bench: Bench::without()?, script: "tool.sh", flags, base: "" };
        tier.furnish_skill()?;
        let why = [&["why", "./x", "tool.sh", "--allow-write", DOCS], &flags[..]].concat();
        let offered = vox_tests::program::ran(&mut tier.bench.vox(&why));
        match offered.code {
            Some(0) => tier.furnished(),
            _ => Err(format!("it is not offered: {}{}", offered.stdout, offered.stderr)),
        }
    }

    /// The skill, and a first call: what is compiled or measured is not part of the cases.
    fn furnished(self) -> Result<Self, String> {
        self.furnish_skill()?;
        self.bench.run(0, &self.words(&["echo"], &["--allow-write", DOCS]));
        Ok(self)
    }

    fn furnish_skill(&self) -> Result<(), String> {
        let folder = self.bench.skill("x", &[("tool.sh", include_str!("tool.sh"))]);
        fs::copy(places::guest("tool")?, folder.join("scripts/tool.wasm")).map_err(|error| error.to_string())?;
        put(&folder.join("skill.toml"), include_str!("skill.toml"));
        self.furnish();
        Ok(())
    }

    fn docs(&self) -> PathBuf {
        self.bench.place.work().join(DOCS)
    }

    /// The granted folder anew, with a link out of it that its owner made.
    fn furnish(&self) {
        let docs = self.docs();
        let _ = fs::remove_dir_all(&docs);
        put(&docs.join("a.md"), "# a\n");
        put(&docs.join("sub/b.md"), "# b\n");
        put(&docs.join("../secret.md"), "of somebody else");
        std::os::unix::fs::symlink("../secret.md", docs.join("out")).unwrap_or_else(|error| panic!("{error}"));
    }

    fn words<'w>(&'w self, words: &[&'w str], grants: &[&'w str]) -> Vec<&'w str> {
        let time: &[&str] = if grants.contains(&"--limit-time") { &[] } else { &["--limit-time", "120s"] };
        [&["run", "./x", self.script], self.flags, grants, time, &["--"], words].concat()
    }

    /// Runs a case in a fresh folder, and tells what came of it.
    fn observe(&self, case: &Case) -> Observed {
        self.furnish();
        let before = contents(&self.docs());
        let steps: Vec<String> = case.words.iter().map(|word| word.replace("@/", self.base)).collect();
        let words = self.words(&steps.iter().map(String::as_str).collect::<Vec<_>>(), case.grants);
        let mut command = self.bench.vox(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let mut begun = String::new();
        let mut output = child.stdout.take().map(BufReader::new).unwrap_or_else(|| panic!("no output"));
        // A command that does not read ends while it is written to.
        let _ = child.stdin.take().map(|mut input| input.write_all(case.input));
        if case.interrupt {
            output.read_line(&mut begun).unwrap_or_else(|error| panic!("{error}"));
            let id = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut stdout = begun.into_bytes();
        std::io::Read::read_to_end(&mut output, &mut stdout).unwrap_or_else(|error| panic!("{error}"));
        let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contents(&self.docs()), before, "{} on {}: changed before anybody approved", case.name, self.name);
        Observed {
            // As shells show it: vox ends by the signal that it was sent.
            code: ended.status.code().or_else(|| ended.status.signal().map(|signal| 128 + signal)),
            stdout: String::from_utf8_lossy(&stdout).replace("docs/", ""),
            stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
            audit: self.audited(),
            shown: self.shown(),
            after: self.approved(),
        }
    }

    /// How the audit tells of the last call: its events without what the call did, and without times and names.
    fn audited(&self) -> Vec<(String, String)> {
        let records = self.bench.run(0, &["audit", "--format", "json"]).stdout;
        let records: Vec<Value> = records.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let call = records.last().map(|record| record["call"].clone());
        let of_call = records.iter().filter(|record| Some(&record["call"]) == call.as_ref());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of_call
            .filter(|record| record["event"] != "effect")
            .map(|record| (text(&record["event"]), text(&record["verdict"])))
            .collect()
    }

    /// What waits, as `vox diff` shows it, without the names of the change set, and without the digest of what was there
    /// before: it is known only where vox itself read the file for the skill.
    fn shown(&self) -> String {
        if self.bench.run(0, &["changes"]).stdout.contains(&self.docs().display().to_string()) {
            let shown = self.bench.run(0, &["diff"]).stdout;
            let known = |line: &str| match line.trim_start().starts_with("was file") {
                true => line.rsplit_once(',').map_or(line, |(known, _digest)| known).to_owned(),
                false => line.to_owned(),
            };
            return shown.lines().skip(2).map(known).collect::<Vec<_>>().join("\n");
        }
        String::new()
    }

    /// The folder once what waits is approved.
    fn approved(&self) -> Vec<(PathBuf, String, u32)> {
        if !self.shown().is_empty() {
            self.bench.run(0, &["approve", "--yes", "--even-dangerous"]);
        }
        let text = |content: Vec<u8>| String::from_utf8_lossy(&content).into_owned();
        contents(&self.docs()).into_iter().map(|(name, content, mode)| (name, text(content), mode)).collect()
    }
}

/// What a person can see of a call.
#[derive(Clone, Debug, PartialEq)]
struct Observed {
    code: Option<i32>,
    stdout: String,
    /// Compared where the case says so: each tool words its own errors.
    stderr: String,
    audit: Vec<(String, String)>,
    shown: String,
    /// Names, contents and modes.
    after: Vec<(PathBuf, String, u32)>,
}

/// Runs the table on a tier, and compares with what the table says and with the component.
fn compare(tier: &Tier) {
    let component = need!("the guest `tool`", Tier::component());
    for case in CASES {
        let (expected, found) = (component.observe(case), tier.observe(case));
        let about = format!("{} on {}: {:?} {:?}", case.name, tier.name, case.words, case.grants);
        check(case, "wasm", &expected);
        check(case, tier.name, &found);
        let known = case.differs.iter().any(|(name, ..)| *name == tier.name);
        if !known {
            assert_eq!(found.audit, expected.audit, "{about}");
        }
        assert_eq!(found.stdout, expected.stdout, "{about}\n{}", found.stderr);
        assert_eq!(found.shown, expected.shown, "{about}\n{}", found.stderr);
        assert_eq!(found.after, expected.after, "{about}");
    }
}

fn check(case: &Case, tier: &str, found: &Observed) {
    let about = format!("{} on {tier}: {found:#?}", case.name);
    let differs = case.differs.iter().find(|(name, ..)| *name == tier);
    let (code, says) = differs.map_or((case.code, case.says), |(_, code, says, _why)| (*code, *says));
    assert_eq!(found.code, Some(code), "{about}");
    assert!(found.stderr.contains(says), "{says:?} is not said: {about}");
    assert_eq!(found.after.iter().any(|(name, ..)| name == Path::new("new.md")), case.makes, "{about}");
}

#[test]
fn podman_is_as_the_component_sandbox() {
    compare(&need!("podman", Tier::container("podman")));
}

#[test]
fn docker_is_as_the_component_sandbox() {
    compare(&need!("docker", Tier::container("docker")));
}

#[test]
fn the_process_tier_is_as_the_component_sandbox() {
    compare(&need!("the process tier", Tier::process()));
}
