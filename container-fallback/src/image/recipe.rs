//! How the image of the sandbox is made, as argument lists. The chores of the repository compile this file as well.

/// Names this recipe in the label of the image. A new number makes `ensure` build a new image.
pub const RECIPE: &str = "sandbox-1";
/// The label that carries it.
pub const LABEL: &str = "org.vox.recipe";
/// The name that people see in lists. Nothing is started by it.
pub const NAME: &str = "localhost/vox-sandbox:1";
/// What is in the image besides Debian's essential packages. `images/sandbox/Containerfile` has the same list.
pub const PACKAGES: [&str; 6] = ["ca-certificates", "curl", "git", "jq", "nodejs", "python3"];
/// The release of Debian.
pub const SUITE: &str = "bookworm";

/// Makes an archive of a root file system from Debian packages alone: the program and its arguments.
///
/// The date is fixed, so that the same packages give the same archive (reproducible-builds.org, SOURCE_DATE_EPOCH).
pub fn archive(tar: &str) -> Vec<String> {
    let include = format!("--include={}", PACKAGES.join(","));
    [
        "env",
        "SOURCE_DATE_EPOCH=1767225600",
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        &include,
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--format=tar",
        SUITE,
        tar,
    ]
    .map(str::to_owned)
    .into()
}

/// Makes an image of the archive: the arguments of either engine.
pub fn import(tar: &str) -> Vec<String> {
    let label = format!("--change=LABEL {LABEL}={RECIPE}");
    ["import", label.as_str(), tar, NAME].map(str::to_owned).into()
}

/// Lists the ids of images of this recipe, one a line: the arguments of either engine.
pub fn find() -> Vec<String> {
    let filter = format!("--filter=label={LABEL}={RECIPE}");
    ["images", "--no-trunc", "--quiet", filter.as_str()].map(str::to_owned).into()
}
