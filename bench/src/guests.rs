//! The guest of the benchmarks: an echo of bytes, written by hand so that nothing but copying is measured.

use anyhow::Result;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The interface of the stage, as it ships.
const STAGE: &str = include_str!("../../wit/skill/stage.wit");

const WORLD: &str = "
package vox:bench;
world echo {
    export echo: func(input: list<u8>) -> list<u8>;
    export vox:skill/stage@0.1.0;
}
";

/// The result points at the input: no copy inside. What was allocated is forgotten after each call.
const CORE: &str = r#"
(module
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 63)) (i32.const -64)))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then
        (if (i32.eq (i32.const -1) (memory.grow (i32.sub
              (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16))
              (memory.size))))
          (then unreachable))))
    (global.set $top (local.get $end))
    (local.get $at))
  (func (export "echo") (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (local.get $length))
    (i32.const 16))
  (func (export "cabi_post_echo") (param i32)
    (global.set $top (i32.const 4096)))
  (func (export "vox:skill/stage@0.1.0#run") (param $at i32) (param $length i32) (param i32 i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $length))
    (i32.const 16))
  (func (export "cabi_post_vox:skill/stage@0.1.0#run") (param i32)
    (global.set $top (i32.const 4096))))
"#;

/// The component, with a plain `echo` and a `vox:skill/stage`.
///
/// # Errors
/// The interface of the stage is no longer the one that the guest implements.
pub fn echo() -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let stage = if STAGE.contains("package ") { STAGE.to_owned() } else { format!("package vox:skill@0.1.0;\n{STAGE}") };
    resolve.push_str("stage.wit", &stage)?;
    let package = resolve.push_str("bench.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("echo"))?;
    let mut module = wat::parse_str(CORE)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.validate(true).encode()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_guest_is_a_component() {
        assert!(super::echo().is_ok_and(|bytes| bytes.starts_with(b"\0asm")));
    }
}
