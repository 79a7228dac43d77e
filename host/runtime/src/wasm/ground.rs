//! What a call stands on besides code: limits, grants, services, and the state of its capabilities.

use super::meter::Meter;
use super::program::Based;
use super::reactor::{Reactor, Reactors};
use super::sandbox::CallOptions;
use crate::watch::{Denials, Told};
use std::sync::Arc;
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
    /// What moves the waits of a sandbox that nobody polls.
    ///
    /// # Errors
    /// The system has no thread or no descriptor left.
    pub(crate) fn reactor(&self) -> Result<Reactor, Failure> {
        match self.fresh && !runs_programs(self.granted, self.serving) {
            true => self.reactors.borrow(self.skill.1),
            false => self.reactors.join(self.skill.1),
        }
    }

    /// Whether the end of a call may wait for disks or for programs.
    pub(crate) fn is_heavy(&self) -> bool {
        !self.granted.files.folders.is_empty() || runs_programs(self.granted, self.serving)
    }

    /// The state of the capabilities, for one call. Clients of the network belong to the runtime on which this is called.
    ///
    /// # Errors
    /// A capability cannot be served now, as the outcome of the call.
    pub(crate) fn furnish(
        &self,
        mut meter: Meter,
        options: CallOptions,
    ) -> Result<(Based, Arc<Denials>), Box<Outcome>> {
        let cap = self.limits.output;
        let stdout = options.stdout.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let stderr = options.stderr.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let denials = Denials::new(options.watched);
        let until = meter.until();
        let setup = Setup {
            invocation: options.invocation,
            streams: (stdout, stderr),
            granted: self.granted,
            requests: self.requests,
            serving: self.serving.clone(),
            services: self.services,
            scope: denials.scope(self.skill),
            limits: self.limits,
            until,
            beside: Vec::new(),
        };
        match CallData::new(meter, setup) {
            Ok(data) => Ok((data, denials)),
            Err(error) => Err(Box::new(Outcome::failed(Failure::Setup(error.to_string())))),
        }
    }
}

/// Ends a call with capabilities: what it staged is kept, or thrown away.
pub(crate) fn ended(data: Based, denials: &Denials, keep: bool) -> Effects {
    let Finished { changes, lost, no_folder, notes } = data.finish(keep);
    let Told { denied, failed } = denials.take();
    Effects { changes, lost, denied, failed, no_folder, notes }
}
