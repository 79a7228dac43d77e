//! What capabilities cost a call that does not use them, and what the decision about them costs.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::grants::{folder, services};
use crate::contenders::local::local;
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::inputs::TEXT;
use crate::model::Row;
use crate::runner::Plan;
use anyhow::Result;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use vox_capabilities::files::Access;
use vox_model::{Limits, SkillRef};
use vox_runtime::{Granted, Host, decide};

/// Asks for what it is granted, in as many words as a careful author would.
const MANIFEST: &str = r#"[skill]
name = "bench:granted"
version = "0.1.0"
description = "An echo that imports folders and requests."
component = "granted.wasm"

[runtime]
required = ["filesystem-ro", "http-out"]
forbidden = ["kv", "config", "subprocess", "gpu"]

[files]
read = [{ path = "data", reason = "what it would read" }]

[http]
allow = [{ url = "https://api.example.org/v1", methods = ["GET"], reason = "what it would ask" }]
"#;

/// The most that capabilities may cost a fresh call, in pure ones: as a share, because ratios are of contenders to vox.
const SHARE_OF_PURE: f64 = 1.0 / 2.5;

/// How many decisions have to fit into a fresh pure call.
const DECISIONS: f64 = 5.0;

/// What the rows of this file share.
struct Setting {
    host: Host,
    /// The guest without imports.
    pure: PathBuf,
    /// The skill with imports and a manifest, and its component.
    skill: PathBuf,
    component: PathBuf,
    /// The folder that is granted.
    folder: PathBuf,
}

impl Setting {
    fn new(context: &Context) -> Result<Self> {
        let (skill, folder) = (context.temporary("granted"), context.temporary("granted-data"));
        std::fs::create_dir_all(&skill)?;
        std::fs::create_dir_all(&folder)?;
        std::fs::write(skill.join("skill.toml"), MANIFEST)?;
        let bytes = guests::importing()?;
        std::fs::write(skill.join("granted.wasm"), &bytes)?;
        // Beside no manifest, it asks for what it imports and no more.
        let component = context.file("granted.wasm", &bytes)?;
        let pure = context.file("pure.wasm", &guests::echo()?)?;
        let host = vox::host_with(&context.temporary("cache"), 64, services(&context.temporary("changes"), &[]))?;
        Ok(Self { host, pure, skill, component, folder })
    }

    fn granted(&self, access: Access) -> Result<Granted> {
        let mut granted = Granted::default();
        granted.files.add(folder(&self.folder, "data", access)?)?;
        granted.http.allow.push("GET https://api.example.org/v1".parse()?);
        Ok(granted)
    }

    fn skill(&self) -> Result<SkillRef> {
        Ok(self.skill.display().to_string().parse()?)
    }
}

/// A fresh call that uses none of its capabilities.
pub fn calls(context: &Context) -> Result<Vec<Row>> {
    let setting = Setting::new(context)?;
    let open = |access| -> Result<_> {
        let granted = setting.granted(access)?;
        vox::open_with(&setting.host, &setting.skill.display().to_string(), &granted, Limits::default())
    };
    let echo = |program: Result<_>| vox::echo(program?, "echo", TEXT.as_bytes(), false);
    let mut plan = Plan::new("granted", "fresh call of an echo of 64 bytes, with files and http granted and not used");
    plan.add("vox, a folder to read and a place granted", echo(open(Access::Read)));
    let pure = vox::open(&setting.host, &setting.pure.display().to_string(), Limits::default());
    plan.add("vox, the same echo without imports", echo(pure));
    plan.floor(SHARE_OF_PURE);
    plan.add("vox, a folder to write, staged, and a place granted", echo(open(Access::Write)));
    let place = setting.granted(Access::Read).and_then(|granted| {
        let granted = Granted { http: granted.http, ..Granted::default() };
        vox::open_with(&setting.host, &setting.component.display().to_string(), &granted, Limits::default())
    });
    plan.add("vox, a place granted and no folder", echo(place));
    let arguments = [TEXT.as_bytes(), setting.folder.as_os_str().as_encoded_bytes()];
    for (label, mode) in [
        ("stock wasmtime, a new store and instance, the folder preopened", Mode::Stock),
        ("stock wasmtime, `instantiate_pre`, the folder preopened", Mode::StockPre),
    ] {
        let work = (mode, Kind::Granted, Work::Fresh);
        plan.add(label, remote(context.stock(), work, &setting.component, &arguments).map(Remote::boxed));
    }
    plan.note(
        "The floor is a ceiling, turned round: the granted call takes at most 2.5 times the one without imports.",
    );
    Ok(vec![plan.run(context.settings)])
}

/// The decision alone.
pub fn decisions(context: &Context) -> Result<Vec<Row>> {
    let setting = Setting::new(context)?;
    let granted = Arc::new(setting.granted(Access::Read)?);
    let skill = setting.host.inspect(&setting.skill()?)?;
    let mut plan = Plan::new("decide", "the decision about a skill that asks for files and http");
    let decided = move || Ok(decide(black_box(&skill), black_box(granted.clone()), Limits::default())?);
    plan.add("vox, the decision alone", Ok(local(decided, |admitted| admitted.plan().reason.clone().into_bytes())));
    let pure = vox::open(&setting.host, &setting.pure.display().to_string(), Limits::default());
    plan.add("vox, a fresh pure call", pure.and_then(|program| vox::echo(program, "echo", TEXT.as_bytes(), false)));
    plan.incomparable();
    plan.floor(DECISIONS);
    plan.note("From a skill that is inspected and grants that are read to the admitted plan. The floor says that a decision takes at most a fifth of a fresh pure call.");
    Ok(vec![plan.run(context.settings)])
}
