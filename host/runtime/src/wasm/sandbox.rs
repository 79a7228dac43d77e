//! One sandbox: a store with every limit armed, an instance, calls.

use super::convert::{self, Mismatch};
use super::ground::Ground;
use super::meter::{Cancel, HANDLES, Meter};
use super::program::{Based, CallState, Entry, Linked, Pure};
use super::reactor::Reactor;
use super::typed::Checked;
use super::waiting::Waiting;
use super::{trap, typed};
use crate::watch::Watched;
use std::borrow::Cow;
use vox_capabilities::base::Invocation;
use vox_model::{Effects, Failure, Function, Limits, Outcome, Output, Usage, Value};
use wasmtime::component::{Func, Instance, InstancePre, Val};
use wasmtime::{Store, UpdateDeadline};

/// What a call brings besides its arguments.
#[derive(Default)]
pub struct CallOptions {
    /// Ends the call from another thread.
    pub cancel: Option<Cancel>,
    /// Arguments and standard input, for components that run like a program.
    pub invocation: Invocation,
    /// Where standard output goes as it is written, instead of into the outcome.
    pub stdout: Option<Box<dyn std::io::Write + Send>>,
    /// Where standard error goes as it is written, instead of into the outcome.
    pub stderr: Option<Box<dyn std::io::Write + Send>>,
    /// Who watches: takes effects down, and may take grants back while the call runs.
    pub watched: Option<Watched>,
}

/// A live sandbox. Dropped after one call, unless somebody keeps it on purpose.
pub(crate) enum Live {
    Pure(Store<Pure>, Found),
    /// With what moves its waits. That comes last: what the sandbox holds may live on it.
    Waits(Waiting, Reactor),
}

/// An instance, and the function that was called in it last: found and checked once, not in every call of a kept
/// sandbox.
pub(crate) struct Found {
    instance: Instance,
    pub(super) last: Option<(*const Entry, Func)>,
}

// SAFETY: the pointer is compared and never followed.
unsafe impl Send for Found {}
// SAFETY: as above.
unsafe impl Sync for Found {}

impl Found {
    pub(super) fn new(instance: Instance) -> Self {
        Self { instance, last: None }
    }

    /// A function of the instance, and whether its type was checked before.
    pub(super) fn function<S: CallState>(
        &mut self,
        store: &mut Store<S>,
        entry: &Entry,
    ) -> Result<(Func, Checked), Wrong> {
        match self.last {
            // SAFETY: the function was called through this entry before, which checked its type.
            Some((at, func)) if std::ptr::eq(at, entry) => Ok((func, unsafe { Checked::before() })),
            _ => {
                let func = entry.index.and_then(|index| self.instance.get_func(store, index));
                Ok((func.ok_or_else(|| fault("an export went missing"))?, Checked::no()))
            }
        }
    }
}

impl Live {
    /// Makes a sandbox. `start` functions are guest code: they run under the same limits as the call.
    pub(crate) fn start(linked: &Linked, ground: &Ground<'_>, options: CallOptions) -> Result<Self, Box<Outcome>> {
        let pre = match linked {
            Linked::Pure(pre) => pre,
            Linked::Based(pre) => return Self::waiting(Some(pre), ground, options),
            Linked::Served => return Self::waiting(None, ground, options),
        };
        let meter = Meter::new(ground.limits, options.cancel);
        let mut store = Store::new(ground.engine, Pure { meter });
        arm(&mut store, ground.limits, UpdateDeadline::Continue(1));
        match pre.instantiate(&mut store) {
            Ok(instance) => Ok(Self::Pure(store, Found::new(instance))),
            Err(error) => Err(unstarted(error, &mut store)),
        }
    }

    fn waiting(
        pre: Option<&InstancePre<Based>>,
        ground: &Ground<'_>,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let failed = |failure| Box::new(Outcome::failed(failure));
        let reactor = ground.reactor().map_err(failed)?;
        let waiting = reactor.runtime().map_err(failed)?.block_on(Waiting::start(pre, ground, options))?;
        Ok(Self::Waits(waiting, reactor))
    }

