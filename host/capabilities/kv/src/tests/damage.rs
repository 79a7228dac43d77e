//! Files that are not what was written.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vox_model::Verdict;

/// A closed store with known content, and its bytes.
fn written() -> (tempfile::TempDir, Arc<Home>, Vec<u8>) {
    let (folder, home) = home();
    let (mut call, bucket) = Call::opened(&home, 1 << 20);
    for n in 0..40 {
        call.set(bucket, &format!("k{n}"), &[n; 200]).unwrap();
    }
    drop(call);
    let bytes = std::fs::read(home.path(&owner("skill"))).unwrap();
    (folder, home, bytes)
}

/// Opens the store. What it holds has to be all of what was written, or it is an error.
fn whole_or_error(home: &Arc<Home>) -> Result<(), String> {
    let mut call = Call::new(home, "skill", 1 << 20);
    let bucket = match call.open("") {
        Ok(bucket) => bucket,
        Err(Error::Other(text)) => return Err(text),
        Err(other) => panic!("{other:?}"),
    };
    for n in 0..40 {
        match call.get(bucket, &format!("k{n}")) {
            Ok(value) => assert_eq!(value, Some(vec![n; 200]), "k{n} was lost in silence"),
            Err(Error::Other(text)) => return Err(text),
            Err(other) => panic!("{other:?}"),
        }
    }
    let (keys, _) = call.list(bucket, None).map_err(|error| format!("{error:?}"))?;
    assert_eq!(keys.len(), 40);
    Ok(())
}

#[test]
fn a_file_that_was_cut_is_an_error() {
    let (_folder, home, bytes) = written();
    for length in [0, 1, 9, 64, 320, 512, 4095, 4096, 8192, bytes.len() / 2, bytes.len() - 4096, bytes.len() - 1] {
        std::fs::write(home.path(&owner("skill")), &bytes[..length]).unwrap();
        let error = whole_or_error(&home).expect_err("it is shorter than it was");
        assert!(error.contains("damaged") || error.contains("cannot be used"), "{length}: {error}");
        // Nothing was made of it.
        assert_eq!(std::fs::metadata(home.path(&owner("skill"))).unwrap().len(), length as u64);
    }
}

#[test]
fn bytes_that_changed_are_found_or_do_not_matter() {
    let (_folder, home, bytes) = written();
    let mut found = 0;
    let mut tried = 0;
    // The header byte by byte, the rest in strides that are no multiple of a page.
    let places = (0..512).step_by(3).chain((512..bytes.len()).step_by(9973));
    for place in places {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        std::fs::write(home.path(&owner("skill")), &changed).unwrap();
        tried += 1;
        found += u32::from(whole_or_error(&home).is_err());
    }
    assert!(found > 10 && found < tried, "{found} of {tried}");
}

#[test]
fn pages_that_changed_are_found_or_do_not_matter() {
    let (_folder, home, bytes) = written();
    for page in 0..bytes.len() / 4096 {
        // Pages that nothing was ever written to are left out: the file is mostly those.
        if bytes[page * 4096..][..4096].iter().all(|byte| *byte == 0) {
            continue;
        }
        for filling in [0, 0xff] {
            let mut changed = bytes.clone();
            changed[page * 4096..][..4096].fill(filling);
            std::fs::write(home.path(&owner("skill")), &changed).unwrap();
            let _ = whole_or_error(&home);
        }
    }
}

#[test]
fn a_value_that_changed_is_never_given() {
    let (_folder, home, mut bytes) = written();
    let needle = [17u8; 200];
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(200).position(|window| window == needle) {
        bytes[at + found + 100] ^= 0x40;
        at += found + 200;
    }
    assert!(at > 0);
    std::fs::write(home.path(&owner("skill")), &bytes).unwrap();
    assert!(whole_or_error(&home).unwrap_err().contains("damaged"));
}

#[test]
fn what_is_no_store_is_left_alone() {
    let (_folder, home, _) = written();
    for text in ["hello", &"x".repeat(100_000)] {
        std::fs::write(home.path(&owner("skill")), text).unwrap();
        assert!(whole_or_error(&home).unwrap_err().contains("damaged"));
        assert_eq!(std::fs::read_to_string(home.path(&owner("skill"))).unwrap(), text);
    }
}

#[test]
fn the_skill_does_not_hear_where_the_file_is_and_the_audit_does() {
    let (_folder, home, _) = written();
    std::fs::write(home.path(&owner("skill")), "junk").unwrap();
    let mut call = Call::new(&home, "skill", 1 << 20);
    let told = text(call.open(""));
    let path = home.path(&owner("skill")).display().to_string();
    assert!(!told.contains('/') && told.contains("nothing was changed"), "{told}");
    let effects = call.effects();
    assert_eq!(effects[0].verdict, Verdict::Failed);
    assert!(effects[0].rule.contains(&path) && effects[0].rule.contains("move it away"), "{}", effects[0].rule);
}

#[test]
fn a_newer_format_is_not_touched() {
    let (_folder, home, _) = written();
    let about = redb::TableDefinition::<&str, u64>::new("about");
    let database = redb::Database::open(home.path(&owner("skill"))).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(about).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let mut call = Call::new(&home, "skill", 1 << 20);
    assert!(text(call.open("")).contains("cannot be used"));
    assert!(call.effects()[0].rule.contains("format 2"));
}

#[test]
fn somebody_elses_database_is_not_a_store() {
    let (folder, home) = home();
    std::fs::DirBuilder::new().create(folder.path().join("kv")).unwrap();
    chmod(&folder.path().join("kv"), 0o700);
    drop(redb::Database::create(home.path(&owner("skill"))).unwrap());
    chmod(&home.path(&owner("skill")), 0o600);
    assert!(text(Call::new(&home, "skill", 1).open("")).contains("damaged"));
}

#[test]
fn only_private_files_and_folders_are_used() {
    let (folder, home, bytes) = written();
    let path = home.path(&owner("skill"));
    let refused = || text(Call::new(&home, "skill", 1 << 20).open("")).contains("cannot be used");
    chmod(&path, 0o644);
    assert!(refused());
    chmod(&path, 0o600);
    std::fs::hard_link(&path, folder.path().join("second-name")).unwrap();
    assert!(refused());
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(folder.path().join("second-name"), &path).unwrap();
    assert!(refused());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(refused());
    std::fs::remove_dir(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(refused());
    std::fs::remove_file(&path).unwrap();
    chmod(&folder.path().join("kv"), 0o755);
    assert!(refused());
    chmod(&folder.path().join("kv"), 0o700);
    std::fs::write(&path, bytes).unwrap();
    chmod(&path, 0o600);
    assert_eq!(whole_or_error(&home), Ok(()));
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
