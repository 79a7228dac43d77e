//! Commands that mean harm, or are broken: each gives one clear error, in time, and leaves nothing behind.

use super::stage::{INTERFACE, Stage, function, programs};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vox_capabilities::subprocess::Unanswered;
use vox_model::programs::Programs;
use vox_model::{Field, Function, Limit, Record, Type, TypeName, Value, Verdict};
use vox_tests::need;

/// Reads and writes frames by hand.
const RAW: &str = r#"
import json, os, struct, sys, threading, time
i, o = sys.stdin.buffer, sys.stdout.buffer
def get():
    n, = struct.unpack(">I", i.read(4))
    return json.loads(i.read(n))
def frame(text, n=None):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(text) if n is None else n) + text
def put(text, n=None):
    o.write(frame(text, n)); o.flush()
def greet():
    get(); put('{"protocol":1}')
GOOD = '{"id":1,"value":{"count":3,"mean":1.5}}'
"#;

/// What a script does, and a part of what is said of it.
const WRONG: [(&str, &str); 29] = [
    ("sys.exit(3)", "the command ended with exit 3 before it answered"),
    ("get(); put('{\"protocol\":2}')", "it speaks version 2 of the protocol, and this vox version 1"),
    ("get(); put('{\"protocol\":-1}')", "it speaks version -1"),
    ("get(); put('[1]')", "its greeting is no JSON object, but an array"),
    ("get(); put('{\"protocol\":1,\"more\":2}')", "its greeting is not {\"protocol\":1}"),
    ("print('Loading the model', flush=True); time.sleep(60)", "The bytes are the text \"Load\": does it print"),
    ("greet(); get(); put('', 0xffffffff); time.sleep(60)", "it sent a frame of 4294967295 bytes"),
    ("greet(); get(); put('', (4 << 20) + 1); time.sleep(60)", "it sent a frame of 4194305 bytes"),
    ("greet(); get(); put('{]')", "its answer is no JSON that is accepted"),
    ("greet(); get(); put('')", "its answer is no JSON that is accepted"),
    ("greet(); get(); put(b'\\xff\\xfe')", "its answer is no text in UTF-8"),
    ("greet(); get(); put('{\"id\":1,\"value\":' + '[' * 10000 + ']' * 10000 + '}')", "its answer is no JSON that is"),
    (
        "greet(); get(); put('{\"id\":1,\"value\":{\"count\":1,\"count\":2,\"mean\":0}}')",
        "the key \"count\" is given twice",
    ),
    ("greet(); get(); put('{\"id\":1,\"id\":1,\"value\":{\"count\":1,\"mean\":0}}')", "the key \"id\" is given twice"),
    (
        "greet(); get(); put('{\"id\":1,\"value\":{\"count\":1,\"mean\":0,\"x\":0}}')",
        "type summary: at $: there is no field \"x\"",
    ),
    ("greet(); get(); put('{\"id\":1,\"value\":{\"count\":1}}')", "mean"),
    ("greet(); get(); put('{\"id\":1,\"value\":{\"count\":-1,\"mean\":0}}')", "at $.count: "),
    (
        "greet(); get(); put('{\"id\":1,\"value\":{\"count\":1,\"mean\":\"\\\\u001b[2J\"}}')",
        "at $.mean: expected f64, found",
    ),
    (
        "greet(); get(); put('{\"id\":1,\"value\":{\"count\":1,\"mean\":NaN}}')",
        "its answer is no JSON that is accepted",
    ),
    (
        "greet(); get(); put('{\"id\":1,\"value\":{\"count\":1,\"mean\":1e999}}')",
        "its answer is no JSON that is accepted",
    ),
    ("greet(); get(); put('{\"id\":1}')", "its answer is not of the type summary: at $: expected"),
    (
        "greet(); get(); put('{\"id\":7,\"value\":{\"count\":1,\"mean\":0}}')",
        "it answered call 7, and call 1 was asked",
    ),
    ("greet(); get(); put('{\"value\":{\"count\":1,\"mean\":0}}')", "its answer has no number `id`"),
    ("greet(); get(); put('{\"id\":1,\"value\":null,\"error\":\"x\"}')", "either a `value` or a text `error`"),
    ("greet(); get(); put('{\"id\":1,\"error\":\"no \\\\u001b[2J\"}')", "the command says: no \\u{1b}[2J"),
    ("greet(); get(); o.write(frame(GOOD) * 2); o.flush(); time.sleep(60)", "it sent more than one answer to a call"),
    ("greet(); get(); put('{\"id\":1', 100); os._exit(1)", "exit 1 in the middle of its answer, after 7 of 100 bytes"),
    ("greet(); get(); o.write(b'ab'); o.flush(); os._exit(0)", "after 2 of the 4 bytes that begin a frame"),
    ("greet(); get()\nwhile True: o.write(b'x' * 65536)", "it sent a frame of 2021161080 bytes"),
];

