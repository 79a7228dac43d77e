use super::*;

fn wrong(text: &str) -> ManifestError {
    parse(text).expect_err(text)
}

/// The text that an error marks.
fn marked<'t>(text: &'t str, error: &ManifestError) -> &'t str {
    error.span.clone().map_or("", |span| &text[span])
}

#[test]
fn nothing_is_a_manifest_that_asks_for_nothing() {
    let manifest = parse("").expect("empty");
    assert!(manifest.required.is_empty() && manifest.forbidden.is_empty());
    assert_eq!(manifest.requests, Requests::default());
    assert_eq!(manifest.limits.over(Limits::default()), Limits::default());
}

#[test]
fn a_whole_manifest_is_read() {
    let text = r#"
[skill]
name = "acme:issues"
version = "1.2.0"
description = "Reads issues."
component = "build/issues.wasm"

[runtime]
required = ["http-out", "kv", "filesystem-rw"]
forbidden = ["subprocess", "gpu"]

[files]
write = ["out"]

[http]
allow = ["https://api.example.org/v1"]

[kv]

[limits]
time = "30s"
memory = "128MiB"
"#;
    let manifest = parse(text).expect("it makes sense");
    assert_eq!(manifest.name.map(|name| name.to_string()).as_deref(), Some("acme:issues"));
    assert_eq!(manifest.component.as_deref(), Some("build/issues.wasm"));
    assert_eq!(manifest.required.len(), 3);
    let limits = manifest.limits.over(Limits::default());
    assert_eq!((limits.time, limits.memory), (Duration::from_secs(30), 128 << 20));
    assert_eq!(limits.output, Limits::default().output);
}

#[test]
fn unknown_keys_are_errors_with_a_suggestion() {
    let text = "[skill]\nnmae = \"x\"\n";
    let error = wrong(text);
    assert_eq!(marked(text, &error), "nmae");
    assert_eq!(error.help.as_deref(), Some("did you mean `name`?"));
    for text in ["[sKill]", "[runtime]\nrequire = []", "x = 1", "[http]\nalow = []", "[limits]\nfuel = \"1\""] {
        assert!(wrong(text).message.starts_with("unknown field"), "{text}");
    }
}

#[test]
fn words_are_a_closed_set() {
    let text = "[runtime]\nrequired = [\"http-out\", \"filesystem_rw\"]\n[http]\nallow = []";
    let error = wrong(text);
    assert_eq!(marked(text, &error), "\"filesystem_rw\"");
    assert_eq!(error.help.as_deref(), Some("did you mean `filesystem-rw`?"));
    assert!(wrong("[runtime]\nrequired = [\"kv\", \"kv\"]").message.contains("twice"));
    assert!(wrong("[runtime]\nrequired = [\"*\"]").message.contains("no capability"));
}

#[test]
fn what_contradicts_itself_is_an_error() {
    let text = "[runtime]\nrequired = [\"kv\"]\nforbidden = [\"kv\"]";
    assert!(wrong(text).message.contains("both required and forbidden"));
    let text = "[http]\nallow = [\"https://a.example\"]";
    let error = wrong(text);
    assert!(error.message.contains("`[http]`") && error.help.is_some_and(|help| help.contains("\"http-out\"")));
}

#[test]
fn wrong_types_and_values_are_errors_with_a_place() {
    for text in [
        "skill = 1",
        "[skill]\nname = 3",
        "[skill]\nname = \"Not A Name\"",
        "[skill]\ncomponent = \"../x.wasm\"",
        "[skill]\ncomponent = \"/x.wasm\"",
        "[skill]\ncomponent = \"x.txt\"",
        "[runtime]\nrequired = \"kv\"",
        "[limits]\ntime = 3",
        "[limits]\ntime = \"3\"",
        "[limits]\ntime = \"3h\"",
        "[limits]\ntime = \"11m\"",
        "[limits]\nmemory = \"1TiB\"",
        "[limits]\noutput = \"1GiB\"",
        "[skill\n",
        "a = 1\na = 2",
    ] {
        let error = wrong(text);
        assert!(error.span.is_some(), "{text}: {error}");
    }
}

const SCRIPTS: &str = r#"
[runtime]
required = ["filesystem-rw", "subprocess"]

[subprocess]
programs = ["python3"]
"#;

#[test]
fn scripts_are_read() {
    let text = format!(
        "{SCRIPTS}[[script]]\npath = \"scripts/a.py\"\ninterpreter = \"python3\"\nrequired = [\"subprocess\"]\n\
         [[script]]\npath = \"scripts/b.wasm\"\n"
    );
    let manifest = parse(&text).expect("it makes sense");
    let [one, two] = &manifest.scripts[..] else { panic!("{:?}", manifest.scripts) };
    assert_eq!((one.path.as_str(), one.interpreter.as_deref()), ("scripts/a.py", Some("python3")));
    assert_eq!(one.required, [Capability::Subprocess].into());
    assert_eq!((two.interpreter.as_deref(), &two.required), (None, &manifest.required));
}

