//! Times and sizes as people write them.

use std::time::Duration;

/// A duration such as `500ms`, `10s`, `2m`, between a millisecond and a day.
///
/// # Errors
/// What is wrong, as a sentence for a person.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "a duration is a number and a unit: 500ms, 10s, 2m".to_owned())?;
    let millis = match &text[digits.len()..] {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" | "min" => number.checked_mul(60_000),
        "" => return Err(format!("`{text}` has no unit: write {text}ms, {text}s or {text}m")),
        unit => return Err(format!("`{unit}` is no unit of time: there are ms, s and m")),
    };
    // A day is longer than anybody waits; beyond it sums of times could overflow.
    match millis {
        Some(millis @ 1..=86_400_000) => Ok(Duration::from_millis(millis)),
        _ => Err("a time limit lies between 1ms and 24 hours (1440m)".to_owned()),
    }
}

/// A size such as `64MiB` in bytes, at most 4 GiB.
///
/// # Errors
/// What is wrong, as a sentence for a person.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "a size is a number and a unit: 64KiB, 10MiB, 1GiB".to_owned())?;
    let shift = match &text[digits.len()..] {
        "" | "B" => 0,
        "KiB" | "K" | "k" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        "KB" | "MB" | "GB" | "kB" => {
            return Err(format!("units are binary here: write {}iB", &text[..text.len() - 1]));
        }
        unit => return Err(format!("`{unit}` is no unit of size: there are B, KiB, MiB and GiB")),
    };
    match number.checked_mul(1 << shift) {
        // A component's memory has 32-bit addresses.
        Some(size @ 1..=0x1_0000_0000) => Ok(size),
        _ => Err("a size limit lies between 1 byte and 4GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("4GiB"), Ok(4 << 30));
        for bad in ["", "s", "10", "10x", "0s", "-1s", "1.5s", "25000m", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "MiB", "10MB", "0", "5GiB", "1TiB", "-1", "99999999999999999999"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
