//! Values that only the host sees.
//!
//! One file for each: replacing one cannot harm another, and no parser copies values through its buffers. The values
//! are not encrypted, because a key that lies beside them would protect nothing; the file's mode does.

use crate::StateError;
use crate::private::{Folder, PATIENCE};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use std::io::Read;
use std::path::{Path, PathBuf};
use vox_model::{BadSecret, BadSecretName, MAX_SECRET, check_secret, check_secret_name};
use zeroize::Zeroizing;

/// Line breaks after a value that are read and dropped, in bytes.
const MAX_TAIL: usize = 64;

/// The lock of the folder, and the name under which a value is written first. No secret has such a name.
const LOCK: &str = ".lock";
const DRAFT: &str = ".new";

/// A secret cannot be kept, read or removed. No message holds any part of a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file or the folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// A name that no secret has.
    #[error(transparent)]
    Name(#[from] BadSecretName),
    /// There is no secret of that name.
    #[error("there is no secret `{0}`; `vox secret set {0}` takes it from standard input")]
    NoSuch(String),
    /// Nothing, or nothing but line breaks.
    #[error("the value for `{0}` is empty: `vox secret set` reads it from standard input")]
    Empty(String),
    /// A value that could never be sent.
    #[error("the value for `{name}` cannot be a secret: {why}")]
    Value {
        /// The secret.
        name: String,
        /// Why.
        why: BadSecret,
    },
    /// The value could not be read from where it comes.
    #[error("the value for `{name}` could not be read: {source}")]
    Input {
        /// The secret.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

/// What may be known of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name.
    pub name: String,
    /// When its value was set.
    pub set: Timestamp,
}

/// The secrets of a person.
#[derive(Clone, Debug)]
pub struct Secrets {
    root: PathBuf,
}

impl Secrets {
    /// The secrets below a folder. Touches nothing: a missing folder means that there are none.
    pub fn new(root: &Path) -> Self {
        Self { root: root.join("secrets") }
    }

    /// Keeps a value, read to its end, without the line breaks behind it. Gives whether it replaced one. When this
    /// returns, it is durable.
    ///
    /// # Errors
    /// The name or the value cannot be taken, or the file cannot be written; then an earlier value is still there.
    pub fn set(&self, name: &str, from: impl Read) -> Result<bool, SecretError> {
        check_secret_name(name)?;
        let value = read_value(name, from)?;
        let folder = self.folder_made()?;
        let _lock = folder.lock(LOCK, PATIENCE)?;
        // What is there and not private must not be replaced in silence: somebody may have read the old value.
        let replaces = folder.open(name, rustix::fs::OFlags::RDONLY)?.is_some();
        folder.replace(DRAFT, name, value.expose_secret().as_bytes())?;
        Ok(replaces)
    }

    /// A value.
    ///
    /// # Errors
    /// There is none, its file is open to others, or it holds what [`Secrets::set`] would not take.
    pub fn get(&self, name: &str) -> Result<SecretString, SecretError> {
        check_secret_name(name)?;
        let no_such = || SecretError::NoSuch(name.to_owned());
        let folder = self.folder()?.ok_or_else(no_such)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET + MAX_TAIL));
        folder.read(name, MAX_SECRET as u64, &mut bytes)?.ok_or_else(no_such)?;
        let value = check_value(name, &bytes)?;
        // Exactly as long as the value: growing would leave copies behind.
        Ok(SecretBox::new(Box::from(value)))
    }

    /// Names and dates, never values, in the order of the names.
    ///
    /// # Errors
    /// The folder or one of the files cannot be looked at, or is open to others.
    pub fn list(&self) -> Result<Vec<SecretInfo>, SecretError> {
        let Some(folder) = self.folder()? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for name in folder.names()?.into_iter().filter(|name| check_secret_name(name).is_ok()) {
            // None: it was removed just now.
            let Some(file) = folder.open(&name, rustix::fs::OFlags::RDONLY)? else { continue };
            let set = file
                .metadata()
                .and_then(|about| about.modified())
                .and_then(|time| Timestamp::try_from(time).map_err(std::io::Error::other))
                .map_err(StateError::io(&folder.at(&name), "looked at"))?;
            all.push(SecretInfo { name, set });
        }
        Ok(all)
    }

    /// Removes a secret, also one whose file is open to others.
    ///
    /// # Errors
    /// There is none, or it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), SecretError> {
        check_secret_name(name)?;
        let no_such = || SecretError::NoSuch(name.to_owned());
        let folder = self.folder()?.ok_or_else(no_such)?;
        let _lock = folder.lock(LOCK, PATIENCE)?;
        folder.remove(DRAFT)?;
        if !folder.remove(name)? {
            return Err(no_such());
        }
        Ok(folder.sync()?)
    }

    fn folder(&self) -> Result<Option<Folder>, SecretError> {
        Ok(Folder::existing(&self.root)?)
    }

    fn folder_made(&self) -> Result<Folder, SecretError> {
        if let Some(root) = self.root.parent() {
            // The ledger's own folder has to be private too: who may write to it may put another one here.
            Folder::made(root)?;
        }
        Ok(Folder::made(&self.root)?)
    }
}

