fn main() { let _ = wasmtime::Engine::default(); let _ : Option<wasmtime_wasi::WasiCtx> = None; }
