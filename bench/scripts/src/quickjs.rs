//! QuickJS, without limits.

use anyhow::{Result, anyhow};
use rquickjs::{Context, Function, Persistent, Runtime};

/// `regex.escape` in JavaScript.
const ESCAPE: &str = r#"(text) => text.replace(/[\\.+*?()|[\]{}^$#&\-~]/g, "\\$&")"#;

fn failed(error: rquickjs::Error) -> anyhow::Error {
    anyhow!("QuickJS: {error}")
}

/// A context that holds the function, and its runtime.
pub struct State {
    // Dropped in this order: a function before its context, that before its runtime.
    escape: Persistent<Function<'static>>,
    context: Context,
    _runtime: Runtime,
}

/// A new runtime.
pub fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(failed)
}

impl State {
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
        self.context.with(|ctx| self.escape.clone().restore(&ctx)?.call::<_, String>((text,))).map_err(failed)
    }
}
