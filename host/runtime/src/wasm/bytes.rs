//! Bytes out of a sandbox in one copy.
//!
//! The engine lifts `list<u8>` into a `Vec<u8>` element by element and leaves it to the compiler to make one copy of
//! that. It does so only in programs that are optimised for speed as a whole; in one that is optimised for size, as
//! `vox` is, 64 KiB took 25 microseconds instead of 4. The engine still does all checks here.

use wasmtime::Result;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentType, Lift, WasmList};

/// A `list<u8>` that a function returned.
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Bytes {
    /// Copies what `list` describes. Making the list has checked that it lies within the memory, and has taken its
    /// size from what one crossing may allocate.
    fn copied(cx: &LiftContext<'_>, list: &WasmList<u8>, at: u32) -> Result<Self> {
        let bytes = usize::try_from(at).ok().and_then(|at| cx.memory().get(at..)?.get(..list.len()));
        bytes.map(|bytes| Self(bytes.to_vec())).ok_or_else(|| wasmtime::Error::msg("a list out of bounds"))
    }
}

// SAFETY: the same type as `WasmList<u8>` in every respect that the engine looks at.
unsafe impl ComponentType for Bytes {
    type Lower = <WasmList<u8> as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <WasmList<u8> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <WasmList<u8> as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: `WasmList` does the lifting and its checks; what is read here again is the address it was made of, and the
// access goes through checked slices.
unsafe impl Lift for Bytes {
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: InterfaceType, src: &Self::Lower) -> Result<Self> {
        let list = WasmList::<u8>::linear_lift_from_flat(cx, ty, src)?;
        Self::copied(cx, &list, src[0].get_u32())
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Self> {
        let list = WasmList::<u8>::linear_lift_from_memory(cx, ty, bytes)?;
        let at = bytes.first_chunk().copied().map(u32::from_le_bytes);
        Self::copied(cx, &list, at.ok_or_else(|| wasmtime::Error::msg("half a list"))?)
    }
}
