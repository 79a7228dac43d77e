//! The guest of the benchmarks.

use anyhow::Result;

/// The component, with a plain `echo` and a `vox:skill/transform`.
///
/// # Errors
/// Its text is wrong.
pub fn echo() -> Result<Vec<u8>> {
    Ok(wat::parse_str(include_str!("echo.wat"))?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_guest_is_a_component() {
        assert!(super::echo().is_ok_and(|bytes| bytes.starts_with(b"\0asm")));
    }
}
