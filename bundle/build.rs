//! Embeds what stands in `prebuilt/`: the manifest and the files that it names.
//!
//! Before the first `cargo xtask bundle` there is no manifest. The builder depends on this crate, so that must
//! not stop the build: an empty bundle is embedded then, and a test of this crate fails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::{env, io};

fn main() -> io::Result<()> {
    let var = |name| env::var(name).map_err(io::Error::other);
    let prebuilt = Path::new(&var("CARGO_MANIFEST_DIR")?).join("prebuilt");
    println!("cargo::rerun-if-changed={}", prebuilt.display());

    let manifest = prebuilt.join("manifest.json");
    let mut code = String::new();
    let mut files = Vec::new();
    let text = if manifest.is_file() {
        for entry in fs::read_dir(&prebuilt)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // The whole is made from the parts when somebody wants it, see `embedded.rs`.
            if name.ends_with(".lzma") && name != "bundle.wasm.lzma" {
                files.push(name);
            }
        }
        files.sort();
        format!("include_str!({:?})", manifest.display().to_string())
    } else {
        "\"\"".to_owned()
    };
    let mut line = |text: String| writeln!(code, "{text}").map_err(io::Error::other);
    line(format!("const MANIFEST: &str = {text};"))?;
    line("const FILES: &[(&str, &[u8])] = &[".to_owned())?;
    for name in files {
        let path = prebuilt.join(&name).display().to_string();
        line(format!("    ({name:?}, include_bytes!({path:?})),"))?;
    }
    line("];".to_owned())?;
    fs::write(Path::new(&var("OUT_DIR")?).join("prebuilt.rs"), code)
}
