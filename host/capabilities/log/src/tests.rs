use super::*;
use std::sync::Mutex;
use vox_model::{Lease, Recorder, Scope, Unwatched};

/// Level, skill, context, message, bytes cut.
type Taken = (Level, String, String, String, u64);

#[derive(Default)]
struct Kept {
    lines: Mutex<Vec<Taken>>,
    dropped: Mutex<Vec<(u64, u64)>>,
}

impl LogSink for Kept {
    fn line(&self, l: &Line<'_>) {
        self.lines.lock().unwrap().push((l.level, l.skill.into(), l.context.into(), l.message.into(), l.cut));
    }
    fn dropped(&self, _: &str, lines: u64, bytes: u64) {
        self.dropped.lock().unwrap().push((lines, bytes));
    }
}

#[derive(Default)]
struct Books(Mutex<Vec<Effect>>);

impl Recorder for Books {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

struct TakenBack;

impl Lease for TakenBack {
    fn holds(&self, _: Capability) -> bool {
        false
    }
}

fn call(skill: &str, lease: Arc<dyn Lease>) -> (LogState, Arc<Kept>, Arc<Books>) {
    let (sink, books) = (Arc::new(Kept::default()), Arc::new(Books::default()));
    let scope = CallScope::from(Scope { recorder: books.clone(), lease, ..Scope::unwatched(skill) });
    (LogState::new(scope, sink.clone()), sink, books)
}

#[test]
fn a_line_arrives_escaped_and_is_recorded_once() {
    let (mut log, sink, books) = call("evil\x1b[2J", Arc::new(Unwatched));
    log.write(Level::Warn, "parser\n", "red \x1b[31m \u{202e}");
    log.write(Level::Info, "", "second");
    assert!(books.0.lock().unwrap().is_empty());
    drop(log);
    let lines = sink.lines.lock().unwrap();
    let first = (Level::Warn, r"evil\u{1b}[2J".into(), r"parser\n".into(), r"red \u{1b}[31m \u{202e}".into(), 0);
    assert_eq!(lines[0], first);
    assert_eq!(lines.len(), 2);
    assert!(sink.dropped.lock().unwrap().is_empty());
    let books = books.0.lock().unwrap();
    assert_eq!(books.len(), 1);
    assert_eq!((books[0].target.as_str(), books[0].sent), ("2 lines", 19));
}

#[test]
fn a_long_line_is_cut_and_counted() {
    let (mut log, sink, _) = call("s", Arc::new(Unwatched));
    log.write(Level::Info, &"c".repeat(200), &"m".repeat(MAX_LINE + 5));
    // 8 bytes each once they are escaped.
    log.write(Level::Info, "", &"\u{202e}".repeat(MAX_LINE));
    log.finish();
    let lines = sink.lines.lock().unwrap();
    assert_eq!((lines[0].2.len(), lines[0].3.len(), lines[0].4), (MAX_CONTEXT, MAX_LINE, 72 + 5));
    assert_eq!((lines[1].3.len(), lines[1].4), (MAX_LINE, 3 * (MAX_LINE as u64 - MAX_LINE as u64 / 8)));
    assert_eq!(*sink.dropped.lock().unwrap(), [(0, lines[0].4 + lines[1].4)]);
}

#[test]
fn a_flood_ends_at_the_budget() {
    let (mut log, sink, books) = call("s", Arc::new(Unwatched));
    for _ in 0..1000 {
        log.write(Level::Info, "", &"x".repeat(10_000));
    }
    drop(log);
    let lines = sink.lines.lock().unwrap();
    let bytes: usize = lines.iter().map(|line| line.3.len()).sum();
    assert!(bytes <= MAX_CALL && bytes > MAX_CALL - 20_000, "{bytes}");
    let lost = 1000 - lines.len() as u64;
    assert_eq!(*sink.dropped.lock().unwrap(), [(lost, lost * 10_000)]);
    assert_eq!(books.0.lock().unwrap()[0].sent, bytes as u64);
}

#[test]
fn empty_lines_are_not_free() {
    let (mut log, sink, _) = call("s", Arc::new(Unwatched));
    for _ in 0..100_000 {
        log.write(Level::Trace, "", "");
    }
    log.finish();
    assert_eq!(sink.lines.lock().unwrap().len(), MAX_CALL / LINE_COST);
    assert_eq!(*sink.dropped.lock().unwrap(), [(100_000 - (MAX_CALL / LINE_COST) as u64, 0)]);
}

#[test]
fn nothing_comes_after_the_first_line_that_did_not_fit() {
    let (mut log, sink, _) = call("s", Arc::new(Unwatched));
    for _ in 0..63 {
        log.write(Level::Info, "", &"x".repeat(MAX_LINE));
    }
    let before = sink.lines.lock().unwrap().len();
    log.write(Level::Info, "", &"x".repeat(MAX_LINE));
    log.write(Level::Info, "", "short");
    assert_eq!(sink.lines.lock().unwrap().len(), before);
}

#[test]
fn a_log_that_was_taken_back_is_silent() {
    let (mut log, sink, books) = call("s", Arc::new(TakenBack));
    log.write(Level::Info, "", "one");
    log.write(Level::Info, "", "two");
    drop(log);
    assert!(sink.lines.lock().unwrap().is_empty());
    assert_eq!(*sink.dropped.lock().unwrap(), [(2, 6)]);
    let books = books.0.lock().unwrap();
    assert_eq!(books.len(), 1);
    assert_eq!(books[0].verdict, Verdict::Denied);
}

#[test]
fn finishing_twice_reports_once() {
    let (mut log, sink, books) = call("s", Arc::new(Unwatched));
    log.write(Level::Info, "", &"m".repeat(MAX_LINE + 1));
    log.finish();
    drop(log);
    assert_eq!(sink.dropped.lock().unwrap().len(), 1);
    assert_eq!(books.0.lock().unwrap().len(), 1);
}

#[test]
fn the_manifest_section_is_closed() {
    let request: crate::Request = toml::from_str("reason = \"progress\"").unwrap();
    assert_eq!(request.reason.as_deref(), Some("progress"));
    assert!(toml::from_str::<crate::Request>("level = \"debug\"").is_err());
    assert!(serde_json::from_str::<crate::Grant>("{\"all\":true}").is_err());
    let grant = crate::Grant::default();
    assert!(grant.missing(&request).is_empty() && grant.describe().is_empty() && grant.capabilities().is_empty());
}
