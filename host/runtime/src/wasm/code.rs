//! Machine code, from bytes or from the cache to the engine.

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

/// Code from the cache; none when it is not there.
pub(crate) fn cached(engine: &Engine, cache: &Cache, key: &Key) -> Option<wasmtime::Result<Component>> {
    #[cfg(target_os = "linux")]
    if let Ok(found) = cache.get_mapped(key) {
        // SAFETY: as in `load`; the file is sealed, so that nobody can change what is mapped from it.
        return found.map(|code| unsafe { Component::deserialize_file(engine, code.path()) });
    }
    cache.get(key).map(|code| load(engine, &code))
}

/// Whether the pool refused code because one sandbox of it is too small; the engine has no type for this error.
pub(crate) fn is_too_demanding(error: &wasmtime::Error) -> bool {
    let text = format!("{error:#}");
    ["exceeds the limit", "exceeds the per-", "minimum size", "maximum"].iter().any(|words| text.contains(words))
}
