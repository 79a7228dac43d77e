//! Opened skills and their functions: the half of the embedding API that calls.

use crate::decide::Admitted;
use crate::host::Shared;
use crate::wasm::ground::Ground;
use crate::wasm::program::{Entry, Linked};
use crate::wasm::sandbox::{CallOptions, Live};
use crate::wasm::waiting::Held;
use std::any::Any;
use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use vox_capabilities::subprocess::Serving;
use vox_model::{Effects, Facts, Failure, Function, LookupError, Outcome, Plan, Value};
use wasmtime::Engine;

/// A skill that is compiled, linked and ready to be called any number of times, from any number of threads. A contract
/// is ready as it is.
pub struct Program {
    pub(crate) shared: Arc<Shared>,
    pub(crate) admitted: Admitted,
    pub(crate) facts: Arc<Facts>,
    pub(crate) engine: Engine,
    pub(crate) linked: Linked,
    /// What commands serve of its imports: the same for every call.
    pub(crate) serving: Serving,
    pub(crate) entries: Vec<Option<Entry>>,
}

/// One function of a program.
#[derive(Clone, Copy)]
pub struct Callable<'p> {
    program: &'p Program,
    function: &'p Function,
    entry: &'p Entry,
}

/// There is no function to call.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FunctionError {
    /// The name leads to none, or to several.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It cannot be called by name.
    #[error("`{name}` cannot be called: {reason}")]
    Uncallable {
        /// Which function.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Program {
    /// The decision it runs under.
    pub fn plan(&self) -> &Plan {
        self.admitted.plan()
    }

    /// What is known of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A function by name: `query`, `json.query` or `vox:bundle/json@0.1.0#query`.
    ///
    /// # Errors
    /// See [`FunctionError`].
    pub fn function(&self, name: &str) -> Result<Callable<'_>, FunctionError> {
        let function = self.facts.function(name)?;
        let index = self.facts.functions.iter().position(|f| std::ptr::eq(f, function));
        match index.and_then(|index| self.entries[index].as_ref()) {
            Some(entry) => Ok(Callable { program: self, function, entry }),
            None => Err(FunctionError::Uncallable {
                name: name.to_owned(),
                reason: function.uncallable.clone().unwrap_or_else(|| "it is not exported".to_owned()),
            }),
        }
    }

    /// A sandbox that is kept for several calls of one caller, instead of a fresh one for each.
    ///
    /// What one call leaves in the guest's memory the next one finds: keep a sandbox only for calls that may see
    /// each other's data, and never across tenants. It is gone after the first failure.
    ///
    /// # Errors
    /// The sandbox could not be made, as an outcome.
    pub fn keep(&self) -> Result<Kept<'_>, Box<Outcome>> {
        Ok(Kept { program: self, live: Some(self.start(CallOptions::default(), false)?) })
    }

    fn start(&self, options: CallOptions, fresh: bool) -> Result<Live, Box<Outcome>> {
        Live::start(&self.linked, &self.ground(fresh), options)
    }

    fn ground(&self, fresh: bool) -> Ground<'_> {
        let skill = self.admitted.skill();
        Ground {
            engine: &self.engine,
            limits: self.plan().limits,
            reactors: &self.shared.reactors,
            fresh,
            granted: self.admitted.granted(),
            requests: skill.requests(),
            serving: &self.serving,
            services: &self.shared.services,
            skill: (&skill.package, skill.digest()),
        }
    }
}

impl<'p> Callable<'p> {
    /// Its signature and docs.
    pub fn function(&self) -> &'p Function {
        self.function
    }

    /// Calls it in a fresh sandbox with every limit armed, and drops the sandbox.
    ///
    /// Arguments must have the types of the parameters; trailing `option` parameters may be left out. They are taken
    /// over (`Vec`) or only lent (`&[Value]`, `&Vec`), which saves whoever calls often with the same ones a copy.
    /// Blocks until the call ended. Must not be called on a thread of an asynchronous runtime.
    pub fn call<'a>(&self, args: impl Into<Cow<'a, [Value]>>) -> Outcome {
        self.call_with(args, CallOptions::default())
    }

    /// [`Callable::call`] with more than arguments.
    pub fn call_with<'a>(&self, args: impl Into<Cow<'a, [Value]>>, options: CallOptions) -> Outcome {
        let mut outcome = Outcome::nothing();
        let mut args = args.into();
        guarded(&mut outcome, |outcome| {
            complete(self.function, &mut args)?;
            let cancel = options.cancel.clone();
            let mut live = match self.program.start(options, true) {
                Ok(live) => live,
                Err(stopped) => {
                    *outcome = *stopped;
                    return Ok(());
                }
            };
            live.call((self.function, self.entry), &mut args, cancel, outcome);
            outcome.effects = live.finish(went_well(outcome));
            Ok(())
        });
        outcome
    }
}

