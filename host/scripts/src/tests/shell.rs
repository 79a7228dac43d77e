use super::*;
use proptest::prelude::*;

fn programs(text: &str) -> Vec<String> {
    read(text).programs.into_iter().map(|found| found.what).collect()
}

fn variables(text: &str) -> Vec<String> {
    read(text).variables.into_iter().map(|found| found.what).collect()
}

#[test]
fn programs_stand_where_commands_do() {
    let table: &[(&str, &[&str])] = &[
        ("git log | jq . && curl -s x; echo done", &["git", "jq", "curl"]),
        ("# git\necho 'git' \"jq\" git", &[]),
        ("if git diff --quiet; then node x.js; else python3 y.py; fi", &["git", "node", "python3"]),
        ("x=$(git log)\ny=`jq .`", &["git", "jq"]),
        ("echo \"a $(git rev-parse HEAD) b\"", &["git"]),
        ("LANG=C git log", &["git"]),
        ("cat <<EOF | jq .\ncurl x\nEOF\nnode", &["jq", "node"]),
        ("cat <<-'EOF'\n\tcurl x\n\tEOF\nnode", &["node"]),
        ("tidy() { jq . \"$1\"; }\ntidy a", &["jq"]),
        ("find . -name '*.md' | xargs -0 pandoc -o x", &["pandoc"]),
        ("\"$PROGRAM\" x; ./other.sh; /skill/scripts/x", &[]),
        ("! git x; ( curl y ); { jq z; }", &["git", "curl", "jq"]),
        ("git \\\n log; jq", &["git", "jq"]),
        ("'never closed\ngit", &[]),
        ("n=$((broken + 1)); (( changed++ )); echo \"$((a + $(git x)))\"; jq", &["jq"]),
        ("n=$( (git x) ); echo $(( 1 + 2 )) && jq", &["git", "jq"]),
        ("case $x in a) git y;; esac", &["git"]),
        ("case $x in\n  write) git y ;;\n  # node\n  'a b' | (c) jq ;;\n  *) ;;\nesac; node", &["git", "jq", "node"]),
        (
            "case $x in (esac) git;; b) case $y in c) jq;& d) node;;& esac; curl;; esac\nwc; pandoc",
            &["git", "jq", "node", "curl", "pandoc"],
        ),
        ("case $x in a) git", &["git"]),
        ("case $x in", &[]),
        ("case $x in a) git;; b", &["git"]),
    ];
    for (text, expected) in table {
        assert_eq!(programs(text), *expected, "{text:?}");
    }
}

#[test]
fn variables_are_those_that_come_from_outside() {
    assert_eq!(variables("echo $TITLE ${ZONE:-utc} \"$TOKEN\" '$NOT' $lower $1 $HOME"), ["TITLE", "ZONE", "TOKEN"]);
    assert!(
        variables("OUT=x; echo $OUT; for A in 1; do echo $A; done; read LINE; echo $LINE; export B=1; $B").is_empty()
    );
    assert_eq!(variables("x=\"$(echo $DEEP)\""), ["DEEP"]);
}

#[test]
fn files_are_written_by_redirection_and_by_programs() {
    for (text, writes) in [
        ("echo x > out", Some(1)),
        ("\necho x >> \"$1\"", Some(2)),
        ("git log 2>/dev/null >&2", None),
        ("git log 2>&1", None),
        ("mkdir -p a", Some(1)),
        ("sed -i s/a/b/ x", Some(1)),
        ("sed s/a/b/ x", None),
        ("if [ 1 -gt 0 ]; then :; fi", None),
    ] {
        assert_eq!(read(text).writes, writes, "{text:?}");
    }
    for (text, reads) in [
        ("jq . < in", Some(1)),
        ("cat \"$1\"", Some(1)),
        ("ls", Some(1)),
        ("cat - | wc -c", None),
        ("git log | grep x | head", None),
    ] {
        assert_eq!(read(text).reads, reads, "{text:?}");
    }
    assert_eq!(read("curl https://api.example.org/x").hosts[0].what, "api.example.org");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[gitjq $(){}<>|&;`'\"#\\\\\n=A-Z_-]{0,300}") {
        read(&text);
    }

    #[test]
    fn no_text_does(text in any::<String>()) {
        read(&text);
    }
}
