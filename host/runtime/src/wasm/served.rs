//! Imports that a command of the skill serves: linked with dynamic values, typed by what the component says of them.

use super::convert::{lift, lower};
use super::program::Based;
use crate::decide::Admitted;
use crate::skill::Skill;
use std::sync::Arc;
use vox_capabilities::subprocess::Serving;
use vox_model::{Facts, Function};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Val};

/// What commands serve of the imports of a skill.
pub(crate) fn serving(skill: &Skill) -> Serving {
    let Some(served) = skill.manifest().map(|manifest| &manifest.served) else { return Serving::default() };
    let words = |command: &vox_capabilities::manifest::Command| {
        std::iter::once(&command.program).chain(&command.arguments).cloned().collect()
    };
    Serving {
        commands: served.commands.iter().map(|(name, command)| (name.clone(), words(command))).collect(),
        folder: skill.folder().map(|folder| folder.path.clone()),
        image: served.image.clone(),
    }
}

/// Whether a command serves an import: the decision let it through as a need.
pub(crate) fn is_served(name: &str, admitted: &Admitted) -> bool {
    let commands = admitted.skill().manifest().map(|manifest| &manifest.served.commands);
    commands.is_some_and(|commands| commands.contains_key(name))
        && admitted.plan().requirements.needs.iter().any(|need| need.because == name)
}

/// Links the functions of an interface to its command.
///
/// # Errors
/// The interface is linked already.
pub(crate) fn link(linker: &mut Linker<Based>, facts: &Facts, interface: &str) -> wasmtime::Result<()> {
    let mut instance = linker.instance(interface)?;
    for function in facts.imported.iter().filter(|function| function.id.interface.as_deref() == Some(interface)) {
        let function = Arc::new(function.clone());
        instance.func_new_async(&function.id.name.clone(), move |store, _, arguments, results| {
            let function = function.clone();
            Box::new(async move { call(store, &function, arguments, results).await })
        })?;
    }
    Ok(())
}

/// One call: out of the sandbox, to the command, and back.
async fn call(
    mut store: StoreContextMut<'_, Based>,
    function: &Function,
    arguments: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let odd = || wasmtime::Error::msg(format!("the types of {} are not those of the component", function.id));
    let lifted = arguments.iter().zip(&function.params).map(|(val, param)| lift(val.clone(), &param.ty));
    let arguments: Vec<_> = lifted.collect::<Option<_>>().ok_or_else(odd)?;
    let value = store.data_mut().serve(function, arguments).await.map_err(wasmtime::Error::new)?;
    match (value, &function.result, results) {
        (Some(value), Some(ty), [result]) => *result = lower(value, ty).map_err(wasmtime::Error::new)?,
        (None, None, []) => {}
        _ => return Err(odd()),
    }
    Ok(())
}
