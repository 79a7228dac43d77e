//! The embedding API: a host and the stages up to a program that can be called.

use crate::cache::{Cache, Key};
use crate::compile::{CompileError, CompileLimits, Compiler};
use crate::decide::{Admitted, Refused, decide};
use crate::locate::LocateError;
use crate::program::Program;
use crate::skill::Skill;
use crate::wasm::code::{cached, is_too_demanding, load};
use crate::wasm::engine::{Engines, Pool, fingerprint};
use crate::wasm::program::{Entry, Linked, entries, link};
use crate::wasm::reactor::Reactors;
use crate::wasm::served::serving;
use std::sync::Arc;
use vox_capabilities::{Granted, Services};
use vox_inspect::{InspectError, Kind};
use vox_model::{Artifact, Facts, Library, Limits, Plan, SkillRef};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The library of parts, if the host has one.
pub(crate) type Parts = Option<Arc<dyn Library>>;

/// Makes a [`Host`].
pub struct HostBuilder {
    library: Parts,
    cache: Option<Cache>,
    compiler: Compiler,
    inspect: vox_inspect::Limits,
    /// How many sandboxes there are; none where they are not recycled.
    sandboxes: Option<u32>,
    page_scan: bool,
    observer: Arc<dyn Observer>,
    services: Services,
}

/// Told about steps that take long enough for a person to wonder.
pub trait Observer: Send + Sync {
    /// A component of this many bytes is compiled now, because the cache does not hold it.
    fn compiling(&self, name: &str, bytes: u64);
    /// That is over.
    fn compiled(&self);
}

/// Tells nobody.
struct Silent;

impl Observer for Silent {
    fn compiling(&self, _: &str, _: u64) {}
    fn compiled(&self) {}
}

/// A host could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the engine does not start: {0}")]
pub struct HostError(String);

/// A skill could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was not found.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// Its bytes could not be had.
    #[error("the content of `{name}` cannot be had: {reason}")]
    Content {
        /// Which skill.
        name: String,
        /// Why.
        reason: String,
    },
    /// It is not a component, or not one that can be inspected.
    #[error("`{name}`: {source}")]
    Inspect {
        /// Which skill.
        name: String,
        /// What is wrong.
        source: InspectError,
    },
    /// It may not run.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It cannot be linked with the bundle.
    #[error("`{name}` cannot be linked: {reason}")]
    Link {
        /// Which skill.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// It asks for more memory, tables or instances at its start than a sandbox has.
    #[error("`{name}` asks for more than a sandbox has: {reason}")]
    TooDemanding {
        /// Which skill.
        name: String,
        /// What it asks for, in the engine's words.
        reason: String,
    },
    /// It cannot be compiled.
    #[error("`{name}`: {source}")]
    Compile {
        /// Which skill.
        name: String,
        /// Why.
        source: CompileError,
    },
}

/// Everything that calls share: engines, cache, compiler, library.
pub struct Host {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) library: Parts,
    cache: Option<Cache>,
    compiler: Compiler,
    pub(crate) inspect: vox_inspect::Limits,
    engines: Engines,
    pool: Option<Pool>,
    fingerprint: String,
    pub(crate) reactors: Arc<Reactors>,
    pub(crate) services: Services,
    observer: Arc<dyn Observer>,
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self {
            library: None,
            cache: None,
            compiler: Compiler::None,
            inspect: vox_inspect::Limits::default(),
            sandboxes: Some(64),
            page_scan: true,
            observer: Arc::new(Silent),
            services: Services::default(),
        }
    }
}

impl HostBuilder {
    /// Components that are called by name and linked into skills.
    pub fn library(mut self, library: Arc<dyn Library>) -> Self {
        self.library = Some(library);
        self
    }

