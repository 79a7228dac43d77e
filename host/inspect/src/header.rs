//! Telling what bytes are by how they start.

use std::fmt;

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A binary WebAssembly component.
    Component,
    /// A binary core WebAssembly module.
    CoreModule,
    /// A component that holds nothing but a WIT package.
    WitPackage,
    /// WebAssembly with a version of neither modules nor components.
    UnknownWasm,
    /// WebAssembly text.
    Text,
    /// An ELF file: precompiled code, or a program.
    Elf,
    /// A zip archive.
    Zip,
    /// A gzip stream.
    Gzip,
    /// Nothing.
    Empty,
    /// None of these.
    Other,
}

impl Kind {
    /// Looks at the first bytes. Sources: component model `Binary.md` (version 0x0d, layer 1), core
    /// specification §5.5.16, ELF `e_ident`, APPNOTE.TXT §4.3.7, RFC 1952 §2.3.1.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Empty,
            [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Self::Component,
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Self::CoreModule,
            [0, b'a', b's', b'm', ..] => Self::UnknownWasm,
            [0x7f, b'E', b'L', b'F', ..] => Self::Elf,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if is_text(bytes) => Self::Text,
            _ => Self::Other,
        }
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(512)];
    let start = head.trim_ascii_start();
    start.starts_with(b"(component") || start.starts_with(b"(module") || start.starts_with(b";;")
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Component => "a component",
            Self::CoreModule => {
                "a core WebAssembly module (build it for the target wasm32-wasip2 or with `cargo component build`)"
            }
            Self::WitPackage => "a WIT package in binary form: types without code",
            Self::UnknownWasm => "WebAssembly of a version that is neither a module nor a component",
            Self::Text => "WebAssembly text (assemble it with `wasm-tools parse`)",
            Self::Elf => "an ELF file: a program or precompiled code, which vox never loads",
            Self::Zip => "a zip archive",
            Self::Gzip => "a gzip stream",
            Self::Empty => "an empty file",
            Self::Other => "a file of another kind",
        })
    }
}
