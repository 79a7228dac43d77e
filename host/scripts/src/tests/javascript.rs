use super::*;
use proptest::prelude::*;

fn names(list: &[crate::Found]) -> Vec<(&str, u32)> {
    list.iter().map(|found| (found.what.as_str(), found.line)).collect()
}

#[test]
fn imports_are_told_from_what_looks_like_them() {
    type Expected<'e> = [&'e [(&'e str, u32)]; 3];
    let table: &[(&str, Expected)] = &[
        ("import fs from 'node:fs'", [&[("node:fs", 1)], &[], &[]]),
        ("import fs from \"fs/promises\";", [&[("node:fs", 1)], &[], &[]]),
        ("import {\n a,\n b as c } from 'lodash/fp'", [&[], &[], &[("lodash", 3)]]),
        ("import * as x from '@scope/name/deep'", [&[], &[], &[("@scope/name", 1)]]),
        ("import './side.js'; import 'zx/globals'", [&[], &[("./side.js", 1)], &[("zx", 1)]]),
        ("export { a } from './a.mjs'; export * from 'b'", [&[], &[("./a.mjs", 1)], &[("b", 1)]]),
        ("const x = require('path'), y = require(\"left-pad\")", [&[("node:path", 1)], &[], &[("left-pad", 1)]]),
        ("const x = await import('node:os')", [&[("node:os", 1)], &[], &[]]),
        ("import(name); require(name); x.require('y'); import.meta.url", [&[], &[], &[]]),
        ("// import a from 'a'\n/* require('b') */\n'import c from \"c\"'", [&[], &[], &[]]),
        ("const s = `import d from 'd' ${require('e')} f`", [&[], &[], &[("e", 1)]]),
        ("const s = `a ${`b ${{x: require('c')}} require('n')`} require('m')`", [&[], &[], &[("c", 1)]]),
        ("const r = /'/; import a from 'a'", [&[], &[], &[("a", 1)]]),
        ("const r = x / 2; import a from 'a' // '", [&[], &[], &[("a", 1)]]),
        ("return /[/']/.test(y); require('z')", [&[], &[], &[("z", 1)]]),
        ("s = 'never closed\nrequire('a')", [&[], &[], &[("a", 2)]]),
        ("export const from = 'x'", [&[], &[], &[]]),
        ("#!/usr/bin/env node\nimport a from 'a'", [&[], &[], &[("a", 2)]]),
        ("console.log(process.argv[2])", [&[("process", 1)], &[], &[]]),
        ("x.process = 1; y = {process: 2}", [&[], &[], &[]]),
        ("import type { T } from 't'", [&[], &[], &[("t", 1)]]),
        ("import", [&[], &[], &[]]),
    ];
    for (text, expected) in table {
        let (modules, _) = read(text);
        let found = [names(&modules.standard), names(&modules.local), names(&modules.foreign)];
        assert_eq!(found.each_ref().map(Vec::as_slice), *expected, "{text:?}");
    }
}

#[test]
fn wants_are_found() {
    let (_, wants) = read(
        "const t = process.env.TOKEN + process.env['TITLE'];\n\
         await fetch(`https://api.example.org/${t}`);\n\
         execSync('git log'); spawn(\"/usr/bin/jq\", ['.']);\n\
         fs.readFileSync(a); fs.writeFileSync(b, c)",
    );
    assert_eq!(names(&wants.variables), [("TOKEN", 1), ("TITLE", 1)]);
    assert_eq!(names(&wants.hosts), [("api.example.org", 2)]);
    assert_eq!(names(&wants.programs), [("git", 3), ("jq", 3)]);
    assert_eq!((wants.reads, wants.writes), (Some(4), Some(4)));
}

#[test]
fn builtin_modules_are_in_order() {
    assert!(BUILTIN.is_sorted());
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[importfsequ ./,;:'\"`$\\\\\n()\\[\\]{}=a-z0-9_*]{0,300}") {
        read(&text);
    }

    #[test]
    fn no_text_does(text in any::<String>()) {
        read(&text);
    }
}