    /// Where facts and compiled code are kept. Without one every skill is compiled when it is opened.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// How code is compiled. Not at all, unless this is called.
    pub fn compiler(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// How large components may be.
    pub fn inspect_limits(mut self, limits: vox_inspect::Limits) -> Self {
        self.inspect = limits;
        self
    }

    /// How many sandboxes may live at once: 64 unless said otherwise. Each reserves address space, not memory.
    pub fn sandboxes(mut self, count: u32) -> Self {
        self.sandboxes = Some(count.max(1));
        self
    }

    /// Turns the page scan of recycled memory off even where it is sound; it is never turned on elsewhere.
    pub fn page_scan(mut self, on: bool) -> Self {
        self.page_scan &= on;
        self
    }

    /// Nothing is recycled, and as many sandboxes live at once as the system has memory for. A host that makes few
    /// calls and ends starts sooner like this; each call takes longer.
    pub fn unpooled(mut self) -> Self {
        self.sandboxes = None;
        self
    }

    /// What stands behind the capabilities: folders, secrets, the way to the network. Without it whatever needs one of
    /// these fails.
    pub fn services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// Whom to tell about long steps.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Starts the engine.
    ///
    /// # Errors
    /// The engine does not start, usually for want of address space.
    pub fn build(self) -> Result<Host, HostError> {
        let pool = self
            .sandboxes
            .map(|sandboxes| Pool { sandboxes, page_scan: self.page_scan && crate::doctor::page_scan_is_sound() });
        let engines = Engines::start(pool).map_err(|error| HostError(format!("{error:#}")))?;
        Ok(Host {
            shared: Arc::new(Shared {
                library: self.library,
                cache: self.cache,
                compiler: self.compiler,
                inspect: self.inspect,
                engines,
                pool,
                fingerprint: fingerprint(),
                reactors: Arc::default(),
                services: self.services,
                observer: self.observer,
            }),
        })
    }
}

impl Host {
    /// Starts describing a host.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Compiles and links an admitted skill, from the cache where possible.
    ///
    /// # Errors
    /// Linking or compiling failed; see [`OpenError`].
    pub fn prepare(&self, admitted: Admitted) -> Result<Program, OpenError> {
        let shared = &self.shared;
        let skill = admitted.skill().clone();
        let artifact = shared.composed(&skill, admitted.plan())?;
        let name = &artifact.name;
        let failed = |error: wasmtime::Error| OpenError::Link {
            name: name.clone(),
            reason: vox_inspect::docs::clean(&format!("{error:#}")),
        };
        let engine = shared.engines.for_memory(admitted.plan().limits.memory).map_err(failed)?;
        let (facts, linked, entries) = if skill.facts().contract {
            // It has no code: its commands answer the calls themselves.
            let facts = skill.facts().clone();
            let entries = facts.functions.iter().map(|f| f.uncallable.is_none().then(Entry::served)).collect();
            (facts, Linked::Served, entries)
        } else {
            let component = shared.code(engine, &artifact, skill.facts())?;
            let facts = shared.linked_facts(&artifact, &skill)?;
            let linked = link(engine, &component, &facts, &admitted).map_err(failed)?;
            let entries = entries(&component, &facts);
            (facts, linked, entries)
        };
        Ok(Program {
            entries,
            engine: engine.clone(),
            facts,
            linked,
            serving: serving(admitted.skill()),
            admitted,
            shared: shared.clone(),
        })
    }

    /// All stages at once: locate, inspect, decide, prepare.
    ///
    /// # Errors
    /// The first stage that says no; see [`OpenError`].
    pub fn open(&self, reference: &SkillRef, granted: &Granted, limits: Limits) -> Result<Program, OpenError> {
        let skill = self.inspect(reference)?;
        self.prepare(decide(&skill, granted.clone(), limits)?)
    }

    /// The library it was given.
    pub fn library(&self) -> Option<&dyn Library> {
        self.shared.library.as_deref()
    }

    /// The cache it was given.
    pub fn cache(&self) -> Option<&Cache> {
        self.shared.cache.as_ref()
    }

    /// How its sandboxes are recycled; none where they are not.
    pub fn pool(&self) -> Option<Pool> {
        self.shared.pool
    }

    /// The engine settings that its cache keys contain.
    pub fn fingerprint(&self) -> &str {
        &self.shared.fingerprint
    }
}

/// A way to read facts.
type Inspect = fn(&[u8], &vox_inspect::Limits) -> Result<Facts, InspectError>;

impl Shared {
    /// Inspect a component, unless this installation has done so before.
    pub(crate) fn facts(&self, artifact: &Artifact) -> Result<Facts, OpenError> {
        let contract = InspectError::NotAComponent(Kind::WitPackage);
        let facts = self.facts_by(vox_inspect::inspect, artifact)?;
        match facts.contract {
            true => Err(OpenError::Inspect { name: artifact.name.clone(), source: contract }),
            false => Ok(facts),
        }
    }

