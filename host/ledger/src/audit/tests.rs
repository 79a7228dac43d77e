use super::record::{MAX_TEXT, REDACTED};
use super::*;
use jiff::{SignedDuration, Timestamp};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use vox_model::{Capability, Digest, Effect, Recorder as _, Tier, Verdict};

struct Place {
    home: tempfile::TempDir,
    audit: Audit,
}

fn place() -> Place {
    bounded(Bounds::default())
}

fn bounded(bounds: Bounds) -> Place {
    let home = tempfile::tempdir().unwrap();
    Place { audit: Audit::new(&home.path().join("state"), bounds), home }
}

fn about(call: &str, skill: &str) -> CallAbout {
    CallAbout {
        call: call.to_owned(),
        skill: skill.to_owned(),
        digest: Digest([7; 32]),
        function: "run".to_owned(),
        tier: Tier::Wasm,
        caller: "cli".to_owned(),
    }
}

fn effect(capability: Capability, verdict: Verdict, target: &str) -> Effect {
    let (action, rule) = ("request".to_owned(), "--allow-http https://x".to_owned());
    Effect { capability, action, target: target.to_owned(), verdict, rule, received: 5, sent: 6 }
}

fn all(audit: &Audit) -> Vec<Record> {
    let reading = audit.read(&Filter::default()).unwrap();
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
    reading.records
}

