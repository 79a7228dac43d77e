//! Compiled code, linked and ready to be instantiated.

use super::meter::Meter;
use super::typed::Shape;
use vox_capabilities::base::{self, BaseState};
use vox_model::Facts;
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

/// The data of a store: which sandbox it belongs to is its type, so that nothing asks for WASI where none is.
pub(crate) trait CallState: 'static {
    /// What the call uses.
    fn meter(&mut self) -> &mut Meter;
}

/// A sandbox that imports nothing.
pub(crate) struct Pure {
    pub(crate) meter: Meter,
}

impl CallState for Pure {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

/// A sandbox that imports base WASI.
pub(crate) struct Based {
    pub(crate) meter: Meter,
    pub(crate) base: BaseState,
}

impl CallState for Based {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl WasiView for Based {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.base.ctx()
    }
}

/// A linked component.
pub(crate) enum Linked {
    Pure(InstancePre<Pure>),
    Based(InstancePre<Based>),
}

/// How one function is reached: found once, not by name in every call.
pub(crate) struct Entry {
    pub(crate) index: ComponentExportIndex,
    pub(crate) shape: Option<Shape>,
}

/// Links a component by what it imports: nothing, or base WASI.
///
/// # Errors
/// An import is not what the facts said, which the engine finds out here at the latest.
pub(crate) fn link(engine: &Engine, component: &Component, facts: &Facts) -> wasmtime::Result<Linked> {
    if facts.imports.is_empty() {
        let linker = Linker::<Pure>::new(engine);
        return Ok(Linked::Pure(linker.instantiate_pre(component)?));
    }
    let mut linker = Linker::<Based>::new(engine);
    base::link(&mut linker)?;
    // The decision let nothing else through than base WASI, sockets and interfaces without functions: what is
    // still missing are those, and whoever calls a socket function traps.
    linker.define_unknown_imports_as_traps(component)?;
    Ok(Linked::Based(linker.instantiate_pre(component)?))
}

/// The entries of all functions that can be called, in the order of the facts.
pub(crate) fn entries(component: &Component, facts: &Facts) -> Vec<Option<Entry>> {
    let entry = |function: &vox_model::Function| {
        if function.uncallable.is_some() {
            return None;
        }
        let instance = match &function.id.interface {
            Some(interface) => Some(component.get_export_index(None, interface)?),
            None => None,
        };
        let index = component.get_export_index(instance.as_ref(), &function.id.name)?;
        Some(Entry { index, shape: Shape::of(function) })
    };
    facts.functions.iter().map(entry).collect()
}
