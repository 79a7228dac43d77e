use super::*;
use crate::bindings::wasi::config::store::{Error, Host as _};
use crate::grant::{MAX_NAME, MAX_VALUE};
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use vox_model::{Lease, Recorder, Scope};

#[derive(Default)]
struct Books(Mutex<Vec<Effect>>);

impl Recorder for Books {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

struct Held(AtomicBool);

impl Lease for Held {
    fn holds(&self, _: Capability) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn grant(settings: &[&str]) -> Grant {
    let mut all = Grant::default();
    settings.iter().for_each(|one| all.merge(&one.parse().unwrap()));
    all
}

fn state(grant: &Grant, request: &Request) -> (ConfigState, Arc<Books>, Arc<Held>) {
    let (books, held) = (Arc::new(Books::default()), Arc::new(Held(AtomicBool::new(true))));
    let scope = CallScope::from(Scope { recorder: books.clone(), lease: held.clone(), ..Scope::unwatched("s") });
    (ConfigState::new(scope, grant, request).unwrap(), books, held)
}

#[test]
fn off_there_is_no_setting() {
    let (mut config, books, held) = state(&Grant::default(), &Request::default());
    held.0.store(false, Ordering::SeqCst);
    assert_eq!(config.get("units".into()).unwrap(), None);
    assert_eq!(config.get_all().unwrap(), []);
    let books = books.0.lock().unwrap();
    assert_eq!((books[0].verdict, books[0].target.as_str()), (Verdict::Denied, "units"));
    assert_eq!(books[0].rule, "no such setting was granted: --config units=VALUE");
}

#[test]
fn on_only_granted_names_exist() {
    let (mut config, books, _) =
        state(&grant(&["units=metric", "url=https://a.example/?x=1", "empty="]), &Request::default());
    assert_eq!(config.get("units".into()).unwrap().as_deref(), Some("metric"));
    assert_eq!(config.get("url".into()).unwrap().as_deref(), Some("https://a.example/?x=1"));
    assert_eq!(config.get("empty".into()).unwrap().as_deref(), Some(""));
    assert_eq!(config.get("PATH".into()).unwrap(), None);
    assert_eq!(config.get_all().unwrap().len(), 3);
    let books = books.0.lock().unwrap();
    assert_eq!((books[0].verdict, books[0].received, books[0].rule.as_str()), (Verdict::Allowed, 6, "--config units"));
    assert_eq!(books[3].verdict, Verdict::Denied);
}

#[test]
fn defaults_hold_until_a_value_is_granted() {
    let request: Request = toml::from_str(
        "settings = [\"region\", { name = \"units\", default = \"metric\", reason = \"for the answer\" }]",
    )
    .unwrap();
    let (mut config, ..) = state(&Grant::default(), &request);
    assert_eq!(config.get("units".into()).unwrap().as_deref(), Some("metric"));
    assert_eq!(config.get("region".into()).unwrap(), None);
    let (mut config, ..) = state(&grant(&["units=imperial"]), &request);
    assert_eq!(config.get("units".into()).unwrap().as_deref(), Some("imperial"));
    assert_eq!(Grant::default().missing(&request), ["--config region=VALUE"]);
    assert!(grant(&["region=eu"]).missing(&request).is_empty());
}

#[test]
fn taken_back_is_an_error() {
    let (mut config, books, held) = state(&grant(&["a=1"]), &Request::default());
    assert!(config.get("a".into()).is_ok());
    held.0.store(false, Ordering::SeqCst);
    assert!(matches!(config.get("a".into()), Err(Error::Upstream(text)) if text.contains("taken back")));
    assert!(config.get_all().is_err());
    assert_eq!(books.0.lock().unwrap()[1].verdict, Verdict::Denied);
}

#[test]
fn a_loop_does_not_fill_the_audit() {
    let (mut config, books, _) = state(&grant(&["a=1"]), &Request::default());
    for _ in 0..5000 {
        config.get("\u{202e}\n".repeat(100)).unwrap();
    }
    drop(config);
    let books = books.0.lock().unwrap();
    assert_eq!(books.len(), 1001);
    assert!(books[0].target.len() <= MAX_TARGET && books[0].target.starts_with(r"\u{202e}\n"));
    assert_eq!(books[0].rule, "no such setting was granted");
    assert_eq!(books[1000].target, "4000 more reads");
}

#[test]
fn settings_are_bounded() {
    let mut full = Grant::default();
    for n in 0..MAX_SETTINGS {
        full.add(format!("n{n}"), "v".repeat(MAX_VALUE)).unwrap();
    }
    full.add("n0".into(), "again".into()).unwrap();
    assert_eq!(full.add("more".into(), String::new()), Err(Invalid::Count(65)));
    full.merge(&grant(&["more=1"]));
    assert!(ConfigState::new(CallScope::unwatched("s"), &full, &Request::default()).is_err());
    let long = format!("a={}", "v".repeat(MAX_VALUE + 1));
    assert_eq!(long.parse::<Grant>(), Err(Invalid::Value { name: "a".into(), bytes: 4097 }));
    for bad in
        ["", "=v", "novalue", "a b=1", "$(x)=1", "-a=1", "ä=1", "a\n=1", &format!("{}=1", "n".repeat(MAX_NAME + 1))]
    {
        assert!(bad.parse::<Grant>().is_err(), "{bad}");
    }
}

#[test]
fn stored_grants_are_read_back_and_checked() {
    let given = grant(&["units=metric"]);
    let json = serde_json::to_string(&given).unwrap();
    assert_eq!(json, r#"{"settings":{"units":"metric"}}"#);
    assert_eq!(serde_json::from_str::<Grant>(&json).unwrap(), given);
    assert!(serde_json::from_str::<Grant>(r#"{"settings":{"a b":"1"}}"#).is_err());
    assert!(serde_json::from_str::<Grant>(r#"{"all":true}"#).is_err());
    assert_eq!(given.describe(), ["read the setting `units`, which is `metric`"]);
}

#[test]
fn manifests_are_checked_and_errors_say_where() {
    for (bad, says) in [
        ("settings = [1]", "the name of a setting"),
        ("settings = [\"a\", \"a\"]", "listed twice"),
        ("settings = [{ name = \"a\", value = \"b\" }]", "unknown field `value`"),
        ("settings = [{ default = \"b\" }]", "missing field `name`"),
        ("settings = [\"a b\"]", "names no setting"),
        ("secrets = []", "unknown field `secrets`"),
    ] {
        let error = toml::from_str::<Request>(bad).unwrap_err().to_string();
        assert!(error.contains(says), "{bad}: {error}");
    }
    let schema = serde_json::to_string(&schemars::schema_for!(Request)).unwrap();
    assert!(schema.contains("default") && schema.contains("additionalProperties"), "{schema}");
}

#[test]
fn grants_are_compared_joined_and_taken_away() {
    let (one, two) = (grant(&["a=1", "b=2"]), grant(&["a=1", "b=3", "c=4"]));
    let mut joined = one.clone();
    joined.merge(&two);
    assert_eq!(joined, grant(&["a=1", "b=3", "c=4"]), "of two values the later one holds");
    assert_eq!(one.without(&two), grant(&["b=2"]), "another value is another setting");
    assert_eq!(two.without(&one), grant(&["b=3", "c=4"]));
    let mut less = two.clone();
    less.subtract(&grant(&["b=other"]));
    assert_eq!(less, grant(&["a=1", "c=4"]), "a denial takes every value of the name");
    assert_eq!((one.capabilities(), Grant::default().capabilities()), (vec![Capability::Config], vec![]));
}

#[test]
fn names_and_what_is_shown_of_values_have_bounds() {
    assert!(format!("{}=1", "n".repeat(MAX_NAME)).parse::<Grant>().is_ok());
    for fine in ["A=1", "a-b=1", "a_b=1", "a.b=1", "a/b:c=1", "9=1"] {
        assert!(fine.parse::<Grant>().is_ok(), "{fine}");
    }
    let long = grant(&[&format!("a={}", "v".repeat(41))]).describe();
    assert_eq!(long, [format!("read the setting `a`, which is `{}…`", "v".repeat(40))]);
    let short = grant(&[&format!("a={}", "v".repeat(40))]).describe();
    assert_eq!(short, [format!("read the setting `a`, which is `{}`", "v".repeat(40))]);
}

proptest! {
    #[test]
    fn any_name_can_be_asked_for(name in any::<String>()) {
        let (mut config, ..) = state(&grant(&["a=1"]), &Request::default());
        prop_assert_eq!(config.get(name.clone()).unwrap().is_some(), name == "a");
    }
}