/// Every byte that was written.
fn raw(place: &Place) -> String {
    let files = std::fs::read_dir(place.home.path().join("state/audit")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn a_call_is_taken_down_from_start_to_end() {
    let place = place();
    assert!(all(&place.audit).is_empty());
    assert!(!place.home.path().join("state").exists());
    let call = place.audit.call(about("c1", "weather"));
    let done = effect(Capability::HttpOut, Verdict::Allowed, "GET https://x/");
    call.record(done.clone());
    call.end(Verdict::Allowed, "ok");
    call.end(Verdict::Failed, "a second end");
    drop(call);
    let records = all(&place.audit);
    assert_eq!(records.len(), 3);
    assert!(matches!(&records[0].event, Event::Started(it) if it.function == "run" && it.caller == "cli"));
    assert_eq!(records[1].event, Event::Effect(done));
    assert!(matches!(&records[2].event, Event::Ended(it) if it.detail == "ok" && it.verdict == Verdict::Allowed));
    for record in &records {
        assert_eq!((&*record.call, &*record.skill, record.digest), ("c1", "weather", Digest([7; 32])));
        assert!(Timestamp::now().duration_since(record.time).abs() < SignedDuration::from_secs(60));
    }
    let text = raw(&place);
    assert_eq!(text.lines().count(), 3);
    assert!(text.contains("\"v\":1") && text.contains("\"digest\":\"0707") && text.contains("\"event\":\"effect\""));
    let time = text.split("\"time\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(time.ends_with('Z') && time.len() <= "2026-01-01T00:00:00.000Z".len(), "{time}");
}

#[test]
fn a_call_that_is_dropped_has_an_end_too() {
    let place = place();
    drop(place.audit.call(about("c1", "weather")));
    assert!(matches!(&all(&place.audit)[1].event, Event::Ended(it) if it.verdict == Verdict::Failed));
}

#[test]
fn records_are_kept_back_only_a_little() {
    let place = place();
    let call = place.audit.call(about("c1", "weather"));
    let one = || call.record(effect(Capability::Kv, Verdict::Denied, "k"));
    (0..30).for_each(|_| one());
    assert_eq!(all(&place.audit).len(), 0);
    one();
    assert_eq!(all(&place.audit).len(), 32);
    one();
    std::thread::sleep(Duration::from_millis(1050));
    one();
    assert_eq!(all(&place.audit).len(), 34);
    one();
    call.flush();
    assert_eq!(all(&place.audit).len(), 35);
    call.end(Verdict::Allowed, "ok");
    one();
    assert_eq!(all(&place.audit).len(), 37, "what comes after the end is not lost");
}

#[test]
fn a_skill_in_a_loop_is_counted_and_pushes_nobody_out() {
    let place = place();
    let call = place.audit.call(about("c1", "loop"));
    for n in 0..10_000 {
        let verdict = if n % 2 == 0 { Verdict::Denied } else { Verdict::Failed };
        call.record(effect(Capability::HttpOut, verdict, "GET https://x/"));
    }
    call.end(Verdict::Allowed, "ok");
    let records = all(&place.audit);
    assert_eq!(records.len(), 1 + 2 * 256 + 1 + 1);
    let Event::More { effects } = &records[records.len() - 2].event else { panic!() };
    assert_eq!((effects["http-out denied"], effects["http-out failed"]), (5_000 - 256, 5_000 - 256));
}

/// A thousand reads do not cover up the one request that follows them.
#[test]
fn a_flood_of_one_kind_leaves_room_for_the_others() {
    let place = place();
    let call = place.audit.call(about("c1", "loop"));
    for n in 0..1000 {
        call.record(effect(Capability::Kv, Verdict::Allowed, &format!("key {n}")));
    }
    call.record(effect(Capability::HttpOut, Verdict::Allowed, "POST https://x/"));
    call.end(Verdict::Allowed, "ok");
    let records = all(&place.audit);
    let Event::Effect(last) = &records[records.len() - 3].event else { panic!("{records:?}") };
    assert_eq!(last.target, "POST https://x/");
    let Event::More { effects } = &records[records.len() - 2].event else { panic!() };
    assert_eq!(effects.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(), [("kv allowed", 744)]);
}

/// The longest texts there are: what one call adds is bounded in bytes too, at each border.
#[test]
fn what_one_call_adds_is_bounded_in_bytes() {
    let place = place();
    let call = place.audit.call(about("c1", "loop"));
    let long = "\"".repeat(4 * MAX_TEXT);
    let all_kinds = [Verdict::Allowed, Verdict::Denied, Verdict::Failed];
    for _ in 0..300 {
        for verdict in all_kinds {
            let one = effect(Capability::HttpOut, verdict, &long);
            call.record(Effect { rule: long.clone(), action: long.clone(), ..one });
        }
    }
    call.end(Verdict::Allowed, "ok");
    let records = all(&place.audit);
    let Event::More { effects } = &records[records.len() - 2].event else { panic!() };
    assert_eq!(records.len() as u64 - 3 + effects.values().sum::<u64>(), 900, "each is there or counted");
    assert!(effects.len() == all_kinds.len() && records.len() < 3 * 32, "{} records, {effects:?}", records.len());
    assert!(raw(&place).len() < all_kinds.len() * (104 << 10), "{} bytes", raw(&place).len());
}

#[test]
fn texts_of_skills_are_escaped_and_bounded() {
    let place = place();
    let call = place.audit.call(about("c1", "we\u{202e}ather"));
    let long = format!("GET https://x/\n{{\"v\":1}}{}", "é\"\\".repeat(100_000));
    call.record(effect(Capability::HttpOut, Verdict::Denied, &long));
    call.end(Verdict::Allowed, "o\u{1b}[2Jk");
    let records = all(&place.audit);
    let Event::Effect(effect) = &records[1].event else { panic!() };
    assert!(effect.target.starts_with("GET https://x/\\u{a}{") && effect.target.ends_with('…'));
    assert!(effect.target.len() <= MAX_TEXT);
    let text = raw(&place);
    assert_eq!(text.lines().count(), 3);
    assert!(!text.chars().any(|c| c != '\n' && crate::text::misleads(c)));
}

#[test]
fn filters_narrow_down() {
    let place = place();
    for (call, skill) in [("c1", "a"), ("c2", "b")] {
        let call = place.audit.call(about(call, skill));
        call.record(effect(Capability::HttpOut, Verdict::Denied, "1"));
        call.record(effect(Capability::Kv, Verdict::Allowed, "2"));
        call.end(Verdict::Allowed, "ok");
    }
    let count = |filter: Filter| place.audit.read(&filter).unwrap().records.len();
    assert_eq!(count(Filter::default()), 8);
    assert_eq!(count(Filter { skill: Some("a".to_owned()), ..Filter::default() }), 4);
    assert_eq!(count(Filter { call: Some("c2".to_owned()), ..Filter::default() }), 4);
    assert_eq!(count(Filter { capability: Some(Capability::Kv), ..Filter::default() }), 2);
    assert_eq!(count(Filter { verdict: Some(Verdict::Denied), ..Filter::default() }), 2);
    assert_eq!(count(Filter { verdict: Some(Verdict::Allowed), ..Filter::default() }), 4);
    let later = Timestamp::now() + SignedDuration::from_secs(5);
    assert_eq!(count(Filter { since: Some(later), ..Filter::default() }), 0);
    assert_eq!(count(Filter { since: Some(later - SignedDuration::from_mins(1)), ..Filter::default() }), 8);
    let last = place.audit.read(&Filter { last: Some(3), ..Filter::default() }).unwrap().records;
    assert!(last.len() == 3 && last.iter().all(|record| record.skill == "b"));
}

#[test]
fn half_lines_are_passed_over_noted_and_never_swallow_the_next() {
    let place = place();
    drop(place.audit.call(about("c1", "a")));
    let path = place.home.path().join("state/audit/audit.jsonl");
    let tear = |text: &str| {
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    tear("{\"v\":1,\"time\":\"20");
    let reading = place.audit.read(&Filter::default()).unwrap();
    assert_eq!(reading.records.len(), 2);
    assert!(reading.notes[0].contains("a last line that is cut off"), "{:?}", reading.notes);
    drop(place.audit.call(about("c2", "a")));
    tear("{\"v\":2,\"what\":1}\nnonsense\n{\"v\":1}\n");
    tear(&format!("{}\n", "x".repeat(600_000)));
    drop(place.audit.call(about("c3", "a")));
    let reading = place.audit.read(&Filter::default()).unwrap();
    assert_eq!(reading.records.len(), 6);
    assert!(reading.notes[0].contains("1 lines of a newer vox"), "{:?}", reading.notes);
    assert!(reading.notes[0].contains("damaged lines"), "{:?}", reading.notes);
}

#[test]
fn files_rotate_and_the_oldest_goes() {
    for files in [1, 2, 4] {
        let place = bounded(Bounds { files, bytes: 4096 });
        for n in 0..200 {
            drop(place.audit.call(about(&format!("c{n}"), "a")));
        }
        let folder = place.home.path().join("state/audit");
        let sizes: Vec<u64> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap())
            .filter(|file| file.file_name() != ".lock")
            .map(|file| file.metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), files as usize);
        assert!(sizes.iter().all(|size| *size <= 4096), "{sizes:?}");
        let calls: Vec<String> = all(&place.audit).into_iter().map(|record| record.call).collect();
        // What is left is the end of the sequence, in order and without a hole.
        let first: u32 = calls[0][1..].parse().unwrap();
        let expected: Vec<String> = (first..200).flat_map(|n| [format!("c{n}"), format!("c{n}")]).collect();
        assert_eq!(calls, expected);
        assert!(calls.len() > files as usize * 8);
    }
}

#[test]
fn a_failure_to_write_is_told_once_and_leaves_a_gap_in_the_log() {
    let place = place();
    let folder = place.home.path().join("state/audit");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    for _ in 0..3 {
        drop(place.audit.call(about("c1", "a")));
    }
    let trouble = place.audit.trouble().unwrap().to_string();
    assert!(trouble.contains("chmod 700") && trouble.contains("not recorded"), "{trouble}");
    drop(place.audit.call(about("c1", "a")));
    assert!(place.audit.trouble().is_none());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    drop(place.audit.call(about("c2", "a")));
    let records = all(&place.audit);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].event, Event::Gap { records: 8 });
}

