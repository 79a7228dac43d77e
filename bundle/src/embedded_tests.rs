//! Bundles in folders that are as they should be, and damaged ones; and the embedded one.

use std::collections::BTreeMap;
use std::io::Write;

use lzma_rust2::{LzmaOptions, LzmaWriter};

use super::*;
use crate::manifest::PartEntry;

const CONTENT: &[u8] = b"not a component, but nobody looks inside here";

fn packed(content: &[u8]) -> Vec<u8> {
    let size = Some(content.len() as u64);
    let mut encoder = LzmaWriter::new_use_header(Vec::new(), &LzmaOptions::with_preset(6), size).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A bundle of one part in a folder, with its manifest changed before it is written.
fn folder(change: impl FnOnce(&mut Manifest)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = FileEntry {
        file: "one.wasm.lzma".to_owned(),
        sha256: hex::encode(Sha256::digest(CONTENT)),
        size: CONTENT.len() as u64,
        packed_size: packed(CONTENT).len() as u64,
    };
    fs::write(folder.path().join(&file.file), packed(CONTENT)).unwrap();
    let mut manifest = Manifest {
        format: FORMAT,
        source: "00".to_owned(),
        tools: BTreeMap::new(),
        parts: vec![PartEntry {
            name: "one".to_owned(),
            interface: "a:b/one@1.0.0".to_owned(),
            world: "one-part".to_owned(),
            description: "One".to_owned(),
            file: file.clone(),
        }],
        whole: file,
    };
    change(&mut manifest);
    let text = serde_json::to_string(&manifest).unwrap();
    fs::write(folder.path().join(FILE), text).unwrap();
    folder
}

#[test]
fn a_folder_is_read() {
    let folder = folder(|_| {});
    let bundle = Bundle::from_dir(folder.path()).unwrap();
    let part = bundle.part("one").unwrap();
    assert_eq!(part.interface(), "a:b/one@1.0.0");
    assert_eq!(part.component().bytes().unwrap(), CONTENT);
    assert_eq!(bundle.whole().unwrap().unwrap(), CONTENT);
    assert!(bundle.part("two").is_none());
}

#[test]
fn damage_is_noticed() {
    let too_small = folder(|manifest| manifest.whole.size = 4);
    let bundle = Bundle::from_dir(too_small.path()).unwrap();
    assert!(matches!(bundle.whole().unwrap(), Err(UnpackError::Digest { .. })));

    let too_large = folder(|manifest| manifest.whole.size = u64::MAX);
    assert!(matches!(Bundle::from_dir(too_large.path()), Err(LoadError::TooLarge { .. })));

    let other = folder(|manifest| manifest.whole.sha256 = "00".to_owned());
    let bundle = Bundle::from_dir(other.path()).unwrap();
    assert!(bundle.whole().unwrap().is_err());

    let garbage = folder(|_| {});
    fs::write(garbage.path().join("one.wasm.lzma"), [0xff; 64]).unwrap();
    let bundle = Bundle::from_dir(garbage.path()).unwrap();
    assert!(matches!(bundle.whole().unwrap(), Err(UnpackError::Damaged(_))));
}

#[test]
fn what_is_no_bundle_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = Bundle::from_dir(empty.path()).unwrap_err();
    assert!(error.to_string().contains(FILE), "{error}");

    let future = folder(|manifest| manifest.format = 99);
    let error = Bundle::from_dir(future.path()).unwrap_err();
    assert!(error.to_string().contains("99"), "{error}");

    let lacking = folder(|manifest| manifest.parts[0].file.file = "two".to_owned());
    let error = Bundle::from_dir(lacking.path()).unwrap_err();
    assert!(error.to_string().contains("two"), "{error}");
}

#[test]
fn the_embedded_bundle_is_complete() {
    let bundle = Bundle::embedded();
    let names: Vec<_> = bundle.parts().iter().map(Part::name).collect();
    assert_eq!(names, ["json", "regex", "markdown"], "run `cargo xtask bundle`");
    for part in bundle.parts() {
        let bytes = part.component().bytes().unwrap();
        assert_eq!(bytes.len(), part.component().size());
    }
    bundle.whole().unwrap().unwrap();
}