    /// Ends the sandbox: what it staged is kept where the call went well.
    pub(crate) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Pure(..) => Effects::default(),
            Self::Waits(waiting, _reactor) => waiting.finish(keep),
        }
    }

    /// Calls a function. The outcome, one of nothing so far, is filled where it stands: at a quarter of a microsecond
    /// for a call, moving it from hand to hand is seen.
    pub(crate) fn call(
        &mut self,
        called: (&Function, &Entry),
        args: &mut Cow<'_, [Value]>,
        cancel: Option<Cancel>,
        outcome: &mut Outcome,
    ) {
        match self {
            Self::Pure(store, found) => {
                if let Ok(into) = &mut outcome.result
                    && let Err(wrong) = call_pure(store, found, called, args, into)
                {
                    outcome.result = Err(wrong.failure(&store.data().meter, &outcome.output));
                }
                outcome.usage = usage(&store.data().meter);
            }
            Self::Waits(waiting, reactor) => match reactor.runtime() {
                Ok(runtime) => runtime.block_on(waiting.call(called, args, cancel, outcome)),
                Err(failure) => *outcome = Outcome::failed(failure),
            },
        }
    }

    /// Starts the clock of another call in the same sandbox.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Pure(store, _) => store.data_mut().meter.restart(),
            Self::Waits(waiting, _) => waiting.restart(),
        }
    }
}

/// Arms every limit of a store. The only place where stores are set up.
pub(super) fn arm<S: CallState>(store: &mut Store<S>, limits: Limits, go_on: UpdateDeadline) {
    store.limiter(|state| state.meter());
    store.set_hostcall_fuel(usize::try_from(limits.crossing()).unwrap_or(usize::MAX));
    store.set_max_component_handles(HANDLES);
    // One tick ahead: a deadline of zero would fire at once.
    store.set_epoch_deadline(1);
    let yields = matches!(go_on, UpdateDeadline::Yield(_));
    store.epoch_deadline_callback(move |mut cx| {
        let go_on = if yields { UpdateDeadline::Yield(1) } else { UpdateDeadline::Continue(1) };
        cx.data_mut().meter().on_epoch(go_on)
    });
}

/// An error of the engine, or a fault of ours.
pub(super) enum Wrong {
    Engine(wasmtime::Error),
    Ours(Failure),
}

impl Wrong {
    /// What the caller is told; the guest's own last words are in its output.
    pub(super) fn failure(self, meter: &Meter, output: &Output) -> Failure {
        match self {
            Self::Engine(error) => trap::classify(&error, meter, &output.stderr),
            Self::Ours(failure) => failure,
        }
    }
}

impl From<wasmtime::Error> for Wrong {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Mismatch> for Wrong {
    fn from(mismatch: Mismatch) -> Self {
        Self::Ours(Failure::Host(format!("arguments were not checked: {mismatch}")))
    }
}

pub(super) fn fault(what: &str) -> Wrong {
    Wrong::Ours(Failure::Host(what.to_owned()))
}

pub(super) fn lower_args(function: &Function, args: Cow<'_, [Value]>) -> Result<Vec<Val>, Mismatch> {
    args.into_owned().into_iter().zip(&function.params).map(|(v, p)| convert::lower(v, &p.ty)).collect()
}

pub(super) fn lift_result(function: &Function, results: Vec<Val>) -> Result<Option<Value>, Wrong> {
    match (results.into_iter().next(), &function.result) {
        (Some(val), Some(ty)) => convert::lift(val, ty).map(Some).ok_or_else(|| fault("a result was not of its type")),
        (None, None) => Ok(None),
        _ => Err(fault("a function gave another number of results than it has")),
    }
}

fn call_pure(
    store: &mut Store<Pure>,
    found: &mut Found,
    (function, entry): (&Function, &Entry),
    args: &mut Cow<'_, [Value]>,
    into: &mut Option<Value>,
) -> Result<(), Wrong> {
    let (func, checked) = found.function(store, entry)?;
    if let Some(shape) = entry.shape
        && let Some(called) = typed::call(store, (func, checked), shape, args, into)
    {
        called?;
        found.last = Some((entry, func));
        return Ok(());
    }
    let args = lower_args(function, std::mem::take(args))?;
    let mut results = vec![Val::Bool(false); function.result.iter().len()];
    func.call(store, &args, &mut results)?;
    *into = lift_result(function, results)?;
    Ok(())
}

pub(super) fn usage(meter: &Meter) -> Usage {
    Usage { time: meter.elapsed(), memory: meter.memory() }
}

/// The outcome of a call whose sandbox could not be made.
pub(super) fn unstarted<S: CallState>(error: wasmtime::Error, store: &mut Store<S>) -> Box<Outcome> {
    let output = store.data().output();
    let meter = store.data_mut().meter();
    let result = Err(Wrong::Engine(error).failure(meter, &output));
    Box::new(Outcome { result, usage: usage(meter), output, effects: Effects::default() })
}
