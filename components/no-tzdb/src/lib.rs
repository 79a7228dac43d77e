//! The part of `jiff-tzdb-platform` that jiff uses, without time zones.

#![no_std]

/// What jiff expects to find re-exported here.
pub mod jiff_tzdb {
    /// No release of the database is inside.
    pub static VERSION: Option<&str> = None;

    /// The names of all zones.
    pub type TimeZoneNameIter = core::iter::Empty<&'static str>;

    /// The zone of a name: none.
    pub fn get(_name: &str) -> Option<(&'static str, &'static [u8])> {
        None
    }

    /// The names of all zones: none.
    pub fn available() -> TimeZoneNameIter {
        core::iter::empty()
    }
}
