use super::*;

fn folder(host: &str, guest: &str, access: Access) -> FolderGrant {
    FolderGrant { host: host.into(), guest: guest.to_owned(), access }
}

fn grant(folders: &[(&str, &str, Access)]) -> Result<Grant, GrantError> {
    let mut grant = Grant::default();
    for (host, guest, access) in folders {
        grant.add(folder(host, guest, *access))?;
    }
    Ok(grant)
}

use Access::{Read, Write, WriteThrough};

#[test]
fn flags_are_read() {
    let temp = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(temp.path()).unwrap();
    std::fs::create_dir_all(root.join("docs/sub")).unwrap();
    std::fs::write(root.join("file"), "").unwrap();
    std::os::unix::fs::symlink("docs", root.join("link")).unwrap();
    let parse = |text: &str| FolderGrant::parse(text, Read, &root);
    for (text, host, guest) in [
        ("docs", "docs", "docs"),
        ("./docs/", "docs", "docs"),
        (".", "", "."),
        ("docs::.", "docs", "."),
        ("docs::/data", "docs", "/data"),
        ("docs/sub::a/b", "docs/sub", "a/b"),
        ("docs/..::here", "", "here"),
        ("link", "docs", "link"),
    ] {
        let host = if host.is_empty() { root.clone() } else { root.join(host) };
        assert_eq!(parse(text).unwrap(), FolderGrant { host, guest: guest.to_owned(), access: Read }, "{text}");
    }
    let absolute = root.join("docs").display().to_string();
    assert_eq!(parse(&absolute).unwrap().guest, absolute);
    for (text, part) in [
        ("", "DIR::GUEST"),
        ("::docs", "DIR::GUEST"),
        ("docs::", "DIR::GUEST"),
        ("missing", "cannot be granted: it is not there; make it with `mkdir -p missing`"),
        ("file", "no folder"),
        ("docs/..", "DIR::GUEST"),
        ("docs::..", "`..`"),
        ("docs::a/../b", "`..`"),
        ("docs::a\nb", "control"),
        ("docs::a::b", "`::`"),
        ("/", "everything"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn folders_that_clash_or_overlap_are_refused() {
    for folders in [
        [("/a", "x", Read), ("/b", "x", Read)],
        [("/a", "x", Read), ("/b", "./x/", Read)],
        [("/a", "x", Write), ("/a", "y", Write)],
        [("/a", "x", Write), ("/a/b", "y", Write)],
        [("/a/b", "x", WriteThrough), ("/a", "y", Write)],
    ] {
        assert!(grant(&folders).is_err(), "{folders:?}");
    }
    for folders in [
        [("/a", "x", Read), ("/a", "y", Read)],
        [("/a", "x", Read), ("/a/out", "out", Write)],
        [("/a/b", "x", Write), ("/a/bc", "y", Write)],
        [("/a", ".", Read), ("/b", "/", Write)],
    ] {
        assert_eq!(grant(&folders).unwrap().folders.len(), 2, "{folders:?}");
    }
    for stored in ["relative", "/a/../b", "/"] {
        assert!(folder(stored, "x", Read).check().is_err(), "{stored}");
    }
}

#[test]
fn merging_keeps_the_wider_access_and_all_or_nothing() {
    let mut one = grant(&[("/a", "a", Read), ("/b", "b", Write)]).unwrap();
    one.add_all(grant(&[("/a", "a", Write), ("/b", "b", Read), ("/c", "c", Read)]).unwrap()).unwrap();
    assert_eq!(one.folders, [folder("/a", "a", Write), folder("/b", "b", Write), folder("/c", "c", Read)]);
    let before = one.clone();
    assert!(one.add_all(grant(&[("/d", "d", Read), ("/e", "a", Read)]).unwrap()).is_err());
    assert_eq!(one, before);
}

#[test]
fn grants_say_what_they_are() {
    let grant = grant(&[("/a", "a", Read), ("/b", "/b", Write), ("/c", "c", WriteThrough)]).unwrap();
    assert_eq!(
        grant.describe(),
        [
            "read /a, seen as `a`",
            "read and write (writes wait for approval) /b, seen as `/b`",
            "read and write AT ONCE, without approval /c, seen as `c`",
        ]
    );
    let flags: Vec<String> = grant.folders.iter().map(FolderGrant::flag).collect();
    assert_eq!(flags, ["--allow-read /a::a", "--allow-write /b", "--allow-write-through /c::c"]);
    assert_eq!(Grant::default().capabilities().len(), 0);
    assert_eq!(tests::grant(&[("/a", "a", Read)]).unwrap().capabilities(), [Capability::FilesystemRo].into());
    assert_eq!(grant.capabilities(), [Capability::FilesystemRo, Capability::FilesystemRw].into());
    let json = serde_json::to_string(&grant).unwrap();
    assert_eq!(serde_json::from_str::<Grant>(&json).unwrap(), grant);
    assert!(serde_json::from_str::<Grant>(r#"{"folders":[],"more":1}"#).is_err());
}

#[test]
fn requests_are_read_and_what_is_missing_is_named() {
    let request: Request = toml::from_str(
        r#"
        read = ["docs", { path = "./data/", reason = "the figures" }]
        write = ["out"]
        "#,
    )
    .unwrap();
    assert_eq!(request.read[1].path().as_str(), "data");
    assert_eq!(request.read[1].reason(), Some("the figures"));
    assert_eq!((request.read[0].path().as_str(), request.read[0].reason()), ("docs", None));
    let missing = |folders: &[(&str, &str, Access)]| grant(folders).unwrap().missing(&request);
    assert_eq!(missing(&[]), ["--allow-write out", "--allow-read docs", "--allow-read data"]);
    assert_eq!(missing(&[("/a", "docs", Read), ("/b", "out", Read)]), ["--allow-write out", "--allow-read data"]);
    assert_eq!(missing(&[("/a", ".", Read), ("/b", "out", Write)]), [""; 0]);
    assert_eq!(missing(&[("/a", ".", WriteThrough)]), [""; 0]);
    assert_eq!(missing(&[("/a", "/", WriteThrough)]).len(), 3);
    assert_eq!(missing(&[("/a", "doc", Read), ("/b", "out/x", Write), ("/c", "data/sub", Read)]).len(), 3);
    let both: Request = toml::from_str(
        r#"read = ["out"]
        write = ["out"]"#,
    )
    .unwrap();
    assert_eq!(Grant::default().missing(&both), ["--allow-write out"]);
    for (bad, part) in [
        (r#"reads = ["docs"]"#, "unknown field `reads`"),
        (r#"read = ["../docs"]"#, "`..`"),
        (r#"read = [{ path = "docs", reason = "x", mode = "rw" }]"#, "unknown field `mode`"),
        (r#"read = [{ path = "docs" }]"#, "reason"),
        (r#"read = [7]"#, "a path such as"),
        (r#"read = [""]"#, "empty"),
    ] {
        let error = toml::from_str::<Request>(bad).unwrap_err().to_string();
        assert!(error.contains(part), "{bad}: {error}");
    }
}

#[test]
fn requests_have_a_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Request)).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let wanted = &schema["$defs"]["Wanted"]["anyOf"];
    assert_eq!(wanted.as_array().unwrap().len(), 2, "{schema:#}");
}

/// What merging leaves of a grant, as host, path and access.
fn merged(one: &[(&str, &str, Access)], other: &[(&str, &str, Access)]) -> Vec<FolderGrant> {
    let mut merged = grant(one).unwrap();
    merged.merge(&grant(other).unwrap());
    assert!(merged.check().is_ok(), "{merged:?}");
    merged.folders
}

#[test]
fn what_was_said_later_counts_where_both_cannot_stand() {
    let one = |host, guest, access| vec![folder(host, guest, access)];
    // The wider access stays, whichever came first.
    assert_eq!(merged(&[("/a", "a", Read)], &[("/a", "a", WriteThrough)]), one("/a", "a", WriteThrough));
    assert_eq!(merged(&[("/a", "a", Write)], &[("/a", "a", Read)]), one("/a", "a", Write));
    // One path for two folders, however it is written.
    assert_eq!(merged(&[("/a", "x", Read)], &[("/b", "x", Read)]), one("/b", "x", Read));
    assert_eq!(merged(&[("/a", "x", Read)], &[("/b", "./x/", Read)]), one("/b", "./x/", Read));
    // One file in two writable folders.
    assert_eq!(merged(&[("/a", "a", Write)], &[("/a/b", "b", Write)]), one("/a/b", "b", Write));
    assert_eq!(merged(&[("/a/b", "b", Write)], &[("/a", "a", Write)]), one("/a", "a", Write));
    // What is in nobody's way stays, before and after.
    let expected = [folder("/c", "c", Write), folder("/b", "x", Read), folder("/d", "d", Read)];
    assert_eq!(merged(&[("/a", "x", Read), ("/c", "c", Write)], &[("/b", "x", Read), ("/d", "d", Read)]), expected);
    let expected = [folder("/a", "a", Read), folder("/a/b", "b", Write)];
    assert_eq!(merged(&[("/a", "a", Read)], &[("/a/b", "b", Write)]), expected);
}

#[test]
fn a_denial_takes_what_is_inside_and_around() {
    let left = |denied: &str| -> Vec<String> {
        let mut left =
            grant(&[("/a", "a", Read), ("/a/b/c", "c", Read), ("/a/bc", "bc", Write), ("/d", "d", Read)]).unwrap();
        left.subtract(&grant(&[(denied, "other", Read)]).unwrap());
        left.folders.iter().map(|folder| folder.host.display().to_string()).collect()
    };
    assert_eq!(left("/a/b"), ["/a/bc", "/d"]);
    assert_eq!(left("/a/b/c"), ["/a/bc", "/d"]);
    assert_eq!(left("/a/bc/x"), ["/a/b/c", "/d"]);
    assert_eq!(left("/a"), ["/d"]);
    assert_eq!(left("/d/e"), ["/a", "/a/b/c", "/a/bc"]);
    assert_eq!(left("/e"), ["/a", "/a/b/c", "/a/bc", "/d"]);
    let mut all = grant(&[("/a", "a", Read)]).unwrap();
    all.subtract(&Grant::default());
    assert_eq!(all.folders.len(), 1);
}

#[test]
fn only_the_same_folder_under_the_same_path_with_as_much_access_is_known() {
    let known = grant(&[("/a", "a", Write), ("/b", "b", Read)]).unwrap();
    let new =
        |host: &str, guest: &str, access| !grant(&[(host, guest, access)]).unwrap().without(&known).folders.is_empty();
    for (host, guest, access) in [("/a", "a", Read), ("/a", "a", Write), ("/b", "b", Read)] {
        assert!(!new(host, guest, access), "{host} {guest} {access:?}");
    }
    for (host, guest, access) in [
        ("/a", "a", WriteThrough),
        ("/b", "b", Write),
        ("/a", "x", Read),
        ("/x", "a", Read),
        ("/a/in", "a", Read),
        ("/a", "b", Read),
    ] {
        assert!(new(host, guest, access), "{host} {guest} {access:?}");
    }
}

#[test]
fn stored_grants_are_checked_like_given_ones() {
    for guest in ["..", "", "a/../b", "a\0"] {
        assert!(folder("/a", guest, Read).check().is_err(), "{guest:?}");
    }
    for host in ["a", "./a", "", "/a/../b", "/a/..", ".."] {
        let error = folder(host, "x", Read).check().unwrap_err();
        assert!(error.to_string().contains("not an absolute path without `..`"), "{host:?}: {error}");
    }
    assert_eq!(folder("/", "x", Read).check(), Err(GrantError::Everything));
    assert!(folder("/a", &"x".repeat(4095), Read).check().is_ok());
    assert!(folder("/a", &"x".repeat(4096), Read).check().is_err());
    // Reading overlaps with anything, whichever is named first.
    assert!(grant(&[("/a", "x", Write), ("/a/in", "y", Read)]).is_ok());
    let overlapping = Grant { folders: vec![folder("/a", "x", Write), folder("/a/in", "y", Write)] };
    assert!(overlapping.check().is_err());
    let clashing = Grant { folders: vec![folder("/a", "x", Read), folder("/b", "x", Read)] };
    assert!(clashing.check().is_err());
}

#[test]
fn what_is_asked_for_twice_is_missing_once() {
    let twice: Request = toml::from_str(r#"read = ["docs", "./docs/"]"#).unwrap();
    assert_eq!(Grant::default().missing(&twice), ["--allow-read docs"]);
    // A folder to be written that is granted for reading only is still to come, and brings what is below it.
    let below: Request = toml::from_str("read = [\"out/sub\"]\nwrite = [\"out\"]").unwrap();
    assert_eq!(Grant::default().missing(&below), ["--allow-write out"]);
    assert_eq!(grant(&[("/a", "out", Write)]).unwrap().missing(&below), [""; 0]);
    let above: Request = toml::from_str("read = [\"out\"]\nwrite = [\"out/sub\"]").unwrap();
    assert_eq!(Grant::default().missing(&above), ["--allow-write out/sub", "--allow-read out"]);
}
