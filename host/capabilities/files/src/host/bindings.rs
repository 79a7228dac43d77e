//! Generated from `wit/deps`: `wasi:filesystem`, on the stream and clock types that base WASI is linked with.
//!
//! `wasi:io` and `wasi:clocks` are mapped to the modules of wasmtime-wasi, so that a component whose streams are served
//! by base WASI and whose files are served here sees one set of resources. All functions are synchronous on the host's
//! side: local files answer at once, and a future for each of them would cost more than the work. They link and run
//! under `call_async` like any other.

wasmtime::component::bindgen!({
    path: ["../../../wit/deps/io", "../../../wit/deps/clocks", "../../../wit/deps/filesystem"],
    interfaces: "
        import wasi:filesystem/types@0.2.12;
        import wasi:filesystem/preopens@0.2.12;
    ",
    imports: { default: trappable },
    trappable_error_type: {
        "wasi:filesystem/types.error-code" => crate::host::Fault,
    },
    with: {
        "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:filesystem/types.descriptor": crate::host::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": crate::host::Entries,
    },
});
