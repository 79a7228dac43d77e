//! Lua 5.4 in this process, without limits.

use crate::contenders::local::local;
use crate::runner::Contender;
use anyhow::{Result, anyhow};
use mlua::{Function, Lua};

/// `regex.escape` in Lua.
pub const ESCAPE: &str = r#"
local special = "[\\%.%+%*%?%(%)|%[%]{}%^%$#&%-~]"
return function(text)
    return (text:gsub(special, "\\%0"))
end
"#;

fn failed(error: mlua::Error) -> anyhow::Error {
    anyhow!("Lua: {error}")
}

/// A new state for every call.
pub fn fresh(text: &str) -> Box<dyn Contender> {
    let text = text.to_owned();
    let work = move || -> Result<String> {
        let lua = Lua::new();
        let escape: Function = lua.load(ESCAPE).eval().map_err(failed)?;
        escape.call(text.as_str()).map_err(failed)
    };
    local(work, String::into_bytes)
}

/// One state for all calls.
pub fn warm(text: &str) -> Result<Box<dyn Contender>> {
    let text = text.to_owned();
    let (lua, escape) = state()?;
    let work = move || -> Result<String> {
        let _ = &lua;
        escape.call(text.as_str()).map_err(failed)
    };
    Ok(local(work, String::into_bytes))
}

/// A state that holds the function.
pub fn state() -> Result<(Lua, Function)> {
    let lua = Lua::new();
    let escape: Function = lua.load(ESCAPE).eval().map_err(failed)?;
    Ok((lua, escape))
}

/// Calls the function of a state once.
pub fn call(escape: &Function, text: &str) -> Result<String> {
    escape.call(text).map_err(failed)
}
