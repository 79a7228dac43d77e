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
