//! Lua 5.4, without limits.

use anyhow::{Result, anyhow};
use mlua::{Function, Lua};

/// `regex.escape` in Lua.
const ESCAPE: &str = r#"
local special = "[\\%.%+%*%?%(%)|%[%]{}%^%$#&%-~]"
return function(text)
    return (text:gsub(special, "\\%0"))
end
"#;

fn failed(error: mlua::Error) -> anyhow::Error {
    anyhow!("Lua: {error}")
}

/// A state that holds the function.
pub struct State {
    escape: Function,
    _lua: Lua,
}

impl State {
    /// A new state.
    pub fn new() -> Result<Self> {
        let lua = Lua::new();
        let escape: Function = lua.load(ESCAPE).eval().map_err(failed)?;
        Ok(Self { escape, _lua: lua })
    }

    /// Calls the function.
    pub fn call(&self, text: &str) -> Result<String> {
        self.escape.call(text).map_err(failed)
    }
}
