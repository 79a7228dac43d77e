use super::*;

fn tree(files: &[(&str, &str)]) -> Tree {
    let entry = |(path, text): &(&str, &str)| Entry {
        path: (*path).to_owned(),
        executable: false,
        bytes: text.as_bytes().to_vec(),
    };
    Tree::of(files.iter().map(entry).collect())
}

fn one(path: &str, text: &str) -> Script {
    script(&tree(&[(path, text)]), path, None).unwrap_or_else(|| panic!("{path}"))
}

#[test]
fn every_kind_has_one_row() {
    use Kind::*;
    for kind in [Component, Python, Javascript, Typescript, Shell, Perl, Ruby, Native, Other] {
        assert_eq!(TABLE.iter().filter(|row| row.kind == kind).count(), 1, "{kind:?}");
    }
}

#[test]
fn scripts_are_known_by_name_and_by_first_line() {
    for (path, text, kind, interpreter) in [
        ("scripts/a.py", "", Kind::Python, Some("python3")),
        ("scripts/A.PY", "", Kind::Python, Some("python3")),
        ("scripts/a", "#!/usr/bin/env python3.11\n", Kind::Python, Some("python3")),
        ("scripts/a", "#!/usr/bin/env -S A=b python -u\n", Kind::Python, Some("python3")),
        ("scripts/a.mjs", "", Kind::Javascript, Some("node")),
        ("scripts/a", "#!/usr/bin/env node\n", Kind::Javascript, Some("node")),
        ("scripts/a.ts", "", Kind::Typescript, Some("deno")),
        ("scripts/a.ts", "#!/usr/bin/env bun\n", Kind::Typescript, Some("bun")),
        ("scripts/a.sh", "", Kind::Shell, Some("sh")),
        ("scripts/a.sh", "#!/bin/bash -e\n", Kind::Shell, Some("bash")),
        ("scripts/a.bash", "", Kind::Shell, Some("bash")),
        ("scripts/a", "#!/bin/sh\n", Kind::Shell, Some("sh")),
        ("scripts/a.rb", "", Kind::Ruby, Some("ruby")),
        ("scripts/a", "#!/usr/bin/perl -w\n", Kind::Perl, Some("perl")),
        ("scripts/a", "#!/usr/bin/lua\n", Kind::Other, Some("env")),
        ("scripts/a", "\x7fELF", Kind::Native, Some("env")),
        ("scripts/a.py", "\x7fELF", Kind::Native, Some("env")),
        ("scripts/a.wasm", "", Kind::Component, None),
        ("scripts/a", "\0asm\x0d\0\x01\0", Kind::Component, None),
    ] {
        let script = one(path, text);
        assert_eq!((script.kind, script.interpreter.as_deref()), (kind, interpreter), "{path} {text:?}");
        let tier = if kind == Kind::Component { Tier::Wasm } else { Tier::Container };
        assert_eq!(script.tier, tier, "{path}");
    }
    for (path, text) in
        [("scripts/data.json", "{}"), ("scripts/notes.md", "# x"), ("scripts/a", "x"), ("scripts/b", "#!")]
    {
        assert!(script(&tree(&[(path, text)]), path, None).is_none(), "{path}");
    }
}

#[test]
fn only_what_lies_below_scripts_is_listed() {
    let tree = tree(&[
        ("SKILL.md", ""),
        ("a.py", ""),
        ("scripts/a.py", "import helper"),
        ("scripts/helper.py", ""),
        ("scripts/lib/__init__.py", ""),
        ("scripts/lib/b.py", ""),
        ("scripts/data.csv", ""),
        ("scriptsx/c.py", ""),
    ]);
    let paths: Vec<String> = scripts(&tree).into_iter().map(|script| script.path).collect();
    assert_eq!(paths, ["scripts/a.py", "scripts/lib/b.py"]);
    assert!(script(&tree, "a.py", None).is_some() && script(&tree, "scripts/none.py", None).is_none());
    // Somebody may choose what runs a file that says nothing.
    let chosen = script(&tree, "scripts/data.csv", Some("awk")).unwrap();
    assert_eq!((chosen.kind, chosen.interpreter.as_deref()), (Kind::Other, Some("awk")));
}

#[test]
fn the_reason_says_what_was_found() {
    for (path, text, said) in [
        ("scripts/a.py", "import csv, json", "Python with the standard library alone (csv, json), and no interpreter"),
        ("scripts/a.py", "", "plain Python, and no interpreter"),
        ("scripts/a.py", "import csv\nimport pandas", "modules from elsewhere (pandas)"),
        (
            "scripts/a.py",
            "import csv\nimport subprocess",
            "reaches outside its interpreter (subprocess, line 2): python3 runs it",
        ),
        ("scripts/a.js", "import './b.js'", "plain JavaScript, and no interpreter"),
        ("scripts/a.js", "import 'node:fs'", "reaches outside its interpreter (node:fs, line 1)"),
        ("scripts/a.js", "require('zx')", "modules from elsewhere (zx)"),
        ("scripts/a.sh", "git log", "a shell script starts programs: sh runs it in a container"),
        ("scripts/a.rb", "", "no component runs Ruby"),
        ("scripts/a.wasm", "", "it is a component"),
    ] {
        let reason = one(path, text).reason;
        assert!(reason.contains(said), "{path}: {reason}");
    }
}

/// The table is ready for interpreters that are components: what they take changes its tier, and nothing else does.
#[test]
fn an_interpreter_component_takes_what_fits_it() {
    let offered = [Kind::Python, Kind::Javascript];
    for (path, text, tier) in [
        ("scripts/a.py", "import csv", Tier::Wasm),
        ("scripts/a.py", "import socket", Tier::Container),
        ("scripts/a.py", "import pandas", Tier::Container),
        ("scripts/a.js", "import './b.js'", Tier::Wasm),
        ("scripts/a.js", "import 'node:path'", Tier::Container),
        ("scripts/a.sh", "true", Tier::Container),
        ("scripts/a.ts", "", Tier::Container),
    ] {
        let script = one(path, text);
        let routed = route(row(script.kind), "x", &script.modules, &offered);
        assert_eq!(routed.0, tier, "{path} {text:?}: {}", routed.1);
    }
}

#[test]
fn modules_beside_a_script_are_its_own() {
    let files =
        [("scripts/a.py", "import b, c, d, csv"), ("scripts/b.py", ""), ("scripts/c/x.py", ""), ("scripts/csv.py", "")];
    let script = script(&tree(&files), "scripts/a.py", None).unwrap();
    let names = |list: &[Found]| list.iter().map(|found| found.what.clone()).collect::<Vec<_>>();
    assert_eq!(names(&script.modules.local), ["b", "c", "csv"]);
    assert_eq!(names(&script.modules.foreign), ["d"]);
}
