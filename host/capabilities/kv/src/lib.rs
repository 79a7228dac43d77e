//! A private, persistent key-value store for each skill: `wasi:keyvalue`.
//!
//! A store is one file, which its owner's name and nothing that a skill says leads to. A write is on disk before the
//! skill hears that it happened. What a skill can spend is bounded: bytes and keys in the file, bytes in one answer,
//! operations in one call.

mod disk;
mod fault;
mod grant;
mod home;
mod host;
mod kept;
mod limits;
mod size;
mod state;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use grant::{DEFAULT_QUOTA, Grant, MAX_QUOTA, Request};
pub use home::Home;
pub use kept::Kept;
pub use limits::{
    LOCK_WAIT, MAX_BATCH, MAX_BATCH_BYTES, MAX_BUCKET, MAX_BUCKETS, MAX_CURSORS, MAX_KEY, MAX_KEYS, MAX_OPERATIONS,
    MAX_VALUE, PAGE,
};
pub use size::{BadSize, Size};
pub use state::{Bucket, KvCtxView, KvState};

use wasmtime::component::{HasData, Linker};

#[allow(missing_docs, reason = "generated; the WIT has the documentation")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../../wit/deps/keyvalue",
        world: "wasi:keyvalue/imports",
        imports: {
            // Another process may hold the file: waiting for it must not hold the thread.
            "wasi:keyvalue/store.open": async | trappable,
            default: trappable,
        },
        with: { "wasi:keyvalue/store.bucket": crate::state::Bucket },
        trappable_error_type: { "wasi:keyvalue/store.error" => crate::state::Refusal },
    });
}

use bindings::wasi::keyvalue::{atomics, batch, store};

/// What the embedder's store has to offer: the state of this capability, the table of resources, nothing else.
pub trait KvView: Send {
    /// The stores of the call.
    fn kv(&mut self) -> KvCtxView<'_>;
}

/// Names the part of the store that the host functions of this capability see.
pub struct VoxKv;

impl HasData for VoxKv {
    type Data<'a> = KvCtxView<'a>;
}

/// Links `wasi:keyvalue/store`, `wasi:keyvalue/atomics` and `wasi:keyvalue/batch`. Guests have to be called with
/// `call_async`, on a runtime of tokio with its timer on.
///
/// # Errors
/// An interface was linked already.
pub fn add_to_linker<T: KvView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    store::add_to_linker::<T, VoxKv>(linker, T::kv)?;
    atomics::add_to_linker::<T, VoxKv>(linker, T::kv)?;
    batch::add_to_linker::<T, VoxKv>(linker, T::kv)
}
