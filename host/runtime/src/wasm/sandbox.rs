//! One sandbox: a store with every limit armed, an instance, calls.

use super::convert::{self, Mismatch};
use super::meter::{Cancel, HANDLES, Meter, Stop};
use super::program::{Based, CallState, Entry, Linked, Pure};
use super::reactor::{Reactor, Reactors};
use super::typed::Checked;
use super::{trap, typed};
use crate::watch::{Denials, Told, Watched};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use vox_capabilities::base::{Invocation, Sink};
use vox_capabilities::subprocess::Serving;
use vox_capabilities::{CallData, Finished, Granted, Requests, Services, Setup, runs_programs};
use vox_model::{Effects, Failure, Function, Limits, Outcome, Output, Usage, Value};
use wasmtime::component::{Func, Instance, InstancePre, Val};
use wasmtime::{Engine, Store, UpdateDeadline};

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

/// A live sandbox. Dropped after one call, unless somebody keeps it on purpose.
pub(crate) enum Live {
    Pure(Store<Pure>, Found),
    /// The reactor comes last: what the store holds may live on it.
    Based(Box<Store<Based>>, Found, Arc<Denials>, Reactor),
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

/// An instance, and the function that was called in it last: found and checked once, not in every call of a kept
/// sandbox.
pub(crate) struct Found {
    instance: Instance,
    last: Option<(*const Entry, Func)>,
}

// SAFETY: the pointer is compared and never followed.
unsafe impl Send for Found {}
// SAFETY: as above.
unsafe impl Sync for Found {}

impl Found {
    fn new(instance: Instance) -> Self {
        Self { instance, last: None }
    }

    /// A function of the instance, and whether its type was checked before.
    fn function<S: CallState>(&mut self, store: &mut Store<S>, entry: &Entry) -> Result<(Func, Checked), Wrong> {
        match self.last {
            // SAFETY: the function was called through this entry before, which checked its type.
            Some((at, func)) if std::ptr::eq(at, entry) => Ok((func, unsafe { Checked::before() })),
            _ => {
                let func = self.instance.get_func(store, entry.index);
                Ok((func.ok_or_else(|| fault("an export went missing"))?, Checked::no()))
            }
        }
    }
}

impl Live {
    /// Makes a sandbox. `start` functions are guest code: they run under the same limits as the call.
    pub(crate) fn start(linked: &Linked, ground: &Ground<'_>, options: CallOptions) -> Result<Self, Box<Outcome>> {
        let meter = Meter::new(ground.limits, options.cancel.clone());
        match linked {
            Linked::Pure(pre) => {
                let mut store = Store::new(ground.engine, Pure { meter });
                arm(&mut store, ground.limits, UpdateDeadline::Continue(1));
                match pre.instantiate(&mut store) {
                    Ok(instance) => Ok(Self::Pure(store, Found::new(instance))),
                    Err(error) => Err(Box::new(unstarted(error, &store.data().meter, Output::default()))),
                }
            }
            Linked::Based(pre) => Self::start_based(pre, ground, meter, options),
        }
    }

    fn start_based(
        pre: &InstancePre<Based>,
        ground: &Ground<'_>,
        mut meter: Meter,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let cap = ground.limits.output;
        let stdout = options.stdout.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let stderr = options.stderr.map_or_else(|| Sink::keep(cap), |to| Sink::pass(cap, to));
        let failed = |failure| Box::new(Outcome::failed(failure));
        let reactor = ground.reactor().map_err(failed)?;
        let runtime = reactor.runtime().map_err(failed)?;
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
        let entered = runtime.enter();
        let data = CallData::new(meter, setup).map_err(|error| failed(Failure::Setup(error.to_string())))?;
        drop(entered);
        let mut store = Box::new(Store::new(ground.engine, data));
        arm(&mut store, ground.limits, UpdateDeadline::Yield(1));
        let made = runtime.block_on(within(until, options.cancel, pre.instantiate_async(&mut *store)));
        match made {
            Ok(instance) => Ok(Self::Based(store, Found::new(instance), denials, reactor)),
            Err(error) => Err(Box::new(unstarted(error, &store.data().meter, output(store.data())))),
        }
    }

