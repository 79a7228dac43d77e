//! Numbers as JSON writes them, compared by value without loss.

use serde_json::Number;
use std::cmp::Ordering;

/// Numbers with larger exponents are compared as floats where their digits would have to be written out.
const MOST_DIGITS: i64 = 1000;

/// `digits × 10^exponent`, with neither leading nor trailing zeros among the digits; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    pub(super) fn of(number: &Number) -> Decimal {
        Decimal::read(number.as_str())
    }

    fn read(text: &str) -> Decimal {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') { -1 << 40 } else { 1 << 40 });
        exponent = exponent.saturating_sub(fraction.len() as i64);
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        if digits.is_empty() {
            Decimal { negative: false, digits, exponent: 0 }
        } else {
            Decimal { negative, digits, exponent }
        }
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether it is a whole multiple of another number.
    pub(super) fn is_multiple_of(&self, of: &Decimal) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        let shift = self.exponent - of.exponent;
        let (up_self, up_of) = (shift.max(0), (-shift).max(0));
        if up_self.max(up_of) > MOST_DIGITS || of.digits.len() + up_of as usize > 18 {
            return self.float() % of.float() == 0.0;
        }
        let written_out = |digits: &[u8], zeros: i64| -> Vec<u8> {
            digits.iter().copied().chain(std::iter::repeat_n(b'0', zeros as usize)).collect()
        };
        let divisor =
            written_out(&of.digits, up_of).iter().fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let rest = written_out(&self.digits, up_self)
            .iter()
            .fold(0_u128, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % divisor.max(1));
        rest == 0
    }

    fn float(&self) -> f64 {
        let digits: String = self.digits.iter().map(|digit| char::from(*digit)).collect();
        format!("{digits}e{}", self.exponent).parse().unwrap_or(f64::NAN)
    }

    fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        // Where the first digit stands decides, then the digits themselves.
        let top = |number: &Decimal| number.exponent.saturating_add(number.digits.len() as i64);
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => top(self).cmp(&top(other)).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn order_and_multiples() {
        let rising =
            ["-1e400", "-12", "-1.5", "-1", "-0.1", "0", "1e-400", "0.5", "1", "1.5", "9", "10", "1e30", "1e400"];
        for pair in rising.windows(2) {
            assert!(Decimal::read(pair[0]) < Decimal::read(pair[1]), "{pair:?}");
        }
        for (a, b) in [("1", "1.0"), ("100", "1e2"), ("-0", "0"), ("0.10", "1e-1"), ("12.50e1", "125")] {
            assert_eq!(Decimal::read(a), Decimal::read(b));
        }
        let multiple = |a, b| Decimal::read(a).is_multiple_of(&Decimal::read(b));
        assert!(multiple("0.3", "0.1") && multiple("4.35", "0.01") && multiple("-9", "3") && multiple("1e20", "2"));
        assert!(!multiple("0.35", "0.1") && !multiple("7", "2") && !multiple("1", "1e3") && multiple("0", "7"));
        assert!(
            Decimal::read("1e2").is_integer()
                && Decimal::read("1.0").is_integer()
                && !Decimal::read("1e-1").is_integer()
        );
    }
}
