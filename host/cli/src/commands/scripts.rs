//! The scripts of a skill folder as people see them: for `import`, `inspect`, `why` and `run`.

use serde_json::json;
use std::fmt::Write as _;
use vox_capabilities::log::escape;
use vox_runtime::Scripts;
use vox_scripts::{Found, Script};

/// One script in lines: where it runs and why, and what it seems to want.
pub fn text(script: &Script) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "  {}  {} tier", escape(&script.path), script.tier);
    let _ = writeln!(out, "    because  {}", escape(&script.reason));
    let flags = script.flags();
    if !flags.is_empty() {
        let _ = writeln!(out, "    wants    {} (found by reading)", flags.join(" "));
    }
    let wants = &script.wants;
    for (what, list) in [("starts", &wants.programs), ("hosts", &wants.hosts)] {
        if !list.is_empty() {
            let note = if what == "hosts" { "; --allow-http grants them" } else { "" };
            let _ = writeln!(out, "    {what:<7}  {} (found by reading{note})", places(list));
        }
    }
    out
}

/// All scripts of a skill.
pub fn all(scripts: &Scripts) -> String {
    scripts.listed().iter().map(|one| text(&one.facts)).collect()
}

/// One script as JSON: everything that is known of it.
pub fn json(script: &Script) -> serde_json::Value {
    json!({
        "path": script.path,
        "kind": script.kind,
        "interpreter": script.interpreter,
        "tier": script.tier,
        "reason": script.reason,
        "modules": script.modules,
        "found-by-reading": script.wants,
        "flags": script.flags(),
    })
}

fn places(list: &[Found]) -> String {
    list.iter().map(|found| format!("{} in line {}", escape(&found.what), found.line)).collect::<Vec<_>>().join(", ")
}
