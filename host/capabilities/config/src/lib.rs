//! Settings for skills: `wasi:config/store`.
//!
//! A person grants settings by name and value. A skill sees those, and the defaults of its own manifest for names it
//! asked for and was not granted; nothing else exists. Settings are never secrets: a skill can print what it reads.

mod grant;
mod request;
mod state;

pub use grant::{Grant, Invalid, MAX_NAME, MAX_SETTINGS, MAX_VALUE};
pub use request::{Request, Setting};
pub use state::ConfigState;

use wasmtime::component::{HasData, Linker};

#[allow(missing_docs, reason = "generated; the WIT has the documentation")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../../wit/deps/config",
        world: "wasi:config/imports",
    });
}

use bindings::wasi::config::store;

impl store::Host for ConfigState {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        self.setting(&key).map_err(store::Error::Upstream)
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        self.all().map_err(store::Error::Upstream)
    }
}

/// What the embedder's store has to offer: the state of this capability and nothing else.
pub trait ConfigView: Send {
    /// The settings of the call.
    fn config(&mut self) -> &mut ConfigState;
}

/// Names the part of the store that the host functions of this capability see.
pub struct VoxConfig;

impl HasData for VoxConfig {
    type Data<'a> = &'a mut ConfigState;
}

/// Links `wasi:config/store`.
///
/// # Errors
/// The interface was linked already.
pub fn add_to_linker<T: ConfigView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    store::add_to_linker::<T, VoxConfig>(linker, T::config)
}
