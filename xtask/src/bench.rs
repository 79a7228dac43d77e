//! `cargo xtask bench`: the benchmarks, which are a workspace of their own because they compare with stock wasmtime.

use anyhow::Result;

use crate::process;
use crate::repo::Repo;

/// Options of `cargo xtask bench`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Passed to the benchmarks
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARG")]
    pass: Vec<String>,
}

/// Runs the chore.
///
/// # Errors
///
/// When the benchmarks do not build or fail.
pub fn run(repo: &Repo, args: &Args) -> Result<()> {
    let mut cargo = process::cargo(&repo.root.join("bench"), None);
    cargo.args(["run", "--release", "--quiet", "--"]).args(&args.pass);
    process::run(&mut cargo)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Cargo has no way to share a profile between workspaces, and figures of another profile would not be vox's.
    #[test]
    fn the_benchmarks_are_built_as_the_product_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let profile = |manifest: &str| {
            let text = std::fs::read_to_string(root.join(manifest)).expect(manifest);
            let (_, profile) = text.split_once("[profile.release]\n").expect(manifest);
            profile.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect::<String>()
        };
        let harness = "\n[profile.release.package.vox-bench]\nopt-level = 3\n";
        assert_eq!(profile("bench/Cargo.toml"), profile("Cargo.toml") + harness);
    }
}
