//! Results of a filter as JSON: always valid JSON, which jaq's own writer does not promise.
//!
//! Numbers follow jq: NaN is `null`, an infinity the largest number, and a float without a fraction has no point.

use crate::read::DEPTH;
use jaq_json::{Num, Val};

/// How deep a result may nest: a filter can wrap a document that nests as deep as documents may.
const RESULT_DEPTH: usize = 2 * DEPTH;

/// From here on floats are written with an exponent, as jq does.
const EXPONENT_FROM: f64 = 1e17;

/// A result that cannot be written.
pub(crate) type Refused = &'static str;

/// Writes a value as JSON on one line.
pub(crate) fn json(value: &Val) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    value_to(value, &mut out)?;
    Ok(out)
}

/// Writes a value as JSON on one line behind what is there.
pub(crate) fn value_to(value: &Val, out: &mut Vec<u8>) -> Result<(), Refused> {
    nested(value, out, 0)
}

fn nested(value: &Val, out: &mut Vec<u8>, depth: usize) -> Result<(), Refused> {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(number) => num(number, out),
        Val::TStr(text) | Val::BStr(text) => string(text, out),
        Val::Arr(_) | Val::Obj(_) if depth == RESULT_DEPTH => return Err("the result nests deeper than 1024 levels"),
        Val::Arr(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                nested(item, out, depth + 1)?;
            }
            out.push(b']');
        }
        Val::Obj(fields) => {
            out.push(b'{');
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let Val::TStr(key) = key else { return Err("the key of an object has to be a string") };
                string(key, out);
                out.push(b':');
                nested(value, out, depth + 1)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn num(number: &Num, out: &mut Vec<u8>) {
    match number {
        Num::Int(int) => out.extend_from_slice(itoa::Buffer::new().format(*int).as_bytes()),
        Num::BigInt(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Num::Float(number) => float(*number, out),
        Num::Dec(text) => {
            // As written, unless it comes from a place that writes numbers more freely than JSON (`01.5`, `+1.5`).
            let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
            match digits {
                [b'0', b'.' | b'e' | b'E', ..] | [b'1'..=b'9', ..] => out.extend_from_slice(text.as_bytes()),
                _ => float(text.parse().unwrap_or(f64::NAN), out),
            }
        }
    }
}

fn float(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend_from_slice(b"null");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"1.7976931348623157e+308" } else { b"-1.7976931348623157e+308" });
    } else if number == number.trunc() && number.abs() < EXPONENT_FROM {
        if number.is_sign_negative() {
            out.push(b'-');
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 1e17")]
        let whole = number.abs() as i64;
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
    }
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        let Some(byte) = rest.get(plain) else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x8 => out.extend_from_slice(b"\\b"),
            0xc => out.extend_from_slice(b"\\f"),
            byte => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}