#[test]
fn a_stuck_lock_stops_no_call() {
    let place = place();
    drop(place.audit.call(about("c1", "a")));
    let folder = crate::private::Folder::made(place.audit.path()).unwrap();
    let _held = folder.lock(".lock", Duration::ZERO).unwrap();
    let started = std::time::Instant::now();
    drop(place.audit.call(about("c2", "a")));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(all(&place.audit).len(), 4);
    assert!(place.audit.trouble().is_none());
}

#[test]
fn decisions_of_a_person_are_taken_down() {
    let place = place();
    let consent = Consented { action: "grant".to_owned(), caller: "cli".to_owned(), scope: "http x".to_owned() };
    place.audit.note(&Record::now("", "a", Digest([1; 32]), Event::Consent(consent.clone())));
    assert_eq!(all(&place.audit)[0].event, Event::Consent(consent));
}

const CANARY: &str = "Canary/tok+en=:_42?Zz";

/// The ways in which a skill could write down a value that it holds.
fn disguises() -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
    let escaped = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let partly = CANARY.replace('/', "%2f").replace('+', "%2B").replace('=', "%3d").replace('?', "%3F");
    let mut all = vec![
        CANARY.to_owned(),
        CANARY.to_lowercase(),
        CANARY.to_uppercase(),
        hex::encode(CANARY),
        hex::encode_upper(CANARY),
        escaped(CANARY),
        partly.clone(),
        partly.replace('%', "%25"),
        escaped(&escaped(CANARY)),
        escaped(&hex::encode(CANARY)),
    ];
    for around in ["", "a", "ab", "abc"] {
        for engine in [STANDARD, URL_SAFE, URL_SAFE_NO_PAD] {
            let text = engine.encode(format!("{around}{CANARY}{around}"));
            all.push(escaped(&text));
            all.push(text);
        }
    }
    all
}

