//! What a call stands on besides code: limits, grants, services, and the state of its capabilities.

use super::meter::Meter;
use super::program::Based;
use super::reactor::{Reactor, Reactors};
use super::sandbox::CallOptions;
use crate::watch::{Denials, Told};
use std::sync::Arc;
use std::time::Instant;
use vox_capabilities::base::Sink;
use vox_capabilities::subprocess::Serving;
use vox_capabilities::{CallData, Finished, Granted, Requests, Services, Setup, runs_programs};
use vox_model::{Effects, Failure, Limits, Outcome};
use wasmtime::Engine;

/// What a sandbox is made from, besides the code.
pub(crate) struct Ground<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: Limits,
    pub(crate) reactors: &'a Arc<Reactors>,
    /// Whether it serves one call and nobody keeps it.
    pub(crate) fresh: bool,
    pub(crate) granted: &'a Arc<Granted>,
    pub(crate) requests: Option<&'a Requests>,
    /// What commands serve of its imports.
    pub(crate) serving: &'a Serving,
    pub(crate) services: &'a Services,
    /// The skill: its package and its digest.
    pub(crate) skill: (&'a Arc<str>, vox_model::Digest),
}

impl Ground<'_> {
    /// What moves the waits of the sandbox.
    fn reactor(&self) -> Result<Reactor, Failure> {
        match self.fresh && !runs_programs(self.granted, self.serving) {
            true => self.reactors.borrow(self.skill.1),
            false => self.reactors.join(self.skill.1),
        }
    }
}

/// What a call with capabilities is made with, besides the code.
pub(crate) struct Outfit {
    pub(crate) data: Based,
    pub(crate) denials: Arc<Denials>,
    pub(crate) until: Instant,
    /// It comes last: what the data holds may live on it.
    pub(crate) reactor: Reactor,
}

impl Outfit {
    /// What stands behind the capabilities, for one call.
    ///
    /// # Errors
    /// A capability cannot be served now, as the outcome of the call.
    pub(crate) fn new(ground: &Ground<'_>, mut meter: Meter, options: CallOptions) -> Result<Self, Box<Outcome>> {
        let cap = ground.limits.output;
        let stdout = options.stdout.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let stderr = options.stderr.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let failed = |failure| Box::new(Outcome::failed(failure));
        let reactor = ground.reactor().map_err(failed)?;
        let denials = Denials::new(options.watched);
        let until = meter.until();
        let setup = Setup {
            invocation: options.invocation,
            streams: (stdout, stderr),
            granted: ground.granted,
            requests: ground.requests,
            serving: ground.serving.clone(),
            services: ground.services,
            scope: denials.scope(ground.skill),
            limits: ground.limits,
            until,
            beside: Vec::new(),
        };
        // Clients of the network belong to the reactor that moves them.
        let entered = reactor.runtime().map_err(failed)?.enter();
        let data = CallData::new(meter, setup).map_err(|error| failed(Failure::Setup(error.to_string())))?;
        drop(entered);
        Ok(Self { data, denials, until, reactor })
    }
}

/// Ends a call with capabilities: what it staged is kept, or thrown away.
pub(crate) fn ended(data: Based, denials: &Denials, keep: bool) -> Effects {
    let Finished { changes, lost, no_folder, notes } = data.finish(keep);
    let Told { denied, failed } = denials.take();
    Effects { changes, lost, denied, failed, no_folder, notes }
}
