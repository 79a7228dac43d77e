//! QuickJS in this process, without limits.

use crate::contenders::local::local;
use crate::runner::Contender;
use anyhow::{Result, anyhow};
use rquickjs::{Context, Function, Persistent, Runtime};

/// `regex.escape` in JavaScript.
pub const ESCAPE: &str = r#"(text) => text.replace(/[\\.+*?()|[\]{}^$#&\-~]/g, "\\$&")"#;

fn failed(error: rquickjs::Error) -> anyhow::Error {
    anyhow!("QuickJS: {error}")
}

/// A runtime and a context that hold the function.
pub struct State {
    // Dropped in this order: a function before its context, that before its runtime.
    escape: Persistent<Function<'static>>,
    context: Context,
    _runtime: Runtime,
}

impl State {
    /// A new runtime with one context.
    pub fn new() -> Result<Self> {
        Self::within(Runtime::new().map_err(failed)?)
    }

    /// A new context in a runtime.
    pub fn within(runtime: Runtime) -> Result<Self> {
        let context = Context::full(&runtime).map_err(failed)?;
        let escape = context
            .with(|ctx| {
                let escape: Function<'_> = ctx.eval(ESCAPE)?;
                Ok(Persistent::save(&ctx, escape))
            })
            .map_err(failed)?;
        Ok(Self { escape, context, _runtime: runtime })
    }

    /// Calls the function.
    pub fn call(&self, text: &str) -> Result<String> {
        self.context
            .with(|ctx| self.escape.clone().restore(&ctx)?.call::<_, String>((text,)))
            .map_err(failed)
    }
}

/// A new runtime and context for every call.
pub fn fresh(text: &str) -> Box<dyn Contender> {
    let text = text.to_owned();
    let work = move || -> Result<String> {
        let runtime = Runtime::new().map_err(failed)?;
        let context = Context::full(&runtime).map_err(failed)?;
        context
            .with(|ctx| ctx.eval::<Function<'_>, _>(ESCAPE)?.call::<_, String>((text.as_str(),)))
            .map_err(failed)
    };
    local(work, String::into_bytes)
}

/// One context for all calls.
pub fn warm(text: &str) -> Result<Box<dyn Contender>> {
    let text = text.to_owned();
    let state = State::new()?;
    Ok(local(move || state.call(&text), String::into_bytes))
}
