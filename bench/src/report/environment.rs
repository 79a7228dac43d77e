//! What a reader has to know about the machine and the settings.

use crate::contenders::process::{find, version};
use crate::context::Context;
use std::process::Command;
use vox_model::Limits;
use vox_runtime::TICK;

/// Names and values.
pub fn describe(context: &Context) -> Vec<(String, String)> {
    let mut all = vec![
        ("commit", commit(context)),
        ("processor", processor()),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("swap", swap()),
        ("transparent huge pages", read("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("load average at the end", read("/proc/loadavg")),
        ("rounds", context.settings.rounds.to_string()),
        ("batch", format!("{:?}", context.settings.batch)),
    ];
    if let Ok(host) = context.host() {
        let limits = Limits::default();
        all.push(("engine of vox", host.fingerprint().to_owned()));
        let pool = host.pool().map(|pool| (pool.sandboxes, if pool.page_scan { "on" } else { "off" }));
        let pool = pool.map_or("none".to_owned(), |(count, scan)| format!("{count} sandboxes, page scan {scan}"));
        all.push(("pool of vox", format!("{pool}; the command line has none")));
        all.push(("limits of vox", format!("{limits:?}, epoch tick {TICK:?}; on in every row")));
    }
    if let Ok(stock) = context.stock()
        && let Ok(about) = stock.borrow_mut().ask(&["about"])
    {
        all.push(("stock wasmtime", about));
    }
    for tool in ["wasmtime", "podman", "jq", "runc"] {
        let version = find(tool).map_or_else(|error| error.to_string(), |path| version(&path, "--version"));
        all.push((tool, version));
    }
    if let Ok(python) = context.python() {
        all.push(("python3", version(&python, "--version")));
    }
    all.push(("Lua, QuickJS", "5.4 (mlua, vendored), quickjs-ng (rquickjs); no limits set".to_owned()));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {cores} logical", model.unwrap_or(std::env::consts::ARCH))
}

fn swap() -> String {
    match read("/proc/swaps").lines().count() {
        0 | 1 => "off".to_owned(),
        devices => format!("on, {} devices", devices - 1),
    }
}

fn commit(context: &Context) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(&context.root).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => head,
        _ => format!("{head}, with changes"),
    }
}
