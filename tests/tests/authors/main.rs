//! What the authors' guide says, done: its files, its build commands, its calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vox_tests::program::{Place, Ran, ran};
use vox_tests::{need, places};

/// The chapter of the guide that these tests follow.
const CHAPTER: &str = "## Writing a skill in Rust";

/// The first block of this language in the chapter, which is the file that the text around it names.
fn block(language: &str) -> String {
    let guide = fs::read_to_string(places::repository().join("docs/guide.md")).unwrap_or_else(|e| panic!("{e}"));
    let chapter = guide.split(CHAPTER).nth(1).unwrap_or_else(|| panic!("the guide has no `{CHAPTER}`"));
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let block = chapter.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("`{CHAPTER}` shows no {language}")).to_owned()
}

fn write(folder: &Path, name: &str, content: &str) {
    let file = folder.join(name);
    let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, content));
    written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

/// Runs cargo as an author does, with the toolchain that can build guests. What is built is kept from run to run.
fn cargo(crate_folder: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new("cargo");
    command.args(words).current_dir(crate_folder);
    command.env("CARGO_TARGET_DIR", target());
    // The tests' own build must not leak into the author's.
    for variable in ["CARGO", "RUSTC", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_MANIFEST_DIR", "RUSTUP_TOOLCHAIN"]
    {
        command.env_remove(variable);
    }
    if let Some(toolchain) = std::env::var_os("VOX_TEST_TOOLCHAIN") {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    ran(&mut command)
}

fn target() -> PathBuf {
    places::repository().join("tests/guests/target/authors")
}

/// cargo-component, or how to get it.
fn cargo_component() -> Result<(), String> {
    match Command::new("cargo").args(["component", "--version"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("`cargo component` is missing: cargo xtask setup".to_owned()),
    }
}

/// The component that a build made, for this target.
fn built(build: &Ran, triple: &str, name: &str) -> PathBuf {
    assert_eq!(build.code, Some(0), "{}", build.stderr);
    let file = target().join(triple).join("release").join(name);
    assert!(file.is_file(), "{} was not made: {}", file.display(), build.stderr);
    file
}

fn said(place: &Place, words: &[&str]) -> String {
    let ran = place.run(words);
    assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
    ran.stdout
}

/// The crate of the guide.
fn words(folder: &Path) {
    write(folder, "wit/world.wit", &block("wit"));
    write(folder, "src/lib.rs", &block("rust"));
    // The manifest is a workspace of its own wherever the temporary folder is.
    write(folder, "Cargo.toml", &format!("{}\n[workspace]\n", block("toml")));
}

fn words_work(place: &Place, component: &Path) {
    let component = component.to_str().unwrap_or_default();
    assert_eq!(said(place, &["call", component, "count", "one two three"]), "3\n");
    let top = said(place, &["call", component, "top", "b a b", "1", "--format", "json"]);
    assert_eq!(top.trim(), r#"[{"word":"b","times":2}]"#);
    let none = place.run(&["call", component, "top", ""]);
    assert_eq!(none.code, Some(1), "{}", none.stderr);
    assert!(none.stderr.contains("empty"), "{}", none.stderr);
    assert!(said(place, &["why", component]).contains("runs on the wasm tier"));
}

#[test]
fn the_guide_leads_to_a_skill_with_plain_cargo() {
    let place = need!("vox", Place::new());
    need!("the guests' toolchain", places::guest("hello"));
    words(&place.work());
    let build = cargo(&place.work(), &["build", "--release", "--target", "wasm32-wasip2"]);
    words_work(&place, &built(&build, "wasm32-wasip2", "words.wasm"));
}

#[test]
fn the_guide_leads_to_a_skill_with_cargo_component() {
    let place = need!("vox", Place::new());
    need!("cargo-component", cargo_component());
    words(&place.work());
    let build = cargo(&place.work(), &["component", "build", "--release"]);
    words_work(&place, &built(&build, "wasm32-wasip1", "words.wasm"));
    let pure = cargo(&place.work(), &["component", "build", "--release", "--target", "wasm32-unknown-unknown"]);
    let pure = built(&pure, "wasm32-unknown-unknown", "words.wasm");
    words_work(&place, &pure);
    let inspected = said(&place, &["inspect", pure.to_str().unwrap_or_default()]);
    assert!(inspected.contains("vox:skill/pure") && !inspected.contains("inert"), "{inspected}");
}

/// A crate whose world includes `vox:skill/pure`, and with it all of WASI to resolve.
#[test]
fn a_world_that_includes_pure_builds_with_cargo_component() {
    let place = need!("vox", Place::new());
    need!("cargo-component", cargo_component());
    let hello = places::repository().join("tests/guests/hello");
    let copied = ran(Command::new("cp").arg("-rL").arg(&hello).arg(place.work()));
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    let folder = place.work().join("hello");
    let guests = fs::read_to_string(hello.join("../Cargo.toml")).unwrap_or_else(|e| panic!("{e}"));
    // What it inherits comes along: the same workspace with this one member.
    let members = guests.lines().find(|line| line.starts_with("members")).unwrap_or_default();
    write(&place.work(), "Cargo.toml", &guests.replace(members, "members = [\"hello\"]"));
    let build = cargo(&folder, &["component", "build", "--release"]);
    let component = built(&build, "wasm32-wasip1", "hello.wasm");
    assert_eq!(said(&place, &["call", component.to_str().unwrap_or_default(), "greet", "Ada"]), "Hello, Ada!\n");
}
