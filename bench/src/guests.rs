//! The guest of the benchmarks, and those of the tests.

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

const ECHO: &str = include_str!("echo.wat");
const IMPORTS: &str = include_str!("imports.wat");

/// The component, with a plain `echo` and a `vox:skill/transform`.
///
/// # Errors
/// Its text is wrong.
pub fn echo() -> Result<Vec<u8>> {
    Ok(wat::parse_str(ECHO)?)
}

/// The same component, which imports folders and requests besides.
///
/// # Errors
/// Its text is wrong.
pub fn importing() -> Result<Vec<u8>> {
    Ok(wat::parse_str(ECHO.replacen("(component\n", &format!("(component\n{IMPORTS}"), 1))?)
}

/// A guest of the tests, by the name of its file without `.wasm`.
///
/// # Errors
/// It was not built.
pub fn of_tests(root: &Path, name: &str) -> Result<PathBuf> {
    let path = root.join("tests/guests/target/wasm32-wasip2/release").join(format!("{name}.wasm"));
    if !path.is_file() {
        bail!("the guest {name} of the tests is missing: cargo xtask guests");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_guest_is_a_component() {
        assert!(super::echo().is_ok_and(|bytes| bytes.starts_with(b"\0asm")));
    }

    #[test]
    fn with_imports_it_is_another_one() {
        let (plain, importing) = (super::echo().unwrap(), super::importing().unwrap());
        let has = |name: &str| importing.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(importing.len() > plain.len());
        assert!(has("wasi:filesystem/preopens@0.2.12") && has("wasi:http/outgoing-handler@0.2.12"));
    }
}
