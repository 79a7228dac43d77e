//! The host of this process: embedded bundle, user cache, this program as its own compiler.

use crate::cli::{ContainerProfile, NetworkArgs};
use crate::error::{CliError, Kind};
use crate::places;
use crate::ui::{Lines, Progress, Ui};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use vox_bundle::Bundle;
use vox_capabilities::http::{Client, Options, StubResolver};
use vox_capabilities::kv::Home;
use vox_container::{Enforcement, Fallback, Surroundings};
use vox_ledger::Secrets;
use vox_process::Trusted;
use vox_runtime::cache::Cache;
use vox_runtime::{Compiler, Host, Services};

/// The first word on the command line of the compiler process.
pub const COMPILER: &str = "__compile";

/// The first word on the command line of the processes that programs of trusted skills run in.
pub const LAUNCHER: &str = "__process";

/// Runs this process as the compiler.
pub fn compiler_process(words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (mut input, mut output, mut errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    ExitCode::from(vox_runtime::compile_child(&words, &mut input, &mut output, &mut errors))
}

/// Runs this process as a part of the process tier.
pub fn launcher_process(words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    ExitCode::from(vox_process::launch(&words))
}

/// The path of this program, to start it again.
fn this() -> Result<PathBuf, CliError> {
    std::env::current_exe()
        .map_err(|error| CliError::new(Kind::Missing, format!("the path of vox itself is not known: {error}")))
}

/// This program, started again as the compiler.
pub fn compiler() -> Result<Compiler, CliError> {
    Ok(Compiler::Child { program: this()?, arguments: vec![COMPILER.into()] })
}

/// Starts the host, which lives as long as the process: giving back its address space piece by piece would take a
/// noticeable part of a short command. A cache that cannot be used is said and done without: calls are slower, not wrong.
pub fn start(ui: &Ui, quiet: bool) -> Result<&'static Host, CliError> {
    start_with(ui, quiet, &NetworkArgs::default(), ContainerProfile::default())
}

/// [`start`], with network and containers as the command line has them.
pub fn start_with(
    ui: &Ui,
    quiet: bool,
    network: &NetworkArgs,
    profile: ContainerProfile,
) -> Result<&'static Host, CliError> {
    let mut builder = Host::builder()
        .library(Arc::new(library()?))
        .compiler(compiler()?)
        // A command has one sandbox at a time and few in all: a pool would cost more than it gives.
        .unpooled()
        .services(services(network.authorities()?, profile)?)
        .observer(Arc::new(Progress::new(quiet)));
    match places::cache().map_err(|error| error.message).and_then(|root| Cache::open(&root).map_err(|e| e.to_string()))
    {
        Ok(cache) => builder = builder.cache(cache),
        Err(why) => ui.note(&format!("warning: {why}; going on without a cache")),
    }
    let host = builder.build().map_err(|error| CliError::new(Kind::Missing, error.to_string()).help("vox doctor"))?;
    // Not before: the engine looks at files below /proc/self that are closed from here on.
    crate::dumps::forbid_reading();
    Ok(Box::leak(Box::new(host)))
}

/// What runs programs: the first container engine of this machine that is seen to hold them. Nothing is looked for here.
pub fn programs(profile: ContainerProfile) -> Result<Fallback, CliError> {
    let fallback = Fallback::new(places::containers()?, Surroundings::of(std::env::vars_os()));
    Ok(match profile {
        ContainerProfile::Rlimits => fallback.with_enforcement(Enforcement::Rlimits),
        ContainerProfile::Cgroups => fallback,
    })
}

/// What runs programs of skills that a person trusts: this program, started again. Nothing is measured here.
pub fn trusted() -> Result<Trusted, CliError> {
    Ok(Trusted::new(this()?, vec![LAUNCHER.into()]))
}

/// What stands behind the capabilities: folders below the state, the system's name servers. Nothing of it is touched
/// before a skill needs it.
fn services(authorities: Vec<u8>, profile: ContainerProfile) -> Result<Services, CliError> {
    let root = places::state()?;
    let secrets = secrets()?;
    let mut services = Services::default().with_http(move || {
        let resolver = StubResolver::system().map_err(|error| error.to_string())?;
        let mut options = Options::new(Arc::new(resolver));
        options.secrets = Arc::new(Kept(secrets.clone()));
        options.extra_roots.clone_from(&authorities);
        Client::new(options).map_err(|error| error.to_string())
    });
    services.kv = Some(Home::new(root.join("kv")));
    services.changes = Some(places::changes()?);
    services.scripts = Some(places::scripts()?);
    services.log = Arc::new(Lines);
    Ok(services.with_programs(Arc::new(programs(profile)?)).with_trusted(Arc::new(trusted()?)))
}

/// The person's secrets.
pub fn secrets() -> Result<Secrets, CliError> {
    Ok(Secrets::new(&places::state()?))
}

/// Secrets as the sender asks for them.
struct Kept(Secrets);

impl vox_capabilities::http::Secrets for Kept {
    fn get(&self, name: &str) -> Option<vox_ledger::SecretString> {
        self.0.get(name).ok()
    }
}

/// The bundle: the embedded one, unless the environment names a folder.
pub fn library() -> Result<vox_bundle::Linkable, CliError> {
    match places::bundle() {
        None => Ok(vox_bundle::Linkable::new(Bundle::embedded())),
        Some(folder) => Bundle::from_dir(&folder)
            .map(|bundle| vox_bundle::Linkable::new(Box::leak(Box::new(bundle))))
            .map_err(|error| CliError::new(Kind::Integrity, error.to_string())),
    }
}

/// Says what went wrong with the cache while it was used.
pub fn notes(host: &Host, ui: &Ui) {
    for note in host.cache().map(Cache::notes).unwrap_or_default() {
        ui.note(&format!("warning: cache: {note}"));
    }
}