impl Callable<'_> {
    /// [`Callable::call_with`] for programs that wait asynchronously: many calls at once need no thread each.
    ///
    /// It is polled on a tokio runtime with I/O and time; connections of the call live there and are kept for the next
    /// one. A guest that computes hands the thread back every 10 ms. Dropping the future ends the call, and nothing that
    /// it staged is kept. Work on files happens on the thread that polls; where the call may change files or runs
    /// programs, a runtime with several threads moves its other tasks away meanwhile.
    pub async fn call_async<'a>(&self, args: impl Into<Cow<'a, [Value]>>, options: CallOptions) -> Outcome {
        let mut args = args.into();
        let called = async {
            let mut outcome = Outcome::nothing();
            if let Err(failure) = complete(self.function, &mut args) {
                return Outcome::failed(failure);
            }
            let cancel = options.cancel.clone();
            let ground = self.program.ground(true);
            let mut held = match Held::start(&self.program.linked, &ground, options).await {
                Ok(held) => held,
                Err(stopped) => return *stopped,
            };
            held.call((self.function, self.entry), &mut args, cancel, &mut outcome).await;
            let keep = went_well(&outcome);
            outcome.effects = match ground.is_heavy() {
                true => aside(|| held.finish(keep)),
                false => held.finish(keep),
            };
            outcome
        };
        let mut called = pin!(called);
        poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| called.as_mut().poll(context)))
                .unwrap_or_else(|panic| Poll::Ready(Outcome::failed(panicked(&*panic))))
        })
        .await
    }
}

/// Work that waits for disks and programs. Other tasks of the thread go on elsewhere, where the runtime has other threads.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => block_in_place(work),
        _ => work(),
    }
}

/// Whether what a call staged is kept: nothing survives a trap, a limit or a cancellation.
pub(crate) fn went_well(outcome: &Outcome) -> bool {
    matches!(outcome.result, Ok(_) | Err(Failure::Exit(_)))
}

/// A sandbox that somebody keeps, see [`Program::keep`].
pub struct Kept<'p> {
    program: &'p Program,
    live: Option<Live>,
}

impl Kept<'_> {
    /// Ends the sandbox and keeps what its calls staged. Dropping it instead throws that away.
    pub fn finish(mut self) -> Effects {
        self.live.take().map(|live| live.finish(true)).unwrap_or_default()
    }

    /// Calls a function in the kept sandbox. Arguments as for [`Callable::call`].
    ///
    /// After a failure the sandbox is gone and every further call fails with [`Failure::Host`].
    pub fn call<'a>(&mut self, callable: &Callable<'_>, args: impl Into<Cow<'a, [Value]>>) -> Outcome {
        let mut outcome = Outcome::nothing();
        let mut args = args.into();
        match self.ready(callable, &mut args) {
            Ok(live) => guarded(&mut outcome, |outcome| {
                live.restart();
                live.call((callable.function, callable.entry), &mut args, None, outcome);
                Ok(())
            }),
            Err(failure) => {
                outcome.result = Err(failure);
                return outcome;
            }
        }
        if outcome.result.is_err() {
            self.live = None;
        }
        outcome
    }

    /// The sandbox, where it can be called like this.
    fn ready(&mut self, callable: &Callable<'_>, args: &mut Cow<'_, [Value]>) -> Result<&mut Live, Failure> {
        complete(callable.function, args)?;
        if !std::ptr::eq(callable.program, self.program) {
            return Err(fault("a function of another program"));
        }
        self.live.as_mut().ok_or_else(|| fault("the kept sandbox is gone: an earlier call failed"))
    }
}

fn fault(what: impl Into<String>) -> Failure {
    Failure::Host(what.into())
}

/// Adds the options that were left out; any other number of arguments is a fault of the caller.
fn complete(function: &Function, args: &mut Cow<'_, [Value]>) -> Result<(), Failure> {
    let given = args.len();
    if given != function.params.len() {
        if given < function.required() || given > function.params.len() {
            return Err(fault(format!("{function} was called with {given} arguments")));
        }
        args.to_mut().resize(function.params.len(), Value::Option(None));
    }
    Ok(())
}

/// Makes a call that fills an outcome. A panic of ours ends the call, not the process; the sandbox goes with it.
pub(crate) fn guarded(outcome: &mut Outcome, call: impl FnOnce(&mut Outcome) -> Result<(), Failure>) {
    match catch_unwind(AssertUnwindSafe(|| call(outcome))) {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => outcome.result = Err(failure),
        Err(panic) => *outcome = Outcome::failed(panicked(&*panic)),
    }
}

/// What a panic of ours is to the caller.
fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    fault(text.unwrap_or("a panic"))
}