fn read_value(name: &str, from: impl Read) -> Result<SecretString, SecretError> {
    let most = MAX_SECRET + MAX_TAIL;
    // One buffer of the full size, because one that grows leaves copies behind; one byte more tells that it is longer.
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
    let mut from = from;
    let mut length = 0;
    while length < bytes.len() {
        match from.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(SecretError::Input { name: name.to_owned(), source }),
        }
    }
    if length > most {
        return Err(SecretError::Value { name: name.to_owned(), why: BadSecret::Long });
    }
    let end = bytes[..length].iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last + 1);
    let value = check_value(name, &bytes[..end])?;
    Ok(SecretBox::new(Box::from(value)))
}

fn check_value<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, SecretError> {
    if bytes.is_empty() {
        return Err(SecretError::Empty(name.to_owned()));
    }
    let wrong = |why| SecretError::Value { name: name.to_owned(), why };
    check_secret(bytes).map_err(wrong)?;
    // All of it is ASCII.
    std::str::from_utf8(bytes).map_err(|_| wrong(BadSecret::Characters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    struct Place {
        home: tempfile::TempDir,
        secrets: Secrets,
    }

    fn place() -> Place {
        let home = tempfile::tempdir().unwrap();
        Place { secrets: Secrets::new(&home.path().join("state")), home }
    }

    fn value(secrets: &Secrets, name: &str) -> String {
        secrets.get(name).unwrap().expose_secret().to_owned()
    }

    #[test]
    fn values_come_back_without_the_line_breaks_behind_them() {
        let Place { secrets, home } = place();
        assert!(!secrets.set("token", &b"  a text \r\n\n"[..]).unwrap());
        assert_eq!(value(&secrets, "token"), "  a text ");
        assert!(secrets.set("token", &b"another one"[..]).unwrap());
        assert_eq!(value(&secrets, "token"), "another one");
        let folder = home.path().join("state/secrets");
        let modes = ["", "token", ".lock"].map(|name| std::fs::metadata(folder.join(name)).unwrap().mode() & 0o777);
        assert_eq!(modes, [0o700, 0o600, 0o600]);
        assert!(!folder.join(DRAFT).exists());
    }

    #[test]
    fn names_and_dates_are_listed_and_nothing_else() {
        let Place { secrets, home: _home } = place();
        assert!(secrets.list().unwrap().is_empty());
        secrets.set("b", &b"CANARIES"[..]).unwrap();
        secrets.set("a-1", &b"CANARIES"[..]).unwrap();
        let list = secrets.list().unwrap();
        assert_eq!(list.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["a-1", "b"]);
        assert!(list[0].set.duration_since(Timestamp::now()).abs().as_secs() < 60);
        assert!(!format!("{list:?} {secrets:?} {:?}", secrets.get("b").unwrap()).contains("CANARIES"));
        secrets.remove("b").unwrap();
        assert!(matches!(secrets.get("b"), Err(SecretError::NoSuch(_))));
        assert!(matches!(secrets.remove("b"), Err(SecretError::NoSuch(_))));
        assert_eq!(secrets.list().unwrap().len(), 1);
    }

    #[test]
    fn odd_names_are_refused_everywhere() {
        let Place { secrets, home } = place();
        let long = "a".repeat(65);
        for bad in ["", ".", "..", ".lock", ".new", "a/b", "../x", "A", "ä", "a_b", "a b", "a\0", "a\n", &long] {
            assert!(matches!(secrets.set(bad, &b"a secret"[..]), Err(SecretError::Name(_))), "{bad}");
            assert!(matches!(secrets.get(bad), Err(SecretError::Name(_))), "{bad}");
            assert!(matches!(secrets.remove(bad), Err(SecretError::Name(_))), "{bad}");
        }
        assert!(!home.path().join("state").exists());
        secrets.set(&"a".repeat(64), &b"a secret"[..]).unwrap();
    }

    #[test]
    fn values_have_bounds() {
        let Place { secrets, home: _home } = place();
        for bad in [&b""[..], b"\n\r\n"] {
            assert!(matches!(secrets.set("a", bad), Err(SecretError::Empty(_))));
        }
        let most = "x".repeat(MAX_SECRET);
        secrets.set("a", format!("{most}\r\n").as_bytes()).unwrap();
        assert_eq!(value(&secrets, "a"), most);
        let refused = |from: &mut dyn Read| match secrets.set("a", from) {
            Err(SecretError::Value { name, why }) if name == "a" => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&mut format!("{most}y").as_bytes()), BadSecret::Long);
        assert_eq!(refused(&mut std::io::repeat(b'x')), BadSecret::Long);
        assert_eq!(refused(&mut &b"7 bytes\n"[..]), BadSecret::Short);
        for bad in [&b"CANARIES\xff"[..], b"CANARIES\0", b"CANARIES\nCANARIES"] {
            let error = secrets.set("a", bad).unwrap_err();
            assert!(matches!(error, SecretError::Value { why: BadSecret::Characters, .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("CANARIES"));
        }
        assert_eq!(value(&secrets, "a"), most);
    }

    #[test]
    fn a_value_that_others_may_read_is_not_used() {
        let Place { secrets, home } = place();
        secrets.set("a", &b"CANARIES"[..]).unwrap();
        let path = home.path().join("state/secrets/a");
        for bad in [0o644, 0o640, 0o604] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bad)).unwrap();
            let error = secrets.get("a").unwrap_err().to_string();
            assert!(error.contains(&format!("run `chmod 600 {}`", path.display())), "{error}");
            assert!(!error.contains("CANARIES"));
            assert!(secrets.list().is_err());
            assert!(secrets.set("a", &b"a newer one"[..]).is_err());
        }
        secrets.remove("a").unwrap();
    }

    #[test]
    fn what_a_killed_writer_left_goes_away_and_is_never_a_secret() {
        let Place { secrets, home } = place();
        secrets.set("a", &b"an old one"[..]).unwrap();
        let draft = home.path().join("state/secrets/.new");
        std::fs::write(&draft, "half").unwrap();
        assert_eq!(secrets.list().unwrap().len(), 1);
        secrets.set("a", &b"a newer one"[..]).unwrap();
        assert!(!draft.exists());
        std::fs::write(&draft, "half").unwrap();
        secrets.remove("a").unwrap();
        assert!(!draft.exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_text_that_is_taken_comes_back(text in "[ -~]{8,40}") {
            let Place { secrets, home: _home } = place();
            secrets.set("a", text.as_bytes()).unwrap();
            prop_assert_eq!(value(&secrets, "a"), text);
        }
    }
}
