//! One sandbox: a store with every limit armed, an instance, calls.

use super::convert::{self, Mismatch};
use super::ground::{Ground, ended};
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
pub(crate) struct Live {
    held: Held,
    /// What moves its waits; none where nothing waits. It comes last: what the sandbox holds may live on it.
    reactor: Option<Reactor>,
}

/// What holds the guest.
pub(crate) enum Held {
    Pure(Store<Pure>, Found),
    Based(Store<Based>, Found, Arc<Denials>),
    /// No sandbox: commands answer, and only the state of the capabilities is there.
    Served(Box<Based>, Arc<Denials>),
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
        if let Linked::Pure(pre) = linked {
            let meter = Meter::new(ground.limits, options.cancel);
            let mut store = Store::new(ground.engine, Pure { meter });
            arm(&mut store, ground.limits, UpdateDeadline::Continue(1));
            return match pre.instantiate(&mut store) {
                Ok(instance) => Ok(Self { held: Held::Pure(store, Found::new(instance)), reactor: None }),
                Err(error) => Err(unstarted(error, &mut store)),
            };
        }
        let failed = |failure| Box::new(Outcome::failed(failure));
        let reactor = ground.reactor().map_err(failed)?;
        let held = reactor.runtime().map_err(failed)?.block_on(Held::start(linked, ground, options))?;
        Ok(Self { held, reactor: Some(reactor) })
    }

    /// Ends the sandbox: what it staged is kept where the call went well.
    pub(crate) fn finish(self, keep: bool) -> Effects {
        self.held.finish(keep)
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
        match (&mut self.held, &self.reactor) {
            (Held::Pure(store, found), _) => {
                if let Ok(into) = &mut outcome.result
                    && let Err(wrong) = call_pure(store, found, called, args, into)
                {
                    outcome.result = Err(wrong.failure(&store.data().meter, &outcome.output));
                }
                outcome.usage = usage(&store.data().meter);
            }
            (held, Some(reactor)) => match reactor.runtime() {
                Ok(runtime) => runtime.block_on(held.call(called, args, cancel, outcome)),
                Err(failure) => *outcome = Outcome::failed(failure),
            },
            (_, None) => *outcome = Outcome::failed(Failure::Host("nothing moves the waits of this call".to_owned())),
        }
    }

    /// Starts the clock of another call in the same sandbox.
    pub(crate) fn restart(&mut self) {
        match &mut self.held {
            Held::Pure(store, _) => store.data_mut().meter.restart(),
            Held::Based(store, ..) => store.data_mut().meter.restart(),
            Held::Served(data, ..) => data.meter.restart(),
        }
    }
}

/// The same on whatever runtime polls: a guest that computes hands the thread back at every tick.
impl Held {
    pub(crate) async fn start(
        linked: &Linked,
        ground: &Ground<'_>,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let cancel = options.cancel.clone();
        let meter = Meter::new(ground.limits, cancel.clone());
        Ok(match linked {
            Linked::Pure(pre) => {
                let (store, found) = begin(pre, ground, Pure { meter }, cancel).await?;
                Self::Pure(store, found)
            }
            Linked::Based(pre) => {
                let (data, denials) = ground.furnish(meter, options)?;
                let (store, found) = begin(pre, ground, data, cancel).await?;
                Self::Based(store, found, denials)
            }
            Linked::Served => {
                let (data, denials) = ground.furnish(meter, options)?;
                Self::Served(Box::new(data), denials)
            }
        })
    }

    pub(crate) async fn call(
        &mut self,
        called: (&Function, &Entry),
        args: &mut Cow<'_, [Value]>,
        cancel: Option<Cancel>,
        outcome: &mut Outcome,
    ) {
        match self {
            Self::Pure(store, found) => call_waiting(store, found, called, args, cancel, outcome).await,
            Self::Based(store, found, _) => call_waiting(store, found, called, args, cancel, outcome).await,
            Self::Served(data, _) => {
                let until = data.meter.until();
                let answer = call_served(data, called.0, std::mem::take(args).into_owned());
                let answered = within(until, cancel, answer).await;
                outcome.output = data.output();
                outcome.result = answered.map_err(|wrong| wrong.failure(&data.meter, &outcome.output));
                outcome.usage = usage(&data.meter);
            }
        }
    }

    pub(crate) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Pure(..) => Effects::default(),
            Self::Based(store, _, denials) => ended(store.into_data(), &denials, keep),
            Self::Served(data, denials) => ended(*data, &denials, keep),
        }
    }
}

/// Makes an instance, on whatever runtime polls.
async fn begin<S: CallState + Send>(
    pre: &InstancePre<S>,
    ground: &Ground<'_>,
    data: S,
    cancel: Option<Cancel>,
) -> Result<(Store<S>, Found), Box<Outcome>> {
    let mut store = Store::new(ground.engine, data);
    arm(&mut store, ground.limits, UpdateDeadline::Yield(1));
    let until = store.data_mut().meter().until();
    match within(until, cancel, pre.instantiate_async(&mut store)).await {
        Ok(instance) => Ok((store, Found::new(instance))),
        Err(error) => Err(unstarted(error, &mut store)),
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

async fn call_waiting<S: CallState + Send>(
    store: &mut Store<S>,
    found: &mut Found,
    called: (&Function, &Entry),
    args: &mut Cow<'_, [Value]>,
    cancel: Option<Cancel>,
    outcome: &mut Outcome,
) {
    let until = store.data_mut().meter().until();
    let mut value = None;
    let ended = within(until, cancel, call_async(store, found, called, args, &mut value)).await;
    outcome.output = store.data().output();
    outcome.result = match ended {
        Ok(()) => Ok(value),
        Err(wrong) => Err(wrong.failure(store.data_mut().meter(), &outcome.output)),
    };
    outcome.usage = usage(store.data_mut().meter());
}

async fn call_async<S: CallState + Send>(
    store: &mut Store<S>,
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

/// The outcome of a call whose sandbox could not be made.
fn unstarted<S: CallState>(error: wasmtime::Error, store: &mut Store<S>) -> Box<Outcome> {
    let output = store.data().output();
    let meter = store.data_mut().meter();
    let result = Err(Wrong::Engine(error).failure(meter, &output));
    Box::new(Outcome { result, usage: usage(meter), output, effects: Effects::default() })
}