/// Each rule broken alone: what is said, and the text that is marked.
#[test]
fn scripts_that_make_no_sense_are_errors_with_a_place() {
    for (entry, said, mark) in [
        ("path = \"../a.py\"\ninterpreter = \"python3\"", "in the skill's folder", "\"../a.py\""),
        ("path = \"/a.py\"\ninterpreter = \"python3\"", "in the skill's folder", "\"/a.py\""),
        ("path = \"a//b.py\"\ninterpreter = \"python3\"", "in the skill's folder", "\"a//b.py\""),
        ("path = \"a\\u0007.py\"\ninterpreter = \"python3\"", "in the skill's folder", "\"a\\u0007.py\""),
        ("path = \"a.py\"", "nothing says what runs", "\"a.py\""),
        ("path = \"a.wasm\"\ninterpreter = \"python3\"", "which no program runs", "\"python3\""),
        ("path = \"a.py\"\ninterpreter = \"/bin/python3\"", "no name of a program", "\"/bin/python3\""),
        ("path = \"a.py\"\ninterpreter = \"-c\"", "no name of a program", "\"-c\""),
        ("path = \"a.rb\"\ninterpreter = \"ruby\"", "does not ask for it", "\"ruby\""),
        ("path = \"a.py\"\ninterpreter = \"python3\"\nrequired = []", "\"subprocess\" is not required", "\"python3\""),
        ("path = \"a.wasm\"\nrequired = [\"kv\"]", "does not require it", "\"kv\""),
        ("path = \"a.wasm\"\nrequired = [\"kvv\"]", "no capability", "\"kvv\""),
        ("path = \"a.wasm\"\ntier = \"wasm\"", "unknown field", "tier"),
        ("interpreter = \"python3\"", "missing field", ""),
    ] {
        let text = format!("{SCRIPTS}[[script]]\n{entry}\n");
        let error = wrong(&text);
        assert!(error.message.contains(said), "{entry}: {error}");
        assert!(marked(&text, &error).contains(mark), "{entry}: {:?}", marked(&text, &error));
    }
    let twice = format!("{SCRIPTS}[[script]]\npath = \"a.wasm\"\n[[script]]\npath = \"a.wasm\"\n");
    assert!(wrong(&twice).message.contains("twice"));
}

#[test]
fn the_schema_knows_every_word_and_every_section() {
    let schema = schema();
    let text = schema.to_string();
    for capability in Capability::ALL {
        assert!(text.contains(&format!("\"{capability}\"")), "{capability}");
    }
    let sections =
        ["script", "skill", "runtime", "limits", "files", "http", "kv", "config", "log", "clock", "random", "serve"];
    for section in sections {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
}

/// A manifest with one served interface; what is given stands in its section.
fn serving(name: &str, section: &str) -> String {
    format!("[serve.\"{name}\"]\n{section}\n")
}

const FRAMES: &str = "acme:frames/describe@0.1.0";
const PYTHON: &str = "command = [\"python3\", \"/skill/worker.py\"]";

#[test]
fn commands_serve_interfaces_and_their_programs_are_asked_for() {
    let manifest = parse(&serving(FRAMES, PYTHON)).expect("it makes sense");
    let command = Command { program: "python3".to_owned(), arguments: vec!["/skill/worker.py".to_owned()] };
    assert_eq!(manifest.served.commands.get(FRAMES), Some(&command));
    assert_eq!(manifest.served.image, None);
    assert_eq!(manifest.requests.subprocess.programs, ["python3"]);
    assert!(manifest.required.is_empty(), "the import says what is needed");
    let image = format!("sha256:{}", "0123456789abcdef".repeat(4));
    for name in [image.clone(), format!("r.example/frames@{image}")] {
        let both = [FRAMES, "acme:frames/plot@0.1.0"].map(|of| serving(of, &format!("{PYTHON}\nimage = \"{name}\"")));
        let manifest = parse(&both.concat()).expect("it makes sense");
        assert_eq!((manifest.served.commands.len(), manifest.served.image), (2, Some(name)));
    }
}

#[test]
fn what_cannot_be_served_is_an_error_with_a_place() {
    let image = format!("sha256:{}", "0".repeat(64));
    for text in [
        serving("describe", PYTHON),
        serving("acme:frames", PYTHON),
        serving("acme:frames/describe@", PYTHON),
        serving("acme:frames/de scribe", PYTHON),
        serving("wasi:http/types@0.2.0", PYTHON),
        serving("wasi:nn/graph@0.2.0", PYTHON),
        serving("vox:skill/processes@0.1.0", PYTHON),
        serving("vox:bundle/json@0.1.0", PYTHON),
        serving(FRAMES, "command = []"),
        serving(FRAMES, "command = [\"\"]"),
        serving(FRAMES, "command = \"python3\""),
        serving(FRAMES, "command = [\"a,b\"]"),
        serving(FRAMES, "command = [\"a\\u0000b\"]"),
        serving(FRAMES, "command = [\"a\", \"\\n\"]"),
        serving(FRAMES, &format!("command = [\"a\", \"{}\"]", "x".repeat(1024))),
        serving(FRAMES, &format!("{PYTHON}\nimage = \"python:3\"")),
        serving(FRAMES, &format!("{PYTHON}\nimage = \"--privileged@{image}\"")),
        serving(FRAMES, &format!("{PYTHON}\nimage = \"{}\"", image.to_uppercase())),
        serving(FRAMES, &format!("{PYTHON}\nimages = \"{image}\"")),
        serving(FRAMES, &format!("{PYTHON}\nimage = \"{image}\"")) + &serving("acme:frames/plot@0.1.0", PYTHON),
        format!("[runtime]\nforbidden = [\"subprocess\"]\n{}", serving(FRAMES, PYTHON)),
        serving(FRAMES, "image = \"x\""),
    ] {
        let error = wrong(&text);
        assert!(error.span.is_some(), "{text}: {error}");
    }
    let many =
        |count: usize| (0..count).map(|n| serving(&format!("acme:frames/x{n}@0.1.0"), PYTHON)).collect::<String>();
    assert!(parse(&many(MAX_SERVED)).is_ok());
    assert!(wrong(&many(MAX_SERVED + 1)).message.contains("at most 8"));
}
