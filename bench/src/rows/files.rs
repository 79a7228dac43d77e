//! Files through a guest: one mebibyte, read and written.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::grants::{folder, services};
use crate::contenders::local::local;
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use anyhow::Result;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use vox_capabilities::files::Access;
use vox_model::{Limits, Value};
use vox_runtime::{Granted, Host, Program};

/// Bytes of the file.
const SIZE: usize = 1 << 20;

/// How the guest sees the folder.
const GUEST: &str = "/data";

/// Reading and writing.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let services = services(&context.temporary("changes"), &[]);
    let host = vox::host_with(&context.temporary("cache"), 64, services)?;
    let component = guests::of_tests(&context.root, "files");
    Ok(vec![read(context, &host, &component)?, write(context, &host, &component)?])
}

/// A guest with a folder.
struct Setting<'a> {
    host: &'a Host,
    component: &'a Result<PathBuf>,
    folder: PathBuf,
}

impl<'a> Setting<'a> {
    /// Every contender has a folder of its own, so that nobody finds what another one left.
    fn new(context: &Context, host: &'a Host, component: &'a Result<PathBuf>, name: &str) -> Result<Self> {
        let folder = context.temporary(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("whole"), "x".repeat(SIZE))?;
        Ok(Self { host, component, folder })
    }

    fn component(&self) -> Result<&Path> {
        self.component.as_deref().map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    fn program(&self, access: Access) -> Result<&'static Program> {
        let mut granted = Granted::default();
        granted.files.add(folder(&self.folder, GUEST, access)?)?;
        vox::open_with(self.host, &self.component()?.display().to_string(), &granted, Limits::default())
    }

    fn stock(&self, context: &Context, kind: Kind, file: &str, work: Work) -> Result<Box<dyn Contender>> {
        let path = format!("{GUEST}/{file}");
        let arguments = [path.as_bytes(), self.folder.as_os_str().as_encoded_bytes()];
        remote(context.stock(), (Mode::StockPre, kind, work), self.component()?, &arguments).map(Remote::boxed)
    }
}

fn read(context: &Context, host: &Host, component: &Result<PathBuf>) -> Result<Row> {
    let setting = Setting::new(context, host, component, "files-read")?;
    let arguments = || -> Vec<Value> { vec![format!("{GUEST}/whole").as_str().into()] };
    let mut plan = Plan::new("files", "a text file of 1 MB, read by a guest and given back");
    let kept = setting.program(Access::Write).and_then(|program| vox::warm(program, "read", arguments()));
    plan.add("vox, a kept sandbox, the folder under an overlay", kept);
    let fresh = setting.program(Access::Write).and_then(|program| vox::fresh(program, "read", arguments()));
    plan.add("vox, a fresh sandbox, the folder under an overlay", fresh);
    let plain = setting.program(Access::Read).and_then(|program| vox::fresh(program, "read", arguments()));
    plan.add("vox, a fresh sandbox, the folder for reading alone", plain);
    plan.add("stock wasmtime, the same instance", setting.stock(context, Kind::Read, "whole", Work::Warm));
    plan.add("stock wasmtime, a new instance", setting.stock(context, Kind::Read, "whole", Work::Fresh));
    let file = setting.folder.join("whole");
    plan.add("native: read_to_string", Ok(local(move || Ok(fs::read_to_string(&file)?), String::into_bytes)));
    plan.note("The file is in the page cache. Stock wasmtime has the folder preopened for reading and writing, with the default settings of its files.");
    Ok(plan.run(context.settings))
}

fn write(context: &Context, host: &Host, component: &Result<PathBuf>) -> Result<Row> {
    let setting = |name: &str| Setting::new(context, host, component, name);
    let (staged, through, stock) = (setting("files-staged")?, setting("files-through")?, setting("files-stock")?);
    let arguments = || -> Vec<Value> { vec![format!("{GUEST}/new").as_str().into(), Value::U32(1)] };
    let mut plan = Plan::new("files", "a file of 1 MB, written anew by a guest");
    let kept = staged.program(Access::Write).and_then(|program| vox::warm(program, "fill", arguments()));
    plan.add("vox, a kept sandbox, staged in an overlay", kept);
    let fresh = staged.program(Access::Write).and_then(|program| vox::fresh(program, "fill", arguments()));
    plan.add("vox, a fresh sandbox, staged and sealed as a change set", fresh);
    let direct = through.program(Access::WriteThrough).and_then(|program| vox::warm(program, "fill", arguments()));
    plan.add("vox, a kept sandbox, written through", direct);
    plan.add("stock wasmtime, the same instance", stock.stock(context, Kind::Fill, "new", Work::Warm));
    plan.add("stock wasmtime, a new instance", stock.stock(context, Kind::Fill, "new", Work::Fresh));
    let file = stock.folder.join("native");
    plan.add("native: create and write_all", Ok(local(move || native(&file), |count| count.to_string().into_bytes())));
    plan.note("A change set is durable before its call ends: its row has several waits for the disk. Nobody else waits for it.");
    Ok(plan.run(context.settings))
}

/// What the guest does, without it.
fn native(path: &Path) -> Result<u32> {
    let mut file = File::create(path)?;
    file.write_all(&vec![b'x'; SIZE])?;
    Ok(1)
}
