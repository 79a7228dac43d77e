//! The example `examples/sql`, as a person uses it: a skill without a component, whose commands answer its calls.

use crate::work::{Bench, ENGINES, contents};
use std::fs;
use vox_tests::program::Ran;
use vox_tests::{fixtures, need, places};

/// With time for a busy machine.
const MORE: [&str; 2] = ["--limit-time", "120s"];
const GRANT: &str = "--allow-subprocess=python3";
const CSV: &str = "city,size\nA,1\nB,2.5\nC,\n";

/// A place with a copy of the example in `sql`.
fn bench(engine: Option<&str>) -> Result<Bench, String> {
    let bench = match engine {
        Some(engine) => Bench::with(engine)?,
        None => Bench::without()?,
    };
    let to = bench.place.work().join("sql");
    fs::create_dir(&to).map_err(|error| error.to_string())?;
    for name in ["skill.toml", "contract.wasm", "worker.py", "vox_worker.py"] {
        let copied = fs::copy(places::repository().join("examples/sql").join(name), to.join(name));
        copied.map_err(|error| format!("{name}: {error}"))?;
    }
    bench.place.put("t.csv", CSV);
    Ok(bench)
}

/// A skill in `own` with this contract instead, whose interface `t:mine/api@0.1.0` this script serves.
fn own(bench: &Bench, items: &str, script: &str) {
    let text = format!("package t:mine@0.1.0; interface api {{ {items} }}");
    fs::create_dir_all(bench.place.work().join("own")).unwrap_or_else(|error| panic!("{error}"));
    bench.place.put("own/contract.wasm", fixtures::wit_package(&text));
    let command = "command = [\"python3\", \"/skill/worker.py\"]";
    bench.place.put("own/skill.toml", format!("[serve.\"t:mine/api@0.1.0\"]\n{command}\n"));
    bench.place.put("own/worker.py", format!("from vox_worker import *\n{script}\nserve()\n"));
    let helper = bench.place.work().join("sql/vox_worker.py");
    fs::copy(helper, bench.place.work().join("own/vox_worker.py")).unwrap_or_else(|error| panic!("{error}"));
}

fn call(bench: &Bench, code: i32, words: &[&str]) -> Ran {
    bench.run(code, &[&["call"], words, &MORE].concat())
}

#[test]
fn commands_answer_calls_with_the_types_of_the_contract() {
    for engine in ENGINES {
        let bench = need!(engine, bench(Some(engine)));
        let ran = call(&bench, 0, &["./sql", "to-csv", "@t.csv", "select city, size * 2 twice from data", GRANT]);
        assert_eq!(ran.stdout, "city,twice\nA,2\nB,5.0\nC,\n", "{engine}: {}", ran.stderr);
        let all = "select city, size from data where size is null or size < 2";
        let ran = call(&bench, 0, &["./sql", "query", "@t.csv", all, GRANT, "--format", "wave"]);
        let rows = "rows: [[text(\"A\"), integer(1)], [text(\"C\"), nothing]]";
        assert!(ran.stdout.contains(rows), "{engine}: {}", ran.stdout);
        // Errors of the contract are data of the skill.
        let ran = call(&bench, 1, &["./sql", "query", "@t.csv", "drop table data", GRANT, "--format", "json"]);
        let error = r#""error":{"tag":"refused","val":"attempt to write a readonly database"}"#;
        assert!(ran.stderr.contains(error), "{engine}: {}", ran.stderr);
        let ran = call(&bench, 1, &["./sql", "query", "", "select 1", GRANT]);
        assert!(ran.stderr.contains("malformed"), "{engine}: {}", ran.stderr);
        // What is no number stays the text that it is.
        let odd = "v\nnan\n1_000\n00501\n99999999999999999999\n 7 \n-1.5e1\n";
        let ran = call(&bench, 0, &["./sql", "to-csv", odd, "select v, typeof(v) t from data", GRANT]);
        let expected = "v,t\nnan,text\n1_000,text\n00501,text\n99999999999999999999,text\n7,integer\n-15.0,real\n";
        assert_eq!(ran.stdout, expected, "{engine}: {}", ran.stderr);
        let audit = bench.run(0, &["audit"]);
        for (line, count) in [
            ("example:tables/sql@0.1.0#query: answered after", 3),
            ("example:tables/sql@0.1.0#to-csv: answered after", 2),
            ("python3 /skill/worker.py: exit 0 after", 5),
        ] {
            assert_eq!(audit.stdout.matches(line).count(), count, "{engine}: {line}: {}", audit.stdout);
        }
    }
}

