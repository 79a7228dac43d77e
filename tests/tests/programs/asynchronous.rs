//! Programs and folders of calls that are awaited: the same change sets, and nothing is left of a call that is dropped.

use crate::work::ENGINES;
use crate::workers::stage::fallback;
use std::fs;
use std::path::Path;
use std::process::Command as Tool;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use vox_capabilities::files::{Access, FolderGrant};
use vox_model::{Failure, Limits, SkillRef, Value};
use vox_runtime::{CallOptions, Granted, Host, Program, Services};
use vox_tests::wait::settles;
use vox_tests::{fixtures, need, places, skills};

const WORKER: &str = "
import time
from vox_worker import *
@function
def write(text):
    open('/work/docs/new.md', 'w').write(text)
    return len(text)
@function
def fail(text):
    open('/work/docs/other.md', 'w').write(text)
    raise ValueError('boom')
@function
def sleep(): time.sleep(600)
serve()
";

/// A contract that a worker serves, granted a folder to write.
fn opened(engine: &str, place: &Path) -> Result<Program, String> {
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let (skill, docs) = (place.join("skill"), place.join("docs"));
    for folder in [&skill, &docs] {
        fs::create_dir(folder).map_err(|error| wrong(&error))?;
    }
    let text = "package t:mine@0.1.0; interface api { write: func(text: string) -> u32; fail: func(text: string) -> u32; \
                sleep: func(); }";
    let manifest = "[serve.\"t:mine/api@0.1.0\"]\ncommand = [\"python3\", \"/skill/worker.py\"]\n";
    let put = |name: &str, bytes: &[u8]| fs::write(skill.join(name), bytes).map_err(|error| wrong(&error));
    put("contract.wasm", &fixtures::wit_package(text))?;
    put("skill.toml", manifest.as_bytes())?;
    put("worker.py", WORKER.as_bytes())?;
    let helper = places::repository().join("container-fallback/workers/vox_worker.py");
    fs::copy(helper, skill.join("vox_worker.py")).map_err(|error| wrong(&error))?;
    let mut services = Services::default().with_programs(Arc::new(fallback(engine, place)?));
    services.changes = Some(place.join("changes"));
    let host = skills::built(Host::builder().services(services));
    let mut granted = Granted { subprocess: "python3".parse().map_err(|error| wrong(&error))?, ..Granted::default() };
    let folder = FolderGrant::parse("docs", Access::Write, place).map_err(|error| wrong(&error))?;
    granted.files.add(folder).map_err(|error| wrong(&error))?;
    let limits = Limits { time: Duration::from_secs(120), ..Limits::default() };
    host.open(&SkillRef::File(skill), &granted, limits).map_err(|error| wrong(&error))
}

/// The containers of this process, by what the engine lists.
fn containers(engine: &str) -> usize {
    let listed = Tool::new(engine).args(["ps", "--no-trunc", "--format", "{{.Labels}}"]).output();
    let listed = listed.unwrap_or_else(|error| panic!("{engine}: {error}"));
    let (text, owner) = (String::from_utf8_lossy(&listed.stdout).into_owned(), std::process::id());
    let mine = [format!("org.vox.owner={owner}:"), format!("org.vox.owner:{owner}:")];
    text.lines().filter(|line| mine.iter().any(|mine| line.contains(mine))).count()
}

fn check(engine: &str, place: &Path) {
    let program = Arc::new(need!(engine, opened(engine, place)));
    let runtimes = [Builder::new_current_thread(), Builder::new_multi_thread()];
    for mut builder in runtimes {
        let runtime = builder.enable_all().build().unwrap_or_else(|error| panic!("{error}"));
        let call = |function: &'static str, args: Vec<Value>| {
            let program = program.clone();
            async move {
                let callable = program.function(function).unwrap_or_else(|error| panic!("{error}"));
                callable.call_async(args, CallOptions::default()).await
            }
        };
        let spawned = runtime.spawn(call("write", vec!["made".into()]));
        let outcome = runtime.block_on(spawned).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(outcome.result, Ok(Some(Value::U32(4)))), "{engine}: {outcome:?}");
        assert_eq!(outcome.effects.changes.len(), 1, "{engine}: {:?}", outcome.effects);
        let outcome = runtime.block_on(call("fail", vec!["made".into()]));
        assert!(matches!(&outcome.result, Err(Failure::Worker(_))), "{engine}: {outcome:?}");
        assert!(outcome.effects.changes.is_empty(), "{engine}: {:?}", outcome.effects);
        let sleep = call("sleep", vec![]);
        let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), sleep).await });
        assert!(ended.is_err(), "{engine}: {ended:?}");
        settles(&format!("{engine}: the container of a call that was dropped stays"), || containers(engine) == 0);
    }
    let left = fs::read_dir(place.join("docs")).map(Iterator::count);
    assert!(matches!(left, Ok(0)), "{engine}: something was written before anybody approved: {left:?}");
}

#[test]
fn programs_of_awaited_calls_write_to_change_sets_and_end_with_them() {
    for engine in ENGINES {
        let place = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        check(engine, place.path());
    }
}
