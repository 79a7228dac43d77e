//! Machine code, from bytes or from the cache to the engine.

use super::engine::Engines;
use super::lent::Lent;
use crate::cache::{Cache, Key};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Code that the compiler process made just now.
///
/// # Errors
/// The engine refuses it.
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are machine code that this installation's compiler made. They come either from the
    // compiler process itself, checked for their kind, or from the cache, whose authentication code was checked
    // over these very bytes (docs/adr/0003-cache.md).
    unsafe { Component::deserialize(engine, code) }
}

/// Code from the cache for one of the engines; none when it is not there.
pub(crate) fn cached(
    engines: &Engines,
    engine: &Engine,
    cache: &Cache,
    key: &Key,
) -> Option<wasmtime::Result<Component>> {
    match Lent::WORKS {
        true => cache.get_pages(key).map(|pages| {
            // SAFETY: as in `load`; nobody writes to the pages, and they stay until the engine gives them back.
            engines.lent().lend(pages, |code| unsafe { Component::deserialize_raw(engine, code) })
        }),
        false => cache.get(key).map(|code| load(engine, &code)),
    }
}

/// Whether the pool refused code because one sandbox of it is too small; the engine has no type for this error.
pub(crate) fn is_too_demanding(error: &wasmtime::Error) -> bool {
    let text = format!("{error:#}");
    ["exceeds the limit", "exceeds the per-", "minimum size", "maximum"].iter().any(|words| text.contains(words))
}
