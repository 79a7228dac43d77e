//! Compiled code, linked and ready to be instantiated.

use super::meter::Meter;
use super::served;
use super::typed::Shape;
use crate::decide::Admitted;
use std::collections::HashSet;
use vox_capabilities::table::{self, Class};
use vox_capabilities::{CallData, Granted};
use vox_model::{Facts, InterfaceId, Output};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentExtern, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceType};

/// The data of a store: which sandbox it belongs to is its type, so that nothing asks for WASI where none is.
pub(crate) trait CallState: 'static {
    /// What the call uses.
    fn meter(&mut self) -> &mut Meter;

    /// What the guest has printed.
    fn output(&self) -> Output {
        Output::default()
    }
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

/// A sandbox that imports something.
pub(crate) type Based = CallData<Meter>;

impl CallState for Based {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn output(&self) -> Output {
        let (stdout, lost_out) = self.stdout.take();
        let (stderr, lost_err) = self.stderr.take();
        Output { stdout, stderr, lost: lost_out + lost_err }
    }
}

/// A linked component.
pub(crate) enum Linked {
    Pure(InstancePre<Pure>),
    Based(InstancePre<Based>),
    /// A contract: there is no code, and commands answer.
    Served,
}

/// How one function is reached: found once, not by name in every call.
pub(crate) struct Entry {
    /// None where no component exports it, but a command answers.
    pub(crate) index: Option<ComponentExportIndex>,
    pub(crate) shape: Option<Shape>,
}

impl Entry {
    /// A function that a command answers.
    pub(crate) fn served() -> Self {
        Self { index: None, shape: None }
    }
}

/// Links a component by what it imports and was granted: nothing, or base WASI with the capabilities.
///
/// # Errors
/// An import is not what the facts said, which the engine finds out here at the latest.
pub(crate) fn link(
    engine: &Engine,
    component: &Component,
    facts: &Facts,
    admitted: &Admitted,
) -> wasmtime::Result<Linked> {
    let granted = admitted.granted();
    if facts.imports.is_empty() {
        let linker = Linker::<Pure>::new(engine);
        return Ok(Linked::Pure(linker.instantiate_pre(component)?));
    }
    let mut linker = Linker::<Based>::new(engine);
    vox_capabilities::link(&mut linker, granted)?;
    let (mut shared, mut missing) = (HashSet::new(), Vec::new());
    for (name, item) in component.component_type().imports(engine) {
        match item.ty {
            ComponentItem::ComponentInstance(instance) if is_linked(name, granted) => {
                shared.extend(resources(engine, &instance))
            }
            ComponentItem::ComponentInstance(_) if served::is_served(name, admitted) => {
                served::link(&mut linker, facts, name)?;
            }
            ComponentItem::ComponentInstance(instance) => missing.push((name.to_owned(), instance)),
            _ => {}
        }
    }
    for (name, instance) in &missing {
        trap_all(&mut linker, engine, name, instance, &shared)?;
    }
    Ok(Linked::Based(linker.instantiate_pre(component)?))
}

/// The names of an interface's resources.
fn resources(engine: &Engine, instance: &ComponentInstance) -> Vec<String> {
    let resource = |item: &(&str, ComponentExtern)| matches!(item.1.ty, ComponentItem::Resource(_));
    instance.exports(engine).filter(resource).map(|(name, _)| name.to_owned()).collect()
}

/// Whether [`vox_capabilities::link`] serves an import.
fn is_linked(name: &str, granted: &Granted) -> bool {
    let interface = name.parse::<InterfaceId>().ok();
    let http = interface.as_ref().is_some_and(|interface| interface.package == "wasi:http");
    match interface.as_ref().and_then(table::class) {
        // Its types as well: without a grant they are imported for their names alone.
        Some(_) if http => !granted.http.is_empty(),
        Some(Class::Inert | Class::Needs(_)) => true,
        Some(Class::Blocked) | None => false,
    }
}

/// Gives an interface that is not served functions that trap. The decision let only two kinds of them through:
/// sockets, which runtimes import without using them, and interfaces that are imported for their types.
///
/// Resources that a linked interface owns, such as `pollable`, are `shared`: they must not be defined a second time.
fn trap_all(
    linker: &mut Linker<Based>,
    engine: &Engine,
    name: &str,
    instance: &ComponentInstance,
    shared: &HashSet<String>,
) -> wasmtime::Result<()> {
    let mut linker = linker.instance(name)?;
    for (item, export) in instance.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                let full = format!("{name}#{item}");
                linker.func_new(item, move |_, _, _, _| Err(wasmtime::Error::new(NotServed(full.clone()))))?;
            }
            ComponentItem::Resource(_) if !shared.contains(item) => {
                linker.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A guest called a function of an interface that is never served.
#[derive(Debug, thiserror::Error)]
#[error("the skill called {0}, which is never served")]
struct NotServed(String);

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
        Some(Entry { index: Some(index), shape: Shape::of(function) })
    };
    facts.functions.iter().map(entry).collect()
}
