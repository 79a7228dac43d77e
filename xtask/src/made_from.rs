//! Which crates of `components/` the bundle is made from. The workspace holds others too, and those do not count: an
//! example skill changes, and the bundle stays what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What the parts of the bundle are compiled from, beside the files of their crates.
pub struct MadeFrom {
    /// The folders of the crates of the workspace that take part, sorted.
    pub folders: Vec<PathBuf>,
    /// The manifest of the workspace without the list of its members.
    pub manifest: String,
    /// Every crate that takes part with its version, source and checksum, one on a line, sorted.
    pub lock: String,
}

#[derive(Deserialize)]
struct Recipe {
    part: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl MadeFrom {
    /// Reads the recipe, and follows the lock file from the crates that it names.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or names a crate that is not there.
    pub fn read(root: &Path) -> Result<Self> {
        let recipe: Recipe = read(&root.join("bundle/recipe.toml"))?;
        let workspace = root.join("components");
        let lock: Lock = read(&workspace.join("Cargo.lock"))?;
        let (members, manifest) = members(&workspace)?;
        let mut folders = Vec::new();
        let mut lines = Vec::new();
        for package in reached(&lock, recipe.part.into_iter().map(|part| part.name).collect())? {
            if package.source.is_none() {
                let folder = members.get(&package.name).with_context(|| {
                    format!("{} is locked, and no member of components/Cargo.toml has this name", package.name)
                })?;
                folders.push(folder.clone());
            }
            let [source, checksum] = [&package.source, &package.checksum].map(|text| text.as_deref().unwrap_or("-"));
            lines.push(format!("{} {} {source} {checksum}\n", package.name, package.version));
        }
        folders.sort();
        lines.sort();
        Ok(Self { folders, manifest, lock: lines.concat() })
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not understood", file.display()))
}

/// The members of the workspace by their names, and its manifest without them.
fn members(workspace: &Path) -> Result<(BTreeMap<String, PathBuf>, String)> {
    let file = workspace.join("Cargo.toml");
    let mut manifest: toml::Table = read(&file)?;
    let table = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut);
    let listed = table.and_then(|table| table.remove("members"));
    let listed = listed.as_ref().and_then(toml::Value::as_array);
    let listed = listed.with_context(|| format!("{} lists no members", file.display()))?;
    let mut members = BTreeMap::new();
    for member in listed.iter().filter_map(toml::Value::as_str) {
        let folder = workspace.join(member);
        let crate_manifest: toml::Table = read(&folder.join("Cargo.toml"))?;
        let name = crate_manifest.get("package").and_then(|package| package.get("name"));
        let name = name.and_then(toml::Value::as_str).with_context(|| format!("{member} has no name"))?;
        members.insert(name.to_owned(), folder);
    }
    Ok((members, canonical(&toml::Value::Table(manifest))))
}

/// A value as text, tables in the order of their keys: whether a table keeps the order of its file depends on what else
/// is compiled along.
fn canonical(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let sorted: BTreeMap<_, _> = table.iter().map(|(key, value)| (key, canonical(value))).collect();
            format!("{sorted:?}")
        }
        toml::Value::Array(list) => format!("{:?}", list.iter().map(canonical).collect::<Vec<_>>()),
        single => single.to_string(),
    }
}

/// The packages that are reached from some, themselves included.
fn reached(lock: &Lock, mut open: Vec<String>) -> Result<Vec<&Package>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(dependency) = open.pop() {
        // `name`, or `name version` and `name version (source)` where there are several.
        let mut words = dependency.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let fits =
            |package: &&Package| package.name == name && version.is_none_or(|version| package.version == version);
        let Some(package) = lock.package.iter().find(fits) else {
            bail!("components/Cargo.lock does not lock {dependency}; `cargo xtask guests` brings it up to date");
        };
        if seen.insert((&package.name, &package.version)) {
            open.extend(package.dependencies.iter().cloned());
            found.push(package);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "part"
        version = "0.1.0"
        dependencies = ["twice 1.0.0", "help"]

        [[package]]
        name = "help"
        version = "0.1.0"

        [[package]]
        name = "twice"
        version = "1.0.0"
        source = "registry"
        checksum = "aa"

        [[package]]
        name = "twice"
        version = "2.0.0"
        source = "registry"
        checksum = "bb"

        [[package]]
        name = "example"
        version = "0.1.0"
        dependencies = ["twice 2.0.0"]
    "#;

    /// A repository with one part, a crate that it uses, and an example.
    fn repository(lock: &str, workspace: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        put("bundle/recipe.toml", "[[part]]\ncrate = \"part\"\n");
        put("components/Cargo.lock", lock);
        put("components/Cargo.toml", workspace);
        for name in ["part", "help", "example"] {
            put(&format!("components/{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n"));
        }
        root
    }

    const WORKSPACE: &str = "[workspace]\nmembers = [\"part\", \"help\", \"example\"]\n[profile.release]\nlto = true\n";

    #[test]
    fn only_what_the_parts_lead_to_counts() {
        let root = repository(LOCK, WORKSPACE);
        let made = MadeFrom::read(root.path()).unwrap();
        let names: Vec<_> = made.folders.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["help", "part"]);
        assert_eq!(made.lock, "help 0.1.0 - -\npart 0.1.0 - -\ntwice 1.0.0 registry aa\n");
        assert!(made.manifest.contains("lto") && !made.manifest.contains("example"), "{}", made.manifest);
    }

    #[test]
    fn the_order_of_a_manifest_does_not_count() {
        let text = |text: &str| canonical(&toml::Value::Table(toml::from_str(text).unwrap()));
        assert_eq!(text("[b]\nx = 1\ny = [\"2\"]\n[a]\n"), text("# Why.\n[a]\n[b]\ny = ['2']\nx = 1\n"));
        assert_ne!(text("x = 1"), text("x = \"1\""));
        assert_ne!(text("x = [1, 2]"), text("x = [2, 1]"));
    }

    #[test]
    fn a_lock_file_that_is_behind_is_an_error() {
        let root = repository(&LOCK.replace("\"help\"]", "\"gone\"]"), WORKSPACE);
        let error = MadeFrom::read(root.path()).err().unwrap();
        assert!(error.to_string().contains("does not lock gone"), "{error}");
    }

    #[test]
    fn a_crate_that_is_no_member_is_an_error() {
        let root = repository(LOCK, &WORKSPACE.replace("\"help\", ", ""));
        let error = MadeFrom::read(root.path()).err().unwrap();
        assert!(error.to_string().contains("help is locked"), "{error}");
    }
}