/// Long enough for a container on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn summary() -> Type {
    let field = |name: &str, ty| Field { name: name.to_owned(), ty, docs: String::new() };
    let name = TypeName { interface: Some(INTERFACE.to_owned()), name: "summary".to_owned() };
    let fields = vec![field("count", Type::U32), field("mean", Type::F64)];
    Type::Record(Arc::new(Record { name, docs: String::new(), fields }))
}

fn describe() -> Function {
    function("describe", vec![("text", Type::String)], Some(summary()))
}

fn good() -> Value {
    Value::Record(vec![("count".to_owned(), Value::U32(3)), ("mean".to_owned(), Value::F64(1.5))])
}

/// Calls a script once, and says what went wrong and what it wrote to standard error.
fn wrong(programs: &Arc<dyn Programs>, script: &str) -> (String, String) {
    let mut stage = Stage::new(programs, &format!("{RAW}{script}\n"), LONG);
    let answered = stage.call(&describe(), vec![Value::from("x")]);
    let effects = stage.book.all();
    assert!(effects.iter().any(|effect| effect.action == "call" && effect.verdict == Verdict::Failed), "{effects:?}");
    stage.finish();
    match answered {
        Err(Unanswered::Fault(fault)) => {
            assert_eq!(fault.function, "test:served/api@0.1.0#describe");
            assert!(!fault.what.contains('\u{1b}') && !fault.stderr.contains('\u{1b}'), "{script}: {fault:?}");
            (fault.what, fault.stderr)
        }
        other => panic!("{script}: {other:?}"),
    }
}

fn each_gives_one_clear_error(by: &str) {
    let state = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let programs = need!(by, programs(by, state.path()));
    for (script, part) in WRONG {
        let started = Instant::now();
        let (what, _) = wrong(&programs, script);
        assert!(what.contains(part), "{by}: {script}\nexpected: {part}\nfound:    {what}");
        assert!(started.elapsed() < Duration::from_secs(30), "{by}: {script}: {:?}", started.elapsed());
    }
    what_it_wrote_is_told(by, &programs);
    forks_do_not_hold_the_call(by, &programs);
    floods_do_not_matter(by, &programs);
    late_answers_are_none(by, &programs);
    nothing_is_left(by);
}

