//! What a guest learns of a file, and the times that it sets.

use super::bindings::wasi::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
};
use crate::tree::{Kind, Stat};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

/// Nanoseconds between two times that a guest can tell apart. A file system stamps in nanoseconds; handing them on would
/// give every guest that may write a clock fine enough to time its neighbours with.
const TIME_STEP: u32 = 1_000_000;

/// The type of a file.
pub(super) fn kind(kind: Kind) -> DescriptorType {
    match kind {
        Kind::File => DescriptorType::RegularFile,
        Kind::Directory => DescriptorType::Directory,
        Kind::Link => DescriptorType::SymbolicLink,
    }
}

/// The attributes of a file. The number of links is always one, because there are no hard links here; times of access and
/// of changes to attributes are not kept; a directory has no size.
pub(super) fn stat(stat: &Stat) -> DescriptorStat {
    let size = match stat.kind {
        Kind::File | Kind::Link => stat.size,
        Kind::Directory => 0,
    };
    DescriptorStat {
        type_: kind(stat.kind),
        link_count: 1,
        size,
        data_access_timestamp: None,
        data_modification_timestamp: stat.modified.and_then(datetime),
        status_change_timestamp: None,
    }
}

/// A time as guests see it; none before 1970, which `wasi:clocks` cannot say.
fn datetime(time: SystemTime) -> Option<Datetime> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let nanoseconds = since.subsec_nanos() - since.subsec_nanos() % TIME_STEP;
    Some(Datetime { seconds: since.as_secs(), nanoseconds })
}

/// The time that a guest wants to set; none to leave it as it is.
pub(super) fn time(wanted: NewTimestamp) -> Result<Option<SystemTime>, ErrorCode> {
    match wanted {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SystemTime::now())),
        // More nanoseconds than a second has would carry over, or panic at the very end of time.
        NewTimestamp::Timestamp(at) if at.nanoseconds >= 1_000_000_000 => Err(ErrorCode::Invalid),
        NewTimestamp::Timestamp(at) => {
            let since = Duration::new(at.seconds, at.nanoseconds);
            UNIX_EPOCH.checked_add(since).map(Some).ok_or(ErrorCode::Overflow)
        }
    }
}

/// Keys the hashes of one call, so that a guest can compare files within its call, and nobody can compare calls.
/// Drawn when the first file is asked for: most calls never do.
#[derive(Default)]
pub(super) struct HashKey(Option<[u8; blake3::KEY_LEN]>);

impl HashKey {
    fn drawn(&mut self) -> Result<[u8; blake3::KEY_LEN], ErrorCode> {
        if let Some(key) = self.0 {
            return Ok(key);
        }
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(|_| ErrorCode::Io)?;
        Ok(*self.0.insert(key))
    }

    /// The hash of a file in the folder of that number. It changes with the file's identity, size and time.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(super) fn hash(&mut self, folder: u32, stat: &Stat) -> Result<MetadataHashValue, ErrorCode> {
        let kind: u8 = match stat.kind {
            Kind::File => 0,
            Kind::Directory => 1,
            Kind::Link => 2,
        };
        // Each part has a fixed length, or comes last: two files never give the same input.
        let mut hasher = blake3::Hasher::new_keyed(&self.drawn()?);
        hasher.update(&[kind]);
        hasher.update(&folder.to_le_bytes());
        hasher.update(&stat.id.to_le_bytes());
        hasher.update(&stat.size.to_le_bytes());
        if let Some(since) = stat.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()) {
            hasher.update(&since.as_nanos().to_le_bytes());
        }
        let mut words = [[0; 8]; 2];
        let mut output = hasher.finalize_xof();
        words.iter_mut().for_each(|word| output.fill(word));
        let [lower, upper] = words.map(u64::from_le_bytes);
        Ok(MetadataHashValue { lower, upper })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64, nanoseconds: u32) -> NewTimestamp {
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds })
    }

    fn file(id: u64, size: u64, modified: Option<SystemTime>) -> Stat {
        Stat { kind: Kind::File, size, modified, id }
    }

    #[test]
    fn times_are_told_in_steps() {
        let modified = UNIX_EPOCH + Duration::new(7, 123_456_789);
        let told = stat(&file(1, 0, Some(modified))).data_modification_timestamp;
        assert_eq!(told.map(|time| (time.seconds, time.nanoseconds)), Some((7, 123_000_000)));
    }

    #[test]
    fn a_time_before_1970_is_not_told() {
        let told = stat(&file(1, 0, UNIX_EPOCH.checked_sub(Duration::from_secs(1))));
        assert!(told.data_modification_timestamp.is_none());
    }

    #[test]
    fn a_directory_tells_nothing_of_the_host() {
        let told = stat(&Stat { kind: Kind::Directory, size: 4096, modified: None, id: 9 });
        assert_eq!((told.size, told.link_count), (0, 1));
        assert!(told.data_access_timestamp.is_none() && told.status_change_timestamp.is_none());
    }

    #[test]
    fn impossible_times_are_refused() {
        assert_eq!(time(at(0, 1_000_000_000)), Err(ErrorCode::Invalid));
        assert_eq!(time(at(u64::MAX, u32::MAX)), Err(ErrorCode::Invalid));
        assert_eq!(time(at(u64::MAX, 0)), Err(ErrorCode::Overflow));
        assert_eq!(time(NewTimestamp::NoChange), Ok(None));
    }

    proptest! {
        /// Whatever a guest asks for, it gets a time or an error.
        #[test]
        fn no_time_panics(seconds: u64, nanoseconds: u32) {
            let _ = time(at(seconds, nanoseconds));
        }

        /// A time that was set is told again, up to the step.
        #[test]
        fn times_come_back(seconds in 0..1u64 << 33, nanoseconds in 0..1_000_000_000u32) {
            let set = time(at(seconds, nanoseconds)).unwrap();
            let told = stat(&file(1, 0, set)).data_modification_timestamp.unwrap();
            prop_assert_eq!((told.seconds, told.nanoseconds), (seconds, nanoseconds / TIME_STEP * TIME_STEP));
        }
    }

    #[test]
    fn hashes_change_with_what_they_are_of() {
        let mut key = HashKey::default();
        let mut hash = |folder: u32, stat: Stat| {
            let hash = key.hash(folder, &stat).unwrap();
            (hash.lower, hash.upper)
        };
        let time = Some(UNIX_EPOCH + Duration::from_nanos(1));
        let all = [
            hash(0, file(1, 0, None)),
            hash(1, file(1, 0, None)),
            hash(0, file(2, 0, None)),
            hash(0, file(1, 1, None)),
            hash(0, file(1, 0, time)),
            hash(0, Stat { kind: Kind::Link, ..file(1, 0, None) }),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
        assert_eq!(all[0], hash(0, file(1, 0, None)));
        // Another call has another key.
        let other = HashKey::default().hash(0, &file(1, 0, None)).unwrap();
        assert_ne!(all[0], (other.lower, other.upper));
    }
}
