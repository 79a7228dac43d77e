//! The functions of `wasi:keyvalue`.

use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::disk::Change;
use crate::fault::Fault;
use crate::limits::{MAX_BATCH, MAX_BATCH_BYTES};
use crate::state::{Bucket, KvCtxView, Refusal, bucket_name, check_key, check_value, target, targets};
use wasmtime::component::Resource;

impl KvCtxView<'_> {
    fn name(&self, bucket: &Resource<Bucket>) -> Result<String, Refusal> {
        Ok(self.table.get(bucket)?.name.clone())
    }

    /// Everything of `open` that can be refused.
    async fn enter(&mut self, shown: &str, name: Result<String, Fault>) -> Result<String, Fault> {
        self.ctx.admit("open", shown)?;
        let name = name?;
        if self.ctx.open().await?.has_room_for(&name)? { Ok(name) } else { Err(Fault::Buckets) }
    }
}

impl store::Host for KvCtxView<'_> {
    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Refusal> {
        let name = bucket_name(&identifier);
        let shown = target(name.as_deref().unwrap_or(&identifier), "");
        let done = self.enter(&shown, name).await;
        let name = self.ctx.record("open", &shown, 0, done.map(|name| (name, 0)))?;
        Ok(self.table.push(Bucket::new(name))?)
    }

    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<store::Error> {
        refusal.told()
    }
}

impl store::HostBucket for KvCtxView<'_> {
    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        let bucket = self.name(&bucket)?;
        let value = self.ctx.operate("get", &target(&bucket, &key), 0, |opened, _| {
            check_key(&key)?;
            let value = opened.get(&bucket, &key)?;
            let received = value.as_ref().map_or(0, Vec::len);
            Ok((value, received))
        })?;
        Ok(value)
    }

    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        let bucket = self.name(&bucket)?;
        self.ctx.operate("set", &target(&bucket, &key), key.len() + value.len(), |opened, quota| {
            check_key(&key)?;
            check_value(&value)?;
            opened.change(&bucket, &[(&key, Some(&value))], quota)?;
            Ok(((), 0))
        })?;
        Ok(())
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Refusal> {
        let bucket = self.name(&bucket)?;
        self.ctx.operate("delete", &target(&bucket, &key), 0, |opened, quota| {
            check_key(&key)?;
            opened.change(&bucket, &[(&key, None)], quota)?;
            Ok(((), 0))
        })?;
        Ok(())
    }

    fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Refusal> {
        let bucket = self.name(&bucket)?;
        let found = self.ctx.operate("exists", &target(&bucket, &key), 0, |opened, _| {
            check_key(&key)?;
            Ok((opened.exists(&bucket, &key)?, 0))
        })?;
        Ok(found)
    }

    fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<u64>) -> Result<store::KeyResponse, Refusal> {
        let of = self.table.get(&bucket)?;
        let after = cursor.map(|cursor| of.resume(cursor)).transpose();
        let name = of.name.clone();
        let page = self.ctx.operate("list", &target(&name, ""), 0, |opened, _| {
            let page = opened.keys(&name, after?.as_deref())?;
            let received = page.keys.iter().map(String::len).sum();
            Ok((page, received))
        })?;
        let cursor = match page.keys.last() {
            Some(last) if page.more => {
                let cursor = self.ctx.next_cursor();
                self.table.get_mut(&bucket)?.remember(cursor, last.clone());
                Some(cursor)
            }
            _ => None,
        };
        Ok(store::KeyResponse { keys: page.keys, cursor })
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KvCtxView<'_> {
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Result<u64, Refusal> {
        let bucket = self.name(&bucket)?;
        let sum = self.ctx.operate("increment", &target(&bucket, &key), key.len(), |opened, quota| {
            check_key(&key)?;
            Ok((opened.increment(&bucket, &key, delta, quota)?, size_of::<u64>()))
        })?;
        Ok(sum)
    }
}

impl batch::Host for KvCtxView<'_> {
    fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Refusal> {
        let bucket = self.name(&bucket)?;
        let shown = targets(&bucket, keys.iter().map(String::as_str));
        let values = self.ctx.operate("get-many", &shown, 0, |opened, _| {
            check_batch(keys.len())?;
            let mut received = 0;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                check_key(&key)?;
                let value = opened.get(&bucket, &key)?;
                received += value.as_ref().map_or(0, Vec::len);
                if received > MAX_BATCH_BYTES {
                    return Err(Fault::Answer);
                }
                values.push(value.map(|value| (key, value)));
            }
            Ok((values, received))
        })?;
        Ok(values)
    }

    fn set_many(&mut self, bucket: Resource<Bucket>, entries: Vec<(String, Vec<u8>)>) -> Result<(), Refusal> {
        let bucket = self.name(&bucket)?;
        let shown = targets(&bucket, entries.iter().map(|(key, _)| key.as_str()));
        let sent = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.ctx.operate("set-many", &shown, sent, |opened, quota| {
            check_batch(entries.len())?;
            for (key, value) in &entries {
                check_key(key)?;
                check_value(value)?;
            }
            let changes: Vec<Change<'_>> = entries.iter().map(|(key, value)| (&**key, Some(&**value))).collect();
            opened.change(&bucket, &changes, quota)?;
            Ok(((), 0))
        })?;
        Ok(())
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<(), Refusal> {
        let bucket = self.name(&bucket)?;
        let shown = targets(&bucket, keys.iter().map(String::as_str));
        self.ctx.operate("delete-many", &shown, 0, |opened, quota| {
            check_batch(keys.len())?;
            keys.iter().try_for_each(|key| check_key(key))?;
            let changes: Vec<Change<'_>> = keys.iter().map(|key| (&**key, None)).collect();
            opened.change(&bucket, &changes, quota)?;
            Ok(((), 0))
        })?;
        Ok(())
    }
}

fn check_batch(entries: usize) -> Result<(), Fault> {
    if entries > MAX_BATCH { Err(Fault::Batch(entries)) } else { Ok(()) }
}
