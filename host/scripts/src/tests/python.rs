use super::*;
use proptest::prelude::*;

fn of(text: &str) -> (Modules, Wants) {
    read(text, |name| matches!(name, "helper" | "lib"))
}

fn names(list: &[crate::Found]) -> Vec<(&str, u32)> {
    list.iter().map(|found| (found.what.as_str(), found.line)).collect()
}

/// Sources that mislead readers of lines, and what they import: standard, local, foreign.
#[test]
fn imports_are_told_from_what_looks_like_them() {
    type Expected<'e> = [&'e [(&'e str, u32)]; 3];
    let table: &[(&str, Expected)] = &[
        ("import os", [&[("os", 1)], &[], &[]]),
        ("import os, sys as s, os.path\n", [&[("os", 1), ("sys", 1)], &[], &[]]),
        ("from os import path, sep\n", [&[("os", 1)], &[], &[]]),
        ("import numpy as np; import json", [&[("json", 1)], &[], &[("numpy", 1)]]),
        ("\"\"\"\nimport fake\n\"\"\"\nimport csv", [&[("csv", 4)], &[], &[]]),
        ("'''import a''' ; import csv", [&[("csv", 1)], &[], &[]]),
        ("x = 'import fake'\n# import fake\n", [&[], &[], &[]]),
        ("s = 'it\\'s'; import re", [&[("re", 1)], &[], &[]]),
        ("s = r'\\'; import fake'\nimport re", [&[("re", 2)], &[], &[]]),
        ("s = 'never closed\nimport re", [&[("re", 2)], &[], &[]]),
        ("s = \"a\" \"b\" 'c'\nimport re", [&[("re", 2)], &[], &[]]),
        ("s = \"\"\"a \" \"\" b\"\"\"\nimport re", [&[("re", 2)], &[], &[]]),
        ("s = f'{x!r} import y'\nimport re", [&[("re", 2)], &[], &[]]),
        ("try: import tomllib\nexcept ImportError: import tomli as tomllib", [&[("tomllib", 1)], &[], &[("tomli", 2)]]),
        ("from math import (sin, # import fake\n  cos)\nimport re", [&[("math", 1), ("re", 3)], &[], &[]]),
        ("import a.b \\\n  as c, \\\n  json\n", [&[("json", 3)], &[], &[("a", 1)]]),
        ("raise X from pandas\nyield from numpy\n", [&[], &[], &[]]),
        ("from . import x\nfrom .y import z\n", [&[], &[(".", 1)], &[]]),
        ("import helper\nfrom lib.x import y", [&[], &[("helper", 1), ("lib", 2)], &[]]),
        ("def f():\n\timport yaml\n", [&[], &[], &[("yaml", 2)]]),
        ("importer = 1\nimport_module = 2\nx.important", [&[], &[], &[]]),
        ("__import__('yaml'); importlib.import_module(\"pandas.core\")", [&[], &[], &[("yaml", 1), ("pandas", 1)]]),
        ("importlib.import_module(name)", [&[], &[], &[]]),
        ("\u{feff}import os\r\nimport sys\r\n", [&[("os", 1), ("sys", 2)], &[], &[]]),
        (
            "# /// script\n# dependencies = [\"rich>=13\", \"httpx[http2]\"]\n# ///\nimport sys",
            [&[("sys", 4)], &[], &[("rich", 1), ("httpx", 1)]],
        ),
        ("import", [&[], &[], &[]]),
        ("from", [&[], &[], &[]]),
        ("import ,a", [&[], &[], &[]]),
    ];
    for (text, expected) in table {
        let (modules, _) = of(text);
        let found = [names(&modules.standard), names(&modules.local), names(&modules.foreign)];
        assert_eq!(found.each_ref().map(Vec::as_slice), *expected, "{text:?}");
    }
}

#[test]
fn what_reaches_outward_is_marked() {
    let (modules, _) = of("import json\nimport subprocess\nfrom socket import create_connection");
    assert_eq!(names(&modules.outward), [("subprocess", 2), ("socket", 3)]);
}

#[test]
fn wants_are_found() {
    let text = "import os, subprocess\n\
                url = 'https://api.example.org/v1'  # https://not.example.org\n\
                subprocess.run(['git', 'log'])\n\
                subprocess.check_output('jq -r .x', shell=True)\n\
                os.system(\"/usr/bin/curl x\")\n\
                t = os.environ['TOKEN'] + os.environ.get('TITLE', '') + os.getenv(\"ZONE\")\n\
                with open(path, encoding='utf-8') as f: f.read()\n\
                with open(out,\n   'w') as f: f.write('x')\n";
    let (_, wants) = of(text);
    assert_eq!(names(&wants.hosts), [("api.example.org", 2)]);
    assert_eq!(names(&wants.programs), [("git", 3), ("jq", 4), ("curl", 5)]);
    assert_eq!(names(&wants.variables), [("TOKEN", 6), ("TITLE", 6), ("ZONE", 6)]);
    assert_eq!((wants.reads, wants.writes), (Some(7), Some(8)));
}

#[test]
fn modes_are_told_from_names_of_files() {
    for (text, writes) in [
        ("open('w')", false),
        ("open('a', 'r')", false),
        ("open(x, 'rb')", false),
        ("open(x, mode='a')", true),
        ("open(f('w'), 'r')", false),
        ("p.open('w')", true),
        ("io.open('w')", false),
        ("Path(x).write_text('y')", true),
        ("text.replace('a', 'b')", false),
        ("os.replace(a, b)", true),
        ("shutil.copytree(a, b)", true),
        ("sys.stdout.write('x')", false),
    ] {
        assert_eq!(of(text).1.writes.is_some(), writes, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[importfs .,;:'\"#\\\\\n()\\[\\]{}=a-z0-9_]{0,300}") {
        of(&text);
    }

    #[test]
    fn no_text_does(text in any::<String>()) {
        of(&text);
    }

    /// Whatever stands in a text or behind a `#` imports nothing.
    #[test]
    fn texts_and_comments_import_nothing(inner in "[a-z .,;:\n]{0,60}") {
        let text = format!("'''{inner} import fake {inner}'''\n# import fake {}\nimport csv\n", inner.replace('\n', " "));
        let (modules, _) = of(&text);
        prop_assert_eq!(modules.standard.len(), 1);
        prop_assert!(modules.foreign.is_empty());
    }
}