/// Waits until no container of this process is there; engines tidy up by themselves and take a moment.
fn nothing_is_left(engine: &str) {
    if engine == "local" {
        return;
    }
    let owner = std::process::id();
    let mine = [format!("org.vox.owner={owner}:"), format!("org.vox.owner:{owner}:")];
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let mut list = std::process::Command::new(engine);
        list.args(["ps", "--all", "--format", "{{.Labels}}", "--filter", "label=org.vox.owner"]);
        let listed = list.output().unwrap_or_else(|error| panic!("{engine}: {error}"));
        let labels = String::from_utf8_lossy(&listed.stdout);
        if listed.status.success() && !mine.iter().any(|mine| labels.contains(mine)) {
            return;
        }
        assert!(Instant::now() < until, "{engine}: {labels}{}", String::from_utf8_lossy(&listed.stderr));
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn what_it_wrote_is_told(by: &str, programs: &Arc<dyn Programs>) {
    let (what, stderr) = wrong(programs, "greet(); get(); raise ValueError('boom \\x1b[31m')");
    assert_eq!(what, "the command ended with exit 1 before it answered", "{by}");
    assert!(stderr.ends_with("ValueError: boom \\u{1b}[31m"), "{by}: {stderr}");
    assert!(stderr.len() < 8192, "{by}: {} bytes", stderr.len());
}

fn forks_do_not_hold_the_call(by: &str, programs: &Arc<dyn Programs>) {
    let started = Instant::now();
    // A child that keeps the pipe open, and one that answers for its parent.
    for child in ["time.sleep(600)", "time.sleep(3); put(GOOD)"] {
        let script = format!("greet(); get()\nif os.fork() == 0: {child}\nelse: os._exit(7)");
        let (what, _) = wrong(programs, &script);
        assert_eq!(what, "the command ended with exit 7 before it answered", "{by}");
    }
    assert!(started.elapsed() < Duration::from_secs(40), "{by}: {:?}", started.elapsed());
}

fn floods_do_not_matter(by: &str, programs: &Arc<dyn Programs>) {
    let script = "def flood():\n while True: os.write(2, b'y' * 65536)\nthreading.Thread(target=flood, daemon=True).start()\n\
                  greet(); get(); time.sleep(0.5); put(GOOD); i.read()\n";
    let mut stage = Stage::new(programs, &format!("{RAW}{script}"), LONG);
    let answered = stage.call(&describe(), vec![Value::from("x")]);
    assert!(matches!(&answered, Ok(Some(value)) if *value == good()), "{by}: {answered:?}");
    let started = Instant::now();
    stage.finish();
    assert!(started.elapsed() < Duration::from_secs(15), "{by}: {:?}", started.elapsed());
}

/// Answers that come too late, never, or twice.
fn late_answers_are_none(by: &str, programs: &Arc<dyn Programs>) {
    let script = "greet(); get(); put(GOOD); time.sleep(0.2); put(GOOD); i.read()";
    let mut stage = Stage::new(programs, &format!("{RAW}{script}"), LONG);
    let first = stage.call(&describe(), vec![Value::from("x")]);
    assert!(matches!(&first, Ok(Some(value)) if *value == good()), "{by}: {first:?}");
    let second = stage.call(&describe(), vec![Value::from("x")]);
    let Err(Unanswered::Fault(fault)) = second else { panic!("{by}: {second:?}") };
    assert_eq!(fault.what, "it answered call 1, and call 2 was asked", "{by}");
    stage.finish();
    for script in
        ["time.sleep(600)", "greet(); get(); print('still at it', file=sys.stderr, flush=True); time.sleep(600)"]
    {
        let started = Instant::now();
        let mut stage = Stage::new(programs, &format!("{RAW}{script}"), Duration::from_secs(8));
        let answered = stage.call(&describe(), vec![Value::from("x")]);
        let Err(Unanswered::Limit { limit: Limit::Time, text }) = answered else { panic!("{by}: {answered:?}") };
        assert!(text.contains("#describe was not answered before the time of the call was over"), "{by}: {text}");
        assert!(script.starts_with("time") || text.ends_with("ends with:\nstill at it"), "{by}: {text}");
        stage.finish();
        assert!(started.elapsed() < Duration::from_secs(30), "{by}: {:?}", started.elapsed());
    }
}

#[test]
fn hostile_processes_give_one_clear_error_each() {
    each_gives_one_clear_error("local");
}

#[test]
fn hostile_programs_in_podman_give_one_clear_error_each() {
    each_gives_one_clear_error("podman");
}

#[test]
fn hostile_programs_in_docker_give_one_clear_error_each() {
    each_gives_one_clear_error("docker");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let programs: Arc<dyn Programs> = Arc::new(super::local::Local);
    let mut stage = Stage::serving(&programs, "", LONG, &["python99"]);
    let answered = stage.call(&describe(), vec![Value::from("x")]);
    let Err(Unanswered::Fault(fault)) = answered else { panic!("{answered:?}") };
    assert!(fault.what.contains("python99"), "{fault:?}");
}

#[test]
fn arguments_and_answers_fit_into_one_crossing() {
    let programs: Arc<dyn Programs> = Arc::new(super::local::Local);
    let echo = function("echo", vec![("text", Type::String)], Some(Type::String));
    let script = "from vox_worker import *\nserve({'echo': lambda text: text})\n";
    let mut stage = Stage::new(&programs, script, LONG);
    // The frame has 64 bytes beside the text, and a quarter of the pipe's size more than once over.
    let most = "x".repeat((4 << 20) - 64);
    let answered = stage.call(&echo, vec![Value::from(most.as_str())]);
    assert!(matches!(&answered, Ok(Some(Value::String(text))) if *text == most), "{:?}", answered.err());
    let answered = stage.call(&echo, vec![Value::from("x".repeat(4 << 20))]);
    let Err(Unanswered::Limit { limit: Limit::Output, text }) = answered else { panic!("{answered:?}") };
    assert!(text.contains("bytes of JSON, at most 4194304 fit"), "{text}");
}

#[test]
fn a_grant_that_is_taken_back_ends_the_answers() {
    let programs: Arc<dyn Programs> = Arc::new(super::local::Local);
    let mut stage = Stage::new(&programs, &format!("{RAW}greet(); get(); put(GOOD); i.read()"), LONG);
    let first = stage.call(&describe(), vec![Value::from("x")]);
    assert!(matches!(&first, Ok(Some(value)) if *value == good()), "{first:?}");
    stage.book.revoke();
    let second = stage.call(&describe(), vec![Value::from("x")]);
    let Err(Unanswered::Fault(fault)) = second else { panic!("{second:?}") };
    assert_eq!(fault.what, "`subprocess` was taken back while the skill ran");
    let effects = stage.book.all();
    assert!(effects.iter().any(|effect| effect.verdict == Verdict::Denied && effect.action == "call"), "{effects:?}");
}
