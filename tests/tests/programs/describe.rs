//! The example `components/describe`, as a person uses it: a component whose import a program serves.

use crate::work::{Bench, ENGINES, contents};
use std::fs;
use std::path::Path;
use vox_tests::{fixtures, need, places};

/// With time for a busy machine.
const MORE: [&str; 2] = ["--limit-time", "120s"];
const GRANT: &str = "--allow-subprocess=python3";
const CSV: &str = "city,size,none\nA,1,\nB,2,\nA,4,\n";

/// A place with a copy of the example in `describe`, whose import this engine serves.
fn bench(engine: Option<&str>) -> Result<Bench, String> {
    let bench = match engine {
        Some(engine) => Bench::with(engine)?,
        None => Bench::without()?,
    };
    let from = places::examples()?.join("describe");
    let to = bench.place.work().join("describe");
    fs::create_dir(&to).map_err(|error| error.to_string())?;
    for name in ["skill.toml", "describe.wasm", "worker.py", "vox_worker.py"] {
        fs::copy(from.join(name), to.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    bench.place.put("t.csv", CSV);
    Ok(bench)
}

/// Puts another worker into the copy.
fn worker(bench: &Bench, script: &str) {
    bench.place.put("describe/worker.py", format!("from vox_worker import *\n{script}\nserve()\n"));
}

fn report(bench: &Bench, code: i32, more: &[&str]) -> vox_tests::program::Ran {
    bench.run(code, &[&["call", "./describe", "report", "@t.csv"], more, &MORE].concat())
}

#[test]
fn a_component_gets_typed_answers_from_a_program() {
    for engine in ENGINES {
        let bench = need!(engine, bench(Some(engine)));
        let ran = report(&bench, 0, &[GRANT]);
        let expected = "\
| column | count | missing | mean | min | 25 % | median | 75 % | max |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
| size | 3 | 0 | 2.3333 | 1 | 1.5 | 2 | 3 | 4 |

| column | count | missing | distinct | most frequent |
|---|---:|---:|---:|---|
| city | 3 | 0 | 2 | A (2), B (1) |

Without values: none.
";
        assert_eq!(ran.stdout.trim_end(), expected.trim_end(), "{engine}: {}", ran.stderr);
        let ran = report(&bench, 1, &["[\"nowhere\"]", GRANT, "--format", "json"]);
        assert!(ran.stderr.contains(r#""error":{"tag":"unknown-column","val":"nowhere"}"#), "{engine}: {}", ran.stderr);
        let audit = bench.run(0, &["audit"]);
        let line = "acme:frames/describe@0.1.0#describe: answered after";
        assert_eq!(audit.stdout.matches(line).count(), 2, "{engine}: {}", audit.stdout);
        assert_eq!(
            audit.stdout.matches("python3 /skill/worker.py: exit 0 after").count(),
            2,
            "{engine}: {}",
            audit.stdout
        );
    }
}

#[test]
fn the_program_has_to_be_granted_and_is_shown_with_the_interface() {
    let engine = ENGINES[0];
    let bench = need!(engine, bench(Some(engine)));
    let ran = report(&bench, 3, &[]);
    assert!(ran.stderr.contains("acme:frames/describe@0.1.0: it needs `subprocess`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("vox grant ./describe --allow-subprocess=python3\n"), "{}", ran.stderr);
    report(&bench, 3, &["--allow-subprocess=git"]);
    let why = bench.run(0, &["why", "./describe", GRANT]);
    assert!(why.stdout.contains("granted  subprocess, for acme:frames/describe@0.1.0\n"), "{}", why.stdout);
    let line = "outside  acme:frames/describe@0.1.0, in a container of Podman ";
    assert!(why.stdout.contains(line) && why.stdout.contains(", by `python3 /skill/worker.py`\n"), "{}", why.stdout);
    let granted = bench.run(0, &["grant", "./describe", GRANT, "--yes"]);
    let line = "answer acme:frames/describe@0.1.0 by `python3 /skill/worker.py`\n";
    assert!(granted.stdout.contains(line), "{}", granted.stdout);
    report(&bench, 0, &[]);
    // What the program is counts as the skill's content.
    worker(&bench, "@function\ndef describe(csv, options): return []");
    let ran = report(&bench, 3, &[]);
    assert!(ran.stderr.contains("an earlier grant does not hold: what it asks for changed"), "{}", ran.stderr);
}

#[test]
fn a_worker_that_is_broken_ends_the_call_with_a_reason() {
    let engine = ENGINES[0];
    let bench = need!(engine, bench(Some(engine)));
    worker(&bench, "@function\ndef describe(csv, options): return [{'name': 'x', 'count': '3'}]");
    let ran = report(&bench, 5, &[GRANT]);
    let line = "acme:frames/describe@0.1.0#describe was not answered: its answer is not of the type result<list<column>, \
                error>: at $[0]";
    assert!(ran.stderr.contains(line), "{}", ran.stderr);
    worker(&bench, "@function\ndef describe(csv, options): raise ValueError('boom')");
    let ran = report(&bench, 5, &[GRANT]);
    assert!(ran.stderr.contains("the command says: ValueError: boom"), "{}", ran.stderr);
    assert!(ran.stderr.contains("its standard error ends with:"), "{}", ran.stderr);
    worker(&bench, "import os\nos._exit(9)");
    let ran = report(&bench, 5, &[GRANT]);
    assert!(ran.stderr.contains("the command ended with exit 9 before it answered"), "{}", ran.stderr);
    worker(&bench, "x = bytearray(800 << 20)");
    let ran = report(&bench, 6, &[GRANT]);
    assert!(ran.stderr.contains("the memory limit"), "{}", ran.stderr);
}

/// The manifest of the copy, changed.
fn manifest(bench: &Bench, from: &str, to: &str) {
    let text =
        fs::read_to_string(bench.place.work().join("describe/skill.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(text.contains(from), "{text}");
    bench.place.put("describe/skill.toml", text.replacen(from, to, 1));
}

#[test]
fn an_image_is_there_or_refused_with_the_command_that_brings_it() {
    for engine in ENGINES {
        let bench = need!(engine, bench(Some(engine)));
        let image = bench.place.shell(&format!("{engine} images --no-trunc --quiet --filter label=org.vox.recipe"));
        let id = image.stdout.lines().next().unwrap_or_default().trim().trim_start_matches("sha256:").to_owned();
        let command = "command = [\"python3\", \"/skill/worker.py\"]";
        manifest(&bench, command, &format!("{command}\nimage = \"sha256:{id}\""));
        let ran = report(&bench, 0, &[GRANT]);
        assert!(ran.stdout.contains("| size | 3 |"), "{engine}: {}", ran.stdout);
        let none = "0".repeat(64);
        manifest(&bench, &format!("sha256:{id}"), &format!("r.example/pandas@sha256:{none}"));
        let ran = report(&bench, 10, &[GRANT]);
        assert!(ran.stderr.contains(&format!("run `{engine} pull r.example/pandas@sha256:{none}`")), "{}", ran.stderr);
        manifest(&bench, "r.example/pandas@", "");
        let ran = bench.run(10, &["why", "./describe", GRANT]);
        assert!(ran.stdout.contains(&format!("run `{engine} load --input FILE`")), "{engine}: {}", ran.stdout);
    }
}

#[test]
fn without_an_engine_it_says_what_to_install() {
    let bench = need!("the example skills", bench(None));
    let ran = report(&bench, 10, &[GRANT]);
    assert!(ran.stderr.contains("sudo apt-get install podman runc"), "{}", ran.stderr);
}

#[test]
fn check_and_inspect_know_what_is_served() {
    let bench = need!("the example skills", bench(None));
    let inspect = bench.run(0, &["inspect", "./describe"]);
    let line = "needs    subprocess (imports acme:frames/describe@0.1.0, served by `python3 /skill/worker.py`)\n";
    assert!(inspect.stdout.contains(line), "{}", inspect.stdout);
    manifest(&bench, "acme:frames/describe@0.1.0", "acme:frames/describes@0.1.0");
    let ran = bench.run(4, &["check", "describe"]);
    assert!(
        ran.stderr.contains("the component imports acme:frames/describe@0.1.0, and nothing serves"),
        "{}",
        ran.stderr
    );
    let ran = report(&bench, 3, &[GRANT]);
    assert!(ran.stderr.contains("nothing serves this import"), "{}", ran.stderr);
    manifest(&bench, "acme:frames/describes@0.1.0", "wasi:http/types@0.2.0");
    let ran = bench.run(2, &["check", "describe"]);
    assert!(ran.stderr.contains("an interface of the platform, which no command serves"), "{}", ran.stderr);
}

#[test]
fn a_skill_that_serves_what_it_does_not_import_is_told() {
    let bench = need!("the example skills", bench(None));
    let text = "\n[serve.\"acme:frames/other@0.1.0\"]\ncommand = [\"python3\"]\n\n[limits]\n";
    manifest(&bench, "\n[limits]\n", text);
    let ran = bench.run(4, &["check", "describe"]);
    assert!(
        ran.stderr.contains("serves acme:frames/other@0.1.0, and the component does not import it"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_helper_is_one_file_wherever_it_stands() {
    let root = places::repository();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let helper = read(&root.join("container-fallback/workers/vox_worker.py"));
    let copy = read(&root.join("components/describe/vox_worker.py"));
    assert!(helper == copy, "run: cp container-fallback/workers/vox_worker.py components/describe/");
}

/// A skill folder with a component of this contract, whose import `t:mine/api@0.1.0` is served.
fn own(bench: &Bench, items: &str) {
    let text = format!(
        "package t:skill; world w {{ import t:mine/api@0.1.0; export run: func(); }} \
         package t:mine@0.1.0 {{ interface api {{ {items} }} }}"
    );
    let component = fixtures::dummy(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    fs::create_dir_all(bench.place.work().join("own")).unwrap_or_else(|error| panic!("{error}"));
    bench.place.put("own/own.wasm", component);
    bench.place.put("own/skill.toml", "[serve.\"t:mine/api@0.1.0\"]\ncommand = [\"python3\"]\n");
}

#[test]
fn values_alone_are_served() {
    let bench = need!("vox", bench(None));
    for (items, what) in [
        ("resource r { m: func(); }", "[method]r.m"),
        ("resource r; f: func(x: borrow<r>);", "`f` has something else: borrow<r>"),
        ("resource r; record two { a: u8, b: list<r> } g: func() -> two;", "`g` has something else: own<r>"),
    ] {
        own(&bench, items);
        let checked = bench.run(4, &["check", "own"]);
        assert!(
            checked.stderr.contains("a command serves values alone") && checked.stderr.contains(what),
            "{}",
            checked.stderr
        );
        let inspect = bench.run(0, &["inspect", "./own"]);
        assert!(
            inspect.stdout.contains("unserved t:mine/api@0.1.0: a command serves values alone"),
            "{}",
            inspect.stdout
        );
        let why = bench.run(3, &["why", "./own", "--allow-subprocess"]);
        assert!(why.stdout.contains("denied   t:mine/api@0.1.0: a command serves values alone"), "{}", why.stdout);
        bench.run(3, &["call", "./own", "run", "--allow-subprocess"]);
    }
    own(&bench, "f: func(x: list<u8>) -> result<option<string>>;");
    bench.run(0, &["check", "own"]);
}

#[test]
fn what_a_command_writes_to_a_granted_folder_waits() {
    for engine in ENGINES {
        let bench = need!(engine, bench(Some(engine)));
        let docs = bench.folder("docs");
        let before = contents(&docs);
        manifest(&bench, "\"filesystem-rw\", ", "");
        let body = "open('/work/docs/new.md', 'w').write(open('/work/docs/a.md').read() + csv[:4])\n    return []";
        worker(&bench, &format!("@function\ndef describe(csv, options):\n    {body}"));
        report(&bench, 0, &[GRANT, "--allow-write", "docs"]);
        assert_eq!(contents(&docs), before, "{engine}: the folder changed before anybody approved");
        bench.run(0, &["approve", "--yes"]);
        assert_eq!(fs::read_to_string(docs.join("new.md")).ok().as_deref(), Some("# a\ncity"), "{engine}");
        // The folder of the skill is for reading alone.
        worker(&bench, "@function\ndef describe(csv, options): open('/skill/new', 'w')");
        let ran = report(&bench, 5, &[GRANT, "--allow-write", "docs"]);
        assert!(ran.stderr.contains("Read-only file system: '/skill/new'"), "{engine}: {}", ran.stderr);
        assert!(!bench.place.work().join("describe/new").exists(), "{engine}");
    }
}
