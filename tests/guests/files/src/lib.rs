//! Works with granted folders: through the standard library as programs do, and through WASI itself as attackers do.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "files", generate_all });
}

mod hostile;
mod raw;

use bindings::exports::test::files::work::{Guest, Info};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, UNIX_EPOCH};

struct Files;

/// The kind of an error and its number: texts change with the library.
fn said(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?} ({number})", error.kind()),
        None => format!("{:?}", error.kind()),
    }
}

fn told<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| said(&error))
}

impl Guest for Files {
    fn read(path: String) -> Result<String, String> {
        told(fs::read_to_string(path))
    }

    fn read_part(path: String, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        told((|| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length.into()).read_to_end(&mut bytes)?;
            Ok(bytes)
        })())
    }

    fn read_again(path: String, times: u32) -> Result<u32, String> {
        let mut file = told(File::open(path))?;
        let mut byte = [0];
        for time in 0..times {
            let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut byte));
            if read.is_err() {
                return Ok(time);
            }
        }
        Ok(times)
    }

    fn write(path: String, text: String) -> Result<(), String> {
        told(fs::write(path, text))
    }

    fn write_part(path: String, offset: u64, text: String) -> Result<(), String> {
        told((|| {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })())
    }

    fn append(path: String, text: String) -> Result<(), String> {
        told((|| {
            let mut file = OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(text.as_bytes())
        })())
    }

    fn fill(path: String, mebibytes: u32) -> Result<u32, String> {
        let mut file = told(File::create(path))?;
        let piece = vec![b'x'; 1 << 20];
        for written in 0..mebibytes {
            if file.write_all(&piece).is_err() {
                return Ok(written);
            }
        }
        Ok(mebibytes)
    }

    fn make_many(path: String, count: u32) -> Result<u32, String> {
        for made in 0..count {
            if File::create_new(format!("{path}/{made}")).is_err() {
                return Ok(made);
            }
        }
        Ok(count)
    }

    fn truncate(path: String, size: u64) -> Result<(), String> {
        told(OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(size)))
    }

    fn touch(path: String, modified: u64) -> Result<(), String> {
        let time = UNIX_EPOCH + Duration::from_millis(modified);
        told(OpenOptions::new().write(true).open(path).and_then(|file| file.set_modified(time)))
    }

    fn remove(path: String) -> Result<(), String> {
        told(fs::remove_file(path))
    }

    fn remove_all(path: String) -> Result<(), String> {
        told(fs::remove_dir_all(path))
    }

    fn rename(from: String, to: String) -> Result<(), String> {
        told(fs::rename(from, to))
    }

    fn copy(from: String, to: String) -> Result<u64, String> {
        told(fs::copy(from, to))
    }

    fn mkdir(path: String) -> Result<(), String> {
        told(fs::create_dir(path))
    }

    fn rmdir(path: String) -> Result<(), String> {
        told(fs::remove_dir(path))
    }

    fn list(path: String) -> Result<Vec<String>, String> {
        told((|| {
            let mut names = Vec::new();
            for entry in fs::read_dir(path)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            Ok(names)
        })())
    }

    fn stat(path: String) -> Result<Info, String> {
        let found = told(fs::symlink_metadata(path))?;
        let kind = match found.file_type() {
            kind if kind.is_file() => "file",
            kind if kind.is_dir() => "directory",
            kind if kind.is_symlink() => "link",
            _ => "other",
        };
        let since = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        Ok(Info { kind: kind.to_owned(), size: found.len(), modified })
    }

    fn symlink(target: String, path: String) -> Result<(), String> {
        raw::symlink(&target, &path)
    }

    fn read_link(path: String) -> Result<String, String> {
        told(fs::read_link(path)).map(|target| target.to_string_lossy().into_owned())
    }

    fn folders() -> Vec<String> {
        raw::folders()
    }

    fn identity(path: String) -> Result<String, String> {
        raw::identity(&path)
    }

    fn hostile(kind: String, folder: String) -> String {
        match kind.as_str() {
            "paths" => hostile::paths(&folder),
            "names" => raw::names(&folder),
            "look" => hostile::look(&folder),
            "deep" => raw::deep(&folder),
            "long" => raw::long(&folder),
            "links" => hostile::links(&folder),
            "handles" => raw::handles(&folder),
            "rights" => raw::rights(&folder),
            "numbers" => raw::numbers(&folder),
            "hard-link" => raw::hard_link(&folder),
            other => format!("there is no kind {other}"),
        }
    }
}

bindings::export!(Files with_types_in bindings);
