//! Calls that may wait, on whatever runtime polls them: a guest that computes hands the thread back at every tick.

use super::ground::{Ground, ended};
use super::meter::{Cancel, Meter, Stop};
use super::program::{Based, CallState, Entry, Linked, Pure};
use super::sandbox::{CallOptions, Found, Wrong, arm, fault, lift_result, lower_args, unstarted, usage};
use super::typed;
use crate::watch::Denials;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use vox_model::{Effects, Function, Outcome, Value, json};
use wasmtime::component::{InstancePre, Val};
use wasmtime::{Store, UpdateDeadline};

/// A sandbox that is awaited: what imports nothing as well, for a guest that computes hands the thread back.
pub(crate) enum Held {
    Pure(Store<Pure>, Found),
    Waits(Waiting),
}

/// What may wait.
pub(crate) enum Waiting {
    Based(Store<Based>, Found, Arc<Denials>),
    /// No sandbox: commands answer, and only the state of the capabilities is there.
    Served(Box<Based>, Arc<Denials>),
}

impl Held {
    pub(crate) async fn start(
        linked: &Linked,
        ground: &Ground<'_>,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let pre = match linked {
            Linked::Pure(pre) => {
                let meter = Meter::new(ground.limits, options.cancel.clone());
                let (store, found) = begin(pre, ground, Pure { meter }, options.cancel).await?;
                return Ok(Self::Pure(store, found));
            }
            Linked::Based(pre) => Some(pre),
            Linked::Served => None,
        };
        Ok(Self::Waits(Waiting::start(pre, ground, options).await?))
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
            Self::Waits(waiting) => waiting.call(called, args, cancel, outcome).await,
        }
    }

    pub(crate) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Pure(..) => Effects::default(),
            Self::Waits(waiting) => waiting.finish(keep),
        }
    }
}

impl Waiting {
    /// Without an instance to make, commands answer.
    pub(super) async fn start(
        pre: Option<&InstancePre<Based>>,
        ground: &Ground<'_>,
        options: CallOptions,
    ) -> Result<Self, Box<Outcome>> {
        let cancel = options.cancel.clone();
        let meter = Meter::new(ground.limits, cancel.clone());
        let (data, denials) = ground.furnish(meter, options)?;
        match pre {
            Some(pre) => {
                let (store, found) = begin(pre, ground, data, cancel).await?;
                Ok(Self::Based(store, found, denials))
            }
            None => Ok(Self::Served(Box::new(data), denials)),
        }
    }

    pub(super) async fn call(
        &mut self,
        called: (&Function, &Entry),
        args: &mut Cow<'_, [Value]>,
        cancel: Option<Cancel>,
        outcome: &mut Outcome,
    ) {
        match self {
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

    pub(super) fn finish(self, keep: bool) -> Effects {
        match self {
            Self::Based(store, _, denials) => ended(store.into_data(), &denials, keep),
            Self::Served(data, denials) => ended(*data, &denials, keep),
        }
    }

    pub(super) fn restart(&mut self) {
        match self {
            Self::Based(store, ..) => store.data_mut().meter.restart(),
            Self::Served(data, ..) => data.meter.restart(),
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
