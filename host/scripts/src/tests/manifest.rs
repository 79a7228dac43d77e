use super::*;
use crate::{Entry, Tree, scripts};
use proptest::prelude::*;

fn front(name: &str, description: &str) -> Front {
    Front { name: Some(name.to_owned()), description: Some(description.to_owned()), ..Front::default() }
}

fn of(files: &[(&str, &str)]) -> Vec<Script> {
    let entry = |(path, text): &(&str, &str)| Entry {
        path: (*path).to_owned(),
        executable: false,
        bytes: text.as_bytes().to_vec(),
    };
    scripts(&Tree::of(files.iter().map(entry).collect()))
}

#[test]
fn a_manifest_names_scripts_and_what_they_need() {
    let scripts = of(&[
        ("scripts/a.py", "import os\nopen(x, 'w')\nos.environ['T']"),
        ("scripts/b.sh", "git log | jq ."),
        ("scripts/c.wasm", ""),
    ]);
    let text = manifest(&front("notes", "Keeps notes.\n"), &scripts);
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(table["skill"]["name"].as_str(), Some("notes"));
    assert_eq!(table["skill"]["description"].as_str(), Some("Keeps notes."));
    assert_eq!(table["runtime"]["required"].to_string(), "[\"filesystem-rw\", \"subprocess\"]");
    assert_eq!(table["subprocess"]["programs"].to_string(), "[\"python3\", \"sh\"]");
    let entries = table["script"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1]["required"].to_string(), "[\"subprocess\"]");
    assert!(entries[2].get("interpreter").is_none() && entries[2].get("required").is_none());
    assert!(text.contains("# found by reading: it writes files (line 2)"), "{text}");
    assert!(text.contains("# found by reading: it starts: git (line 1), jq (line 1)"), "{text}");
    assert_eq!(scripts[0].flags(), ["--allow-write DIR", "--allow-subprocess=python3", "--allow-env T"]);
}

#[test]
fn a_skill_of_words_alone_asks_for_nothing() {
    let text = manifest(&front("Ünicode", &"é".repeat(1024)), &[]);
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table.len(), 1, "{text}");
    assert!(table["skill"].get("name").is_none() && text.contains("# its name `Ünicode`"), "{text}");
    assert_eq!(table["skill"]["description"].as_str().map(str::len), Some(2048));
}

proptest! {
    /// Whatever a stranger writes, it stays a value.
    #[test]
    fn no_text_breaks_out_of_its_place(name in any::<String>(), description in any::<String>(), file in "[^/\0]{1,40}") {
        let scripts = of(&[(&format!("scripts/{file}.py"), "import x")]);
        let text = manifest(&front(&name, &description), &scripts);
        let table: toml::Table = text.parse().map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let known = ["skill", "runtime", "subprocess", "limits", "script"];
        prop_assert!(table.keys().all(|key| known.contains(&key.as_str())), "{}", text);
        let path = format!("scripts/{file}.py");
        prop_assert_eq!(table["script"][0]["path"].as_str(), Some(path.as_str()));
    }
}