    /// Ends the sandbox: what it staged is kept where the call went well.
    pub(crate) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Pure(..) => Effects::default(),
            Self::Based(store, _, denials, _reactor) => {
                let Finished { changes, lost, no_folder, notes } = store.into_data().finish(keep);
                let Told { denied, failed } = denials.take();
                Effects { changes, lost, denied, failed, no_folder, notes }
            }
        }
    }

    /// Calls a function. The outcome, one of nothing so far, is filled where it stands: at a quarter of a microsecond
    /// for a call, moving it from hand to hand is seen.
    pub(crate) fn call(
        &mut self,
        function: &Function,
        entry: &Entry,
        args: &mut Cow<'_, [Value]>,
        cancel: Option<Cancel>,
        outcome: &mut Outcome,
    ) {
        match self {
            Self::Pure(store, found) => {
                if let Ok(into) = &mut outcome.result
                    && let Err(wrong) = call_pure(store, found, (function, entry), args, into)
                {
                    outcome.result = Err(wrong.failure(&store.data().meter, &outcome.output));
                }
                outcome.usage = usage(&store.data().meter);
            }
            Self::Based(store, found, _, reactor) => {
                let runtime = match reactor.runtime() {
                    Ok(runtime) => runtime,
                    Err(failure) => return *outcome = Outcome::failed(failure),
                };
                let until = store.data_mut().meter.until();
                let mut value = None;
                let call = call_based(store, found, (function, entry), args, &mut value);
                let called = runtime.block_on(within(until, cancel, call));
                outcome.output = output(store.data());
                outcome.result = match called {
                    Ok(()) => Ok(value),
                    Err(wrong) => Err(wrong.failure(&store.data().meter, &outcome.output)),
                };
                outcome.usage = usage(&store.data().meter);
            }
        }
    }

    /// Starts the clock of another call in the same sandbox.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Pure(store, _) => store.data_mut().meter.restart(),
            Self::Based(store, ..) => store.data_mut().meter.restart(),
        }
    }
}

/// Arms every limit of a store. The only place where stores are set up.
fn arm<S: CallState>(store: &mut Store<S>, limits: Limits, go_on: UpdateDeadline) {
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
enum Wrong {
    Engine(wasmtime::Error),
    Ours(Failure),
}

impl Wrong {
    /// What the caller is told; the guest's own last words are in its output.
    fn failure(self, meter: &Meter, output: &Output) -> Failure {
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

fn fault(what: &str) -> Wrong {
    Wrong::Ours(Failure::Host(what.to_owned()))
}

fn lower_args(function: &Function, args: Cow<'_, [Value]>) -> Result<Vec<Val>, Mismatch> {
    args.into_owned().into_iter().zip(&function.params).map(|(v, p)| convert::lower(v, &p.ty)).collect()
}

fn lift_result(function: &Function, results: Vec<Val>) -> Result<Option<Value>, Wrong> {
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

async fn call_based(
    store: &mut Store<Based>,
    found: &mut Found,
    (function, entry): (&Function, &Entry),
    args: &mut Cow<'_, [Value]>,
    into: &mut Option<Value>,
) -> Result<(), Wrong> {
    let (func, checked) = found.function(store, entry)?;
    if let Some(shape) = entry.shape
        && let Some(called) = typed::call_async(store, (func, checked), shape, args, into).await
    {
        called?;
        found.last = Some((entry, func));
        return Ok(());
    }
    let args = lower_args(function, std::mem::take(args))?;
    let mut results = vec![Val::Bool(false); function.result.iter().len()];
    func.call_async(store, &args, &mut results).await?;
    *into = lift_result(function, results)?;
    Ok(())
}

/// Waits for guest work until its time is over or somebody cancels it. Epochs cannot end a guest that waits
/// inside the host; dropping its future does.
async fn within<T, E: From<wasmtime::Error>>(
    until: Instant,
    cancel: Option<Cancel>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let cancelled = async {
        match cancel {
            Some(cancel) => cancel.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        // The timer is made only when the guest waits.
        () = async { tokio::time::sleep_until(until.into()).await } => Err(wasmtime::Error::new(Stop::Time).into()),
        () = cancelled => Err(wasmtime::Error::new(Stop::Cancelled).into()),
    }
}

fn usage(meter: &Meter) -> Usage {
    Usage { time: meter.elapsed(), memory: meter.memory() }
}

fn output(state: &Based) -> Output {
    let (stdout, lost_out) = state.stdout.take();
    let (stderr, lost_err) = state.stderr.take();
    Output { stdout, stderr, lost: lost_out + lost_err }
}

/// The outcome of a call whose sandbox could not be made.
fn unstarted(error: wasmtime::Error, meter: &Meter, output: Output) -> Outcome {
    let result = Err(Wrong::Engine(error).failure(meter, &output));
    Outcome { result, usage: usage(meter), output, effects: Effects::default() }
}