#[test]
fn it_is_a_step_of_a_pipeline_as_any_other() {
    let engine = ENGINES[0];
    let bench = need!(engine, bench(Some(engine)));
    bench.run(0, &["grant", "./sql", GRANT, "--yes"]);
    let steps = "./sql.to-csv('select city from data') | regex.replace('[A-C]', 'x')";
    let ran = bench.run(0, &[&["pipe", steps, "--input", "t.csv"], &MORE[..]].concat());
    assert_eq!(ran.stdout.trim_end(), "city\nx\nx\nx", "{}", ran.stderr);
    let ran = bench.run(2, &["pipe", "./sql.query('select 1') | markdown.to-html", "--input", "t.csv"]);
    assert!(ran.stderr.contains("answer"), "types are checked before anything runs: {}", ran.stderr);
}

#[test]
fn the_program_has_to_be_granted_and_the_tier_is_named() {
    let engine = ENGINES[0];
    let bench = need!(engine, bench(Some(engine)));
    let ran = call(&bench, 3, &["./sql", "to-csv", "@t.csv", "select 1"]);
    assert!(ran.stderr.contains("example:tables/sql@0.1.0: it needs `subprocess`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("vox grant ./sql --allow-subprocess=python3\n"), "{}", ran.stderr);
    let why = bench.run(0, &["why", "./sql", GRANT]);
    for line in [
        "runs on the container tier",
        "because  it is a contract without code: commands answer all of it, and these run in a container\n",
        "granted  subprocess, for example:tables/sql@0.1.0\n",
        "outside  example:tables/sql@0.1.0, in a container of Podman ",
    ] {
        assert!(why.stdout.contains(line), "{line}: {}", why.stdout);
    }
    bench.run(0, &["grant", "./sql", GRANT, "--yes"]);
    call(&bench, 0, &["./sql", "to-csv", "@t.csv", "select 1"]);
    // The worker is content, and so is the contract.
    let path = bench.place.work().join("sql/contract.wasm");
    let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
    bytes.extend_from_slice(&[0, 2, 1, b'x']);
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{error}"));
    let ran = call(&bench, 3, &["./sql", "to-csv", "@t.csv", "select 1"]);
    assert!(ran.stderr.contains("an earlier grant does not hold"), "{}", ran.stderr);
}

#[test]
fn what_it_writes_to_a_granted_folder_waits() {
    for engine in ENGINES {
        let bench = need!(engine, bench(Some(engine)));
        let docs = bench.folder("docs");
        let before = contents(&docs);
        own(&bench, "f: func();", "@function\ndef f(): open('/work/docs/new.md', 'w').write('made')");
        call(&bench, 0, &["./own", "f", GRANT, "--allow-write", "docs"]);
        assert_eq!(contents(&docs), before, "{engine}: the folder changed before anybody approved");
        bench.run(0, &["approve", "--yes"]);
        assert_eq!(fs::read_to_string(docs.join("new.md")).ok().as_deref(), Some("made"), "{engine}");
        // Nothing is kept of a call that failed.
        let broken =
            "@function\ndef f():\n    open('/work/docs/other.md', 'w').write('made')\n    raise ValueError('boom')";
        own(&bench, "f: func();", broken);
        let ran = call(&bench, 5, &["./own", "f", GRANT, "--allow-write", "docs"]);
        assert!(ran.stderr.contains("the command says: ValueError: boom"), "{engine}: {}", ran.stderr);
        bench.run(0, &["changes"]);
        let ran = bench.vox(&["approve", "--yes"]).output().unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(ran.status.code(), Some(0), "{engine}: something of a failed call waits");
    }
}

#[test]
fn limits_end_it() {
    let engine = ENGINES[0];
    let bench = need!(engine, bench(Some(engine)));
    let items = "sleep: func(); grow: func(); long: func() -> string;";
    let script = "import time\n@function\ndef sleep(): time.sleep(60)\n@function\ndef grow(): bytearray(400 << 20)\n\
                  @function\ndef long(): return 'x' * (5 << 20)";
    own(&bench, items, script);
    let ran = bench.run(6, &["call", "./own", "sleep", GRANT, "--limit-time", "5s"]);
    assert!(ran.stderr.contains("time limit"), "{}", ran.stderr);
    let ran = call(&bench, 6, &["./own", "grow", GRANT, "--limit-memory", "128MiB"]);
    assert!(ran.stderr.contains("memory limit"), "{}", ran.stderr);
    let ran = call(&bench, 5, &["./own", "long", GRANT]);
    assert!(ran.stderr.contains("more than an answer may have"), "{}", ran.stderr);
    // An answer of another type is nobody's answer.
    own(&bench, "f: func() -> u8;", "@function\ndef f(): return 256");
    let ran = call(&bench, 5, &["./own", "f", GRANT]);
    assert!(
        ran.stderr.contains("t:mine/api@0.1.0#f was not answered: its answer is not of the type u8"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_trusted_one_runs_in_a_process() {
    let bench = need!("the example", bench(None));
    let flags = [GRANT, "--trust"];
    let offered = vox_tests::program::ran(&mut bench.vox(&[&["why", "./sql"], &flags[..]].concat()));
    let offered = if offered.code == Some(0) { Ok(offered) } else { Err(offered.stdout) };
    let why = need!("the process tier", offered);
    assert!(why.stdout.contains("runs on the process tier"), "{}", why.stdout);
    let ran = call(&bench, 0, &[&["./sql", "to-csv", "@t.csv", "select count(*) n from data"], &flags[..]].concat());
    assert_eq!(ran.stdout, "n\n3\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("programs ran in the process tier"), "{}", ran.stderr);
}

#[test]
fn inspect_and_check_know_a_contract() {
    let bench = need!("vox", bench(None));
    let inspect = bench.run(0, &["inspect", "./sql"]);
    for line in [
        "worlds   none\n",
        "needs    subprocess (has example:tables/sql@0.1.0, served by `python3 /skill/worker.py`)\n",
        "inside   a contract without code: commands answer its functions\n",
        "  to-csv(csv: string, sql: string) -> result<string, error>\n",
        "      The same, and the answer is CSV again: the next step of a pipeline can read it.\n",
    ] {
        assert!(inspect.stdout.contains(line), "{line}: {}", inspect.stdout);
    }
    let checked = bench.run(0, &["check", "sql"]);
    assert!(checked.stdout.contains("example:tables is fine: 2 functions, needs subprocess\n"), "{}", checked.stdout);
    assert!(checked.stdout.contains("vox grant ./sql --allow-subprocess=python3\n"), "{}", checked.stdout);
    let ran = call(&bench, 4, &["./sql", "querry"]);
    assert!(ran.stderr.contains("query"), "the nearest name: {}", ran.stderr);
    let ran = call(&bench, 10, &["./sql", "query", "", "select 1", GRANT]);
    assert!(ran.stderr.contains("sudo apt-get install podman runc"), "{}", ran.stderr);
}

#[test]
fn what_no_command_can_answer_is_refused() {
    let bench = need!("vox", bench(None));
    // An interface that no command serves, whatever it is called.
    for package in ["t:mine@0.1.0", "wasi:mine@0.2.6", "vox:mine@0.1.0"] {
        own(&bench, "f: func();", "");
        let text = format!("package {package}; interface json {{ f: func() -> u8; }} interface api {{ f: func(); }}");
        bench.place.put("own/contract.wasm", fixtures::wit_package(&text));
        let json = package.replace('@', "/json@");
        let ran = call(&bench, 3, &["./own", "json.f", "--allow-subprocess"]);
        assert!(ran.stderr.contains("no command serves this interface of the contract"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("[serve.\"{json}\"]")), "{}", ran.stderr);
        let checked = bench.run(4, &["check", "own"]);
        assert!(checked.stderr.contains("and no command serves it"), "{}", checked.stderr);
    }
    own(&bench, "g: func();", "");
    bench
        .place
        .put("own/contract.wasm", fixtures::wit_package("package t:other@0.1.0; interface types { type a = u8; }"));
    let checked = bench.run(4, &["check", "own"]);
    assert!(
        checked.stderr.contains("serves t:mine/api@0.1.0, and the contract does not have it"),
        "{}",
        checked.stderr
    );
    own(&bench, "resource r { m: func(); } f: func(x: borrow<r>); g: func();", "");
    let checked = bench.run(4, &["check", "own"]);
    assert!(checked.stderr.contains("a command serves values alone"), "{}", checked.stderr);
    call(&bench, 3, &["./own", "g", "--allow-subprocess"]);
    // Without a manifest that serves it, a contract is a file without code.
    let ran = bench.run(4, &["call", "own/contract.wasm", "g"]);
    assert!(ran.stderr.contains("a WIT package in binary form: types without code"), "{}", ran.stderr);
    assert!(ran.stderr.contains("put it into a folder with a skill.toml"), "{}", ran.stderr);
    fs::remove_file(bench.place.work().join("own/contract.wasm")).unwrap_or_else(|error| panic!("{error}"));
    let ran = call(&bench, 4, &["./own", "g"]);
    assert!(ran.stderr.contains("neither a component that imports what they serve nor a contract"), "{}", ran.stderr);
    assert!(ran.stderr.contains("wasm-tools component wit"), "{}", ran.stderr);
}

#[test]
fn the_helper_is_the_one_of_the_workers() {
    let read =
        |path: &str| fs::read_to_string(places::repository().join(path)).unwrap_or_else(|error| panic!("{error}"));
    let same = read("container-fallback/workers/vox_worker.py") == read("examples/sql/vox_worker.py");
    assert!(same, "run: cp container-fallback/workers/vox_worker.py examples/sql/");
}
