//! Scripts that are components run in the component sandbox, under the grants of their folder.

use crate::work::{Bench, put};
use std::fs;
use vox_tests::{need, places};

#[test]
fn a_component_among_scripts_runs_in_its_sandbox() {
    let bench = need!("vox", Bench::without());
    let guest = need!("the guest `program`", places::guest("program"));
    let folder = bench.skill("x", &[]);
    let copied =
        fs::create_dir(folder.join("scripts")).and_then(|()| fs::copy(&guest, folder.join("scripts/tool.wasm")));
    copied.unwrap_or_else(|error| panic!("{error}"));
    let imported = bench.run(0, &["import", "x"]);
    assert!(imported.stdout.contains("scripts/tool.wasm  wasm tier"), "{}", imported.stdout);
    bench.run(0, &["check", "x"]);
    let ran = bench.run(0, &["run", "./x", "tool.wasm", "--", "echo", "one", "two three"]);
    assert_eq!(ran.stdout, "one two three\n", "{}", ran.stderr);
    let why = bench.run(0, &["why", "./x", "tool.wasm"]);
    assert!(why.stdout.contains("runs on the wasm tier"), "{}", why.stdout);
}

#[test]
fn what_looks_like_a_component_and_is_none_is_said() {
    let bench = need!("vox", Bench::without());
    let folder = bench.skill("x", &[]);
    put(&folder.join("scripts/tool.wasm"), "not at all");
    let imported = bench.run(0, &["import", "x"]);
    assert!(imported.stderr.contains("warning: scripts/tool.wasm:"), "{}", imported.stderr);
    let ran = bench.run(4, &["run", "./x", "tool.wasm"]);
    assert!(ran.stderr.contains("tool.wasm"), "{}", ran.stderr);
}
