//! The language: a table of filters, compared with the program `jq` too where it is installed.

use super::*;

/// Document, filter, outputs. All of these hold for jq 1.6 as well.
const LIKE_JQ: &[(&str, &str, &[&str])] = &[
    (r#"{"a":[1,2]}"#, ".", &[r#"{"a":[1,2]}"#]),
    (r#"{"a":[1,2]}"#, ".a|map(.+1)", &["[2,3]"]),
    (r#"{"a":[1,2]}"#, ".a[]", &["1", "2"]),
    (r#"{"a":{"b":null}}"#, ".a.b, .x, .a[\"b\"], .x.y?", &["null", "null", "null", "null"]),
    ("[1,2,3,4]", ".[1:3], .[-1], .[:1], .[10]", &["[2,3]", "4", "[1]", "null"]),
    (
        "[3,1,2]",
        "sort, add, length, max, min, reverse, first, last",
        &["[1,2,3]", "6", "3", "3", "1", "[2,1,3]", "3", "2"],
    ),
    ("null", "1+2*3-4, 7%3, 6/4, 6/3, -(2), 0.1+0.2", &["3", "1", "1.5", "2", "-2", "0.30000000000000004"]),
    ("null", "[limit(3;range(10))], [range(0;10;4)], [first(range(5;9))]", &["[0,1,2]", "[0,4,8]", "[5]"]),
    (r#"[{"k":1,"v":"a"},{"k":1,"v":"b"},{"k":0,"v":"c"}]"#, "group_by(.k)|map(map(.v))", &[r#"[["c"],["a","b"]]"#]),
    (
        r#"[{"k":2},{"k":1}]"#,
        "sort_by(.k), min_by(.k), unique_by(.k)|tojson",
        &[r#""[{\"k\":1},{\"k\":2}]""#, r#""{\"k\":1}""#, r#""[{\"k\":1},{\"k\":2}]""#],
    ),
    (
        r#"{"b":2,"a":1}"#,
        "keys, to_entries, with_entries(.value+=1), map_values(.*2), del(.a), has(\"a\"), length",
        &[
            r#"["a","b"]"#,
            r#"[{"key":"b","value":2},{"key":"a","value":1}]"#,
            r#"{"b":3,"a":2}"#,
            r#"{"b":4,"a":2}"#,
            r#"{"b":2}"#,
            "true",
            "2",
        ],
    ),
    (r#"[{"name":"x","value":1},{"key":"y","value":2}]"#, "from_entries", &[r#"{"x":1,"y":2}"#]),
    (
        "[1,[2,[3]]]",
        "flatten, flatten(1), [..|numbers], [paths|length]",
        &["[1,2,3]", "[1,2,[3]]", "[1,2,3]", "[1,1,2,2,3]"],
    ),
    (
        r#""a,b, c""#,
        r#"(split(", ")|length), (split(",")|length), ascii_upcase, ltrimstr("a,"), test("B";"i"), sub(",";"-"), gsub(" ?,";";")"#,
        &["2", "3", r#""A,B, C""#, r#""b, c""#, "true", r#""a-b, c""#, r#""a;b; c""#],
    ),
    (
        r#""aXbX""#,
        r#"[match("X";"g").offset], [scan("[ab]")], capture("(?<n>b)"), splits("X")"#,
        &["[1,3]", r#"["a","b"]"#, r#"{"n":"b"}"#, r#""a""#, r#""b""#, r#""""#],
    ),
    (
        r#"{"a":1}"#,
        r#""x\(.a)y", @json, @text, ("<&>"|@html), ("ä b"|@uri), ("hi"|@base64, (@base64|@base64d))"#,
        &[
            r#""x1y""#,
            r#""{\"a\":1}""#,
            r#""{\"a\":1}""#,
            r#""&lt;&amp;&gt;""#,
            r#""%C3%A4%20b""#,
            r#""aGk=""#,
            r#""hi""#,
        ],
    ),
    (r#"[1,"a\"b",null,true]"#, "@csv, @tsv", &[r#""1,\"a\"\"b\",,true""#, r#""1\ta\"b\t\ttrue""#]),
    (r#"["a","b c"]"#, "@sh, join(\"-\")", &[r#""'a' 'b c'""#, r#""a-b c""#]),
    (r#"[1,null,"a",true]"#, "join(\",\")", &[r#""1,,a,true""#]),
    ("[1,2]", "reduce .[] as $x (0; .+$x), [foreach .[] as $x (0; .+$x; [$x,.])]", &["3", "[[1,1],[2,3]]"]),
    ("5", "def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; fac", &["120"]),
    ("3", "def f(g): g*2; f(.+1), def map(f): 9; map(1)", &["8", "9"]),
    ("[1]", "def map(f): \"mine\"; map(.)", &[r#""mine""#]),
    ("[[1,2],[3]]", ". as [[$a,$b],[$c]] | {$a,b:$b,(\"c\"):$c}", &[r#"{"a":1,"b":2,"c":3}"#]),
    (
        "[1,null]",
        "map(. // 7), (.[1] // \"d\"), (try error(\"x\") catch .), [.[]|select(.)]",
        &["[1,7]", r#""d""#, r#""x""#, "[1]"],
    ),
    (
        r#"{"a":{"b":1}}"#,
        r#".a.b |= .+1, .a.b = 5, .c += 3, setpath(["a","b"];0), getpath(["a","b"]), [paths]"#,
        &[
            r#"{"a":{"b":2}}"#,
            r#"{"a":{"b":5}}"#,
            r#"{"a":{"b":1},"c":3}"#,
            r#"{"a":{"b":0}}"#,
            "1",
            r#"[["a"],["a","b"]]"#,
        ],
    ),
    (
        "[1,2,3]",
        "any(.>2), all(.>0), (index(2)), contains([1]), inside([1,2,3,4]), (.[1:]|tojson)",
        &["true", "true", "1", "true", "true", r#""[2,3]""#],
    ),
    (
        "[1,[2]]",
        "walk(if type==\"number\" then .+1 else . end), (map(type)|add), (tojson|fromjson)",
        &["[2,[3]]", r#""numberarray""#, "[1,[2]]"],
    ),
    (
        "null",
        r#"[.[]?], ("1 2"|split(" ")|map(tonumber)), ("abc"|explode|implode), ([1,1,2]|unique)"#,
        &["[]", "[1,2]", r#""abc""#, "[1,2]"],
    ),
    ("null", "label $out | 1, break $out, 2", &["1"]),
    ("[[1,2],[3,4]]", "transpose, [combinations]|length", &["2", "4"]),
    ("1 \"a\" [2]\n", "., 0", &["1", "0", r#""a""#, "0", "[2]", "0"]),
    ("", ".", &[]),
    ("\"\\u00e9\\ud83d\\ude00\\n/\\u0001\"", ".", &["\"é😀\\n/\\u0001\""]),
    (
        "null",
        "nan, infinite, -infinite, ([nan]|sort), (1/3)",
        &["null", "1.7976931348623157e+308", "-1.7976931348623157e+308", "[null]", "0.3333333333333333"],
    ),
    (
        "1425599621",
        "todate, gmtime, (gmtime|mktime), (todate|fromdate), strftime(\"%Y-%m-%d\")",
        &[r#""2015-03-05T23:53:41Z""#, "[2015,2,5,23,53,41,4,63]", "1425599621", "1425599621", r#""2015-03-05""#],
    ),
    (r#"{"a":[1,{"b":2}]}"#, "([leaf_paths]|length), ([tostream]|length)", &["2", "5"]),
    (
        r#"{"a":[1,{"b":2}]}"#,
        "fromstream(tostream), [1|truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])]",
        &[r#"{"a":[1,{"b":2}]}"#, "[[[0],2],[[0]]]"],
    ),
    (
        "\"x\"",
        "ascii_downcase, length, utf8bytelength, ([.,.]|add), (.*3), tojson, tostring, ([65]|implode)",
        &[r#""x""#, "1", "1", r#""xx""#, r#""xxx""#, r#""\"x\"""#, r#""x""#, r#""A""#],
    ),
];

#[test]
fn filters_give_what_jq_gives() {
    for (document, filter, expected) in LIKE_JQ {
        assert_eq!(outputs(document, filter), *expected, "{filter} on {document}");
    }
}

#[test]
fn the_program_jq_agrees() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    for (document, filter, expected) in LIKE_JQ {
        let jq = Command::new("jq")
            .args(["-c", filter])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut jq) = jq else { return };
        let _ = jq.stdin.take().expect("a pipe").write_all(document.as_bytes());
        let output = jq.wait_with_output().expect("jq runs");
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(outputs(document, filter).join("\n"), text.trim_end(), "{filter} on {document}");
        } else {
            panic!("jq refuses {filter}, which should give {expected:?}");
        }
    }
}

#[test]
fn numbers_keep_their_digits() {
    let table = [
        ("12345678901234567890123", ".", "12345678901234567890123"),
        ("1.10", ".", "1.10"),
        ("1E5", ".", "1E5"),
        ("-0", ".", "-0"),
        ("4294967296", ".+1", "4294967297"),
        ("9007199254740993", ".", "9007199254740993"),
        ("1e1000", ". * 1", "1.7976931348623157e+308"),
        ("\"01.5\"", "try tonumber catch \"no\"", "\"no\""),
        ("null", "3.0, 1e17, 1e-7|tojson", "\"3.0\""),
    ];
    for (document, filter, expected) in table {
        assert_eq!(outputs(document, filter)[0], expected, "{filter} on {document}");
    }
}

#[test]
fn extract_leaves_quotes_out() {
    assert_eq!(extract(r#"["a\nb",{"c":"d"},1]"#, ".[]").expect("runs"), "a\nb\n{\"c\":\"d\"}\n1\n");
    assert_eq!(query(r#"["a"]"#, ".[]").expect("runs"), "\"a\"\n");
}

#[test]
fn errors_of_a_filter() {
    let failed = |document: &str, filter: &str| match query(document, filter) {
        Err(Error::Failed(message)) => message,
        other => panic!("{filter} gives {other:?}"),
    };
    assert_eq!(failed("null", "error(\"my\")"), "my");
    assert_eq!(failed("null", "error({a:1})"), r#"{"a":1}"#);
    assert!(failed("1", ".a").contains("cannot index 1"));
    assert!(failed("{}", ". + 1").contains("cannot calculate"));
    assert!(failed("null", "{(1|tojson|tonumber): 2}").contains("key"));
    assert!(failed("\"{\"", "fromjson").contains("ends inside an object"));
    assert!(failed("null", "halt_error").contains("null"));
    assert_eq!(outputs("1 2", "., halt"), ["1"]);
    assert_eq!(outputs("[1]", ".[] | debug | stderr"), ["1"]);
}

#[test]
fn faults_of_a_filter_have_a_place() {
    let invalid = |filter: &str| match query("null", filter) {
        Err(Error::InvalidFilter(complaint)) => placed(complaint),
        other => panic!("{filter} gives {other:?}"),
    };
    assert_eq!(invalid(".a | nope(1)"), (Some((5, 1, 6)), "unknown function `nope/1`".into()));
    assert_eq!(invalid("map(.;.)"), (Some((0, 1, 1)), "unknown function `map/2`".into()));
    assert_eq!(invalid("\"ä\" |\n  $x"), (Some((9, 2, 3)), "unknown variable `$x`".into()));
    assert_eq!(invalid(".a |"), (Some((4, 1, 5)), "expected term, the filter ends".into()));
    assert_eq!(invalid("(.a"), (Some((3, 1, 4)), "expected closing parenthesis, the filter ends".into()));
    assert_eq!(invalid(".a ]"), (Some((3, 1, 4)), "expected token, found `]`".into()));
    assert_eq!(invalid("if . then 1").0, Some((11, 1, 12)));
    assert_eq!(invalid("\"\\q\"").0, Some((2, 1, 3)));
    assert!(invalid("import \"a\" as a; .").1.contains("modules"));
    for gone in ["now", "env", "$ENV", "input", "inputs", "localtime", "input_filename"] {
        assert!(invalid(gone).1.starts_with("unknown"), "{gone}");
    }
}

#[test]
fn every_function_of_the_library_compiles_on_its_own() {
    // A selection that misses something would show here as an unknown function.
    for (name, arity) in crate::library::signatures() {
        let arguments = vec![".a"; arity].join(";");
        let filter = if arity == 0 { name.to_owned() } else { format!("{name}({arguments})") };
        assert!(crate::query::compile(&filter).is_ok(), "{filter}");
    }
}
