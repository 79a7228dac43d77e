//! These interfaces beside those of base WASI.

use super::super::{FilesView, add_to_linker};
use super::*;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_io::IoView;

struct State {
    files: Files,
    table: ResourceTable,
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl FilesView for State {
    fn files(&mut self) -> FilesCtxView<'_> {
        FilesCtxView { ctx: &mut self.files, table: &mut self.table }
    }
}

#[test]
fn streams_and_files_link_together_and_files_once() {
    let engine = Engine::default();
    let mut linker: Linker<State> = Linker::new(&engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
    add_to_linker(&mut linker).unwrap();
    assert!(add_to_linker(&mut linker).is_err());
}