#[test]
fn no_secret_is_written_in_any_text_or_disguise() {
    let place = place();
    place.audit.hide(&[SecretString::from(CANARY), SecretString::from("other-secret"), SecretString::from("")]);
    let disguises = disguises();
    for disguise in &disguises {
        let call = place.audit.call(about("c1", "a"));
        let text = format!("GET https://x/?k={disguise}&z");
        let plain = effect(Capability::HttpOut, Verdict::Denied, "plain");
        call.record(Effect { target: text.clone(), ..plain.clone() });
        call.record(Effect { rule: text.clone(), ..plain.clone() });
        call.record(Effect { action: text.clone(), ..plain.clone() });
        call.end(Verdict::Failed, &text);
        let odd = CallAbout { function: text.clone(), caller: text.clone(), ..about(&text, &text) };
        drop(place.audit.call(odd));
        let consent = Consented { action: text.clone(), caller: text.clone(), scope: text.clone() };
        place.audit.note(&Record::now(&text, &text, Digest([1; 32]), Event::Consent(consent)));
    }
    let text = raw(&place);
    for disguise in &disguises {
        assert!(!text.contains(disguise.as_str()), "{disguise}");
    }
    let records = all(&place.audit);
    assert_eq!(records.len(), disguises.len() * 8);
    // The start of each call had nothing to hide, every other record says that it hid something.
    assert_eq!(records.iter().filter(|record| !record.redacted).count(), disguises.len());
    assert!(records.iter().any(|record| matches!(&record.event, Event::Effect(it) if it.target == REDACTED)));
}

#[test]
fn no_part_of_a_secret_is_written_where_a_text_is_cut() {
    let place = place();
    let secret = format!("Canary{}", "0123456789abcdef".repeat(500));
    place.audit.hide(&[SecretString::from(secret.as_str())]);
    for lead in [MAX_TEXT - 20, MAX_TEXT - 8, MAX_TEXT - 3] {
        for text in [secret.clone(), hex::encode(&secret)] {
            let call = place.audit.call(about("c1", "a"));
            call.record(effect(Capability::HttpOut, Verdict::Denied, &format!("{}{text}", "x".repeat(lead))));
        }
    }
    let text = raw(&place);
    assert!(!text.contains("Canary") && !text.contains("xx"), "{text}");
}

#[test]
fn what_only_looks_like_a_secret_is_written() {
    let place = place();
    place.audit.hide(&[SecretString::from(CANARY)]);
    let call = place.audit.call(about("c1", "a"));
    for target in ["GET https://x/?q=100%25&r=%41", "canary", "%", "%4", "%zz+%"] {
        call.record(effect(Capability::HttpOut, Verdict::Allowed, target));
    }
    call.end(Verdict::Allowed, "ok");
    assert!(all(&place.audit).iter().all(|record| !record.redacted));
}
