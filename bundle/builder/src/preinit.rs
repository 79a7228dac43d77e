//! Pre-initialisation: what a component would do first in every call is done once, here.
//!
//! The module's export [`INIT`] runs, and a new module is written whose memory starts as the old one's ended.
//! wasmtime-wizer does it; its own use of wasmtime would bring a dozen features of the engine that nothing else
//! needs, so its two halves are called with an engine of ours in between.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use anyhow::{Result, anyhow, bail};
use wasmparser::{ExternalKind, Parser, Payload};
use wasmtime::{Config, Engine, Instance, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

/// The export that prepares a module. A module without it is left as it is.
const INIT: &str = "wizer-initialize";

/// Runs the module's preparation, when it has one.
///
/// # Errors
///
/// When the module imports something, or its preparation traps or cannot be recorded.
pub fn run(module: &[u8]) -> Result<Vec<u8>> {
    if !has_init(module)? {
        return Ok(module.to_vec());
    }
    let mut wizer = Wizer::new();
    wizer.init_func(INIT);
    let (context, instrumented) = wizer.instrument(module).map_err(explain)?;

    let mut config = Config::new();
    // The recorded memory must not depend on the machine that this runs on.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    let engine = Engine::new(&config).map_err(explain)?;
    let module = Module::new(&engine, instrumented).map_err(explain)?;
    if let Some(import) = module.imports().next() {
        bail!("the module imports `{}` of `{}`; a part of the bundle imports nothing", import.name(), import.module());
    }
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).map_err(explain)?;
    instance.get_typed_func::<(), ()>(&mut store, INIT).and_then(|init| init.call(&mut store, ())).map_err(explain)?;

    let mut state = State { store, instance };
    ready(wizer.snapshot(&context, &mut state))?.map_err(explain)
}

fn has_init(module: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                let export = export?;
                if export.name == INIT && export.kind == ExternalKind::Func {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn explain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("pre-initialisation failed: {error:?}")
}

/// The instance after its preparation, as wizer reads it.
struct State {
    store: Store<()>,
    instance: Instance,
}

impl InstanceState for State {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        let global = global.expect("wizer asks for globals that it has made exports itself");
        match global.get(&mut self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(bits) => SnapshotVal::F32(bits),
            Val::F64(bits) => SnapshotVal::F64(bits),
            Val::V128(value) => SnapshotVal::V128(value.as_u128()),
            _ => unreachable!("wizer refuses mutable globals with references before anything runs"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let memory = self.instance.get_memory(&mut self.store, name);
        let memory = memory.expect("wizer asks for memories that it has made exports itself");
        contents(memory.data(&self.store));
    }
}

/// The value of a future that never waits: nothing above does.
fn ready<T>(future: impl Future<Output = T>) -> Result<T> {
    let mut context = TaskContext::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("wizer waits for something; it never did before version 48"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wat(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    /// Calls `get` of a module in a fresh instance.
    fn get(module: &[u8]) -> i32 {
        let engine = Engine::default();
        let module = Module::new(&engine, module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let get = instance.get_typed_func::<(), i32>(&mut store, "get");
        get.unwrap().call(&mut store, ()).unwrap()
    }

    const COUNTER: &str = r#"(module
        (memory 1)
        (global $count (mut i32) (i32.const 1))
        (func (export "wizer-initialize")
            (global.set $count (i32.const 40))
            (i32.store (i32.const 1000) (i32.const 2)))
        (func (export "get") (result i32)
            (i32.add (global.get $count) (i32.load (i32.const 1000)))))"#;

    #[test]
    fn memory_and_globals_are_kept_and_the_preparation_is_gone() {
        let module = wat(COUNTER);
        assert_eq!(get(&module), 1);
        let prepared = run(&module).unwrap();
        assert_eq!(get(&prepared), 42);
        assert!(!has_init(&prepared).unwrap());
        assert_eq!(prepared, run(&module).unwrap());
    }

    #[test]
    fn a_module_without_preparation_stays_as_it_is() {
        let module = wat("(module (func (export \"other\")))");
        assert_eq!(run(&module).unwrap(), module);
    }

    #[test]
    fn imports_and_traps_are_errors() {
        let imports = wat(r#"(module (import "env" "now" (func)) (func (export "wizer-initialize")))"#);
        let error = run(&imports).unwrap_err().to_string();
        assert!(error.contains("imports `now` of `env`"), "{error}");
        let traps = wat(r#"(module (func (export "wizer-initialize") unreachable))"#);
        assert!(run(&traps).unwrap_err().to_string().contains("unreachable"));
    }
}
