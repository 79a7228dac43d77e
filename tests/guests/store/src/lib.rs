//! Keeps, reads, logs, and tells the time: the small capabilities, one function each.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "store", generate_all });
}

use bindings::vox::skill::logging::{self, Level};
use bindings::wasi::clocks::wall_clock;
use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue::store::{self, Bucket, Error};

struct Store;

fn bucket() -> Result<Bucket, String> {
    store::open("").map_err(text)
}

fn text(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no such store".to_owned(),
        Error::AccessDenied => "access denied".to_owned(),
        Error::Other(text) => text,
    }
}

impl bindings::exports::test::store::api::Guest for Store {
    fn set(key: String, value: String) -> Result<(), String> {
        bucket()?.set(&key, value.as_bytes()).map_err(text)
    }

    fn get(key: String) -> Result<Option<String>, String> {
        let value = bucket()?.get(&key).map_err(text)?;
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn remove(key: String) -> Result<(), String> {
        bucket()?.delete(&key).map_err(text)
    }

    fn keys() -> Result<Vec<String>, String> {
        let bucket = bucket()?;
        let mut keys = Vec::new();
        let mut cursor = None;
        loop {
            let mut page = bucket.list_keys(cursor).map_err(text)?;
            keys.append(&mut page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(keys);
            }
        }
    }

    fn busy(times: u32) -> Result<u32, String> {
        for _ in 0..times {
            let bucket = bucket()?;
            bucket.get("busy").map_err(text)?;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(times)
    }

    fn setting(name: String) -> Result<Option<String>, String> {
        config::get(&name).map_err(|error| match error {
            config::Error::Upstream(text) | config::Error::Io(text) => text,
        })
    }

    fn log(level: String, message: String) {
        let level = match level.as_str() {
            "trace" => Level::Trace,
            "debug" => Level::Debug,
            "warn" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Info,
        };
        logging::write(level, "store", &message);
    }

    fn now() -> u64 {
        let now = wall_clock::now();
        now.seconds * 1000 + u64::from(now.nanoseconds) / 1_000_000
    }

    fn random() -> u64 {
        bindings::wasi::random::random::get_random_u64()
    }
}

bindings::export!(Store with_types_in bindings);
