//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// The `vox` that is built beside these tests.
///
/// # Errors
/// How to build it.
pub fn vox() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // target/PROFILE/deps/TEST
    let profile = own.parent().and_then(Path::parent).ok_or("the test stands in no target folder")?;
    let program = profile.join("vox");
    match program.is_file() {
        true => Ok(program),
        false => Err(format!("{} is missing: cargo build --package vox-cli", program.display())),
    }
}

/// A guest of `tests/guests`, by the name of its file without `.wasm`.
///
/// # Errors
/// How to build it.
pub fn guest(name: &str) -> Result<PathBuf, String> {
    let built = || repository().join("tests/guests/target/wasm32-wasip2/release");
    let folder = std::env::var_os("VOX_TEST_GUESTS").map_or_else(built, PathBuf::from);
    let file = folder.join(format!("{name}.wasm"));
    match file.is_file() {
        true => Ok(file),
        false => Err(format!("{} is missing: cargo xtask guests", file.display())),
    }
}

/// The folder `components`, with the example skills built: each has its component beside its `skill.toml`.
///
/// # Errors
/// How to build them.
pub fn examples() -> Result<PathBuf, String> {
    let folder = repository().join("components");
    for name in EXAMPLES {
        let component = folder.join(name).join(format!("{name}.wasm"));
        if !component.is_file() {
            return Err(format!("{} is missing: cargo xtask guests", component.display()));
        }
    }
    Ok(folder)
}

/// The example skills.
pub const EXAMPLES: [&str; 4] = ["counter", "describe", "fetch-json", "notes"];

/// The folder of a freshly built bundle, which the tests take instead of the embedded one; none when only the
/// embedded one is there, and it has parts.
///
/// # Errors
/// How to build one.
pub fn bundle() -> Result<Option<PathBuf>, String> {
    if let Some(folder) = std::env::var_os("VOX_TEST_BUNDLE").map(PathBuf::from) {
        return match folder.is_dir() {
            true => Ok(Some(folder)),
            false => Err(format!("VOX_TEST_BUNDLE is {}, which is no folder", folder.display())),
        };
    }
    match vox_bundle::Bundle::embedded().parts().is_empty() {
        false => Ok(None),
        true => Err("this build embeds no bundle: cargo xtask bundle".to_owned()),
    }
}
