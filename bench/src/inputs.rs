//! What everybody is given.

use std::fmt::Write as _;

/// The text that is escaped: 64 bytes, a third of them special, none of them white space, because Python escapes that
/// as well.
pub const TEXT: &str = r"price(1.50)*[a-z]+{2}|x\d^$#&~end.0123456789_ABCDEFGHIJKLMNOPQRS";

/// The small document.
pub const DOCUMENT: &str = r#"{"feed":"releases","items":[{"id":1,"title":"first","tags":["new","wasm"],"stars":12},{"id":2,"title":"second","tags":[],"stars":7},{"id":3,"title":"third","tags":["json"],"stars":31}]}"#;

/// The filter for the small document.
pub const FILTER: &str = ".items[] | select(.stars > 10) | {id, title, tags: (.tags | length)}";

/// The document of the first example in the help.
pub const TINY: &str = r#"{"a":[1,2]}"#;

/// The filter of the first example in the help.
pub const TINY_FILTER: &str = ".a[]";

/// [`TINY_FILTER`] in Python, for the document as the first argument.
pub const TINY_PYTHON: &str = "import json,sys
for i in json.loads(sys.argv[1])['a']: print(json.dumps(i))";

/// The filter for the large document.
pub const LARGE_FILTER: &str = "[.[] | select(.active) | .score] | add";

/// [`FILTER`] in Python, for the document as the first argument.
pub const FILTER_PYTHON: &str = "import json,sys
for i in json.loads(sys.argv[1])['items']:
    if i['stars'] > 10: print(json.dumps({'id': i['id'], 'title': i['title'], 'tags': len(i['tags'])}, separators=(',', ':')))";

/// [`LARGE_FILTER`] in Python, for the file that the first argument names.
pub const LARGE_PYTHON: &str = "import json,sys
print(sum(i['score'] for i in json.load(open(sys.argv[1])) if i['active']))";

/// An array of records with about this many bytes.
pub fn large(size: usize) -> String {
    let mut text = String::with_capacity(size + 256);
    text.push('[');
    let mut id = 0_u64;
    while text.len() < size {
        let separator = if id == 0 { "" } else { ",\n" };
        let (active, score) = (id.is_multiple_of(3), id * 7919 % 1000);
        let _ = write!(
            text,
            r#"{separator}{{"id":{id},"name":"record number {id}","active":{active},"score":{score},"tags":["a{score}","b"],"place":{{"x":{}.5,"y":-{score}}}}}"#,
            id % 360,
        );
        id += 1;
    }
    text.push_str("]\n");
    text
}

/// Bytes without a pattern that a copy could profit from.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_text_has_the_size_that_is_claimed() {
        assert_eq!(super::TEXT.len(), 64);
    }
}