    /// The same of a skill with commands, which may be a contract for them.
    pub(crate) fn served_facts(&self, artifact: &Artifact) -> Result<Facts, OpenError> {
        self.facts_by(vox_inspect::inspect_served, artifact)
    }

    fn facts_by(&self, inspect: Inspect, artifact: &Artifact) -> Result<Facts, OpenError> {
        let key = Key::facts(&artifact.digest);
        if let Some(cache) = &self.cache
            && let Some(entry) = cache.get(&key)
        {
            match serde_json::from_slice(&entry) {
                Ok(facts) => return Ok(facts),
                Err(error) => cache.reject(&key, &error),
            }
        }
        let name = &artifact.name;
        let bytes = content(artifact)?;
        let facts =
            inspect(&bytes, &self.inspect).map_err(|source| OpenError::Inspect { name: name.clone(), source })?;
        if let (Some(cache), Ok(json)) = (&self.cache, serde_json::to_vec(&facts)) {
            cache.put(&key, &json);
        }
        Ok(facts)
    }

    /// The skill with the parts of the library that it imports. Composition is deterministic, so its digest is
    /// known beforehand and a cached skill is never composed again.
    fn composed(&self, skill: &Arc<Skill>, plan: &Plan) -> Result<Artifact, OpenError> {
        let artifact = skill.artifact();
        let Some(library) = self.library.as_ref().filter(|_| !plan.requirements.bundled.is_empty()) else {
            return Ok(artifact.clone());
        };
        let mut name = b"vox linked component v1".to_vec();
        name.extend(artifact.digest.0);
        for interface in &plan.requirements.bundled {
            if let Some(part) = library.serving(interface) {
                name.extend(interface.as_bytes());
                name.extend(part.artifact.digest.0);
            }
        }
        let (library, original, wanted) = (library.clone(), artifact.clone(), plan.requirements.bundled.clone());
        Ok(Artifact::lazy(artifact.name.clone(), crate::locate::digest(&name), move || {
            let skill = original.bytes()?;
            library.link(&skill, &wanted).map_err(|error| error.to_string())
        }))
    }

    /// The facts of what is linked: those of the skill, unless parts were composed in.
    fn linked_facts(&self, artifact: &Artifact, skill: &Skill) -> Result<Arc<Facts>, OpenError> {
        match artifact.digest == skill.artifact().digest {
            true => Ok(skill.facts().clone()),
            false => Ok(Arc::new(self.facts(artifact)?)),
        }
    }

    /// Compiled code, from the cache or from the compiler.
    fn code(&self, engine: &Engine, artifact: &Artifact, facts: &Facts) -> Result<Component, OpenError> {
        let key = Key::code(&artifact.digest, &self.fingerprint);
        if let Some(cache) = &self.cache
            && let Some(loaded) = cached(&self.engines, engine, cache, &key)
        {
            match loaded {
                Ok(component) => return Ok(component),
                // Code that asks for more than the pool has is good code, and will do with a higher limit.
                Err(error) if is_too_demanding(&error) => return Err(too_demanding(&artifact.name, &error)),
                // The engine refuses code of other settings or another processor: that is a miss.
                Err(error) => cache.reject(&key, &error),
            }
        }
        let name = &artifact.name;
        let bytes = content(artifact)?;
        self.observer.compiling(name, facts.size);
        let compiled = self.compiler.compile(&bytes, CompileLimits::for_size(bytes.len() as u64));
        self.observer.compiled();
        let code = compiled.map_err(|source| OpenError::Compile { name: name.clone(), source })?;
        if let Some(cache) = &self.cache {
            cache.put(&key, &code);
        }
        load(engine, &code).map_err(|error| too_demanding(name, &error))
    }
}

fn too_demanding(name: &str, error: &wasmtime::Error) -> OpenError {
    let reason = vox_inspect::docs::clean(&format!("{error:#}"));
    OpenError::TooDemanding { name: name.to_owned(), reason }
}

fn content(artifact: &Artifact) -> Result<Arc<[u8]>, OpenError> {
    artifact.bytes().map_err(|reason| OpenError::Content { name: artifact.name.clone(), reason })
}
