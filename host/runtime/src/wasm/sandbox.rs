//! One sandbox: a store with every limit armed, an instance, calls.

use super::convert::{self, Mismatch};
use super::ground::{Ground, Outfit, ended};
use super::meter::{Cancel, HANDLES, Meter, Stop};
use super::program::{Based, CallState, Entry, Linked, Pure};
use super::reactor::Reactor;
use super::typed::Checked;
use super::{trap, typed};
use crate::watch::{Denials, Watched};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use vox_capabilities::base::Invocation;
use vox_model::{Effects, Failure, Function, Limits, Outcome, Output, Usage, Value, json};
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
    /// The reactor comes last: what the store holds may live on it.
    Based(Box<Store<Based>>, Found, Arc<Denials>, Reactor),
    /// No sandbox: commands answer, and only the state of the capabilities is there.
    Served(Box<Based>, Arc<Denials>, Reactor),
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
                let func = entry.index.and_then(|index| self.instance.get_func(store, index));
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
            Linked::Served => {
                let Outfit { data, denials, reactor, .. } = Outfit::new(ground, meter, options)?;
                Ok(Self::Served(Box::new(data), denials, reactor))
            }
        }
    }

    fn start_based(
        pre: &InstancePre<Based>,
        ground: &Ground<'_>,
        meter: Meter,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let cancel = options.cancel.clone();
        let Outfit { data, denials, reactor, until } = Outfit::new(ground, meter, options)?;
        let runtime = reactor.runtime().map_err(|failure| Box::new(Outcome::failed(failure)))?;
        let mut store = Box::new(Store::new(ground.engine, data));
        arm(&mut store, ground.limits, UpdateDeadline::Yield(1));
        let made = runtime.block_on(within(until, cancel, pre.instantiate_async(&mut *store)));
        match made {
            Ok(instance) => Ok(Self::Based(store, Found::new(instance), denials, reactor)),
            Err(error) => Err(Box::new(unstarted(error, &store.data().meter, output(store.data())))),
        }
    }

    /// Ends the sandbox: what it staged is kept where the call went well.
    pub(crate) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Pure(..) => Effects::default(),
            Self::Based(store, _, denials, _reactor) => ended(store.into_data(), &denials, keep),
            Self::Served(data, denials, _reactor) => ended(*data, &denials, keep),
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
            Self::Served(data, _, reactor) => {
                let runtime = match reactor.runtime() {
                    Ok(runtime) => runtime,
                    Err(failure) => return *outcome = Outcome::failed(failure),
                };
                let until = data.meter.until();
                let answer = call_served(data, function, std::mem::take(args).into_owned());
                let called = runtime.block_on(within(until, cancel, answer));
                outcome.output = output(data);
                outcome.result = called.map_err(|wrong| wrong.failure(&data.meter, &outcome.output));
                outcome.usage = usage(&data.meter);
            }
        }
    }

    /// Starts the clock of another call in the same sandbox.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Pure(store, _) => store.data_mut().meter.restart(),
            Self::Based(store, ..) => store.data_mut().meter.restart(),
            Self::Served(data, ..) => data.meter.restart(),
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

/// A call of a function of a contract. Nobody has held the arguments to the types of a component: what is sent to the
/// command has to be what can be read by the contract.
async fn call_served(data: &mut Based, function: &Function, args: Vec<Value>) -> Result<Option<Value>, Wrong> {
    for (value, param) in args.iter().zip(&function.params) {
        json::read(&json::write(value, &param.ty), &param.ty)
            .map_err(|wrong| fault(&format!("arguments were not checked: {}: {wrong}", param.name)))?;
    }
    Ok(data.serve(function, args).await.map_err(wasmtime::Error::new)?)
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
